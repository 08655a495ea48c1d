"""A task's parameters: what may come from outside, what is stored, what comes back."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pydantic
import pytest

from accepted import Jobs, UploadFile
from accepted.errors import ConfigurationError, IdempotencyMismatch, InvalidInput
from accepted.job import new_id


class Filter(pydantic.BaseModel):
    min_price: float = pydantic.Field(alias="minPrice")


class Holder(pydantic.BaseModel):
    file: UploadFile


async def one(file: UploadFile) -> str:
    return file.filename


async def several(files: list[UploadFile] | None = None) -> int:
    return len(files or [])


async def union(file: UploadFile | str) -> str:
    return str(file)


async def nested(holder: Holder) -> str:
    return holder.file.filename


SMUGGLED = {"filename": "x", "local": "/etc/passwd", "blob": "../../other", "size_bytes": 1}


@pytest.mark.parametrize(
    ("function", "body"), [(one, {"file": SMUGGLED}), (several, {"files": [SMUGGLED]})], ids=["one", "several"]
)
def test_text_cannot_name_a_file(function: Any, body: dict[str, Any]) -> None:
    task = Jobs("sqlite://:memory:").task(function)
    sent = pydantic.TypeAdapter(Any).dump_json(body)
    with pytest.raises(InvalidInput, match="send the file itself"):
        task.validate_json(sent)
    with pytest.raises(InvalidInput, match="send the file itself"):
        task.validate(body)


@pytest.mark.parametrize("function", [union, nested])
def test_files_that_nobody_would_copy_are_refused_when_the_task_is_made(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="a parameter of its own"):
        Jobs("sqlite://:memory:").task(function)


async def test_files_in_a_list(tmp_path: Path) -> None:
    jobs = Jobs("sqlite://:memory:")

    @jobs.task
    async def read(files: list[UploadFile], label: UploadFile | None = None) -> list[str]:
        return [file.path.read_text(encoding="utf-8") for file in [*files, *([label] if label else [])]]

    paths = []
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name, encoding="utf-8")
        paths.append(UploadFile.of(tmp_path / name))
    async with jobs:
        assert await (await read.submit(paths[:2], label=paths[2])).result(timeout=10) == ["a", "b", "c"]
        assert await (await read.submit(paths[:1])).result(timeout=10) == ["a"]
        stored = (await jobs.list()).jobs[0].args
    assert b'"local"' not in stored


async def test_a_key_goes_by_the_content_of_files(tmp_path: Path) -> None:
    jobs, file = Jobs("sqlite://:memory:"), tmp_path / "export.csv"

    @jobs.task
    async def read(file: UploadFile) -> str:
        return file.path.read_text(encoding="utf-8")

    async with jobs:
        once = read.with_options(idempotency_key="once")
        file.write_text("first", encoding="utf-8")
        first = await once.submit(UploadFile.of(file))
        assert (await once.submit(UploadFile.of(file))).id == first.id
        file.write_text("other", encoding="utf-8")
        with pytest.raises(IdempotencyMismatch):
            await once.submit(UploadFile.of(file))
        assert await first.result(timeout=10) == "first"


async def test_models_with_aliases_survive_the_store() -> None:
    jobs = Jobs("sqlite://:memory:")

    @jobs.task
    async def search(wanted: Filter) -> Filter:
        return wanted

    async with jobs:
        assert await (await search.submit(Filter(minPrice=3))).result(timeout=10) == Filter(minPrice=3)
        body = search.validate_json(b'{"wanted": {"minPrice": 4}}')
        assert body["wanted"].min_price == 4
        handle = await search.submit(**body)
        await handle.result(timeout=10)
        assert (await handle.refresh()).result == b'{"minPrice":4.0}'


def test_ids_are_uuids_of_version_7_and_a_forked_child_makes_its_own() -> None:
    mine = [new_id() for _ in range(1000)]
    assert len(set(mine)) == 1000
    assert {uuid.UUID(one).version for one in mine} == {7}
    assert {uuid.UUID(one).variant for one in mine} == {uuid.RFC_4122}
    assert mine == sorted(mine, key=lambda one: one[:13])
    code = (
        "import os\nfrom accepted.job import new_id\nnew_id()\nr, w = os.pipe()\n"
        "child = os.fork()\nids = ' '.join(new_id()[15:] for _ in range(200))\n"
        "if child == 0:\n    os.write(w, ids.encode()); os._exit(0)\n"
        "os.close(w)\ntheirs = os.read(r, 100_000).decode().split()\nassert len(theirs) == 200\n"
        "assert not set(theirs) & set(ids.split())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
