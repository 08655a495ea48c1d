"""`accepted purge`: delete finished jobs before their time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from accepted.cli.connecting import Server, with_server
from accepted.cli.output import epoch
from accepted.client import RemoteJob
from accepted.errors import ConfigurationError
from accepted.job import TERMINAL
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


COMMANDS = (purge,)
