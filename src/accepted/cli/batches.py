"""`accepted submit --batch`: a job for each line of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import click

from accepted.cli import exits
from accepted.cli.output import clean, print_json_line
from accepted.client import BatchItem, RemoteTask

_BOM: Final = b"\xef\xbb\xbf"


def submit_lines(task: RemoteTask, file: BinaryIO, *, as_json: bool) -> int:
    """Says of each line what became of it. Returns the exit code: whether all were stored."""
    numbers: list[int] = []
    refused = 0
    for item in task.submit_each(_lines(file, numbers)):
        refused += item.error is not None
        (_print_json if as_json else _say)(item, numbers[item.index])
    click.echo(f"{len(numbers) - refused} stored, {refused} refused", err=True)
    return exits.TROUBLE if refused else exits.OK


def _lines(file: BinaryIO, numbers: list[int]) -> Iterator[bytes]:
    """Those that are not blank; which they are is kept in `numbers`, counted from 1."""
    for number, raw in enumerate(file, 1):
        content = (raw.removeprefix(_BOM) if number == 1 else raw).strip()
        if content:
            numbers.append(number)
            yield content


def _say(item: BatchItem, number: int) -> None:
    if item.error is None:
        click.echo(item.job_id)
    else:
        click.echo(f"line {number}: {clean(item.error)}", err=True)


def _print_json(item: BatchItem, number: int) -> None:
    error = item.error and {"code": item.error.slug, "detail": str(item.error)}
    job = {"job_id": item.job_id, "status": item.status, "replayed": item.replayed}
    print_json_line({"line": number, **job, "error": error})
