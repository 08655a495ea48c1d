"""A real server with the live routes alone, on a real store, and somebody who does the work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from helpers import wait_until
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect

from accepted.errors import AcceptedError, NotAuthenticated
from accepted.http.auth import Access, Authenticator, Identity
from accepted.http.live import Live, Places
from accepted.http.problems import problem_response
from accepted.http.sse import event_stream, job_ids, read_cursor, resume
from accepted.http.tokens import Tokens
from accepted.http.websocket import JobSocket, LiveSocket
from accepted.hub import Hub
from accepted.job import EventDraft, JobRecord, Kind, Lease, NewJob, new_id
from accepted.settings import Settings
from accepted.stores.sqlite import SQLiteStore


async def users(connection: HTTPConnection) -> Identity | None:
    """`Authorization: Bearer user:NAME`, or a cookie `user=NAME`."""
    token = connection.headers.get("authorization", "").removeprefix("Bearer ")
    name = token.removeprefix("user:") if token.startswith("user:") else connection.cookies.get("user")
    if token and not token.startswith("user:"):
        raise NotAuthenticated("This is no user.")
    return Identity(name, admin=name == "root") if name else None


@dataclass
class Service:
    """The running server. `base` is its http:// address."""

    base: str
    live: Live
    store: SQLiteStore
    server: uvicorn.Server
    leases: dict[str, Lease]

    @property
    def hub(self) -> Hub:
        return self.live.hub

    async def submit(self, owner: str = "ann") -> str:
        (submitted,) = await self.store.submit([NewJob(new_id(), "t", b"{}", owner=owner)])
        assert not isinstance(submitted, Exception)
        return submitted.job.id

    async def start(self, owner: str = "ann") -> str:
        """A job that runs."""
        job_id = await self.submit(owner)
        claim = await self.store.claim("w", queues=["default"], tasks=["t"], limit=100, lease=60)
        self.leases.update({one.job.id: one.job.lease for one in claim.jobs})
        return job_id

    async def report(self, job_id: str, count: int = 1, *, text: str = "m") -> None:
        await self.store.report(self.leases[job_id], [EventDraft(Kind.LOG, {"message": text})] * count)

    async def complete(self, job_id: str) -> None:
        await self.store.complete(self.leases[job_id], b"1")

    async def stored(self, job_id: str) -> list[int]:
        return [event.seq for event in (await self.store.events(job_id, limit=100_000)).events]

    @asynccontextmanager
    async def socket(
        self, user: str | None = "ann", query: str = "", path: str = "/v1/ws", **options: Any
    ) -> AsyncIterator[Socket]:
        if user is not None:
            options.setdefault("additional_headers", {})["authorization"] = f"Bearer user:{user}"
        address = f"{self.base.replace('http', 'ws')}{path}{query}"
        async with connect(address, compression=None, **options) as connection:
            yield Socket(connection)

    def client(self, user: str | None = "ann") -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer user:{user}"} if user else {}
        return httpx.AsyncClient(base_url=self.base, headers=headers, timeout=20)


class Socket:
    """A client's end, in JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.connection.recv(), 20))
        return message

    async def ask(self, **message: Any) -> dict[str, Any]:
        await self.say(**message)
        return await self.hear()

    async def closed(self) -> int:
        """The code with which the server closed it."""
        await asyncio.wait_for(self.connection.wait_closed(), 20)
        assert self.connection.close_code is not None
        return self.connection.close_code


@dataclass
class ServerEvent:
    """One event of a stream as a browser would see it."""

    id: str
    kind: str
    data: Any


async def read_events(lines: AsyncIterator[str]) -> AsyncIterator[ServerEvent]:
    """Parse an event stream by the rules of the HTML standard."""
    last, kind, data = "", "message", ""
    async for line in lines:
        name, _, value = line.partition(": ")
        if line == "" and data:
            yield ServerEvent(last, kind, json.loads(data))
            kind, data = "message", ""
        elif name == "id":
            last = value
        elif name == "event":
            kind = value
        elif name == "data":
            data += value


@asynccontextmanager
async def serving(
    path: Path | None,
    *,
    auth: Authenticator = users,
    socket: type[LiveSocket] = JobSocket,
    store_options: Mapping[str, Any] | None = None,
    uvicorn_options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Service]:
    store = SQLiteStore(path, **(store_options or {}))
    await store.open()
    options = Settings(**settings)
    hub = Hub(store, options)
    await hub.start()

    async def body(record: JobRecord) -> bytes:
        return json.dumps({"id": record.id, "seq": record.seq, "status": record.status}).encode()

    access = Access(auth, Tokens(store, options), options)
    live = Live(hub, access, Places(options), body, store.request_cancel)
    config = uvicorn.Config(_app(live, socket), port=0, log_level="warning", lifespan="off", **(uvicorn_options or {}))
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(server.serve())
    await wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Service(f"http://127.0.0.1:{port}", live, store, server, {})
    finally:
        hub.drain()
        server.should_exit = True
        await asyncio.wait_for(running, 20)
        await hub.stop()
        await store.close()


def _app(live: Live, socket: type[LiveSocket]) -> Starlette:
    store = live.hub.store

    def route(path: str, handler: Any, method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                answer: Response = await handler(request, await live.access.identify(request))
            except AcceptedError as error:
                return problem_response(error)
            return answer

        return Route(path, endpoint, methods=[method])

    async def stream(request: Request, identity: Identity) -> Response:
        several = "job_id" not in request.path_params
        if several:
            jobs = job_ids(request.query_params.get("jobs", ""), live.settings.subscriptions_max)
        else:
            jobs = [request.path_params["job_id"]]
        records = [await live.access.job(identity, store, job_id, "read") for job_id in jobs]
        cursor = request.headers.get("last-event-id") or request.query_params.get("after", "")
        start = resume(records, read_cursor(cursor, jobs) if cursor else {})
        return event_stream(live, start, identity, several=several) if start else Response(status_code=204)

    async def ticket(request: Request, identity: Identity) -> Response:
        text, expires_at = await live.access.ticket(identity)
        return JSONResponse({"ticket": text, "expires_at": expires_at}, 201)

    async def page(request: Request, identity: Identity) -> Response:
        record = await live.access.job(identity, store, request.path_params["job_id"], "read")
        after = int(request.query_params.get("after", 0))
        found = await store.events(record.id, after=after, limit=20)
        return JSONResponse({"seqs": [event.seq for event in found.events], "over": record.over})

    async def endpoint(websocket: WebSocket) -> None:
        await socket(websocket, live).run()

    return Starlette(
        routes=[
            route("/v1/jobs/{job_id}/events", stream),
            route("/v1/jobs/{job_id}/page", page),
            route("/v1/events", stream),
            route("/v1/ws-ticket", ticket, "POST"),
            WebSocketRoute("/v1/ws", endpoint),
        ]
    )
