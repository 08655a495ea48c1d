"""What a request brings: endpoints as JSON, or the report of a load test, in a form or as the body itself."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request

from accepted import Jobs, UploadFile
from accepted.errors import BadRequest, InvalidInput
from accepted.http.auth import take_query
from accepted.http.negotiation import media_type
from accepted.http.reading import chunks, is_json, parse
from accepted.http.uploads import read_form

from .errors import InvalidInput as Invalid

PARAMETERS: Final = ("github_repo", "branch", "token")
ENDPOINTS: Final = ("worst_apis", "worst_api")
_IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes of a body that may be a list of endpoints; a larger one is the report of a load test."""


@dataclass
class Given:
    """values: arguments of the task but the report, as they were sent. report: lies in a folder that goes with this."""

    values: dict[str, Any] = field(default_factory=dict)
    report: UploadFile | None = None


@asynccontextmanager
async def read_given(request: Request, jobs: Jobs, limit: int) -> AsyncIterator[Given]:
    """The query counts before the body. Raises Invalid, and what reading raises."""
    given = Given(_of_query(request))
    if media_type(request.headers.get("content-type")) == "multipart/form-data":
        async with read_form(request, jobs.settings) as form:
            files = [one for many in form.files.values() for one in many]
            if len(files) > 1:
                raise Invalid("report: expected one file, a report of a load test.", field="report")
            _take(given, {name: values[-1] for name, values in form.fields.items()})
            given.report = files[0] if files else None
            yield given
        return
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="accepted-audit-report-"))
    try:
        await _read_body(request, given, folder / "report", limit)
        yield given
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


def _of_query(request: Request) -> dict[str, Any]:
    """The token is blanked in the connection as soon as it is read, before any log is written."""
    token = take_query(request, "token")
    found = {name: request.query_params.get(name) for name in PARAMETERS if name != "token"}
    return {name: value for name, value in {**found, "token": token}.items() if value}


async def _read_body(request: Request, given: Given, path: Path, limit: int) -> None:
    body, size = bytearray(), 0
    async for chunk in chunks(request, limit, "the report"):
        size += len(chunk)
        body += chunk
        if size > _IN_MEMORY:
            await asyncio.to_thread(_append, path, bytes(body))
            body.clear()
    if size <= _IN_MEMORY and _is_list_of_endpoints(request, body, given):
        return
    await asyncio.to_thread(_append, path, bytes(body))
    given.report = UploadFile.of(path)


def _is_list_of_endpoints(request: Request, body: bytearray, given: Given) -> bool:
    """Whether the body was taken for what it says; else it may be a report."""
    text = bytes(body).strip()
    if not text:
        return True
    if not text.startswith((b"{", b"[")):
        if is_json(request.headers.get("content-type")):
            parse(text)
            raise BadRequest('The body is no JSON object: send {"worst_apis": [{"endpoint": "/users", …}]}.')
        return False
    value = parse(text)
    if (
        isinstance(value, dict)
        and ("metrics" in value or "log" in value)
        and not any(one in value for one in ENDPOINTS)
    ):
        return False
    _take(given, value if isinstance(value, dict) else {"worst_apis": value})
    return True


def _take(given: Given, sent: dict[str, Any]) -> None:
    """Other members are let through, as front ends send more than is needed."""
    for name in PARAMETERS:
        value = sent.get(name)
        if value and name not in given.values:
            given.values[name] = value
    for name in ENDPOINTS:
        apis = sent.get(name)
        if apis is None:
            continue
        if isinstance(apis, str):
            apis = parse(apis.encode())
        if isinstance(apis, dict):
            apis = [apis]
        if not isinstance(apis, list):
            raise Invalid(f"{name}: expected a list of endpoints.", field=name)
        given.values.setdefault("worst_apis", apis)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def objection_of(error: InvalidInput) -> tuple[str, str | None]:
    """The first objection with the field's name as people write it: `worst_apis[0].endpoint`."""
    if not error.errors:
        return error.public, None
    first = error.errors[0]
    names = str(first["pointer"]).removeprefix("#/").split("/")
    name = "".join(f"[{one}]" if one.isdigit() else f".{one}" for one in names if one).removeprefix(".")
    return (f"{name}: {first['detail']}." if name else f"{first['detail']}."), name or None
