"""An application as a user would write it, served by plain uvicorn: its streams must not keep it from stopping."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from accepted.http.auth import Access, LoopbackOnly
from accepted.http.live import Live, Places
from accepted.http.shutdown import draining_on_signals
from accepted.http.sse import event_stream, resume
from accepted.http.tokens import Tokens
from accepted.hub import Hub
from accepted.job import JobRecord, NewJob
from accepted.settings import Settings
from accepted.stores.sqlite import SQLiteStore

settings = Settings()
store = SQLiteStore(None)
hub = Hub(store, settings)
access = Access(LoopbackOnly(), Tokens(store, settings), settings)


async def body(record: JobRecord) -> bytes:
    return b"{}"


live = Live(hub, access, Places(settings), body, store.request_cancel)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    await store.open()
    await hub.start()
    await store.submit([NewJob("job", "t", b"{}")])
    with draining_on_signals(hub):
        yield
    print("lifespan over", flush=True)
    await hub.stop()
    await store.close()


async def stream(request: Request) -> Response:
    start = resume([await store.get("job")], {})
    assert start is not None
    return event_stream(live, start, await access.identify(request))


async def watchers(request: Request) -> Response:
    return PlainTextResponse(str(hub.watchers))


app = Starlette(routes=[Route("/stream", stream), Route("/watchers", watchers)], lifespan=lifespan)
