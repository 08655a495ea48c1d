"""What is particular to the SQLite store: the file, its schema and plans, and what happens when it fails."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from helpers import wait_until
from stores.processes import info, new_job

from accepted.errors import BadRequest, ConfigurationError, JobNotFound, LimitReached, SchemaTooNew, StoreError
from accepted.job import EventDraft, IdempotencyKey, Kind, Lease, Limit, Status
from accepted.stores.base import ApiKey, Change, JobQuery, Store
from accepted.stores.sqlite import SQLiteStore, cursors
from accepted.stores.sqlite.database import Database, migrate
from accepted.stores.sqlite.queries import load, migrations
from accepted.stores.sqlite.records import FOREVER, MICROSECONDS

MODULES = (
    *("access", "cancelling", "claiming", "database", "insight", "limits", "lines", "listing", "schedules"),
    *("submitting", "transaction", "turns", "upkeep", "watching", "webhooks", "windows", "working"),
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "jobs.db")
    await store.open()
    yield store
    await store.close()


def fits_the_port(store: SQLiteStore) -> Store:
    """For the type checker."""
    return store


async def claim(store: SQLiteStore, limit: int = 100) -> list[Any]:
    return list((await store.claim("w", queues=["default"], tasks=["t"], limit=limit, lease=60)).jobs)


def writing(store: SQLiteStore) -> sqlite3.Connection:
    """The writer's connection: to spoil it."""
    assert store._writer is not None
    assert store._writer._connection is not None
    return store._writer._connection


# ── schema ───────────────────────────────────────────────────────────────────────────────────────────


def schema(path: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("version", range(1, len(migrations()) + 1))
async def test_migrated_is_as_fresh(tmp_path: Path, version: int) -> None:
    old = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    for number, script in enumerate(migrations()[:version], 1):
        migrate(old, script)
        assert old.execute("PRAGMA user_version").fetchone() == (number,), "its last statement is its record"
    old.close()
    for name in ("old.db", "new.db"):
        store = SQLiteStore(tmp_path / name)
        await store.open()
        await store.close()
    assert schema(tmp_path / "old.db") == schema(tmp_path / "new.db")


def test_a_migration_that_fails_leaves_nothing() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(
            connection, "CREATE TABLE a (x);\nCREATE TABLE b (nonsense nonsense nonsense,);\nPRAGMA user_version = 1;"
        )
    assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    connection.close()


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "jobs.db")
    await store.open()
    await store.close()
    connection = sqlite3.connect(tmp_path / "jobs.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SchemaTooNew) as refused:
        await SQLiteStore(tmp_path / "jobs.db").open()
    assert (refused.value.found, refused.value.known) == (99, len(migrations()))


async def test_another_applications_database_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(ConfigurationError, match="another application"):
        await SQLiteStore(tmp_path / "other.db").open()
    assert [row[1] for row in schema(tmp_path / "other.db")] == ["theirs"]


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("dear diary, " * 500, encoding="utf-8")
    with pytest.raises(StoreError, match="not an SQLite database"):
        await SQLiteStore(tmp_path / "notes.txt").open()
    with pytest.raises(StoreError):
        await SQLiteStore(tmp_path).open()
    with pytest.raises(StoreError):
        await SQLiteStore(tmp_path / "notes.txt" / "jobs.db").open()


def test_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 37, 2))
    with pytest.raises(ConfigurationError, match=r"3\.38"):
        SQLiteStore(None)


async def test_the_folder_is_made(tmp_path: Path) -> None:
    store = SQLiteStore(str(tmp_path / "a" / "b" / "jobs.db"))
    await store.open()
    assert (tmp_path / "a" / "b" / "jobs.db").exists()
    await store.close()


@pytest.mark.parametrize("name", ["with space?mode=ro#x.db", "dätenbank%41.db", ":memory:", "n" * 180 + ".db"])
async def test_odd_paths(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    store, other = SQLiteStore(path), SQLiteStore(path, safety_net=60.0)
    heard: list[Change] = []
    other.listen(heard.append)
    await store.open()
    await other.open()
    job = new_job()
    await store.submit([job])
    assert (await other.get(job.id)).id == job.id
    await wait_until(lambda: any(job.id in (change.jobs or ()) for change in heard))
    await store.close()
    await other.close()
    assert path.exists()


async def test_durable_settings(store: SQLiteStore) -> None:
    connection = writing(store)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"


# ── statements ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("module", MODULES)
def test_every_statement_compiles(tmp_path: Path, module: str) -> None:
    database = Database(tmp_path / "jobs.db")
    connection = database.writer(create=True)
    for name, statement in load(module).items():
        if name not in ("begin", "commit", "rollback"):
            connection.execute("EXPLAIN " + statement, _nothing(statement)).fetchall()
    connection.close()
    database.close()


def _nothing(statement: str) -> Any:
    """NULL for each of its parameters."""
    return [None] * statement.count("?") or _Anything()


class _Anything(dict[str, None]):
    def __missing__(self, key: str) -> None:
        return None


def test_no_statement_file_is_forgotten() -> None:
    folder = Path(load.__code__.co_filename).parent
    assert sorted(path.stem for path in folder.glob("*.sql")) == sorted(MODULES)


def plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    return [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement, _nothing(statement))]


