"""What callers are told while the store cannot work: one sentence, and nothing of where or how it is kept."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_api.serving import serving, users
from http_live.serving import Socket
from starlette.applications import Starlette
from starlette.routing import Route
from websockets.asyncio.client import connect

from accepted import Job, Jobs, UploadFile
from accepted.errors import StoreError

TOLD = "The store is not available; try again in a moment."
ANN = {"authorization": "Bearer user:ann"}


@dataclass
class Away:
    """A server, and the folder that its store is in. `break_database`, `break_blobs`: from now on it fails."""

    data: Path
    jobs: Jobs
    port: int

    def break_database(self) -> None:
        (self.data / "jobs.db").unlink()

    def break_blobs(self) -> None:
        """A file where the folder was: nobody can write below it, not even root."""
        (self.data / "jobs.db-blobs").unlink(missing_ok=True)
        (self.data / "jobs.db-blobs").write_bytes(b"")

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=ANN, timeout=30)

    def clean(self, text: str) -> None:
        for word in (str(self.data), "jobs.db", "Errno"):
            assert word not in text, text

    def refused(self, answer: httpx.Response) -> None:
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"] == "5"
        said = answer.json()
        assert said["type"].endswith("#store-unavailable")
        assert said["detail"] == TOLD
        self.clean(answer.text + str(answer.headers))


async def attach(step: bool = False, *, job: Job) -> None:
    async def keep() -> None:
        await job.attach("a.txt", b"x")

    await (job.step("keep", keep) if step else keep())


async def attach_elsewhere(step: bool = False, *, job: Job) -> None:
    await attach(step, job=job)


async def read(file: UploadFile) -> int:
    return file.size_bytes


async def plain(text: str = "") -> str:
    return text


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[Away]:
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", auth=users, upkeep=3600)
    jobs.task(attach)
    jobs.task(isolation="process")(attach_elsewhere)
    jobs.task(read)
    endpoint = Route("/plain", jobs.endpoint(plain), methods=["POST"])
    app = Starlette(routes=[*jobs.routes, endpoint])
    async with jobs, serving(app) as port:
        yield Away(tmp_path, jobs, port)


REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "submit": ("POST", "/v1/tasks/attach", {"json": {}}),
    "upload": ("POST", "/v1/tasks/read", {"files": {"file": b"x"}}),
    "endpoint": ("POST", "/plain", {}),
    "cancel": ("POST", "/v1/jobs/{job_id}/cancel", {"json": {}}),
    "retry": ("POST", "/v1/jobs/{job_id}/retry", {}),
    "delete": ("DELETE", "/v1/jobs/{job_id}", {}),
    "webhook": ("POST", "/v1/webhooks", {"json": {"url": "https://example.org/"}}),
}


@pytest.mark.parametrize("request_", REQUESTS)
async def test_the_file_is_gone(away: Away, request_: str, caplog: pytest.LogCaptureFixture) -> None:
    method, path, options = REQUESTS[request_]
    async with away.client() as ann:
        done = await ann.post("/v1/tasks/attach", json={}, headers={"prefer": "wait=20"})
        job_id = done.headers["content-location"].rpartition("/")[2]
        away.break_database()
        away.refused(await ann.request(method, path.format(job_id=job_id), **options))
    assert f"{away.data / 'jobs.db'} was removed" in caplog.text


async def test_the_file_is_gone_from_under_a_batch_and_a_socket(away: Away, caplog: pytest.LogCaptureFixture) -> None:
    address = f"ws://127.0.0.1:{away.port}/v1/ws"
    async with away.client() as ann, connect(address, additional_headers=ANN) as connection:
        job_id = (await ann.post("/v1/tasks/attach", json={}, headers={"accepted-delay": "1h"})).json()["id"]
        away.break_database()
        kind = {"content-type": "application/x-ndjson"}
        batch = await ann.post("/v1/tasks/attach/batch", content=b"{}\n", headers=kind)
        away.clean(batch.text)
        assert json.loads(batch.text)["problem"]["detail"] == TOLD
        caplog.clear()
        socket = Socket(connection)
        answer = await socket.ask(action="cancel", job_id=job_id)
        away.clean(json.dumps(answer))
        assert (answer["problem"]["status"], answer["problem"]["detail"]) == (503, TOLD)
        assert f"{away.data / 'jobs.db'} was removed" in caplog.text


@pytest.mark.parametrize("arguments", [{}, {"step": True}], ids=["plain", "in a step"])
@pytest.mark.parametrize("task", ["attach", "attach_elsewhere"])
async def test_a_blob_cannot_be_written(
    away: Away, task: str, arguments: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The job's owner learns no more than a caller; the log has the path."""
    away.break_blobs()
    async with away.client() as ann:
        job_id = (await ann.post(f"/v1/tasks/{task}", json=arguments)).json()["id"]
        assert await away.jobs.wait_over(job_id, 20)
        job = await ann.get(f"/v1/jobs/{job_id}")
        error = job.json()["error"]
        assert (error["code"], error["detail"]) == ("store-unavailable", TOLD)
        events = await ann.get(f"/v1/jobs/{job_id}/events")
        for one in (job, events, await ann.get(f"/v1/jobs/{job_id}/result")):
            away.clean(one.text)
    assert str(away.data / "jobs.db-blobs") in caplog.text


async def test_an_upload_cannot_be_kept(away: Away, caplog: pytest.LogCaptureFixture) -> None:
    away.break_blobs()
    async with away.client() as ann:
        away.refused(await ann.post("/v1/tasks/read", files={"file": b"x"}))
    assert str(away.data / "jobs.db-blobs") in caplog.text


async def test_callers_in_python_are_told_all(away: Away) -> None:
    away.break_database()
    with pytest.raises(StoreError, match=re.escape(str(away.data / "jobs.db"))):
        await away.jobs.tasks["attach"].submit()
