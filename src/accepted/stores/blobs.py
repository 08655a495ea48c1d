"""Blobs in a folder: large results, artifacts and uploads, a folder for each job.

    <root>/<last two characters of the job's id>/<job id>/<name>

Names come from users, so a path is never made of them: one that is not plain keeps a readable form and gets
a hash, which also keeps apart what some file systems take for the same (case, Unicode forms).
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from accepted.errors import StoreError
from accepted.job import Artifact

CHUNK_BYTES: Final = 262_144
_TRIES: Final = 10
"""How often a folder is removed in which somebody goes on writing."""

_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]")


class FolderBlobs:
    """With `root` None a temporary folder, removed with this object. Disk errors are raised as StoreError."""

    def __init__(self, root: Path | None) -> None:
        if root is None:
            root = Path(tempfile.mkdtemp(prefix="accepted-blobs-"))
            weakref.finalize(self, shutil.rmtree, root, ignore_errors=True)
        self._root = root.absolute()

    async def put(self, job_id: str, name: str, source: Path | bytes, *, media_type: str) -> Artifact:
        """Raises OSError when `source` cannot be read."""
        size_bytes, sha256 = await asyncio.to_thread(self._put, self._path(job_id, name), source)
        return Artifact(name, size_bytes, media_type, sha256)

    async def path(self, job_id: str, name: str) -> Path | None:
        path = self._path(job_id, name)
        return path if await asyncio.to_thread(path.is_file) else None

    async def read(self, job_id: str, name: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        file = await asyncio.to_thread(self._path(job_id, name).open, "rb")
        try:
            await asyncio.to_thread(file.seek, start)
            left = None if end is None else end - start
            while left is None or left > 0:
                chunk = await asyncio.to_thread(file.read, CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk
        finally:
            file.close()

    async def delete(self, job_id: str, name: str) -> None:
        path = self._path(job_id, name)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise StoreError(f"The blob {path} cannot be removed ({error}); check the permissions.") from error

    async def delete_job(self, job_id: str) -> None:
        await asyncio.to_thread(self._delete, self._folder(job_id))

    def _folder(self, job_id: str) -> Path:
        name = _file_name(job_id)
        return self._root / name[-2:].replace(".", "_") / name

    def _path(self, job_id: str, name: str) -> Path:
        return self._folder(job_id) / _file_name(name)

    def _put(self, path: Path, source: Path | bytes) -> tuple[int, str]:
        """Size and SHA-256 of what is durable under `path` from now on. The old blob stays until then."""
        with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as reading:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                written = _replace(path, reading)
                for folder in (path.parent, path.parent.parent, self._root):
                    _sync(folder)
            except OSError as error:
                raise StoreError(
                    f"The blob {path} cannot be written ({error}); check the disk and its room."
                ) from error
        return written

    def _delete(self, folder: Path) -> None:
        # An attempt that has not heard yet of its job's end may be writing here at the same time.
        for tries_left in reversed(range(_TRIES)):
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                if not folder.exists():
                    return
            except OSError as error:
                if error.errno != errno.ENOTEMPTY or not tries_left:
                    raise StoreError(
                        f"The blobs in {folder} cannot be removed ({error}); check the permissions."
                    ) from error
            else:
                return


def _file_name(name: str) -> str:
    """A name for a file: no two names share one, and none leads anywhere else."""
    if _PLAIN.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{_UNUSUAL.sub('_', name)[:80].lstrip('.')}~{digest}"


def _replace(path: Path, reading: IO[bytes]) -> tuple[int, str]:
    """Write beside `path`, then put it in its place; size and SHA-256."""
    half = path.with_name(f"~{secrets.token_hex(8)}")
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with half.open("xb") as writing:
            while chunk := reading.read(CHUNK_BYTES):
                digest.update(chunk)
                size_bytes += writing.write(chunk)
            writing.flush()
            os.fsync(writing.fileno())
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    return size_bytes, digest.hexdigest()


def _sync(folder: Path) -> None:
    """Make the folder's entries durable. Where a folder cannot be opened (Windows) the system sees to it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
