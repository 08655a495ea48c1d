"""The event stream parser, against the examples and the grammar of the HTML standard."""

from __future__ import annotations

import random

import pytest

from accepted.client.sse import EventStream, Message

TEXT = (
    '\ufeffretry: 1500\n: a comment\n\nid: 1\nevent: progress\ndata: {"a":\n\rdata: "ü–💾"}\n\n'.replace("\n\r", "\n")
    + "id: 2\r\ndata:no space\r\ndata:  two spaces\r\n\r\n"
    + "id\rdata\rdata\r\r"
    + "event: nothing\n\n"
    + "data: last\n\n"
    + "data: cut off"
)
MESSAGES = [
    Message("progress", '{"a":\n"ü–💾"}', "1"),
    Message("message", "no space\n two spaces", "2"),
    Message("message", "\n", ""),
    Message("message", "last", ""),
]


def test_a_whole_stream() -> None:
    stream = EventStream()
    assert stream.feed(TEXT.encode()) == MESSAGES
    assert stream.retry_ms == 1500


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_cut_anywhere(size: int) -> None:
    stream, raw = EventStream(), TEXT.encode()
    parts = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert [message for part in parts for message in stream.feed(part)] == MESSAGES


def test_cut_at_random() -> None:
    raw = TEXT.encode()
    for seed in range(200):
        cuts = sorted(random.Random(seed).sample(range(len(raw)), 6))
        stream = EventStream()
        parts = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
        assert [message for part in parts for message in stream.feed(part)] == MESSAGES, seed


@pytest.mark.parametrize("line", ["retry: soon", "retry: 1.5", "retry:", "retry: ٣", "id: a\0b", "what: ever", "data"])
def test_lines_that_change_nothing_else(line: str) -> None:
    stream = EventStream()
    stream.feed(b"id: 7\nretry: 100\n\n")
    made = stream.feed(f"{line}\ndata: x\n\n".encode())
    assert [message.id for message in made] == ["7"]
    assert stream.retry_ms == 100


def test_lines_are_counted_comments_too() -> None:
    stream = EventStream()
    assert stream.lines == 0
    stream.feed(b": still here\n\n")
    assert stream.lines == 2
