"""Deliveries over the death of workers: real processes, real kill -9."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
from helpers import wait_until
from webhooks import process
from webhooks.receiver import Answer, Receiver

from accepted import Jobs
from accepted.job import Kind, new_id
from accepted.stores.base import JobQuery, Webhook, delivery_owner
from accepted.webhooks import verify
from accepted.webhooks.signing import new_secret
from accepted.webhooks.words import KINDS


@pytest.fixture
async def watcher(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Jobs]:
    """Submits and looks, and runs nothing."""
    jobs = process.make(str(tmp_path / "jobs.db"), f"127.0.0.1:{receiver.port}", worker=False, upkeep=0.1)
    async with jobs:
        yield jobs


@contextmanager
def worker(tmp_path: Path, receiver: Receiver, *words: str) -> Iterator[Popen[bytes]]:
    command = [sys.executable, process.__file__, str(tmp_path / "jobs.db"), f"127.0.0.1:{receiver.port}", *words]
    started = Popen(command, stdout=PIPE)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        started.wait()
        assert started.stdout
        started.stdout.close()


async def register(jobs: Jobs, receiver: Receiver, *types: str) -> Webhook:
    kinds: frozenset[str] = frozenset(KINDS[one] for one in types or ("job.completed", "job.failed", "job.cancelled"))
    webhook = Webhook(new_id(), "local", receiver.url, (new_secret(),), kinds, frozenset(), "", 0.0)
    await jobs.store.add_webhook(webhook, at_most=5)
    return webhook


async def deliveries(jobs: Jobs, webhook: Webhook) -> list[Any]:
    return list((await jobs.store.list(JobQuery(owner=delivery_owner(webhook.id)))).jobs)


async def test_killed_right_after_the_end_the_next_worker_delivers_once(
    tmp_path: Path, receiver: Receiver, watcher: Jobs
) -> None:
    webhook = await register(watcher, receiver)
    with worker(tmp_path, receiver, "dies") as first:
        handle = await watcher.get_task("add").submit(a=1)
        assert await asyncio.to_thread(first.wait, 30) == -9
    assert (await handle.refresh()).status == "completed"
    assert not receiver.received
    (waiting,) = await deliveries(watcher, webhook)
    assert not waiting.over
    with worker(tmp_path, receiver):
        assert await watcher.wait_over(waiting.id, 30)
    (request,) = receiver.received
    assert request.id == waiting.id
    assert verify(webhook.secrets[0], request.headers, request.body)["data"]["result"] == 3
    assert len(await deliveries(watcher, webhook)) == 1


async def test_killed_while_the_receiver_thinks_it_is_told_again_under_the_same_id(
    tmp_path: Path, receiver: Receiver, watcher: Jobs
) -> None:
    webhook, held = await register(watcher, receiver), asyncio.Event()
    receiver.answers = [Answer(held=held)]
    with worker(tmp_path, receiver) as first:
        await watcher.get_task("add").submit(a=1)
        await receiver.got()
        first.kill()
        await asyncio.to_thread(first.wait, 30)
    (delivery,) = await deliveries(watcher, webhook)
    with worker(tmp_path, receiver):
        assert await watcher.wait_over(delivery.id, 30)
    held.set()
    first_request, second_request = receiver.received
    assert first_request.id == second_request.id == delivery.id
    assert first_request.body == second_request.body
    record = await watcher.get_record(delivery.id)
    assert (record.status, record.failures) == ("completed", 0)


@pytest.mark.parametrize(
    ("count", "kills"), [(30, 2), pytest.param(2000, 40, marks=pytest.mark.soak)], ids=["short", "long"]
)
async def test_workers_that_die_again_and_again_lose_and_add_no_end(
    tmp_path: Path, receiver: Receiver, watcher: Jobs, count: int, kills: int
) -> None:
    webhook = await register(watcher, receiver)
    handles = await watcher.get_task("add").submit_many([{"a": number} for number in range(count)])
    for _ in range(kills):
        with worker(tmp_path, receiver) as one:
            before = len(receiver.received)
            await wait_until(lambda: len(receiver.received) > before, timeout=60)  # noqa: B023
            one.kill()
    with worker(tmp_path, receiver):
        for handle in handles:
            assert await watcher.wait_over(handle.id, 60)
        await wait_until(lambda: _delivered(watcher, webhook, count), timeout=60 + count / 5)
    told: dict[str, set[str]] = {}
    for request in receiver.received:
        told.setdefault(request.event["data"]["job_id"], set()).add(request.id)
    assert set(told) == {handle.id for handle in handles}
    assert {len(ids) for ids in told.values()} == {1}
    for handle in handles[:5]:
        kinds = [event.kind for event in (await watcher.store.events(handle.id)).events]
        assert kinds.count(Kind.COMPLETED) == 1


async def _delivered(jobs: Jobs, webhook: Webhook, count: int) -> bool:
    done, cursor = 0, None
    while True:
        query = JobQuery(owner=delivery_owner(webhook.id), cursor=cursor, limit=200)
        page = await jobs.store.list(query)
        done += sum(one.over for one in page.jobs)
        cursor = page.cursor
        if cursor is None:
            return done == count
