"""The Python client, sync and async; it needs httpx: `pip install 'accepted[client]'`.

    with Client("http://127.0.0.1:8000") as client:
        job = client.tasks["preview"].submit(url="https://example.org/")
        for event in job.events():
            print(event.kind, event.data)
        print(job.result())

Read `protocol.py` for what is said to a server, `following.py` for how events survive a broken connection; `sync.py`
and `aio.py` carry it out.
"""

try:
    import httpx as _  # noqa: F401  only to say clearly that it is missing
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("accepted.client needs httpx: pip install 'accepted[client]'", name="httpx") from error

from accepted.client.aio import AsyncClient, AsyncJobs, AsyncPage, AsyncRemoteJob, AsyncTask, AsyncTasks
from accepted.client.batches import BatchItem
from accepted.client.policy import Policy
from accepted.client.problems import OtherProblem, ServerUnreachable, UnexpectedAnswer
from accepted.client.requests import Options
from accepted.client.settings import ClientSettings
from accepted.client.shapes import ArtifactDict, JobDict, ProgressDict, RemoteEvent, StepDict, TaskDict
from accepted.client.sync import Client, RemoteJob, RemoteJobs, RemotePage, RemoteTask, RemoteTasks

__all__ = [
    "ArtifactDict",
    "AsyncClient",
    "AsyncJobs",
    "AsyncPage",
    "AsyncRemoteJob",
    "AsyncTask",
    "AsyncTasks",
    "BatchItem",
    "Client",
    "ClientSettings",
    "JobDict",
    "Options",
    "OtherProblem",
    "Policy",
    "ProgressDict",
    "RemoteEvent",
    "RemoteJob",
    "RemoteJobs",
    "RemotePage",
    "RemoteTask",
    "RemoteTasks",
    "ServerUnreachable",
    "StepDict",
    "TaskDict",
    "UnexpectedAnswer",
]
