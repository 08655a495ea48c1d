"""multipart/form-data, streamed to disk as it comes: text fields are arguments, files become `UploadFile`s. A field
that says that it is JSON (`Content-Type: application/json`, as OpenAPI has it for objects) is read as such.

Nothing is held whole in memory, whatever its size; a request that is refused half-way leaves no file behind.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from accepted.errors import (
    AcceptedError,
    BadRequest,
    InvalidInput,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from accepted.files import UploadFile
from accepted.http.reading import chunks, is_json, parse
from accepted.settings import Settings
from accepted.task import Task

ARGUMENTS: Final = "arguments"
"""A field of this name may hold the JSON object of all arguments that are no files."""
FIELDS_MAX: Final = 1000
NAME_MAX: Final = 200
"""Longest file name that is kept, in characters."""
_WRITE_AT: Final = 256 * 1024
"""Bytes that are collected before a thread writes them."""
_MEDIA_TYPE: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,63}/[!#$%&'*+.^_`|~0-9A-Za-z-]{1,63}")


@dataclass(slots=True)
class Form:
    """What came. Files lie in a temporary folder that is removed when `read_form` ends."""

    fields: dict[str, list[Any]] = field(default_factory=dict)
    files: dict[str, list[UploadFile]] = field(default_factory=dict)
    digests: list[bytes] = field(default_factory=list)
    """One for each part, in order: two requests with the same content have the same, whatever their boundary."""


@asynccontextmanager
async def read_form(request: Request, settings: Settings) -> AsyncIterator[Form]:
    """Raises PayloadTooLarge, BadRequest, UnsupportedMediaType, BodyTooSlow, ClientDisconnect."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="accepted-upload-"))
    try:
        reader = _FormReader(folder, settings)
        try:
            yield await reader.read(request)
        finally:
            reader.close()
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


def form_arguments(task: Task[..., Any], form: Form) -> dict[str, Any]:
    """The task's arguments, validated. Raises InvalidInput naming the field, BadRequest."""
    given: dict[str, Any] = {}
    texts = dict(form.fields)
    if ARGUMENTS in texts and ARGUMENTS not in task.parameters:
        value = texts.pop(ARGUMENTS)[-1]
        if isinstance(value, str):
            value = parse(value.encode())
        if not isinstance(value, dict):
            raise InvalidInput([{"detail": "expected a JSON object", "pointer": f"#/{ARGUMENTS}"}])
        given.update(value)
    lists = list_parameters(task)
    given.update({name: values if name in lists else values[-1] for name, values in texts.items()})
    for name in task.files:
        if name in given:
            # A description of a file in place of a file: whoever could name a path could read what is not theirs.
            raise InvalidInput([{"detail": "expected a file, not text", "pointer": f"#/{name}"}])
    given.update(_file_arguments(task.files, form.files))
    return task.validate(given)


def _file_arguments(wanted: Mapping[str, bool], came: Mapping[str, list[UploadFile]]) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for name, files in came.items():
        if name not in wanted:
            known = ", ".join(wanted) or "none"
            raise InvalidInput([{"detail": f"no such file parameter; known: {known}", "pointer": f"#/{name}"}])
        if not wanted[name] and len(files) > 1:
            raise InvalidInput([{"detail": f"expected one file, got {len(files)}", "pointer": f"#/{name}"}])
        taken[name] = files if wanted[name] else files[0]
    return taken


def list_parameters(task: Task[..., Any]) -> set[str]:
    """Parameters that take several values: a field that comes once is a list of one for them."""
    properties = task.schemas()[0].get("properties", {})
    return {name for name, schema in properties.items() if _is_array(schema)}


