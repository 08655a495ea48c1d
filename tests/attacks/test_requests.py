"""Hostile requests over real sockets. After each the server answers, and the victim's work goes on."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from attacks.scene import MARK, Scene
from http_api.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = b"POST /v1/tasks/keep HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer user:mallory\r\n"
JSON = HEAD + b"Content-Type: application/json\r\n"


def sized(body: bytes, *headers: bytes) -> bytes:
    return JSON + b"".join(one + b"\r\n" for one in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def statuses(answer: bytes) -> list[int]:
    """Of all answers on the connection."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


SMUGGLED = b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer user:mallory\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ONE_CHUNK = b"\r\n2\r\n{}\r\n0\r\n\r\n"
SMUGGLING = {
    "CL.TE": JSON + b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "CL.TE without a body": SMUGGLED[:-2] + b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "TE.CL": JSON + CHUNKED + b"Content-Length: 4\r\n\r\n5c\r\n" + SMUGGLED + b"\r\n0\r\n\r\n",
    "TE.CL that fits": JSON + CHUNKED + b"Content-Length: 2" + ONE_CHUNK + SMUGGLED,
    "two lengths": JSON + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + SMUGGLED,
    "two lengths in one": JSON + b"Content-Length: 2, 40\r\n\r\n{}" + SMUGGLED,
    "a length with a sign": JSON + b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "a negative length": JSON + b"Content-Length: -1\r\n\r\n{}" + SMUGGLED,
    "a length in hexadecimal": JSON + b"Content-Length: 0x2\r\n\r\n{}" + SMUGGLED,
    "a space before the colon": JSON + b"Content-Length : 2\r\n\r\n{}" + SMUGGLED,
    "a folded header": JSON + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "two encodings": JSON + b"Transfer-Encoding: chunked, identity\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "another encoding": JSON + b"Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "chunked twice": JSON + CHUNKED + CHUNKED + ONE_CHUNK + SMUGGLED,
    "a vertical tab before the encoding": JSON + b"Transfer-Encoding: \x0bchunked\r\n" + ONE_CHUNK + SMUGGLED,
    "a bad size of a chunk": JSON + CHUNKED + b"\r\n-1\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a size of a chunk with 0x": JSON + CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a size of a chunk with _": JSON + CHUNKED + b"\r\n0_2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a line feed in a chunk's extension": JSON + CHUNKED + b"\r\n2;a\nb\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk without its end": JSON + CHUNKED + b"\r\n2\r\n{}xx0\r\n\r\n" + SMUGGLED,
    "chunks with bare line feeds": JSON + CHUNKED + b"\r\n2\n{}\n0\n\n" + SMUGGLED,
    "a bare carriage return": JSON + b"X: a\rContent-Length: 90\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "a bare line feed": JSON.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}" + SMUGGLED,
    "a null in a header": JSON + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "two plain requests": JSON + b"Content-Length: 2\r\n\r\n{}" + SMUGGLED,
    "two requests, one in chunks": JSON + CHUNKED + ONE_CHUNK + SMUGGLED,
    "a request as a body": SMUGGLED[:-2] + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
}  # fmt: skip
BOTH = [202, 200, 200]
TAKEN = {
    "two plain requests": BOTH,
    "two requests, one in chunks": BOTH,
    "a request as a body": [200, 200],
    # RFC 9112 §2.2 lets a server take it for the end of a line, and then there is one way to read it.
    ("h11", "a bare line feed"): BOTH,
}
"""What is taken has one answer for each request that it plainly is, and the last; all else is refused."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["httptools", "h11"])
async def parser(there: Scene, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, int]]:
    """A server with this parser: its name and its port."""
    async with serving(there.jobs.app, http=request.param) as port:
        yield request.param, port


@pytest.mark.parametrize("form", SMUGGLING)
async def test_requests_in_requests(there: Scene, parser: tuple[str, int], form: str) -> None:
    """Exactly one answer for each request that is plainly there; or 400 and the connection is closed, and what came
    behind is not answered. The server closes it in both cases, so the end is awaited, not a time."""
    name, port = parser
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(SMUGGLING[form] + LAST)
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    there.clean(answer)
    assert statuses(answer) == TAKEN.get((name, form), TAKEN.get(form, [400])), answer
    await there.unharmed()


DEEP = 100_000
BODIES = {
    "deep lists": b"[" * DEEP,
    "deep closed lists": b'{"text": ' + b"[" * 40_000 + b"]" * 40_000 + b"}",
    "deep objects": b'{"text":' * 10_000,
    "a huge number": b'{"text": ' + b"9" * 90_000 + b"}",
    "a huge exponent": b'{"text": 1e999999999}',
    "not a number": b'{"text": NaN}',
    "infinity": b'{"text": -Infinity}',
    "the same name twice": b'{"text": "a", "text": "b", "owner": "vera"}',
    "invalid UTF-8": b'{"text": "\xff\xfe"}',
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "a lone surrogate": b'{"text": "\\ud800"}',
    "a null in a name": b'{"te\\u0000xt": "a"}',
    "prototype": b'{"__proto__": {"text": "a"}, "constructor": 1}',
    "many names": b"{" + b",".join(b'"k%d":1' % n for n in range(8000)) + b"}",
    "not an object": b'"text"',
    "nothing but space": b" " * 50_000,
    "a number of 5,000 digits": b"9" * 5000,
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/v1/tasks/keep", "/v1/tasks/keep/batch", "/v1/webhooks", "cancel"])
async def test_hostile_json(there: Scene, body: str, path: str) -> None:
    async with there.client() as mallory:
        if path == "cancel":
            own = (await mallory.post("/v1/tasks/keep", json={})).json()["id"]
            path = f"/v1/jobs/{own}/cancel"
        kind = "application/x-ndjson" if path.endswith("batch") else "application/json"
        answer = await mallory.post(path, content=BODIES[body], headers={"content-type": kind})
        if path.endswith("batch") and answer.status_code == 200:
            assert all(json.loads(line)["status"] < 500 for line in answer.text.splitlines()), answer.text
        elif body == "nothing but space":
            assert answer.status_code < 500, answer.text
        else:
            assert 400 <= answer.status_code < 500, answer.text
        there.clean(answer.text)
    await there.unharmed()


SHAPES = {
    "a thousand headers": sized(b"{}", *(b"X-%d: y" % n for n in range(1000))),
    "a huge header": sized(b"{}", b"X: " + b"y" * 200_000),
    "a huge path": b"GET /v1/jobs/" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a huge query": SMUGGLED.replace(b"/v1/jobs", b"/v1/jobs?q=" + b"a" * 60_000),
    "a control character in the path": SMUGGLED.replace(b"/v1/jobs", b"/v1/jobs/\x01"),
    "an encoded line end in the path": SMUGGLED.replace(b"/v1/jobs", b"/v1/jobs/a%0d%0aSet-Cookie:%20x"),
    "an encoded null in the path": SMUGGLED.replace(b"/v1/jobs", b"/v1/jobs/%00"),
    "invalid UTF-8 in the path": SMUGGLED.replace(b"/v1/jobs", b"/v1/jobs/%ff%fe"),
    "a surrogate in the path": SMUGGLED.replace(b"/v1/jobs", b"/v1/jobs/%ed%a0%80"),
    "another server's name": SMUGGLED.replace(b"/v1/jobs", b"http://victim.example/v1/jobs"),
    "two slashes": SMUGGLED.replace(b"/v1/jobs", b"//victim.example/v1/jobs"),
    "a made-up method": SMUGGLED.replace(b"GET", b"JOBS"),
    "no version": b"GET /v1/jobs\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "an upgrade to nothing": SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
    "an encoding that nobody asked for": sized(b"{}", b"Content-Encoding: gzip"),
    "a key in two lines": sized(b"{}", b"Idempotency-Key: a\rb"),
    "a key that is not ASCII": sized(b"{}", "Idempotency-Key: é".encode()),
    "a key of 10,000 characters": sized(b"{}", b"Idempotency-Key: " + b"k" * 10_000),
    "a wait of 10^30 seconds": sized(b'{"text": "x"}', b"Prefer: wait=" + b"9" * 30),
    "a priority of 10^30": sized(b"{}", b"Accepted-Priority: " + b"9" * 30),
    "a delay of 10^30 seconds": sized(b"{}", b"Accepted-Delay: " + b"9" * 30),
    "a delay of a thousand parts": sized(b"{}", b"Accepted-Delay: " + b"1s" * 5000),
    "preferences that ask for thought": sized(b"{}", b'Prefer: a="' + b"\\\\" * 20_000 + b", " + b";,=" * 5000),
    "many tags": SMUGGLED.replace(b"\r\n\r\n", b"\r\nIf-None-Match: " + b'W/"a",' * 8000 + b"\r\n\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
async def test_hostile_heads(there: Scene, shape: str) -> None:
    answer = await there.raw(SHAPES[shape] + LAST)
    there.clean(answer)
    assert all(status < 500 for status in statuses(answer)), answer
    assert b"\r\nset-cookie" not in answer.lower()
    assert b"\r\nlocation: //" not in answer.lower()
    await there.unharmed()


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
@pytest.mark.parametrize("path", ["/v1/tasks/keep", "/v1/tasks/read", "/v1/webhooks", "/v1/ws-ticket"])
async def test_oversized_bodies(there: Scene, path: str, declared: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b'"' + b"x" * 1023

    async with there.client() as mallory:
        kind = "multipart/form-data; boundary=b" if path.endswith("read") else "application/json"
        content = b"x" * 2_000_000 if declared else pieces()
        try:
            answer = await mallory.post(path, content=content, headers={"content-type": kind})
            assert answer.status_code in (400, 413), answer.text
            there.clean(answer.text)
        except httpx.TransportError:
            # Refused and closed while it was still sending: some systems then drop the answer, too.
            pass
    await there.unharmed()


async def test_slow_bodies_delay_nobody(there: Scene) -> None:
    """A hundred bodies that do not come: their callers wait, nobody else."""
    openings = [await asyncio.open_connection("127.0.0.1", there.port) for _ in range(100)]
    for _, writer in openings:
        writer.write(JSON + b'Content-Length: 100\r\n\r\n{"text":')
        await writer.drain()
    await there.unharmed()
    for reader, writer in openings[:5]:
        writer.write(b" ")
        await writer.drain()
        assert not reader.at_eof()
    await there.unharmed()
    for _, writer in openings:
        writer.close()
    await there.unharmed()


async def test_a_slow_body_is_dropped(there: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte a time; the patience is shortened, or the test would take half a minute."""
    monkeypatch.setattr("accepted.http.reading._PATIENCE", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
    writer.write(JSON + b'Content-Length: 100\r\n\r\n{"text":')
    got = b""
    while not got:
        writer.write(b" ")
        await writer.drain()
        try:
            async with asyncio.timeout(0.05):
                got = await reader.read(65536)
        except TimeoutError:
            continue
    assert statuses(got) == [408]
    writer.close()
    await there.unharmed()


CURSORS = ["-1", "1e3", "9" * 30, "0x10", "１２", "a:b", ":", ",", "\x00", "0:0", "NaN", "1" * 10_000, "' OR 1=1", "-0"]


@pytest.mark.parametrize("cursor", CURSORS, ids=ascii)
async def test_cursors_of_streams(there: Scene, cursor: str) -> None:
    async with there.client() as mallory:
        done = await mallory.post("/v1/tasks/keep", json={}, headers={"prefer": "wait=20"})
        own = done.headers["content-location"]
        job_id = own.rpartition("/")[2]
        for path in (f"{own}/events", f"/v1/events?jobs={job_id}"):
            for accept in ("text/event-stream", "application/json"):
                params = dict([("after", cursor), *([("jobs", job_id)] if "?" in path else [])])
                answer = await mallory.get(path.partition("?")[0], params=params, headers={"accept": accept})
                assert answer.status_code in (200, 204, 400), answer.text
                there.clean(answer.text)
    await there.unharmed()


RANGES = [
    "bytes=" + ",".join(f"{n}-{n}" for n in range(3000)),
    "bytes=0-" + "9" * 5000,
    "bytes=9999999999999999999-",
    "bytes=-0",
    "bytes=5-2",
    "bytes=--1",
    "lines=1-2",
    "bytes=0-0,-1",
    "bytes=" + "0-," * 3000,
]


@pytest.mark.parametrize("asked", RANGES, ids=lambda asked: asked[:20])
async def test_ranges(there: Scene, asked: str) -> None:
    async with there.client() as mallory:
        done = await mallory.post(
            "/v1/tasks/keep", json={"text": "0123456789", "name": "a"}, headers={"prefer": "wait=20"}
        )
        path = f"{done.headers['content-location']}/artifacts/a"
        answer = await mallory.get(path, headers={"range": asked})
        assert answer.status_code in (200, 206, 416)
        assert len(answer.content) <= 1000
    await there.unharmed()


async def test_many_keys_and_many_tasks(there: Scene) -> None:
    async with there.client() as mallory:
        made = {
            (await mallory.post("/v1/tasks/keep", json={}, headers={"idempotency-key": f"k{n}"})).json()["id"]
            for n in range(100)
        }
        assert len(made) == 100
        for name in (
            "../keep",
            "..%2fkeep",
            "keep/",
            "KEEP",
            "keep%00",
            "%6beep%20",
            "accepted.webhook",
            "__init__",
            "a" * 5000,
        ):
            answer = await mallory.post(f"/v1/tasks/{name}", json={})
            assert answer.status_code in (307, 403, 404, 405), (name, answer.status_code, answer.text)
            there.clean(answer.text)
    await there.unharmed()


async def test_what_is_said_comes_back_as_text_only(there: Scene) -> None:
    """Line ends and quotes in reasons and names: in no header, and in no frame of a stream."""
    evil = 'x\r\nSet-Cookie: a=b\r\n\r\ndata: {"job_id": "x"}\n\nevent: completed\u2028"; filename="evil.html'
    async with there.client() as mallory:
        own = (await mallory.post("/v1/tasks/wait", json={"text": evil})).json()["id"]
        cancelled = await mallory.post(f"/v1/jobs/{own}/cancel", json={"reason": evil})
        assert cancelled.status_code in (200, 202)
        assert await there.jobs.wait_over(own, 20)
        stream = await mallory.get(f"/v1/jobs/{own}/events", headers={"accept": "text/event-stream"})
        assert "\nevent: completed" not in stream.text
        kinds = [line for line in stream.content.split(b"\n") if line.startswith(b"event: ")]
        assert kinds[-1] == b"event: cancelled"
        done = await mallory.post(
            "/v1/tasks/keep", json={"text": evil, "name": 'a"b.html'}, headers={"prefer": "wait=20"}
        )
        job = (await mallory.get(done.headers["content-location"])).json()
        if job["artifacts"]:
            file = await mallory.get(job["artifacts"][0]["url"])
            assert file.headers["content-disposition"].startswith('attachment; filename="a_b.html"')
            assert "sandbox" in file.headers["content-security-policy"]
        assert MARK not in stream.text
    await there.unharmed()
