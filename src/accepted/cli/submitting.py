"""`accepted submit` and `accepted watch`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import BinaryIO

import click

from accepted.cli import exits
from accepted.cli.batches import submit_lines
from accepted.cli.connecting import Server, with_server
from accepted.cli.fields import read_fields
from accepted.cli.live import make_view
from accepted.cli.output import print_json, print_json_line
from accepted.client import RemoteJob
from accepted.client.shapes import REMOVED
from accepted.errors import ResultTimeout


@click.command()
@click.argument("task")
@click.argument("fields", nargs=-1, metavar="[NAME=TEXT | NAME:=JSON | NAME@FILE | NAME:-]...")
@click.option("--follow", is_flag=True, help="Show it live on stderr to its end, then print the result.")
@click.option("--wait", metavar="DURATION", help="Wait so long for the result, such as 20s.")
@click.option("--priority", type=click.IntRange(-1000, 1000), help="Higher goes first.")
@click.option("--delay", metavar="DURATION", help="Do not start before this has passed.")
@click.option("--cancel-after", metavar="DURATION", help="How long the job may live.")
@click.option("--idempotency-key", metavar="KEY", help="The same key again answers the same job.")
@click.option("--batch", type=click.File("rb"), metavar="FILE", help="A job for each line of JSON in FILE; - is stdin.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The job as JSON; with --follow its events, with --batch its jobs, one a line.",
)
@with_server
def submit(
    server: Server,
    task: str,
    fields: Sequence[str],
    follow: bool,
    wait: str | None,
    priority: int | None,
    delay: str | None,
    cancel_after: str | None,
    idempotency_key: str | None,
    batch: BinaryIO | None,
    as_json: bool,
) -> int:
    """Submit a job of TASK, or with --batch many.

    Prints its id, or with --follow or --wait its result.

    Arguments are texts (url=https://example.org/), JSON (depth:=3, tags:='["a"]') or files (table@data.csv).
    password:- asks for it, or reads a line of stdin, so that it is not in the shell's history.
    `accepted tasks` says which a task takes. Ctrl-C while following leaves the job running.

    With --batch each line of the file is a JSON object with the arguments of one job. Their ids go to stdout, in the
    order of the lines; a line that is refused is named on stderr, the others are stored all the same. With an
    --idempotency-key the same file can be sent again: what is stored already is not stored twice.

    \b
    Examples:
      accepted submit preview url=https://example.org/ --follow
      accepted submit enrich table@people.csv limit:=100 --wait 30s
      accepted submit preview --batch urls.ndjson --idempotency-key urls-2026-10-03
    """
    options = server.client.tasks[task].with_options(
        wait=wait, priority=priority, delay=delay, cancel_after=cancel_after, idempotency_key=idempotency_key
    )
    if batch is not None:
        if fields or follow or wait is not None:
            raise click.UsageError("--batch goes without arguments, --follow and --wait: they are for one job")
        return submit_lines(options, batch, as_json=as_json)
    job = options.submit(**read_fields(fields))
    if follow:
        return _follow(server, job, as_json=as_json)
    if as_json:
        print_json(job.record)
        return exits.OK
    if wait is not None and job.record["finished_at"]:
        return _finish(job)
    click.echo(job.id)
    click.echo(f"watch it: {server.command('watch', job.id)}", err=True)
    return exits.OK if wait is None else exits.NOT_OVER


@click.command()
@click.argument("job_id")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only events after this number.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON, one a line, and no result.")
@with_server
def watch(server: Server, job_id: str, after: int, as_json: bool) -> int:
    """Show a job live to its end.

    From its first event on; then its result is printed.

    \b
    Example:  accepted watch 01a201ee-21bc-7e32-91f5-b18086d1e5be
    """
    return _follow(server, server.client.jobs.get(job_id), after=after, as_json=as_json)


def _follow(server: Server, job: RemoteJob, *, after: int = 0, as_json: bool) -> int:
    try:
        removed = _print_events(job, after) if as_json else _show(job, after)
        if removed:
            return exits.TROUBLE
        return exits.OF_STATUS[job.status] if as_json else _finish(job)
    except KeyboardInterrupt:
        click.echo(
            f"The job goes on. Watch it: {server.command('watch', job.id)}\n"
            f"              Cancel it: {server.command('cancel', job.id)}",
            err=True,
        )
        return exits.INTERRUPTED


def _print_events(job: RemoteJob, after: int) -> bool:
    for event in job.events(after):
        print_json_line(dataclasses.asdict(event))
        if event.kind == REMOVED:
            return True
    return False


def _show(job: RemoteJob, after: int) -> bool:
    """Returns whether the job was removed meanwhile."""
    view = make_view(job.record)
    with view:
        for event in job.events(after):
            view.see(event, job.record)
            if event.kind == REMOVED:
                return True
    view.end(job.refresh())
    return False


def _finish(job: RemoteJob) -> int:
    """The result of a job that is over to stdout; its failure was told already."""
    code = exits.OF_STATUS.get(job.status)
    if code is None:
        raise ResultTimeout(job.id, 0.0)
    if code == exits.OK:
        print_result(job)
    return code


def print_result(job: RemoteJob, timeout: float | None = None) -> None:
    result = job.result(timeout)
    if isinstance(result, bytes):
        sys.stdout.buffer.write(result)
    else:
        print_json(result)


COMMANDS = (submit, watch)
