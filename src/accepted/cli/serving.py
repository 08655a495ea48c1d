"""`accepted serve` and `accepted worker`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from accepted.redaction import LogFilter
from accepted.settings import export

_DATA = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command()
@click.argument("target")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; all but loopback needs auth."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--data", type=_DATA, help="Folder of the database and files.  [default: data]")
@click.option("--workers", type=click.IntRange(min=0), default=0, help="Worker processes; 0: jobs run in the server.")
@click.option("--config", type=_FILE, help="Settings as TOML (docs/settings.md).")
@click.option("--access-log", is_flag=True, help="A line on stderr for each request.")
def serve(
    target: str, host: str, port: int, data: Path | None, workers: int, config: Path | None, access_log: bool
) -> int:
    """Serve TARGET over HTTP and run its jobs.

    TARGET is module:attribute: an ASGI application (FastAPI, Starlette …) with jobs in it, or a Jobs object, which
    is served as it is. Once it answers, one line on stdout says where: "serving http://127.0.0.1:8000".

    SIGTERM or Ctrl-C stops it in order: streams end at once, running jobs get time to finish (ACCEPTED_DRAIN) and
    are given back otherwise; a second one ends it at once, and other workers take its jobs over.

    \b
    Examples:
      accepted serve app:jobs
      accepted serve app:app --port 8080 --data /var/lib/app --workers 4
    """
    from accepted import serving

    _log_to_stderr()
    export(data=_absolute(data), config=_absolute(config), worker="false" if workers else None)
    serving.serve(
        serving.load_target(target),
        host=host,
        port=port,
        ready=lambda address: click.echo(f"serving {address}"),
        workers=workers,
        worker_command=(sys.executable, "-m", "accepted", "worker", target, "--supervised"),
        access_log=access_log,
    )
    return 0


@click.command()
@click.argument("target")
@click.option("--concurrency", type=click.IntRange(min=1), help="Jobs at once.  [default: 20]")
@click.option("--queue", "queues", multiple=True, help="Take jobs of this queue only; may be repeated.")
@click.option("--data", type=_DATA, help="Folder of the database and files.  [default: data]")
@click.option("--config", type=_FILE, help="Settings as TOML (docs/settings.md).")
@click.option("--supervised", is_flag=True, hidden=True, help="End when standard input does.")
def worker(
    target: str,
    concurrency: int | None,
    queues: Sequence[str],
    data: Path | None,
    config: Path | None,
    supervised: bool,
) -> int:
    """Run jobs of TARGET without serving.

    Any number of workers may share a store. TARGET is what `accepted serve` takes; an application's lifespan is run,
    so that tasks find what it sets up.

    SIGTERM or Ctrl-C stops it in order: running jobs finish or are given back.

    \b
    Examples:
      accepted worker app:jobs --data /var/lib/app
      accepted worker app:jobs --queue slow --concurrency 2
    """
    from accepted import serving

    _log_to_stderr()
    export(
        data=_absolute(data),
        config=_absolute(config),
        worker="true",
        concurrency=concurrency,
        queues=",".join(queues) or None,
    )
    serving.work(serving.load_target(target), ready=_say_tasks, supervised=supervised)
    return 0


def _say_tasks(tasks: Sequence[str]) -> None:
    click.echo(f"working on {', '.join(tasks) or 'nothing: there is no task'}", err=True)


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path is not None else None


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogFilter())
    # What uvicorn says of its own steps is said better by this command.
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.setLevel(logging.WARNING)
    uvicorn.addFilter(lambda record: not record.getMessage().startswith("Application startup failed"))


COMMANDS = (serve, worker)