GROWING = (
    "jobs",
    "live",
    "packed",
    "records",
    "events",
    "inputs",
    "results",
    "steps",
    "tombstones",
    "lines",
    "windows",
)


async def test_claiming_reads_the_index_of_ready_jobs(store: SQLiteStore) -> None:
    steps = plan(writing(store), load("claiming")["pick"])
    assert "SEARCH jobs USING COVERING INDEX jobs_ready (queue=? AND task=?)" in steps
    assert not [step for step in steps if step.startswith("SCAN jobs")]
    assert len([step for step in steps if "TEMP B-TREE" in step]) == 1, "only the few picked ones are sorted"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("claiming", name)
        for name in ("next_due", "due", "make_ready", "pick", "take", "tell", "taken", "finished_steps")
    ]
    + [("submitting", name) for name in ("known_keys", "next_n", "insert_jobs", "insert_inputs", "insert_events")]
    + [("working", name) for name in ("leased", "live", "append", "end", "give_back", "renew", "held", "expire_leases")]
    + [("limits", "gauges")]
    + [
        ("lines", name)
        for name in ("line", "move_line", "drop_empty_lines", "set_first", "first_line", "held", "leave_line")
    ]
    + [("windows", name) for name in ("windows", "due_windows", "drop_windows")]
    + [("turns", name) for name in ("turns", "advance_lanes", "give_turns")]
    + [("upkeep", name) for name in ("past_deadline", "expired", "forget_keys", "forget_tombstones", "forget_windows")]
    + [
        ("cancelling", name)
        for name in ("live", "owned", "request_cancel", "retried_at", "retry", "bury", "remove_events", "remove_jobs")
    ]
    + [("webhooks", "waiting_deliveries")]
    + [("watching", name) for name in ("get", "steps", "artifacts", "events_after")]
    + [("listing", name) for name in ("by_owner", "by_task", "by_end")],
)
async def test_nothing_scans_a_table_that_grows(store: SQLiteStore, module: str, name: str) -> None:
    for step in plan(writing(store), load(module)[name]):
        scanned = step.split()[1] if step.startswith("SCAN") else None
        if scanned in GROWING:
            assert "INDEX" in step, step
            assert any(small in step for small in ("jobs_due", "jobs_running", "jobs_deadline", "jobs_expiry")), step


async def test_the_database_holds_what_the_code_promises(store: SQLiteStore) -> None:
    await store.submit([new_job()])
    (claimed,) = await claim(store)
    connection = writing(store)
    for nonsense in (
        "status = 'done'",
        "status = 'completed'",
        "worker = NULL",
        "status = 'pending'",
        "finished_at = 5",
        "seq = 0",
        "waits = 'turn'",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(f"UPDATE jobs SET {nonsense}")
    await store.complete(claimed.job.lease, None)


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────


async def test_one_that_cannot_be_stored_harms_no_other(store: SQLiteStore) -> None:
    twice = new_job()
    await store.submit([twice])
    jobs = [new_job() for _ in range(10)]
    answers = await asyncio.gather(
        *(store.submit([job]) for job in jobs[:5]),
        store.submit([twice]),
        *(store.submit([job]) for job in jobs[5:]),
        return_exceptions=True,
    )
    assert [isinstance(answer, StoreError) for answer in answers] == [False] * 5 + [True] + [False] * 5
    assert len(await claim(store)) == 11


@pytest.mark.parametrize("field", ["owner", "task", "queue", "id"])
async def test_a_name_that_would_be_cut_short_is_refused(store: SQLiteStore, field: str) -> None:
    for name in ("ann\0bob", "half \ud800"):
        with pytest.raises(ValueError):  # noqa: PT011
            await store.submit([new_job(owner="x"), _named(field, name)])
    assert await claim(store) == []


def _named(field: str, name: str) -> Any:
    from dataclasses import replace

    return replace(new_job(), **{field: name})  # type: ignore[arg-type]


async def test_ids_that_nobody_made(store: SQLiteStore) -> None:
    for job_id in ("", "a\0b", "'; --", "é" * 1000):
        with pytest.raises(JobNotFound):
            await store.get(job_id)
    with pytest.raises(ValueError, match="NUL"):
        await store.events_after({"a\0b": 0})


async def test_full_disk(store: SQLiteStore) -> None:
    await store.submit([new_job()])
    connection = writing(store)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [store.submit([new_job() for _ in range(50)]) for _ in range(4)]
    for answer in await asyncio.gather(*many, return_exceptions=True):
        if isinstance(answer, Exception):
            assert isinstance(answer, StoreError)
            assert "disk" in str(answer)
            assert "full" in str(answer)
            assert isinstance(answer.__cause__, sqlite3.Error)
    job = new_job()
    await store.submit([job])
    assert (await store.get(job.id)).status is Status.PENDING


async def test_read_only(store: SQLiteStore) -> None:
    writing(store).execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="cannot be written"):
        await store.submit([new_job()])
    await store.submit([new_job()])


