"""`JobHandle`: one submitted job in the hands of the Python code that submitted it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, Protocol, TypeVar, cast

from accepted.errors import JobCancelled, JobFailed, ResultTimeout, Unavailable
from accepted.job import Event, JobRecord, Status

R_co = TypeVar("R_co", covariant=True)


class Service(Protocol):
    """What a handle needs of `Jobs`."""

    async def get_record(self, job_id: str) -> JobRecord: ...
    async def wait_over(self, job_id: str, timeout: float | None, *, after: int = 0) -> bool: ...
    async def read_result(self, job: JobRecord) -> bytes: ...
    def events(self, job_id: str, *, after: int = 0) -> AsyncGenerator[Event, None]: ...
    async def cancel(self, job_id: str, reason: str = ...) -> JobRecord: ...
    async def retry(self, job_id: str) -> JobRecord: ...
    async def delete(self, job_id: str) -> None: ...


class JobHandle(Generic[R_co]):
    """A job by its id. Cheap; holds nothing open. `record` is the job as it was last seen."""

    __slots__ = ("_decode", "_service", "id", "record")

    def __init__(self, service: Service, record: JobRecord, decode: Callable[[bytes], Any]) -> None:
        self.id = record.id
        self.record = record
        self._service = service
        self._decode = decode

    @property
    def status(self) -> Status:
        """As last seen; `await refresh()` looks again."""
        return self.record.status

    async def refresh(self) -> JobRecord:
        """Look at the job now. Raises JobNotFound, JobGone."""
        self.record = await self._service.get_record(self.id)
        return self.record

    async def result(self, timeout: float | None = None) -> R_co:
        """Wait until the job is over and return what its function returned.

        `timeout` in seconds, None: as long as it takes. Raises ResultTimeout (the job goes on), JobFailed,
        JobCancelled, JobGone, Unavailable (this process stops; the job goes on).
        """
        if not self.record.over and not await self._service.wait_over(self.id, timeout, after=self.record.seq):
            if timeout is None:
                raise Unavailable(f"Stopped waiting for job {self.id!r}: accepted stops here; the job goes on.")
            raise ResultTimeout(self.id, timeout)
        record = self.record if self.record.over else await self.refresh()
        if record.status is Status.FAILED:
            raise JobFailed(self.id, record.error or {})
        if record.status is Status.CANCELLED:
            raise JobCancelled(self.id, record.cancel_reason)
        return cast("R_co", self._decode(await self._service.read_result(record)))

    def events(self, after: int = 0) -> AsyncGenerator[Event, None]:
        """The job's events with `seq` > `after`, those to come too; ends after the terminal one."""
        return self._service.events(self.id, after=after)

    async def cancel(self, reason: str = "requested") -> JobRecord:
        """Ask for the end: at once while pending; a running one stops within the grace. No error when over."""
        self.record = await self._service.cancel(self.id, reason)
        return self.record

    async def retry(self) -> JobRecord:
        """Run it again; finished steps are kept. Raises WrongState while it is not over."""
        self.record = await self._service.retry(self.id)
        return self.record

    async def delete(self) -> None:
        """Cancel it if needed and remove it; from then on it is gone (410)."""
        await self._service.delete(self.id)

    def __repr__(self) -> str:
        return f"JobHandle(id={self.id!r}, task={self.record.task!r}, status={str(self.record.status)!r})"
