"""A parser of event streams (HTML standard, §9.2.6), fed with bytes as they arrive."""

from __future__ import annotations

import codecs
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One dispatched event. `id` is the last one seen on the stream, as EventSource has it."""

    event: str
    data: str
    id: str


class EventStream:
    """Bytes in, messages out; bytes may be cut anywhere, also inside a character or between CR and LF."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        """What the server last said in a `retry:` line, in milliseconds."""
        self.lines = 0
        """Lines seen so far, comments too: a stream that stays at 0 is held back by something on the way."""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._data: list[str] = []
        self._event = ""
        self._id = ""

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that this chunk completes."""
        text = self._rest + self._decoder.decode(chunk)
        # A CR at the very end may be half of a CRLF: it waits for the next character.
        held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = text.split("\n")
        self._rest = rest + held
        messages = (self._line(line) for line in lines)
        return [message for message in messages if message is not None]

    def _line(self, line: str) -> Message | None:
        self.lines += 1
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value)
        return None

    def _dispatch(self) -> Message | None:
        data, event = self._data, self._event
        self._data, self._event = [], ""
        return Message(event or "message", "\n".join(data), self._id) if data else None
