"""Several server processes and worker processes on one SQLite file: any of them answers for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import Server

from accepted.client import Client


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    data = tmp_path / "data"
    # The first serves and works; the second only serves, with two worker processes beside it.
    pair = Server(data).start(), Server(data, words=("--workers", "2")).start()
    yield pair
    for one in pair:
        one.stop()


def test_submitted_here_followed_there(servers: tuple[Server, Server]) -> None:
    with Client(servers[0].url) as here, Client(servers[1].url) as there:
        jobs = [here.tasks["count"].submit(to=5) for _ in range(20)]
        for job in jobs:
            seen = [event.seq for event in there.jobs.get(job.id).events()]
            assert seen == list(range(1, len(seen) + 1))
            assert there.jobs.get(job.id).result(timeout=30) == 5
        assert len(list(there.jobs.iterate())) == 20


def test_cancelled_through_the_other_server(servers: tuple[Server, Server], tmp_path: Path) -> None:
    with Client(servers[0].url) as here, Client(servers[1].url) as there:
        job = here.tasks["gate"].submit(path=str(tmp_path / "never"))
        for event in there.jobs.get(job.id).events():
            if event.kind == "running":
                there.jobs.cancel(job.id)
        assert job.refresh()["status"] == "cancelled"


def test_one_key_one_job_whichever_server_is_asked(servers: tuple[Server, Server]) -> None:
    headers = {"Idempotency-Key": '"the same"', "Prefer": "respond-async"}
    answers = [httpx.post(f"{one.url}/v1/tasks/add", json={"a": 1}, headers=headers) for one in servers]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