async def test_removed_file(tmp_path: Path, store: SQLiteStore) -> None:
    job = new_job()
    await store.submit([job])
    writing(store).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (tmp_path / "jobs.db").rename(tmp_path / "backup.db")
    for _ in range(2):
        with pytest.raises(StoreError, match="removed or replaced"):
            await store.submit([new_job()])
        with pytest.raises(StoreError, match="removed or replaced"):
            await store.get(job.id)
    assert not (tmp_path / "jobs.db").exists(), "no empty one in its place"
    (tmp_path / "backup.db").rename(tmp_path / "jobs.db")
    await store.submit([new_job()])
    assert (await store.get(job.id)).id == job.id


async def test_locked_by_another_program(tmp_path: Path, store: SQLiteStore) -> None:
    """Somebody's sqlite3 shell holds the write lock: calls wait, and none fails."""
    shell = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    submitting = asyncio.ensure_future(store.submit([new_job()]))
    done, _ = await asyncio.wait([submitting], timeout=0.1)
    assert not done
    assert await store.list(JobQuery()) is not None, "readers do not wait"
    shell.execute("ROLLBACK")
    shell.close()
    assert len(await submitting) == 1


async def test_a_cancelled_caller_harms_nobody(store: SQLiteStore) -> None:
    jobs = [new_job() for _ in range(20)]
    calls = [asyncio.ensure_future(store.submit([job])) for job in jobs]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert len(await claim(store)) == 20, "what was asked for has happened"


def test_two_event_loops(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "jobs.db")
    asyncio.run(store.open())
    asyncio.run(store.submit([new_job()]))
    assert len(asyncio.run(claim(store))) == 1
    asyncio.run(store.close())


async def test_renewing_while_the_loop_is_blocked(store: SQLiteStore) -> None:
    await store.submit([new_job()])
    (claimed,) = await claim(store)
    renewing = threading.Thread(target=store.renew, args=("w", {claimed.job.id: 1}, 600))
    renewing.start()
    renewing.join(timeout=10)  # the loop stands still meanwhile
    assert not renewing.is_alive()
    assert ((await store.get(claimed.job.id)).lease_expires_at or 0) > time.time() + 500


