"""`--url` and `--key` of the commands that talk to a server."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from accepted.client import Client, ClientSettings
from accepted.client.settings import load_client_settings

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Server:
    """The server that a command talks to. `given`: whether its address is not the default one."""

    client: Client
    settings: ClientSettings

    def command(self, *words: str) -> str:
        """A command line about the same server, for a person to type."""
        elsewhere = () if self.settings.url == ClientSettings().url else ("--url", self.client.url)
        return " ".join(("accepted", *words, *elsewhere))


def with_server(command: Callable[Concatenate[Server, P], R]) -> Callable[..., R]:
    """Adds the options, and hands the command the server as its first argument."""

    @click.option("--url", metavar="URL", help="The server; else ACCEPTED_URL, else http://127.0.0.1:8000.")
    @click.option(
        "--key", metavar="KEY", help="API key or token; better in ACCEPTED_KEY, where no process list has it."
    )
    @functools.wraps(command)
    def run(*args: Any, url: str | None, key: str | None, **options: Any) -> R:
        settings = load_client_settings(url=url, key=key)
        client = Client(
            settings.url,
            key=settings.key or None,
            timeout=settings.timeout,
            retries=settings.retries,
            patience=settings.patience,
        )
        with client:
            return command(Server(client, settings), *args, **options)

    return run
