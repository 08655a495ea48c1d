"""No byte that was written anywhere holds a secret, whatever the tasks did with it; and the scan would find one."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from helpers import wait_until
from served import Server

from accepted.job import TERMINAL
from accepted.secret import MASK
from accepted.task import fingerprint


class Searched:
    """A text, in every form in which it could have been written. Made without the library's own list."""

    def __init__(self, text: str) -> None:
        raw = text.encode()
        base64s = [base64.b64encode(b"\0" * shift + raw)[4 : -4 or None] for shift in range(3)]
        self.forms = {
            raw,
            raw[::-1],
            raw.hex().encode(),
            raw.hex().upper().encode(),
            "".join(f"%{byte:02X}" for byte in raw).encode(),
            quote(text).encode(),
            json.dumps(text)[1:-1].encode(),
            text.encode("utf-16-le"),
            text.encode("utf-16-be"),
            *base64s,
            *(one.replace(b"+", b"-").replace(b"/", b"_") for one in base64s),
        }

    def found_in(self, content: bytes) -> bool:
        return any(form in content for form in self.forms)


@dataclass
class Password:
    """Characters that every encoding writes differently, between two parts that none does."""

    first: str = field(default_factory=lambda: f"Alpha{uuid4().hex}")
    last: str = field(default_factory=lambda: f"Omega{uuid4().hex}")

    @property
    def text(self) -> str:
        return f"{self.first}\"'\\ /+%é\n&{self.last}"

    def searched(self) -> list[Searched]:
        return [Searched(self.first), Searched(self.last)]


class Scene:
    """A server with worker processes, and all that came out of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "logs").mkdir()
        self.server = Server(
            folder / "data",
            target="secret_arguments.secret_app:jobs",
            words=("--workers", "2", "--access-log"),
            LOGS=str(folder / "logs"),
            TMPDIR=str(folder),
        ).start()
        self.answers: list[bytes] = []
        self.searched: list[Searched] = []
        self.client = httpx.AsyncClient(
            base_url=self.server.url, timeout=60, event_hooks={"response": [self._keep_answer]}
        )

    async def _keep_answer(self, response: httpx.Response) -> None:
        await response.aread()
        self.answers.append(repr(response.headers.raw).encode() + response.content)

    def password(self) -> str:
        made = Password()
        self.searched += made.searched()
        return made.text

    def content(self, **arguments: Any) -> bytes:
        """A body, whose plain hash must be nowhere either: it can be compared with guesses."""
        content = json.dumps(arguments).encode()
        self.searched.append(Searched(fingerprint(content)))
        return content

    async def submit(self, task: str, **arguments: Any) -> str:
        answer = await self.client.post(f"/v1/tasks/{task}", json={"password": self.password(), **arguments})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def over(self, job_id: str) -> dict[str, Any]:
        """The job at its end, after its stream of events, which is kept too."""
        events = await self.client.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "text/event-stream"})
        assert events.status_code == 200
        job: dict[str, Any] = (await self.client.get(f"/v1/jobs/{job_id}")).json()
        assert job["status"] in TERMINAL
        for part in ("result", "steps", "artifacts"):
            await self.client.get(f"/v1/jobs/{job_id}/{part}")
        return job

    def written(self) -> Iterator[tuple[str, bytes]]:
        """All of it, with where it was found."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                yield str(path.relative_to(self.folder)), path.name.encode() + path.read_bytes()
        assert self.server.process
        yield "stdout", "\n".join(self.server.process.out).encode()
        yield "stderr", "\n".join(self.server.process.err).encode()
        yield from (("an answer", answer) for answer in self.answers)

    def leaks(self) -> list[str]:
        return [place for place, content in self.written() if any(one.found_in(content) for one in self.searched)]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    try:
        yield scene
    finally:
        await scene.client.aclose()
        scene.server.clean_up()


