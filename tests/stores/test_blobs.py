"""Blobs in a folder."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
from contextlib import suppress
from pathlib import Path

import pytest
from helpers import wait_until

from accepted.errors import StoreError
from accepted.job import Artifact, new_id
from accepted.stores.base import BlobStore
from accepted.stores.blobs import CHUNK_BYTES, FolderBlobs

ODD = (
    *("../../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "nul\0", "Report.csv", "REPORT.csv"),
    *("日本.png", "e\u0301", "\u00e9", "half \ud800", "x" * 5000, "con", "~x", "report.csv", "a b", "a_b", ".hidden"),
)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return FolderBlobs(tmp_path / "blobs")


async def content(blobs: BlobStore, job_id: str, name: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(job_id, name, start=start, end=end)])


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_one_goes_and_who_reads_it_reads_on(blobs: BlobStore) -> None:
    job_id, data = new_id(), os.urandom(CHUNK_BYTES * 2)
    await blobs.put(job_id, "one", data, media_type="text/plain")
    await blobs.put(job_id, "two", b"2", media_type="text/plain")
    reading = blobs.read(job_id, "one")
    read = await anext(reading)
    await blobs.delete(job_id, "one")
    await blobs.delete(job_id, "one")
    assert read + b"".join([chunk async for chunk in reading]) == data
    assert await blobs.path(job_id, "one") is None
    assert await content(blobs, job_id, "two") == b"2"


async def test_put_and_read(blobs: BlobStore, tmp_path: Path) -> None:
    job_id, data = new_id(), os.urandom(CHUNK_BYTES * 2 + 7)
    source = tmp_path / "source"
    source.write_bytes(data)
    for given in (data, source):
        artifact = await blobs.put(job_id, "report.csv", given, media_type="text/csv")
        assert artifact == Artifact("report.csv", len(data), "text/csv", hashlib.sha256(data).hexdigest())
        assert await content(blobs, job_id, "report.csv") == data
    assert source.exists()
    path = await blobs.path(job_id, "report.csv")
    assert path is not None
    assert path.read_bytes() == data
    assert path.name == "report.csv"
    assert len(list(path.parent.iterdir())) == 1, "nothing half is left"


async def test_ranges(blobs: BlobStore) -> None:
    data = os.urandom(CHUNK_BYTES + 100)
    await blobs.put("j", "n", data, media_type="x/y")
    for start, end in ((0, 0), (0, 1), (5, 10), (CHUNK_BYTES - 1, CHUNK_BYTES + 1), (90, None), (len(data), None)):
        assert await content(blobs, "j", "n", start, end) == data[start:end]
    assert await content(blobs, "j", "n", len(data) + 5, len(data) + 9) == b""
    sizes = [len(chunk) async for chunk in blobs.read("j", "n")]
    assert max(sizes) <= CHUNK_BYTES
    reading = blobs.read("j", "n")
    await anext(reading)
    await reading.aclose()  # type: ignore[attr-defined]


async def test_no_name_leads_anywhere_else(blobs: BlobStore, tmp_path: Path) -> None:
    job_ids = [new_id(), *ODD]
    for number, job_id in enumerate(job_ids):
        for name in ODD:
            await blobs.put(job_id, name, f"{number} {ODD.index(name)}".encode(), media_type="x/y")
    files = all_files(tmp_path)
    assert len(files) == len(job_ids) * len(ODD)
    assert all((tmp_path / "blobs") in path.parents for path in files)
    assert len({str(path).lower() for path in files}) == len(files), "where case does not count, too"
    for number, job_id in enumerate(job_ids):
        for name in ODD:
            assert await content(blobs, job_id, name) == f"{number} {ODD.index(name)}".encode()
        await blobs.delete_job(job_id)
    assert not all_files(tmp_path)


async def test_what_is_not_there(blobs: BlobStore) -> None:
    assert await blobs.path("j", "n") is None
    with pytest.raises(FileNotFoundError):
        await content(blobs, "j", "n")
    await blobs.delete_job("j")
    await blobs.put("j", "n", b"1", media_type="x/y")
    await blobs.put("k", "n", b"2", media_type="x/y")
    await blobs.delete_job("j")
    await blobs.delete_job("j")
    assert await blobs.path("j", "n") is None
    assert await content(blobs, "k", "n") == b"2"


async def test_replaced_at_once(blobs: BlobStore) -> None:
    """Whoever reads while it is replaced reads the one or the other."""
    versions = [bytes([n]) * (CHUNK_BYTES * 2) for n in range(8)]
    await blobs.put("j", "n", versions[0], media_type="x/y")
    writes = [blobs.put("j", "n", version, media_type="x/y") for version in versions]
    reads = [content(blobs, "j", "n") for _ in range(20)]
    for answer in (await asyncio.gather(*writes, *reads))[len(writes) :]:
        assert answer in versions


async def test_what_fails_leaves_the_old_one(blobs: BlobStore, tmp_path: Path) -> None:
    await blobs.put("j", "n", b"old", media_type="x/y")
    with pytest.raises(FileNotFoundError):
        await blobs.put("j", "n", tmp_path / "no-such-file", media_type="x/y")
    assert await content(blobs, "j", "n") == b"old"
    path = await blobs.path("j", "n")
    assert path is not None
    assert [each.name for each in path.parent.iterdir()] == ["n"]
    (tmp_path / "a-file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be written"):
        await FolderBlobs(tmp_path / "a-file").put("j", "n", b"1", media_type="x/y")


async def test_a_temporary_folder() -> None:
    blobs = FolderBlobs(None)
    await blobs.put("j", "n", b"1", media_type="x/y")
    path = await blobs.path("j", "n")
    assert path is not None
    del blobs

    def removed() -> bool:
        # The thread that wrote may hold the object a moment longer than the call that it answered.
        gc.collect()
        return not path.exists()

    await wait_until(removed, what="the folder goes with its object")


async def test_removed_while_somebody_writes(blobs: BlobStore, tmp_path: Path) -> None:
    """An attempt that has not heard yet of its job's end."""

    async def write(name: str) -> None:
        for _ in range(8):
            with suppress(StoreError):  # its folder was removed under its hands
                await blobs.put("job", name, b"x", media_type="text/plain")

    writing = [asyncio.ensure_future(write(f"{n}.txt")) for n in range(3)]
    while not all(one.done() for one in writing):
        await blobs.delete_job("job")
    await asyncio.gather(*writing)
    await blobs.delete_job("job")
    assert all_files(tmp_path / "blobs") == []
