"""A real server, a victim whose everything has a mark, and the attacker's tools."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from helpers import wait_until
from http_api.serving import serving
from http_live.serving import Socket, users
from websockets.asyncio.client import connect

from accepted import Job, Jobs, UploadFile
from accepted.job import new_id

MARK = "canary"
VICTIM, ATTACKER = f"vera-{MARK}", "mallory"
ARTIFACT = f"{MARK}.txt"
TLS = ssl.create_default_context()
"""Made once: a client of its own takes longer to make it than for everything else in a test."""


@dataclass
class Scene:
    """`job`, `running`, `webhook`, `delivery`: ids of the victim's. `gate`: jobs wait for it."""

    base: str
    port: int
    jobs: Jobs
    gate: asyncio.Event
    job: str = ""
    running: str = ""
    webhook: str = ""
    delivery: str = ""
    _counter: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.job, self.running, self.webhook, self.delivery)

    def client(self, user: str | None = ATTACKER, **options: Any) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer user:{user}"} if user else {}
        headers |= options.pop("headers", {})
        return httpx.AsyncClient(base_url=self.base, headers=headers, timeout=30, verify=TLS, **options)

    @asynccontextmanager
    async def socket(self, user: str | None = ATTACKER, query: str = "", **options: Any) -> AsyncIterator[Socket]:
        headers = {"authorization": f"Bearer user:{user}"} if user else {}
        headers |= options.pop("headers", {})
        address = f"ws://127.0.0.1:{self.port}/v1/ws{query}"
        options = {"close_timeout": 0.2, "compression": None, "max_size": None, **options}
        async with connect(address, additional_headers=headers, **options) as connection:
            yield Socket(connection)

    async def raw(self, request: bytes, *, more: bytes = b"") -> bytes:
        """What comes back for these bytes until the server closes the connection or falls silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        got = b""
        try:
            writer.write(request)
            await writer.drain()
            if more:
                writer.write(more)
                await writer.drain()
            async with asyncio.timeout(1.0):
                while piece := await reader.read(65536):
                    got += piece
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return got

    def clean(self, *received: bytes | str, sent: str = "") -> None:
        """Nothing of the victim's is in what the attacker got, but what he sent himself."""
        for one in received:
            text = one.decode("latin-1") if isinstance(one, bytes) else one
            if sent:
                text = text.replace(sent, "")
            for secret in (MARK, *self.ids):
                assert secret not in text, f"{secret} in {text[:2000]}"

    async def unharmed(self) -> None:
        """The server answers, and the victim's work goes on."""
        async with self.client(None) as client:
            assert (await client.get("/healthz")).status_code == 200
        async with self.client(VICTIM) as vera:
            text = f"{MARK} {next(self._counter)}"
            answer = await vera.post("/v1/tasks/keep", json={"text": text}, headers={"prefer": "wait=20"})
            assert (answer.status_code, answer.json()) == (200, text), answer.text
            running = (await vera.get(f"/v1/jobs/{self.running}")).json()
            assert (running["cancelling"], running["finished_at"], running["owner"]) == (False, None, VICTIM)
            done = (await vera.get(f"/v1/jobs/{self.job}")).json()
            assert [one["name"] for one in done["artifacts"]] == [ARTIFACT]
            assert (await vera.get(f"/v1/webhooks/{self.webhook}")).json()["description"] == MARK


@asynccontextmanager
async def scene(data: Path, **settings: Any) -> AsyncIterator[Scene]:
    gate = asyncio.Event()
    jobs = _jobs(data, gate, **settings)
    async with jobs, serving(jobs.app) as port:
        made = Scene(f"http://127.0.0.1:{port}", port, jobs, gate)
        try:
            await _furnish(made)
            yield made
        finally:
            gate.set()


def _jobs(data: Path, gate: asyncio.Event, **settings: Any) -> Jobs:
    options = {"auth": users, "cancel_grace": 0.5, "drain": 0.5, **settings}
    jobs = Jobs(f"sqlite:///{data / 'jobs.db'}", **options)

    @jobs.task
    async def keep(text: str = "", name: str = "", *, job: Job) -> str:
        """Says what it was told and keeps it in a file."""
        job.log(text)
        await job.attach(name or "file.txt", text.encode())
        return text

    @jobs.task
    async def wait(text: str = "", *, job: Job) -> str:
        await job.progress(10, text)
        await gate.wait()
        return text

    @jobs.task
    async def read(file: UploadFile, others: list[UploadFile] = []) -> list[str]:  # noqa: B006
        return [file.filename, *(one.filename for one in others), str(file.path)]

    @jobs.task
    async def flood(lines: int, *, job: Job) -> None:
        for number in range(lines):
            job.log("x" * 4000)
            if number % 50 == 0:
                await job.log("written")

    return jobs


async def _furnish(made: Scene) -> None:
    async with made.client(VICTIM) as vera:
        key = {"idempotency-key": f"{MARK}-key"}
        answer = await vera.post("/v1/tasks/keep", json={"text": f"{MARK}-argument", "name": ARTIFACT}, headers=key)
        made.job = answer.json()["id"]
        assert await made.jobs.wait_over(made.job, 20)
        made.running = (await vera.post("/v1/tasks/wait", json={"text": f"{MARK}-message"})).json()["id"]
        await made.jobs.hub.changed(made.running, 2, 20)
        hook = {"url": f"https://{MARK}.invalid/hook", "description": MARK}
        made.webhook = (await vera.post("/v1/webhooks", json=hook)).json()["id"]
        made.delivery = (await vera.post(f"/v1/webhooks/{made.webhook}/test")).json()["id"]

    async def runs() -> bool:
        async with made.client(VICTIM) as vera:
            return bool((await vera.get(f"/v1/jobs/{made.running}")).json()["progress"]["percent"])

    await wait_until(runs)


def unknown() -> str:
    """An id that never was, of the same form."""
    return new_id()
