"""Keeps the revealed secrets of an attempt out of everything that it writes.

A `Redactor` knows them in the forms in which they turn up (as they are, escaped, quoted, encoded). `RedactingSink`
stands before the sink of the attempt's reports; `LogFilter` belongs to the handlers of the process. An attempt without
secrets has neither.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import mmap
import os
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any, Final
from urllib.parse import quote, quote_plus
from weakref import WeakSet

from pydantic_core import from_json, to_json

from accepted.errors import Fail
from accepted.job import JSON, Artifact, EventDraft, Kind, Progress
from accepted.secret import MASK, Secret
from accepted.sink import Sink

SHORTEST: Final = 4
"""Characters; a shorter secret would be found in words that have nothing to do with it."""
_SHORTEST_LINE: Final = 8
"""Characters; a shorter line of a secret of several says little, and is found in much."""
_PIECE: Final = 64 * 1024
_OF_A_LOG_LINE: Final = frozenset({"level", "message"})


class Redactor:
    """The secrets of one attempt. `salt`: what its hashes of arguments are keyed with, known to nobody outside."""

    def __init__(self, secrets: Iterable[Secret[Any]], salt: bytes) -> None:
        self.salt = salt
        plain = {text for secret in secrets for text in _texts(secret.get_secret_value()) if len(text) >= SHORTEST}
        forms = {form for text in plain for form in _forms(text)} - {""}
        wide = {text.encode(coding) for text in plain for coding in ("utf-16-le", "utf-16-be")}
        self._plain = plain
        # Longest first, so that no rest of one is left. A regular expression of a private key would take 0.2 s to make.
        self._texts = sorted(forms, key=len, reverse=True)
        self._forms = sorted({form.encode() for form in forms} | wide, key=len, reverse=True)
        _remember(self)

    def text(self, text: str) -> str:
        """The text with `**********` in place of each secret."""
        for form in self._texts:
            text = text.replace(form, MASK)
        return text

    def raw(self, text: bytes) -> bytes:
        """The same for bytes."""
        for form in self._forms:
            text = text.replace(form, MASK.encode())
        return text

    def data(self, value: Mapping[str, JSON], *, keys: frozenset[str] = frozenset()) -> dict[str, JSON]:
        """The same for all that JSON holds; the members named in `keys` keep their names."""
        plain = from_json(to_json(value, fallback=_masked))
        return {(key if key in keys else self.text(key)): self._walk(member) for key, member in plain.items()}

    def _walk(self, value: JSON) -> JSON:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(key): self._walk(member) for key, member in value.items()}
            case list():
                return [self._walk(member) for member in value]
            case bool() | None:
                return value
            case _:
                return MASK if str(value) in self._plain else value

    def trace(self, error: BaseException) -> str:
        """The traceback, with all that the exception grew out of."""
        return self.text("".join(traceback.format_exception(error)).rstrip("\n"))

    def pass_on(self, source: IO[bytes], target: int) -> None:
        """Copy what a process writes to a file descriptor of this one, to its end, in a thread."""
        Thread(target=self._copy, args=(source, target), name="accepted output", daemon=True).start()

    def _copy(self, source: IO[bytes], target: int) -> None:
        held = b""
        with source, open(target, "wb", closefd=False) as out:
            while piece := os.read(source.fileno(), _PIECE):
                held += piece
                sure = self._sure(held)
                _write(out, self.raw(held[:sure]))
                held = held[sure:]
            _write(out, self.raw(held))

    def _sure(self, text: bytes) -> int:
        """How many of the bytes cannot be the beginning of a secret that goes on in the next piece."""
        first = max(0, len(text) - len(self._forms[0])) if self._forms else len(text)
        end = next(
            (at for at in range(first, len(text)) if any(form.startswith(text[at:]) for form in self._forms)), len(text)
        )
        while (earlier := self._start_of_what_ends_behind(end, text)) < end:
            end = earlier
        return end

    def _start_of_what_ends_behind(self, end: int, text: bytes) -> int:
        spans = ((form, max(0, end - len(form) + 1), end + len(form) - 1) for form in self._forms)
        return min((at for at in (text.find(*span) for span in spans) if at >= 0), default=end)

    def refuse(self, what: str, content: bytes | Path) -> None:
        """Raises Fail when the content of a file, or these bytes, hold a secret."""
        if any(part.find(form) >= 0 for part in _contents(content) for form in self._forms):
            raise Fail(
                f"{what} holds the value of a secret argument; return or keep something else", code="secret-revealed"
            )


def _write(out: IO[bytes], text: bytes) -> None:
    with suppress(OSError):  # nobody reads it any more; the process that writes must not wait for that
        out.write(text)
        out.flush()


def _contents(content: bytes | Path) -> Iterator[bytes | mmap.mmap]:
    if isinstance(content, bytes):
        yield content
    elif content.stat().st_size:  # an empty file cannot be mapped
        with content.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped


def _masked(value: Any) -> str:
    return MASK if isinstance(value, Secret) else f"<{type(value).__qualname__}>"


# ── what to look for ─────────────────────────────────────────────────────────────────────────────────


def _texts(value: Any) -> Iterator[str]:
    """Each text in it that would tell it."""
    value = from_json(to_json(value)) if not isinstance(value, str) else value
    match value:
        case str():
            yield value
            yield value.strip()
            # A traceback indents the further lines of a message.
            yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORTEST_LINE)
        case dict():
            for member in value.values():
                yield from _texts(member)
        case list():
            for member in value:
                yield from _texts(member)
        case bool() | None:
            return
        case _:
            yield str(value)


def _forms(text: str) -> Iterator[str]:
    """As libraries write it: in messages, URLs, headers, JSON, and JSON in JSON."""
    raw = text.encode()
    quoted = (quote(text), quote(text, safe=""), quote_plus(text))
    escaped = (repr(text)[1:-1], repr(raw)[2:-1], json.dumps(text)[1:-1], to_json(text).decode()[1:-1])
    for form in (text, *escaped):
        yield form
        yield json.dumps(form)[1:-1]
        yield to_json(form).decode()[1:-1]
    for form in quoted:
        yield form
        yield re.sub("%..", lambda found: found[0].lower(), form)
    yield raw.hex()
    yield raw.hex().upper()
    for shift in range(3):
        yield from _in_base64(raw, shift)


def _in_base64(raw: bytes, shift: int) -> Iterator[str]:
    """The characters that stand for these bytes alone, when `shift` other bytes come before them."""
    first, last = -(-shift * 8 // 6), (shift + len(raw)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(b"\0" * shift + raw).decode()[first:last]


# ── where it is written ──────────────────────────────────────────────────────────────────────────────


class RedactingSink:
    """The sink of an attempt that has secrets. What cannot be redacted without being spoiled (the result of a step, a
    file) is refused: Fail."""

    def __init__(self, sink: Sink, redactor: Redactor) -> None:
        self._sink, self._redactor = sink, redactor

    async def report(self, events: Sequence[EventDraft], progress: Progress | None, cost: float) -> None:
        await self._sink.report([self._draft(draft) for draft in events], self._progress(progress), cost)

    def _draft(self, draft: EventDraft) -> EventDraft:
        keys = _OF_A_LOG_LINE if draft.kind is Kind.LOG else frozenset(draft.data)
        return EventDraft(draft.kind, self._redactor.data(draft.data, keys=keys))

    def _progress(self, progress: Progress | None) -> Progress | None:
        if progress is None:
            return None
        message, unit = (text and self._redactor.text(text) for text in (progress.message, progress.unit))
        return replace(progress, message=message, unit=unit)

    async def start_step(self, key: str, name: str) -> None:
        await self._sink.start_step(key, self._redactor.text(name))

    async def finish_step(self, key: str, name: str, result: bytes) -> None:
        name = self._redactor.text(name)
        try:
            self._redactor.refuse(f"the result of step {name!r}", result)
        except Fail as error:
            await self._sink.fail_step(key, name, {"title": error.title, "detail": str(error)})
            raise
        await self._sink.finish_step(key, name, result)

    async def fail_step(self, key: str, name: str, error: Mapping[str, JSON]) -> None:
        await self._sink.fail_step(key, self._redactor.text(name), self._redactor.data(error))

    async def attach(self, name: str, source: Path | bytes, media_type: str) -> Artifact:
        name = self._redactor.text(name)
        await asyncio.to_thread(self._redactor.refuse, f"the artifact {name!r}", source)
        return await self._sink.attach(name, source, self._redactor.text(media_type))


# ── logs ─────────────────────────────────────────────────────────────────────────────────────────────

_known: Final[WeakSet[Redactor]] = WeakSet()
"""Those of the attempts that this process runs: each lives as long as its function can still say something."""
_known_lock: Final = Lock()


def _remember(redactor: Redactor) -> None:
    with _known_lock:
        _known.add(redactor)


class LogFilter(logging.Filter):
    """For a handler: no line that passes it holds a secret of an attempt that runs in this process.

    `accepted serve` and `accepted worker` add it to theirs; an application adds it to its own.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if _known:
            with _known_lock:
                redactors = list(_known)
            for redactor in redactors:
                _redact(record, redactor)
        return True


def _redact(record: logging.LogRecord, redactor: Redactor) -> None:
    record.msg, record.args = redactor.text(record.getMessage()), None
    if record.exc_info and not record.exc_text:
        record.exc_text = "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
    if record.exc_text:
        record.exc_text, record.exc_info = redactor.text(record.exc_text), None
    for name, value in vars(record).items():
        if isinstance(value, str):
            setattr(record, name, redactor.text(value))
