"""`accepted purge`: delete finished jobs before their time; `accepted delete-all`: whatever is the caller's."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from accepted.cli.connecting import Server, with_server
from accepted.cli.output import clean, epoch
from accepted.client import RemoteJob
from accepted.errors import ConfigurationError
from accepted.job import TERMINAL, Status
from accepted.settings import seconds

_WORDS = sorted(map(str, TERMINAL))


class Age(click.ParamType[float]):
    """Seconds, from text such as 7d."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return seconds(str(value))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option("--older-than", type=Age(), default="0s", metavar="AGE", help="Over for at least so long: 90s, 2h, 7d.")
@click.option("--status", "statuses", type=click.Choice(_WORDS), multiple=True, help="These only; may be repeated.")
@click.option("--task", metavar="NAME", help="Of this task only.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_server
def purge(server: Server, older_than: float, statuses: Sequence[str], task: str | None, yes: bool) -> int:
    """Remove jobs that are over, before they expire.

    With their results and files. It goes through the server: you delete what you may see, and a deleted job answers
    410 from then on.

    \b
    Examples:
      accepted purge --older-than 7d
      accepted purge --status failed --status cancelled --yes
    """
    before = time.time() - older_than
    found = server.client.jobs.iterate(status=statuses or _WORDS, task=task)
    chosen = [job.id for job in found if _ended_before(job, before)]
    if not chosen:
        click.echo("nothing to delete", err=True)
        return 0
    if not yes:
        click.confirm(f"Delete {len(chosen)} jobs with their results?", abort=True, err=True)
    for job_id in chosen:
        server.client.jobs.delete(job_id)
    click.echo(f"deleted {len(chosen)} jobs", err=True)
    return 0


def _ended_before(job: RemoteJob, at: float) -> bool:
    finished = job.record["finished_at"]
    return finished is not None and epoch(finished) <= at


@click.command("delete-all")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(list(map(str, Status))),
    multiple=True,
    help="These only; may be repeated.",
)
@click.option("--task", metavar="NAME", help="Of this task only.")
@click.option("--owner", metavar="NAME", help="Not your own but this owner's; for administrators.")
@click.option("--everything", is_flag=True, help="Whatever their status and task.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_server
def delete_all(
    server: Server, statuses: Sequence[str], task: str | None, owner: str | None, everything: bool, yes: bool
) -> int:
    """Remove all jobs of yours, over or not.

    With their results and files; those that run are cancelled. `accepted purge` removes only what is over, by age, and
    as an administrator everybody's.

    \b
    Examples:
      accepted delete-all --status pending --task crawl
      accepted delete-all --everything --yes
    """
    if everything == bool(statuses or task):
        raise click.UsageError("say which: --status and --task, or --everything and neither")
    if not yes:
        whose = f"of {clean(owner)}" if owner else "of yours"
        which = " ".join((*statuses, *([f"of task {clean(task)}"] if task else []))) or "over or not"
        click.confirm(f"Delete all jobs {whose} ({which}) with their results?", abort=True, err=True)
    count = server.client.jobs.delete_all(status=statuses or None, task=task, owner=owner, everything=everything)
    click.echo(f"deleted {count} jobs", err=True)
    return 0


COMMANDS = (purge, delete_all)
