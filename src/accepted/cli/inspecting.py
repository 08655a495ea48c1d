"""Commands about tasks and about jobs already submitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from accepted.cli import exits
from accepted.cli.connecting import Server, with_server
from accepted.cli.live import amount
from accepted.cli.output import ago, clean, plain, print_json, size, status_text, table
from accepted.cli.story import said
from accepted.cli.submitting import print_result
from accepted.client import JobDict, TaskDict
from accepted.job import Status
from accepted.settings import seconds

_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.command()
@_json
@with_server
def tasks(server: Server, as_json: bool) -> None:
    """List the tasks of the server.

    With the arguments each takes; those in brackets may be left out.

    \b
    Example:  accepted tasks
    """
    found = server.client.tasks.list()
    if as_json:
        print_json(found)
        return
    table(("task", "arguments", "about"), ((one["name"], _signature(one), _first_line(one)) for one in found))


def _signature(task: TaskDict) -> str:
    """Names as one would write them; those that may be left out in brackets."""
    required = task["arguments"].get("required", [])

    def shown(name: str) -> str:
        text = f"{name}@" if name in task["files"] else f"{name}="
        return text if name in required else f"[{text}]"

    return " ".join(map(shown, task["arguments"].get("properties", {})))


def _first_line(task: TaskDict) -> str:
    return task["description"].partition("\n")[0]


@click.command()
@click.option("--status", "statuses", type=click.Choice(list(map(str, Status))), multiple=True, help="May be repeated.")
@click.option("--task", metavar="NAME", help="Of this task only.")
@click.option("--owner", metavar="NAME", help="Of this owner only (administrators see everybody's).")
@click.option("--search", metavar="TEXT", help="With this in the id, the task's name or the arguments.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many at most.")
@_json
@with_server
def jobs(
    server: Server,
    statuses: Sequence[str],
    task: str | None,
    owner: str | None,
    search: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List jobs, newest first.

    \b
    Examples:
      accepted jobs --status running --status pending
      accepted jobs --task preview --json
    """
    found = server.client.jobs.iterate(status=statuses, task=task, owner=owner, text=search)
    records = [job.record for job in islice(found, limit)]
    if as_json:
        print_json(records)
    else:
        table(("id", "task", "status", "progress", "submitted", ""), map(_row, records))


def _row(job: JobDict) -> Sequence[str | Text]:
    status = "cancelling" if job["cancelling"] else job["status"]
    remark = said(job["error"]) if job["error"] else job["progress"]["message"] or ""
    return (job["id"], job["task"], status_text(status), amount(job["progress"]), ago(job["submitted_at"]), remark)


@click.command()
@click.argument("job_id")
@_json
@with_server
def show(server: Server, job_id: str, as_json: bool) -> None:
    """Show one job.

    Where it stands, why it waits or failed, its steps and files.

    \b
    Example:  accepted show 01a201ee-21bc-7e32-91f5-b18086d1e5be
    """
    job = server.client.jobs.get(job_id).record
    if as_json:
        print_json(job)
        return
    console = Console(highlight=False)
    for name, value in _facts(job):
        console.print(Text(f"{name:<11}", style="dim") + value, soft_wrap=True)


def _facts(job: JobDict) -> Iterator[tuple[str, Text]]:
    yield "id", plain(job["id"])
    yield "task", plain(f"{job['task']} (queue {job['queue']}, owner {job['owner']})")
    yield "status", status_text(job["status"]) + plain(" being cancelled" if job["cancelling"] else "")
    yield "submitted", plain(f"{job['submitted_at']}  {ago(job['submitted_at'])}")
    for name in ("started_at", "finished_at", "expires_at"):
        value = job[name]
        if value:
            yield name.removesuffix("_at"), plain(value)
    if job["attempt"]:
        yield "attempt", plain(f"{job['attempt']}, {job['failures']} failed of {job['max_retries'] + 1} allowed")
    if amount(job["progress"]) or job["progress"]["message"]:
        yield "progress", plain(f"{amount(job['progress'])} {job['progress']['message'] or ''}".strip())
    if job["waiting"]:
        yield "waiting", plain(job["waiting"].get("detail", ""))
    if job["error"]:
        yield "error", plain(said(job["error"]), "red")
    if job["cost"]:
        yield "cost", plain(f"{job['cost']:.4g}")
    for step in job.get("steps", []):
        yield "step", plain(f"{step['name']}  ") + status_text(step["status"])
    for file in job.get("artifacts", []):
        yield "file", plain(f"{file['name']}  {size(file['size_bytes'])}  {file['media_type']}")


@click.command()
@click.argument("job_id")
@click.option("--wait", default="0s", metavar="DURATION", show_default=True, help="How long to wait for it.")
@with_server
def result(server: Server, job_id: str, wait: str) -> int:
    """Print the result of a job as JSON.

    \b
    Example:  accepted result 01a201ee-21bc-7e32-91f5-b18086d1e5be --wait 1h
    """
    print_result(server.client.jobs.get(job_id), seconds(wait))
    return exits.OK


@click.command()
@click.argument("job_id")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@with_server
def download(server: Server, job_id: str, name: str, path: Path) -> None:
    """Save a file of a job.

    NAME is one that `accepted show` lists; PATH a file or a folder.

    \b
    Example:  accepted download 01a201ee-21bc-7e32-91f5-b18086d1e5be report.csv
    """
    click.echo(server.client.jobs.get(job_id).download(name, path))


@click.command()
@click.argument("job_id")
@click.option("--reason", metavar="TEXT", help="Kept with the job.")
@with_server
def cancel(server: Server, job_id: str, reason: str | None) -> None:
    """Ask a job to end.

    It ends at once while it waits, within its grace when it runs. No error when it is over.

    \b
    Example:  accepted cancel 01a201ee-21bc-7e32-91f5-b18086d1e5be
    """
    _say_status(server.client.jobs.cancel(job_id, reason).record)


@click.command()
@click.argument("job_id")
@with_server
def retry(server: Server, job_id: str) -> None:
    """Run a job that is over again.

    Steps that finished are kept.

    \b
    Example:  accepted retry 01a201ee-21bc-7e32-91f5-b18086d1e5be
    """
    _say_status(server.client.jobs.retry(job_id).record)


@click.command()
@click.argument("job_id")
@with_server
def delete(server: Server, job_id: str) -> None:
    """Remove a job, with its result and files.

    One that is not over is cancelled.

    \b
    Example:  accepted delete 01a201ee-21bc-7e32-91f5-b18086d1e5be
    """
    server.client.jobs.delete(job_id)
    click.echo(f"deleted {clean(job_id)}", err=True)


def _say_status(job: JobDict) -> None:
    click.echo("cancelling" if job["cancelling"] else job["status"])


COMMANDS = (tasks, jobs, show, result, download, cancel, retry, delete)
