"""A real server process of `accepted_apps.main:app` that may fetch from a git server, and what its clients do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from accepted_apps.playground.audit import SERVICES, GitServer, make_repository
from app_server import AppServer
from helpers import wait_until

OVER = ("completed", "failed", "cancelled")
ASYNC = "/analyze-worst-apis-with-github-async/"
BLOCKING = "/analyze-worst-apis-with-github/"
SLOW = {
    "endpoint": "/api/users",
    "avg_response_time_ms": 2500,
    "error_rate_percent": 15,
    "throughput_rps": 100,
    "percentile_95_latency_ms": 3000,
}
DEV = {
    "app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/dev')\ndef dev():\n    return 1\n"
}


def serve_repositories(folder: Path) -> GitServer:
    """The playground's services; `shop/fastapi` has a second branch."""
    made = {}
    for name, files in SERVICES.items():
        branches = {"main": files, **({"dev/next": DEV} if name == "shop/fastapi" else {})}
        made[name] = make_repository(folder / name.replace("/", "-"), branches)
    return GitServer(made).start()


class Server(AppServer):
    """With a git server that it may fetch from. `settings`: variables without `ACCEPTED_`."""

    def __init__(self, data: Path, git: GitServer, *, arguments: Iterable[str] = (), **settings: object) -> None:
        defaults: dict[str, Any] = {
            "audit_allow": git.address,
            "audit_github_url": git.url,
            "audit_active_per_user": 50,
            "progress_interval": "20ms",
            "drain": "100ms",
        }
        super().__init__("accepted_apps.main:app", data, arguments=arguments, **{**defaults, **settings})

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        # No certificates are needed here, and reading them takes longer than most tests.
        async with httpx.AsyncClient(base_url=self.url, timeout=60, verify=False, trust_env=False, **options) as http:
            yield Client(http)

    @property
    def work(self) -> Path:
        """Where repositories lie while they are read."""
        return self.data / "audit"

    def left_behind(self) -> list[Path]:
        return [*self.work.glob("*")] if self.work.exists() else []


class Client:
    """The contract's routes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, path: str = ASYNC, repo: str = "shop/fastapi", *apis: Any, **query: str) -> httpx.Response:
        return await self.http.post(
            path, params={"github_repo": repo, **query}, json={"worst_apis": list(apis) or [SLOW]}
        )

    async def start(self, repo: str = "shop/fastapi", *apis: Any, **query: str) -> str:
        answer = await self.post(ASYNC, repo, *apis, **query)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    async def look(self, job_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/status/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def over(self, job_id: str, timeout: float = 90) -> dict[str, Any]:
        """The job once it is over."""

        async def ended() -> dict[str, Any] | None:
            state = await self.look(job_id)
            return state if state["status"] in OVER else None

        found: dict[str, Any] = await wait_until(ended, timeout=timeout, what="the end of the job")
        return found

    async def completed(self, repo: str = "shop/fastapi", *apis: Any, **query: str) -> dict[str, Any]:
        """The result."""
        state = await self.over(await self.start(repo, *apis, **query))
        assert state["status"] == "completed", state
        found: dict[str, Any] = state["result"]
        return found

    async def failed(self, repo: str = "shop/fastapi", **query: str) -> tuple[str, str]:
        """Code and sentence."""
        state = await self.over(await self.start(repo, **query))
        assert state["status"] == "failed", state
        assert "result" not in state
        return state["error_code"], state["error"]

    async def job(self, job_id: str) -> dict[str, Any]:
        """The job as the job API shows it."""
        found: dict[str, Any] = (await self.http.get(f"/v1/jobs/{job_id}")).json()
        return found


def matched(result: dict[str, Any], endpoint: str) -> dict[str, Any]:
    [found] = [one for one in result["matched_apis_with_colors"] if one["api_endpoint"] == endpoint]
    return dict(found)


def titles(api: dict[str, Any]) -> list[str]:
    return [one["rule"] for one in api["findings"]]