async def test_a_forked_child_does_not_keep_its_parent_alive(tmp_path: Path) -> None:
    script = """
import asyncio, os, sys, time
from stores.processes import info, new_job
from accepted.stores.sqlite import SQLiteStore
async def main():
    store = SQLiteStore(sys.argv[1]); await store.open(); await store.register_worker(info("w"))
    await store.submit([new_job()])
    await store.claim("w", queues=["default"], tasks=["t"], limit=1, lease=3600)
asyncio.run(main())
if child := os.fork():
    print(child, flush=True)
    os._exit(1)
time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    parent = subprocess.Popen(  # noqa: ASYNC220  (its first line is waited for at once)
        [sys.executable, "-c", script, str(tmp_path / "jobs.db")], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        parent.wait()
        store = SQLiteStore(tmp_path / "jobs.db")
        await store.open()
        assert len(await store.lost(10)) == 1
        await store.close()
    finally:
        os.kill(child, 9)
        parent.stdout.close()


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_not_needed_any_more_is_forgotten(store: SQLiteStore) -> None:
    """Rows by owner, key and limit go when nothing depends on them."""
    past = time.time() - 1
    jobs = [
        new_job(
            f"o{n}",
            slots=(Limit(f"s{n}", 1),),
            quotas=(Limit(f"q{n}", 1),),
            idempotency=IdempotencyKey("s", f"k{n}", "f", past),
            retention=0.0,
        )
        for n in range(20)
    ]
    await store.submit(jobs)
    await store.submit([new_job("last") for _ in range(3)])
    for claimed in await claim(store):
        await store.finish_step(claimed.job.lease, "k", "step", b"1")
        await store.complete(claimed.job.lease, b"1")
    await store.redeem("ticket", expires_at=time.time() - 1)
    assert len(await store.purge(100)) >= 20
    connection = writing(store)
    for table, rows in (
        ("gauges", 0),
        ("idempotency", 0),
        ("tickets", 0),
        ("steps", 3),
        ("events", 12),
        ("results", 3),
    ):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (rows,), table
    assert connection.execute("SELECT count(*) FROM turns").fetchone()[0] <= 1


async def test_keys_know_when_they_were_used(store: SQLiteStore) -> None:
    await store.add_key(ApiKey("k", "laptop", "ann", "ab", admin=False, created_at=5.0))
    assert (found := await store.find_key("ab")) is not None
    assert found.last_used_at is None
    await store.secret("whatever is queued behind")
    assert (again := await store.find_key("ab")) is not None
    assert abs((again.last_used_at or 0) - time.time()) < 10
    with pytest.raises(StoreError):
        await store.add_key(ApiKey("k2", "other", "bob", "ab", admin=False, created_at=5.0))


async def test_the_longest_times(store: SQLiteStore) -> None:
    job = new_job(retention=float("inf"), deadline_at=1e300)
    await store.submit([job])
    (claimed,) = await claim(store)
    await store.complete(claimed.job.lease, None)
    assert (await store.get(job.id)).retention == FOREVER / MICROSECONDS
    assert await store.purge(10) == []


async def test_a_shared_limit_that_was_lowered_and_raised(store: SQLiteStore) -> None:
    await store.submit([new_job(slots=(Limit("k", 3),)) for _ in range(3)])
    (held,) = [answer.job for answer in await store.submit([new_job(slots=(Limit("k", 1),))])]  # type: ignore[union-attr]
    (more,) = [answer.job for answer in await store.submit([new_job(slots=(Limit("k", 9),))])]  # type: ignore[union-attr]
    assert (held.waiting_for, more.waiting_for) == ("k", None)
    running = await claim(store)
    for one in running[:3]:
        await store.complete(one.job.lease, None)
    assert await claim(store) == []
    await store.complete(running[3].job.lease, None)
    assert [one.job.id for one in await claim(store)] == [held.id]


async def test_a_long_search_goes_on_with_its_cursor(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accepted.stores.sqlite.listing.SEARCHED", 10)
    from accepted.job import NewJob, new_id

    wanted = NewJob(new_id(), "t", b'{"needle":1}')
    await store.submit([wanted, *(new_job() for _ in range(25))])
    cursor, found, pages = None, [], 0
    while True:
        page = await store.list(JobQuery(text="needle", cursor=cursor))
        found += [job.id for job in page.jobs]
        pages += 1
        cursor = page.cursor
        if cursor is None:
            break
    assert (found, pages) == ([wanted.id], 3)


def test_cursors() -> None:
    for n in (0, 1, 2**62):
        assert cursors.decode(cursors.encode(n)) == n
    with pytest.raises(BadRequest):
        cursors.decode("AAAA")


async def test_opening_is_quick(tmp_path: Path) -> None:
    script = """
import sys, time, asyncio
from accepted.stores.sqlite import SQLiteStore
async def main():
    for _ in range(2):
        store = SQLiteStore(sys.argv[1])
        start = time.perf_counter()
        await store.open()
        took = time.perf_counter() - start
        await store.close()
    assert took < 0.5, took
asyncio.run(main())
"""
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script, str(tmp_path / "jobs.db")], check=True)


async def test_refusals_write_nothing(store: SQLiteStore) -> None:
    connection = writing(store)
    quotas = (Limit("q", 1),)
    await store.submit([new_job(quotas=quotas)])
    before = connection.total_changes
    (refused,) = await store.submit([new_job(quotas=quotas)])
    assert isinstance(refused, LimitReached)
    with pytest.raises(Exception, match="does not hold"):
        await store.report(Lease("x", 1, "w"), [EventDraft(Kind.LOG)])
    assert connection.total_changes == before
    await store.register_worker(info("w"))
    await store.register_worker(info("w"))
