"""A real server process of `accepted_apps.main:app`, and what its clients do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from accepted_apps.playground import Playground
from app_server import AppServer
from helpers import alive, wait_until
from websockets.asyncio.client import ClientConnection, connect

OVER = ("completed", "failed", "cancelled")


class Server(AppServer):
    """With a playground that it may fetch from. `settings`: variables without `ACCEPTED_`."""

    def __init__(self, data: Path, web: Playground, *, arguments: Iterable[str] = (), **settings: object) -> None:
        defaults: dict[str, Any] = {
            "preview_allow": web.url.removeprefix("http://"),
            "preview_proxies": ",".join(web.proxies),
            "preview_host_delay": 0,
            "preview_proxy_cooldown": 0,
            "preview_active_per_user": 50,
            "progress_interval": "50ms",
        }
        super().__init__("accepted_apps.main:app", data, arguments=arguments, **{**defaults, **settings})

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        # No certificates are needed here, and reading them takes longer than most tests.
        async with httpx.AsyncClient(base_url=self.url, timeout=60, verify=False, trust_env=False, **options) as http:
            yield Client(http)

    @asynccontextmanager
    async def socket(self, query: str = "") -> AsyncIterator[Socket]:
        url = f"{self.url.replace('http', 'ws', 1)}/ws/scraper{query}"
        async with connect(url, proxy=None, open_timeout=20) as connection:
            yield Socket(connection)


class Client:
    """The contract's routes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def preview(self, url: str, **more: Any) -> httpx.Response:
        return await self.http.post("/scraper/preview", json={"url": url, **more})

    async def start(self, url: str, **more: Any) -> str:
        """The id of a task in the background."""
        answer = await self.http.post("/scraper/preview/async", json={"url": url, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    async def look(self, task_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/scraper/task/{task_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def over(self, task_id: str, timeout: float = 60) -> dict[str, Any]:
        """The task once it is over."""

        async def ended() -> dict[str, Any] | None:
            task = await self.look(task_id)
            return task if task["status"] in OVER else None

        found: dict[str, Any] = await wait_until(ended, timeout=timeout, what="the end of the task")
        return found

    async def run(self, url: str, **more: Any) -> dict[str, Any]:
        return await self.over(await self.start(url, **more))


class Socket:
    """One connection to `/ws/scraper`."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            found: dict[str, Any] = json.loads(await self.connection.recv())
            return found

    async def subscribe(self, channel: str) -> dict[str, Any]:
        await self.send(type="subscribe", channel=channel)
        return await self.next()

    async def until(self, *kinds: str) -> list[dict[str, Any]]:
        """All messages up to the first of one of these types."""
        found = [await self.next()]
        while found[-1]["type"] not in kinds:
            found.append(await self.next())
        return found


def descendants(pid: int) -> list[int]:
    """All processes that this one has started, directly or not."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


async def none_alive(pids: Iterable[int]) -> None:
    """Returns once all of them have ended."""
    known = list(pids)
    await wait_until(lambda: not any(map(alive, known)), what="the end of all processes")
