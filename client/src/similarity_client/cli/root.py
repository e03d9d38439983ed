"""The group of all subcommands, and how an error becomes a line and an exit code."""

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from similarity_client.cli.commands import COMMANDS
from similarity_client.cli.exits import MEANINGS, Exit, exit_of
from similarity_client.errors import SimilarityError
from similarity_client.version import VERSION

CODES = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
HELP = f"""Similarity search over images, from the command line.

\b
  similarity add photos/ --recursive --train     add a folder, then make it searchable fast
  similarity search cat.jpg                      the images most like this one
  similarity ls                                  what is stored

The service is the one of --url, SIMILARITY_URL or `similarity login`, and else that of this
machine. Data goes to stdout, all else to stderr.

\b
Exit codes:
{CODES}
"""


class Root(click.Group):
    """A group whose errors are one line each, and that ends quietly where nobody reads on."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Runs a line of the command, and exits."""
        sys.exit(_guarded(lambda: super(Root, self).main(*args, **options | NOT_ALONE)))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a subcommand."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # who read the output has read enough: `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.WELL
        return code


NOT_ALONE = {"standalone_mode": False}


def _guarded(work: Callable[[], Any]) -> int:
    """Returns the exit code of a line; says what went wrong on one line of stderr."""
    try:
        return int(work() or Exit.WELL)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.UsageError as error:
        line = error.ctx.command_path if error.ctx else root.name
        said = " ".join(error.format_message().split())
        click.echo(f"error: {said} (see {line} --help)", err=True)
        return Exit.USAGE
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return error.exit_code
    except SimilarityError as error:
        click.echo(f"error: {error}", err=True)
        return exit_of(error)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except OSError as error:
        click.echo(f"error: {error}", err=True)
        return Exit.REFUSED


@click.group(
    "similarity", cls=Root, help=HELP, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(VERSION, message="%(prog)s %(version)s")
def root() -> None:
    """The command."""


for command in COMMANDS:
    root.add_command(command)
