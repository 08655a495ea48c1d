"""What schemathesis is let loose on: parameters of every sort, and tasks that end in every way."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from accepted import Artifact, Fail, Job, Jobs, UploadFile

jobs = Jobs()


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


def _no_bool(value: Any) -> Any:
    """Pydantic takes `false` for 0; its schema does not say so."""
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


def _no_number(value: Any) -> Any:
    """And a number for a time, as seconds since the epoch."""
    if isinstance(value, int | float):
        raise ValueError("expected a text")
    return value


NO_BOOL, NO_NUMBER = BeforeValidator(_no_bool), BeforeValidator(_no_number)


class Circle(BaseModel):
    shape: Literal["circle"]
    radius: Annotated[float, Field(gt=0, lt=1e6), NO_BOOL]


class Square(BaseModel):
    shape: Literal["square"]
    side: Annotated[float, Field(gt=0, lt=1e6), NO_BOOL]


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=20)]
    amount: Annotated[float, Field(ge=0, le=1000), NO_BOOL]
    tags: Annotated[list[str], Field(max_length=3)] = []
    figure: Annotated[Circle | Square, Field(discriminator="shape")] | None = None
    parts: Annotated[list[Item], Field(max_length=2)] = []


@jobs.task
async def add(a: Annotated[int, NO_BOOL], b: Annotated[int, NO_BOOL] = 1) -> int:
    """Adds two numbers."""
    return a + b


@jobs.task
async def rich(
    item: Item,
    when: Annotated[datetime, NO_NUMBER] | None = None,
    ref: UUID | None = None,
    size: Size = Size.SMALL,
    counts: Annotated[dict[str, Annotated[int, Field(ge=0, le=100), NO_BOOL]], Field(max_length=3)] = {},  # noqa: B006  as everybody writes it
    code: Annotated[str, Field(pattern=r"^[A-Z]{2,4}$")] = "AB",
) -> Item:
    """A parameter of every sort."""
    return item


@jobs.task
async def anything(value: Any = None) -> Any:
    return value


@jobs.task(retries=1, backoff=0.01)
async def fails(message: str = "") -> None:
    """Fails, twice."""
    raise Fail(message or "no luck", code="no-luck")


@jobs.task
async def writes(text: str = "", name: str = "a.txt", *, job: Job) -> Artifact:
    """Its result is a file."""
    return await job.attach("a.txt", text.encode("utf-8", "replace"))


@jobs.task
async def measure(
    file: UploadFile,
    more: Annotated[list[UploadFile], Field(max_length=3)] = [],  # noqa: B006
    label: Literal["plain", "fancy"] = "plain",
) -> int:
    """Takes files."""
    return file.size_bytes + sum(one.size_bytes for one in more)


@jobs.task(per_owner=2)
async def limited(n: Annotated[int, Field(ge=0, le=10), NO_BOOL] = 0, *, job: Job) -> int:
    """Under limits."""
    await job.progress(50, "half")
    return n
