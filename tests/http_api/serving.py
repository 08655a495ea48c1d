"""A `Jobs` with a few tasks, a real store and a real worker, and clients of it by user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from accepted import Fail, Job, Jobs, UploadFile
from accepted.errors import NotAuthenticated
from accepted.http.auth import Identity


async def users(connection: HTTPConnection) -> Identity | None:
    """`Authorization: Bearer user:NAME`; root is the administrator."""
    token = connection.headers.get("authorization", "").removeprefix("Bearer ")
    if token and not token.startswith("user:"):
        raise NotAuthenticated("This is no user.")
    name = token.removeprefix("user:")
    return Identity(name, admin=name == "root") if name else None


class Item(BaseModel):
    text: str = Field(max_length=100)
    children: list[Item] = []


class Api:
    """`gate`: jobs of the task `gated` end when it is set; until then they run."""

    def __init__(self, url: str = "sqlite://:memory:", **settings: Any) -> None:
        self.jobs = Jobs(url, auth=users, **settings)
        self.gate = asyncio.Event()
        self.calls: list[str] = []
        self._register()

    def _register(self) -> None:
        jobs = self.jobs

        @jobs.task
        async def add(a: int, b: int = 2) -> int:
            """Adds two numbers.

            And nothing else.
            """
            self.calls.append("add")
            return a + b

        @jobs.task
        async def gated(name: str = "", *, job: Job) -> str:
            self.calls.append(name)
            job.progress(25, "At the gate")
            await self.gate.wait()
            return name

        @jobs.task(retries=0)
        async def fail(message: str = "no luck") -> None:
            raise Fail(message, code="no-luck", color="red")

        @jobs.task
        async def big(size: int) -> str:
            return "x" * size

        @jobs.task
        async def attach(name: str, text: str, media_type: str | None = None, *, job: Job) -> None:
            await job.step("prepare", str, text)
            await job.attach(name, text.encode(), media_type=media_type)

        @jobs.task
        async def measure(
            file: UploadFile,
            more: list[UploadFile] = [],  # noqa: B006  a default of its own, as everybody writes it
            tags: list[str] | None = None,
            n: int = 1,
        ) -> dict[str, Any]:
            return {
                "name": file.filename,
                "type": file.media_type,
                "size": file.path.stat().st_size,
                "tags": tags,
                "n": n,
                "local": str(file.path),
            }

        @jobs.task
        async def items(first: Item, others: list[Item] = []) -> list[Item]:  # noqa: B006  the same
            return [first, *others]

    def client(self, user: str | None = "ann", app: ASGIApp | None = None, **options: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app or self.jobs.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost", **options)
        if user:
            client.headers["authorization"] = f"Bearer user:{user}"
        return client

    async def submit(self, client: httpx.AsyncClient, task: str, **arguments: Any) -> str:
        """The path of a new job."""
        answer = await client.post(f"/v1/tasks/{task}", json=arguments)
        assert answer.status_code == 202, answer.text
        return answer.headers["location"]

    async def done(self, client: httpx.AsyncClient, task: str, **arguments: Any) -> str:
        """The path of a job that is over."""
        path = await self.submit(client, task, **arguments)
        await self.over(path)
        return path

    async def over(self, path: str) -> None:
        assert await self.jobs.wait_over(path.rsplit("/", 1)[1], 20)

    async def running(self, client: httpx.AsyncClient, name: str = "", **headers: str) -> str:
        """The path of a job that has come to the gate."""
        answer = await client.post("/v1/tasks/gated", json={"name": name}, headers=headers)
        path: str = answer.headers["location"]
        async for event in self.jobs.events(path.rsplit("/", 1)[1]):
            if event.kind == "progress":
                break
        return path


@asynccontextmanager
async def started(**settings: Any) -> AsyncIterator[Api]:
    api = Api(**settings)
    async with api.jobs:
        try:
            yield api
        finally:
            api.gate.set()


@asynccontextmanager
async def serving(app: ASGIApp, **options: Any) -> AsyncIterator[int]:
    """A real server; its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", **options))
    running = asyncio.ensure_future(server.serve())
    while not server.started:
        assert not running.done()
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


def problem(answer: httpx.Response, status: int, slug: str) -> Mapping[str, Any]:
    """The problem object, after a look at its form."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: Mapping[str, Any] = answer.json()
    assert body["type"].endswith(f"#{slug}"), body
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body
