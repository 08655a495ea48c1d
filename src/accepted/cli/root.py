"""All commands in one group, and how a command ends."""

from __future__ import annotations

import os
import signal
import sys

import click

from accepted import __version__
from accepted.cli import exits, inspecting, keys, purging, schedules, serving, submitting
from accepted.errors import AcceptedError, JobCancelled, JobFailed, ResultTimeout

_EXITS = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in exits.MEANINGS.items())


class _InOrder(click.Group):
    """Lists its commands in the order of their use, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.commands)


@click.group(
    cls=_InOrder,
    epilog=_EXITS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """Any long-running Python function as a durable job behind HTTP.

    \b
    Serve:    accepted serve app:jobs
    Submit:   accepted submit preview url=https://example.org/ --follow
    Look:     accepted jobs
    """


for command in (
    *serving.COMMANDS,
    *submitting.COMMANDS,
    *inspecting.COMMANDS,
    *schedules.COMMANDS,
    *purging.COMMANDS,
    *keys.COMMANDS,
):
    cli.add_command(command)


@cli.command()
def version() -> None:
    """Print the version of accepted.

    \b
    Example:  accepted version
    """
    click.echo(__version__)


def run() -> int:
    """Run the command of `sys.argv`; an error is one sentence on stderr. Returns the exit code."""
    try:
        code = cli.main(prog_name="accepted", standalone_mode=False)
        return code if isinstance(code, int) else exits.OK
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except JobFailed as error:
        return _say(f"the job failed: {error}", exits.FAILED)
    except JobCancelled as error:
        return _say(str(error), exits.CANCELLED)
    except ResultTimeout as error:
        return _say(str(error), exits.NOT_OVER)
    except (AcceptedError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            return _reader_gone()
        return _say(str(error), exits.TROUBLE)
    except (KeyboardInterrupt, click.Abort):
        return 128 + signal.SIGINT


def _say(sentence: str, code: int) -> int:
    from accepted.cli.output import clean

    click.echo(f"accepted: {clean(sentence)}", err=True)
    return code


def _reader_gone() -> int:
    # `accepted jobs | head`: what is still buffered has nowhere to go.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE
