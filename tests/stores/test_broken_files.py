"""Disks that are full or read-only, files that were cut or damaged: a sentence or a recovery, never a silent loss."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.disks import SmallDisk, small_disk
from stores.processes import hear, new_job, process

from accepted.errors import StoreError
from accepted.job import Status
from accepted.stores.blobs import FolderBlobs
from accepted.stores.sqlite import SQLiteStore

LIMITED = Path(__file__).parents[1] / "crash" / "limited.py"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=3) as made:
        yield made


async def submit_until_refused(store: SQLiteStore, acknowledged: list[str]) -> StoreError:
    while True:
        job = new_job()
        try:
            await store.submit([job])
        except StoreError as error:
            return error
        acknowledged.append(job.id)


async def check(path: Path, acknowledged: list[str]) -> None:
    """A store on this file has them all, is sound, and works go on to their end."""
    store = SQLiteStore(path)
    await store.open()
    for job_id in acknowledged:
        assert (await store.get(job_id)).status is Status.PENDING
    await store.submit([new_job()])
    while claim := (await store.claim("w", queues=["default"], tasks=["t"], limit=500, lease=60)).jobs:
        await asyncio.gather(*(store.complete(claimed.job.lease, b"1") for claimed in claim))
    for job_id in acknowledged:
        assert (await store.get(job_id)).status is Status.COMPLETED
    await store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_a_full_disk(disk: SmallDisk) -> None:
    path = disk.path / "jobs.db"
    store = SQLiteStore(path)
    await store.open()
    acknowledged: list[str] = []
    disk.fill()
    for _ in range(3):
        error = await submit_until_refused(store, acknowledged)
        assert "full" in str(error)
        assert str(path) in str(error)
    disk.free()
    jobs = [new_job() for _ in range(20)]
    await store.submit(jobs)
    acknowledged += [job.id for job in jobs]
    await store.close()
    await check(path, acknowledged)


async def test_a_blob_on_a_full_disk(disk: SmallDisk) -> None:
    blobs = FolderBlobs(disk.path / "blobs")
    await blobs.put("job", "old", b"kept", media_type="text/plain")
    disk.fill()
    for name in ("old", "new"):
        with pytest.raises(StoreError, match="check the disk and its room"):
            await blobs.put("job", name, bytes(500_000), media_type="text/plain")
    files = [file.name for file in (disk.path / "blobs").rglob("*") if file.is_file()]
    assert files == ["old"], "no half of one is left"
    assert b"".join([chunk async for chunk in blobs.read("job", "old")]) == b"kept"
    disk.free()
    assert (await blobs.put("job", "new", bytes(500_000), media_type="text/plain")).size_bytes == 500_000


async def test_a_process_that_may_not_write_larger_files(tmp_path: Path) -> None:
    """RLIMIT_FSIZE: an error of the real kernel, on any machine."""
    path = tmp_path / "jobs.db"
    with process("limited", path, source=LIMITED) as child:
        said = await asyncio.to_thread(hear, child)
        assert child.wait() == 0
    assert "check it, and that it is not full" in said["error"] or "is full" in said["error"]
    assert len(said["acknowledged"]) > 3
    await check(path, said["acknowledged"])


async def test_a_read_only_disk(disk: SmallDisk) -> None:
    path = disk.path / "jobs.db"
    store = SQLiteStore(path)
    await store.open()
    job = new_job()
    await store.submit([job])
    await store.close()
    disk.remount("ro")
    with pytest.raises(StoreError, match=r"jobs\.db") as caught:
        await store.open()
    assert "permission" in str(caught.value) or "written" in str(caught.value) or "Read-only" in str(caught.value)
    disk.remount("rw")
    await check(path, [job.id])


async def test_a_removed_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = SQLiteStore(folder / "jobs.db")
    await store.open()
    await store.submit([new_job()])
    shutil.rmtree(folder)
    for _ in range(2):
        with pytest.raises(StoreError, match="removed or replaced"):
            await store.submit([new_job()])
    assert not (folder / "jobs.db").exists(), "no empty one in its place"
    await store.close()


async def crashed(tmp_path: Path, count: int) -> tuple[Path, list[str]]:
    """A file and its WAL as they lie after a kill -9, with this many acknowledged jobs, each of its own commit."""
    store = SQLiteStore(tmp_path / "jobs.db")
    await store.open()
    jobs = [new_job() for _ in range(count)]
    for job in jobs:
        await store.submit([job])
    copy = tmp_path / "crashed"
    copy.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"jobs.db{suffix}", copy)
    await store.close()
    return copy / "jobs.db", [job.id for job in jobs]


async def test_a_wal_with_flipped_bytes_at_its_end(tmp_path: Path) -> None:
    """The last commit is not whole, as SQLite's checksums tell; all before it are there."""
    path, acknowledged = await crashed(tmp_path, 20)
    wal = path.with_name("jobs.db-wal")
    with wal.open("r+b") as file:
        file.seek(-100, 2)
        file.write(bytes(byte ^ 0xFF for byte in file.read(50)))
    await check(path, acknowledged[:-1])


async def test_a_wal_that_was_cut(tmp_path: Path) -> None:
    path, acknowledged = await crashed(tmp_path, 20)
    wal = path.with_name("jobs.db-wal")
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - 2000)
    await check(path, acknowledged[:-1])


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
async def test_a_database_that_was_cut(tmp_path: Path, share: float) -> None:
    """It is said, at the start or with the first call that meets what is missing; nothing is begun anew."""
    path = tmp_path / "jobs.db"
    store = SQLiteStore(path)
    await store.open()
    jobs = [new_job() for _ in range(500)]
    await store.submit(jobs)
    await store.close()
    assert path.stat().st_size > 100_000
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))
    cut = path.stat().st_size
    store = SQLiteStore(path)
    with pytest.raises(StoreError, match="damaged"):
        await use(store, [job.id for job in jobs])
    await store.close()
    assert path.stat().st_size >= cut - 4096


async def use(store: SQLiteStore, job_ids: list[str]) -> None:
    await store.open()
    for job_id in job_ids:
        await store.get(job_id)
    await store.submit([new_job()])
