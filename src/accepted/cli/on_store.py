"""Commands that work on the store itself, for which no server is needed."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from accepted.settings import Settings, load
from accepted.stores import open_store

R = TypeVar("R")


def on_store(command: Callable[..., Awaitable[R]]) -> Callable[..., R]:
    """Adds the options that name the store, and hands it, open, to the command."""

    @click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of the database.")
    @click.option("--database", metavar="URL", help="The store, such as sqlite:///jobs.db.")
    @click.option("--config", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Settings as TOML.")
    @functools.wraps(command)
    def run(*args: Any, data: Path | None, database: str | None, config: Path | None, **options: Any) -> R:
        settings = load(Settings, config=config, data=data, database=database)

        async def opened() -> R:
            store = open_store(settings)
            await store.open()
            try:
                return await command(store, *args, **options)
            finally:
                await store.close()

        return asyncio.run(opened())

    return run
