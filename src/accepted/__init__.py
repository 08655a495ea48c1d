"""accepted: any long-running Python function as a durable job behind HTTP.

from accepted import Job, Jobs

jobs = Jobs("sqlite:///jobs.db")

@jobs.task(retries=3, timeout="15m")
async def audit(repo: str, *, job: Job) -> dict: ...
"""

from accepted.context import Job, SyncJob, current_job, current_sync_job
from accepted.errors import AcceptedError, Cancelled, Fail, JobCancelled, JobFailed, JobGone, JobNotFound, Retry
from accepted.files import UploadFile
from accepted.handle import JobHandle
from accepted.job import Artifact, Event, JobRecord, Kind, Status
from accepted.jobs import Jobs
from accepted.secret import Secret
from accepted.settings import Settings
from accepted.task import Task
from accepted.version import __version__

__all__ = [
    "AcceptedError",
    "Artifact",
    "Cancelled",
    "Event",
    "Fail",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobGone",
    "JobHandle",
    "JobNotFound",
    "JobRecord",
    "Jobs",
    "Kind",
    "Retry",
    "Secret",
    "Settings",
    "Status",
    "SyncJob",
    "Task",
    "UploadFile",
    "__version__",
    "current_job",
    "current_sync_job",
]