async def test_nothing_that_is_written_holds_a_secret(scene: Scene) -> None:
    control = f"Control{uuid4().hex}"
    ends = {
        "succeed": "completed",
        "fail": "failed",
        "retry": "completed",
        "fail_step": "failed",
        "reveal": "failed",
        "overrun": "failed",
        "fail_in_thread": "failed",
        "succeed_in_process": "completed",
        "fail_in_process": "failed",
        "crash_in_process": "failed",
        "crash": "completed",
    }
    given = {task: await scene.submit(task, **({"note": control} if task == "succeed" else {})) for task in ends}
    jobs = dict(zip(ends, await asyncio.gather(*map(scene.over, given.values())), strict=True))
    assert {task: job["status"] for task, job in jobs.items()} == ends
    for task in ("fail", "fail_in_thread", "fail_in_process"):
        assert MASK in jobs[task]["error"]["detail"]
    assert jobs["reveal"]["error"]["code"] == "secret-revealed"
    assert jobs["crash"]["attempt"] == 2

    await _cancel(scene)
    await _bad_input(scene)
    await _replay(scene)
    await _other_ways_in(scene)
    for path in ("/metrics", "/v1/jobs", "/v1/tasks", "/v1/jobs?q=Alpha", "/openapi.json"):
        await scene.client.get(path)

    assert scene.leaks() == []
    written = dict(scene.written())
    searched = Searched(control)
    assert any(searched.found_in(content) for place, content in written.items() if place.startswith("data/jobs.db"))
    assert any(MASK.encode() in content for place, content in written.items() if place.startswith("logs/json"))
    assert b"printed " + MASK.encode() in written["stdout"]
    scene.server.stop()
    assert scene.leaks() == []


async def _cancel(scene: Scene) -> None:
    job_id = await scene.submit("wait")

    async def runs() -> bool:
        return bool((await scene.client.get(f"/v1/jobs/{job_id}")).json()["progress"]["percent"])

    await wait_until(runs)
    await scene.client.post(f"/v1/jobs/{job_id}/cancel")
    assert (await scene.over(job_id))["status"] == "cancelled"


async def _bad_input(scene: Scene) -> None:
    for body in (
        {"password": [scene.password()]},
        {"password": {"$secret": scene.password()}},
        {"password": scene.password(), "note": {"x": scene.password()}},
        {"password": scene.password(), "pasword": scene.password()},
    ):
        assert (await scene.client.post("/v1/tasks/succeed", json=body)).status_code == 422
    half = json.dumps({"password": scene.password()})[:-1].encode()
    answer = await scene.client.post("/v1/tasks/succeed", content=half, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


async def _replay(scene: Scene) -> None:
    body = scene.content(password=scene.password())
    headers = {"Idempotency-Key": "once", "Content-Type": "application/json"}
    first, again = [await scene.client.post("/v1/tasks/succeed", content=body, headers=headers) for _ in range(2)]
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    changed = scene.content(password=scene.password())
    other = await scene.client.post("/v1/tasks/succeed", content=changed, headers=headers)
    assert other.status_code == 422
    await scene.over(first.json()["id"])


async def _other_ways_in(scene: Scene) -> None:
    form: dict[str, Any] = {"password": (None, scene.password()), "file": ("a.txt", b"nothing in it")}
    posted = await scene.client.post("/v1/tasks/with_file", files=form)
    assert (await scene.over(posted.json()["id"]))["status"] == "completed"
    bad = await scene.client.post("/v1/tasks/with_file", files={"password": (None, scene.password())})
    assert bad.status_code == 422

    lines = [
        scene.content(password=scene.password()),
        scene.content(password=[scene.password()]),
        scene.content(passwort=scene.password()),
    ]
    batch = await scene.client.post(
        "/v1/tasks/succeed/batch",
        content=b"\n".join(lines),
        headers={"Content-Type": "application/x-ndjson", "Idempotency-Key": "batch"},
    )
    assert batch.status_code == 200, batch.text
    stored = [json.loads(line) for line in batch.text.splitlines()]
    assert [one["status"] for one in stored] == [202, 422, 422]


@pytest.mark.parametrize("content", [b'{"p":"%s"}', b"p=%s&"])
def test_the_scan_finds_what_is_there(content: bytes) -> None:
    password = Password()
    first = password.first.encode()
    for coded in (first, first.hex().encode(), password.first.encode("utf-16-le"), base64.b64encode(b"me:" + first)):
        assert password.searched()[0].found_in(content % coded)
        assert not Password().searched()[0].found_in(content % coded)