def _is_array(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(_is_array(one) for one in schema.get("anyOf", ()))


def safe_name(name: str) -> str:
    """A file name without folders, control characters or an end that no file system would take."""
    last = re.split(r"[/\\]", name)[-1]
    clean = "".join(char for char in last if char.isprintable()).strip().strip(".")
    stem, dot, ending = clean.rpartition(".")
    if dot and len(clean) > NAME_MAX and len(ending) < 20:
        return f"{stem[: NAME_MAX - len(ending) - 1]}.{ending}"
    return clean[:NAME_MAX] or "file"


def safe_media_type(given: str, filename: str) -> str:
    """The media type that was given, if it is one; else what the name suggests."""
    bare = given.partition(";")[0].strip()
    if _MEDIA_TYPE.fullmatch(bare):
        return bare.lower()
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


class _Part:
    """One part on its way in: text in memory, a file on disk."""

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.name = ""
        self.filename: str | None = None
        self.media_type = ""
        self.text = bytearray()
        self.file: BinaryIO | None = None
        self.size = 0
        self.digest = hashlib.sha256()

    def value(self) -> Any:
        """Of a field: JSON where it says so, else text. Raises BadRequest."""
        if is_json(self.headers.get(b"content-type", b"").decode("latin-1")):
            return parse(bytes(self.text))
        return _decoded(bytes(self.text))


class _FormReader:
    """Callbacks of the parser collect; `read` writes between two chunks, in a thread."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._form = Form()
        self._part = _Part()
        self._header = (bytearray(), bytearray())
        self._open: list[BinaryIO] = []
        self._unwritten: list[tuple[BinaryIO, bytes]] = []
        self._unwritten_bytes = 0
        self._text_bytes = 0
        self._parts = 0
        self._ended = False

    async def read(self, request: Request) -> Form:
        parser = self._parser(request.headers.get("content-type", ""))
        try:
            async for chunk in chunks(request, self._settings.upload_max, "the upload"):
                parser.write(chunk)
                if self._unwritten_bytes >= _WRITE_AT:
                    await self._write()
            parser.finalize()
        except FormParserError as error:
            raise BadRequest(f"The body is not multipart/form-data: {error}.") from None
        if not self._ended:
            raise BadRequest("The body ends before its last boundary.")
        await self._write(last=True)
        return self._form

    def close(self) -> None:
        """Idempotent."""
        for file in self._open:
            file.close()

    def _parser(self, content_type: str) -> MultipartParser:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise UnsupportedMediaType("multipart/form-data needs its boundary parameter.")
        callbacks: Any = {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }
        try:
            return MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise BadRequest(f"The body is not multipart/form-data: {error}.") from None

    async def _write(self, *, last: bool = False) -> None:
        pieces, self._unwritten, self._unwritten_bytes = self._unwritten, [], 0
        try:
            if pieces:
                await asyncio.to_thread(_write_all, pieces)
            if last:
                await asyncio.to_thread(self.close)
        except OSError as error:
            raise Unavailable(f"The upload cannot be kept: {error.strerror}.") from error

    # ── what the parser calls ──

    def _on_part_begin(self) -> None:
        self._part = _Part()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _on_header_end(self) -> None:
        name, value = self._header
        self._part.headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _on_headers_finished(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get(b"content-disposition"))
        if b"name" not in options:
            raise BadRequest("A part of the body has no name in its Content-Disposition.")
        part.name = _decoded(options[b"name"])
        self._parts += 1
        part.digest.update(part.name.encode() + b"\0")
        if b"filename" in options:
            self._begin_file(_decoded(options[b"filename"]))
        elif self._parts > FIELDS_MAX:
            raise BadRequest(f"The body has more than {FIELDS_MAX} fields.")

    def _begin_file(self, filename: str) -> None:
        part = self._part
        if len(self._open) >= self._settings.upload_files_max:
            raise TooManyFiles(self._settings.upload_files_max)
        part.filename = filename
        part.media_type = part.headers.get(b"content-type", b"").decode("latin-1")
        part.digest.update(filename.encode() + b"\0")
        part.file = (self._folder / str(len(self._open))).open("wb")
        self._open.append(part.file)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        part, piece = self._part, data[start:end]
        part.digest.update(piece)
        part.size += len(piece)
        if part.file is not None:
            self._unwritten.append((part.file, piece))
            self._unwritten_bytes += len(piece)
            return
        self._text_bytes += len(piece)
        if self._text_bytes > self._settings.body_max:
            raise PayloadTooLarge("the text of all fields", self._settings.body_max)
        part.text += piece

    def _on_part_end(self) -> None:
        part, form = self._part, self._form
        form.digests.append(part.digest.digest())
        if part.file is None:
            form.fields.setdefault(part.name, []).append(part.value())
        elif part.filename or part.size:
            # Else it is what a browser sends for a file input in which nothing was chosen.
            name = safe_name(part.filename or "")
            upload = UploadFile(name, safe_media_type(part.media_type, name), part.size, local=Path(part.file.name))
            form.files.setdefault(part.name, []).append(upload)

    def _on_end(self) -> None:
        self._ended = True


class TooManyFiles(AcceptedError):
    slug, title, status = "payload-too-large", "Too large", 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are more than {limit} files; send fewer at once.")
        self.limit = limit

    @property
    def members(self) -> Mapping[str, Any]:
        return {"limit": self.limit}


def _write_all(pieces: list[tuple[BinaryIO, bytes]]) -> None:
    for file, piece in pieces:
        file.write(piece)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("A field of the body is not UTF-8.") from None
