"""Write docs/cli.md from the commands' own help: `python scripts/cli_page.py`. A test holds the page against it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent))
import pages

from accepted.cli import exits
from accepted.cli.root import cli
from accepted.client import ClientSettings

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"

HEAD = """\
# The command line

Written by `python scripts/cli_page.py` from what `accepted COMMAND --help` says; do not edit it here.

`pip install 'accepted[server]'` brings the command `accepted`, which is also `python -m accepted`. Results and what is
meant for programs go to stdout, everything for people to stderr; an error is one sentence.
"""


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, in the order in which the help lists them."""
    for name in group.list_commands(click.Context(group)):
        command = group.commands[name]
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def help_text(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(path), terminal_width=100, max_content_width=100)
    context.help_option_names = ["-h", "--help"]
    return re.sub(r"[ \t]+$", "", command.get_help(context), flags=re.MULTILINE)


def written() -> str:
    parts = [HEAD, "## Exit codes\n", "| code | meaning |\n| --- | --- |"]
    parts += [f"| {code} | {meaning} |" for code, meaning in exits.MEANINGS.items()]
    parts += ["\n## Settings of the commands that talk to a server\n"]
    parts += ["In the environment, or in the table `[client]` of the file that `ACCEPTED_CONFIG` names.\n"]
    parts += [pages.settings_table(ClientSettings, "")]
    for path, command in commands(cli, ("accepted",)):
        parts.append(f"## {' '.join(path)}\n\n```text\n{help_text(path, command)}\n```\n")
    return "\n".join(parts).rstrip("\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
