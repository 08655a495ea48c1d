"""`accepted schedules`: what runs by the clock, from the store itself."""

from __future__ import annotations

import click

from accepted.cli.on_store import on_store
from accepted.cli.output import ago, duration, print_json, table
from accepted.errors import ScheduleNotFound
from accepted.stores.base import Store


@click.command()
@click.option("--drop", metavar="NAME", help="Forget this one; code that still has it makes it anew when it starts.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@on_store
async def schedules(store: Store, drop: str | None, as_json: bool) -> None:
    """List what runs by the clock.

    And drop what is in no code any more. No server is needed.

    \b
    Example:  accepted schedules
              accepted schedules --drop nightly
    """
    if drop is not None:
        if not await store.drop_schedule(drop):
            raise ScheduleNotFound(drop)
        click.echo(f"dropped {drop}", err=True)
        return
    from accepted.http.schedules_api import schedule_members

    found = [schedule_members(one) for one in await store.schedules()]
    if as_json:
        print_json(found)
        return
    headings = ("name", "task", "owner", "when", "next", "last", "last job")
    rows = (
        (
            one["name"],
            one["task"],
            one["owner"],
            f"{one['cron']} {one['timezone']}" if one["cron"] else f"every {duration(one['every_seconds'])}",
            one["next_at"],
            ago(one["last_at"]),
            one["last_job"] or "",
        )
        for one in found
    )
    table(headings, rows)


COMMANDS = (schedules,)
