"""A real server process of `accepted_apps.main:app` that may read from stand-ins, and what its clients do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from accepted_apps.playground.social import Bluesky, Mastodon, Served
from app_server import AppServer
from helpers import wait_until

OVER = ("completed", "failed", "cancelled")


class Networks:
    """The stand-ins, each on a port of its own."""

    def __init__(self) -> None:
        self.mastodon = Served(Mastodon())
        self.bluesky = Served(Bluesky())

    def start(self) -> None:
        self.mastodon.start()
        self.bluesky.start()

    def close(self) -> None:
        self.mastodon.close()
        self.bluesky.close()

    def reset(self) -> None:
        self.mastodon.network.reset()
        self.bluesky.network.reset()

    @property
    def allowed(self) -> str:
        return f"{self.mastodon.address},{self.bluesky.address}"

    def on_mastodon(self, path: str) -> str:
        return f"{self.mastodon.url}/{path}"

    @staticmethod
    def on_bluesky(name: str) -> str:
        return f"https://bsky.app/profile/{name}.test"


class Server(AppServer):
    """With stand-ins that it may read from. `settings`: variables without `ACCEPTED_`."""

    def __init__(self, data: Path, networks: Networks, *, arguments: Iterable[str] = (), **settings: object) -> None:
        defaults: dict[str, Any] = {
            "profiles_allow": networks.allowed,
            "profiles_bluesky_url": networks.bluesky.url,
            "profiles_request_gap": 0,
            "profiles_active_per_user": 50,
            "progress_interval": "20ms",
            "drain": "100ms",
        }
        super().__init__("accepted_apps.main:app", data, arguments=arguments, **{**defaults, **settings})

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        # No certificates are needed here, and reading them takes longer than most tests.
        async with httpx.AsyncClient(base_url=self.url, timeout=60, verify=False, trust_env=False, **options) as http:
            yield Client(http)


class Client:
    """The contract's routes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def scrape(self, **body: Any) -> httpx.Response:
        return await self.http.post("/api/scrape", json=body)

    async def start(self, url: str, **more: Any) -> str:
        answer = await self.scrape(url=url, **more)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["jobId"])

    async def newest(self) -> list[str]:
        """The id of the newest job; others of the same server may go on meanwhile."""
        return [job["id"] for job in (await self.http.get("/v1/jobs?limit=1")).json()["jobs"]]

    async def look(self, job_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/api/scrape/status/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def over(self, job_id: str, timeout: float = 60) -> dict[str, Any]:
        """The job once it is over."""

        async def ended() -> dict[str, Any] | None:
            state = await self.look(job_id)
            return state if state["status"] in OVER else None

        found: dict[str, Any] = await wait_until(ended, timeout=timeout, what="the end of the job")
        return found

    async def run(self, url: str, **more: Any) -> dict[str, Any]:
        return await self.over(await self.start(url, **more))

    async def completed(self, url: str, **more: Any) -> dict[str, Any]:
        """The result."""
        state = await self.run(url, **more)
        assert state["status"] == "completed", state
        found: dict[str, Any] = state["result"]
        return found

    async def failed(self, url: str, **more: Any) -> tuple[str, str]:
        """Code and sentence."""
        state = await self.run(url, **more)
        assert state["status"] == "failed", state
        assert "result" not in state
        return state["errorCode"], state["error"]

    async def job(self, job_id: str) -> dict[str, Any]:
        """The job as the job API shows it."""
        found: dict[str, Any] = (await self.http.get(f"/v1/jobs/{job_id}")).json()
        return found

    async def finished_steps(self, job_id: str) -> list[str]:
        return [step["name"] for step in (await self.job(job_id))["steps"] if step["status"] == "completed"]

    async def events(self, job_id: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "application/json"})
        found: list[dict[str, Any]] = answer.json()["events"]
        return found


def all_of(comments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Comments and their replies, as one list."""
    return [one for comment in comments for one in (comment, *all_of(comment["replies"]))]
