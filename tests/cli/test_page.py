"""docs/cli.md is what the commands say; every command explains itself."""

from __future__ import annotations

import sys

import click
import pytest
from served import HERE

sys.path.insert(0, str(HERE.parent / "scripts"))
import cli_page

from accepted.cli.root import cli

COMMANDS = list(cli_page.commands(cli, ("accepted",)))


def test_the_page_is_current() -> None:
    assert cli_page.PAGE.read_text(encoding="utf-8") == cli_page.written(), "run: python scripts/cli_page.py"


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_has_an_example_and_every_option_a_help(path: tuple[str, ...], command: click.Command) -> None:
    text = cli_page.help_text(path, command)
    assert "Example" in text
    assert f"\n  {' '.join(path)}" in text.split("Example")[1].replace(":  ", ":\n  ").replace("\n    ", "\n  ")
    assert all(one.help for one in command.params if isinstance(one, click.Option) and not one.hidden)
