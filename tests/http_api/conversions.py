# ruff: noqa: B006, B008  written as people write FastAPI applications
"""Five small applications with a blocking endpoint each, as they were before anybody thought of jobs.

`endpoint` is a decorator: none (`as_it_was`), or `jobs.endpoint(…)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, FastAPI, File, Form, Header, HTTPException, Path, Query, UploadFile
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException as StarletteError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Decorator = Callable[..., Any]


def as_it_was(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


class Depth(StrEnum):
    SHALLOW = "shallow"
    DEEP = "deep"


class AuditRequest(BaseModel):
    repo_url: str = Field(alias="repoUrl", min_length=3)
    since: date | None = None
    depth: Depth = Depth.SHALLOW


class Finding(BaseModel):
    file_name: str = Field(serialization_alias="fileName", validation_alias="fileName")
    lines: set[int] = set()


class Audit(BaseModel):
    findings: list[Finding]
    since: date | None


class AuditWithNotes(Audit):
    notes: str = "for us only"


def audits(endpoint: Decorator) -> Any:
    """A pydantic body with aliases; a result that hides what its declared type does not have."""
    app = FastAPI()

    @app.post("/audit", status_code=201)
    @endpoint
    async def audit(request: AuditRequest) -> Audit:
        finding = Finding.model_validate({"fileName": f"{request.repo_url}/{request.depth}", "lines": {3}})
        return AuditWithNotes(findings=[finding], since=request.since)

    return app


def previews(endpoint: Decorator) -> Any:
    """A plain function with path and query parameters; a dict."""
    app = FastAPI()

    @app.get("/preview/{tier}")
    @endpoint
    def preview(
        tier: Annotated[int, Path(ge=1, le=3)], url: str, tags: Annotated[list[str], Query()] = [], fast: bool = False
    ) -> dict[str, Any]:
        if url == "missing":
            raise HTTPException(404, "no such page", headers={"X-Reason": "gone"})
        if url == "odd":
            raise HTTPException(422, [{"loc": ["query", "url"], "msg": "odd"}])
        return {"tier": tier, "url": url, "tags": tags, "fast": fast}

    return app


def converters(endpoint: Decorator) -> Any:
    """Files and form fields."""
    app = FastAPI()

    @app.post("/convert")
    @endpoint
    async def convert(
        file: UploadFile,
        more: Annotated[list[UploadFile], File()] = [],
        cover: UploadFile | None = None,
        title: Annotated[str, Form()] = "untitled",
    ) -> dict[str, Any]:
        return {
            "title": title,
            "name": file.filename,
            "type": file.content_type,
            "size": file.size,
            "text": (await file.read()).decode(),
            "more": [one.file.read().decode() for one in more],
            "cover": cover.filename if cover else None,
        }

    return app


@dataclass
class User:
    name: str
    quota: int = 3


def current_user(x_user: Annotated[str | None, Header()] = None) -> User:
    if x_user is None:
        raise HTTPException(401, "who are you")
    return User(x_user)


def page(limit: int = 10) -> dict[str, int]:
    return {"limit": limit}


def reports(endpoint: Decorator) -> Any:
    """Dependencies, one of them without a type of its own."""
    app = FastAPI()

    @app.post("/report", response_model=dict[str, Any], tags=["reports"])
    @endpoint
    async def report(user: Annotated[User, Depends(current_user)], where=Depends(page)):  # type: ignore[no-untyped-def]
        return {"for": user.name, "quota": user.quota, **where}

    return app


def plain(endpoint: Decorator) -> Any:
    """Starlette, whose endpoints read the body themselves: this one is written anew for either."""

    async def summarize(text: str, words: int = 2) -> dict[str, Any]:
        if not text:
            raise StarletteError(400, "nothing to say")
        return {"summary": " ".join(text.split()[:words])}

    async def by_hand(request: Request) -> JSONResponse:
        return JSONResponse(await summarize(**await request.json()))

    front = by_hand if endpoint is as_it_was else endpoint(summarize)
    return Starlette(routes=[Route("/summarize", front, methods=["POST"])])


Ask = tuple[str, str, dict[str, Any]]

CONVERSIONS: list[tuple[Callable[[Decorator], Any], list[Ask]]] = [
    (
        audits,
        [
            ("POST", "/audit", {"json": {"repoUrl": "a/b", "since": "2026-01-02", "depth": "deep"}}),
            ("POST", "/audit", {"json": {"repoUrl": "a/b"}}),
            ("POST", "/audit", {"json": {"repoUrl": "a"}}),
            ("POST", "/audit", {"json": {"repo_url": "a/b"}}),
            ("POST", "/audit", {"content": b"{", "headers": {"content-type": "application/json"}}),
            ("GET", "/audit", {}),
        ],
    ),
    (
        previews,
        [
            ("GET", "/preview/2?url=x&tags=a&tags=b&fast=1", {}),
            ("GET", "/preview/2?url=x", {}),
            ("GET", "/preview/9?url=x", {}),
            ("GET", "/preview/2", {}),
            ("GET", "/preview/2?url=missing", {}),
            ("GET", "/preview/2?url=odd", {}),
        ],
    ),
    (
        converters,
        [
            ("POST", "/convert", {"files": {"file": ("a.txt", b"hello", "text/plain")}, "data": {"title": "T"}}),
            (
                "POST",
                "/convert",
                {"files": [("file", ("a", b"x")), ("more", ("b", b"y")), ("more", ("c", b"z")), ("cover", ("d", b""))]},
            ),
            ("POST", "/convert", {"data": {"title": "T"}}),
            ("POST", "/convert", {"json": {"file": {"filename": "x", "local": "/etc/passwd"}}}),
        ],
    ),
    (
        reports,
        [
            ("POST", "/report?limit=5", {"headers": {"x-user": "ann"}}),
            ("POST", "/report", {}),
            ("POST", "/report?limit=x", {"headers": {"x-user": "ann"}}),
        ],
    ),
    (
        plain,
        [
            ("POST", "/summarize", {"json": {"text": "a b c d"}}),
            ("POST", "/summarize", {"json": {"text": ""}}),
        ],
    ),
]
