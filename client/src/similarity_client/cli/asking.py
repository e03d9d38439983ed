"""What is asked of a person before something is done that can't be undone, or takes hours."""

import sys

import click

yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


def somebody() -> None:
    """Makes sure that there is somebody to ask.

    Raises:
        click.UsageError: there is nobody.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("this wants a yes, and there is nobody to ask: say --yes")


def sure(question: str) -> None:
    """Asks, on a terminal, and goes on after a yes.

    Raises:
        click.UsageError: there is nobody to ask.
        click.ClickException: the answer was no.
    """
    somebody()
    if not click.confirm(question, err=True):
        raise click.ClickException("nothing was done")
