"""What every subcommand has: the options that say where the service is, a client, and talk."""

import functools
import warnings
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import click

from similarity_client import Similarity
from similarity_client.cli import saved
from similarity_client.cli.exits import Exit
from similarity_client.cli.talk import Talk
from similarity_client.settings import DEFAULT_URL, KEY, URL

P = ParamSpec("P")


class Session:
    """A run of a subcommand.

    Args:
        client: made already, not connected yet; closed when the subcommand ends.
    """

    def __init__(self, client: Similarity, talk: Talk) -> None:
        self.client = client
        self.talk = talk


OPTIONS = (
    click.option("--url", envvar=URL, metavar="URL", help=f"The service. [{URL}; {DEFAULT_URL}]"),
    click.option("--key", envvar=KEY, metavar="KEY", help=f"An API key. [{KEY}]"),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=60.0,
        metavar="SECONDS",
        show_default=True,
        help="In which something has to come.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON; a line for each of a list."),
)


def connected(
    function: Callable[Concatenate[Session, P], Exit | None],
) -> Callable[..., Exit | None]:
    """Makes a subcommand of a function whose first argument is a session."""

    @functools.wraps(function)
    def command(
        *args: Any, url: str | None, key: str | None, timeout: float, as_json: bool, **options: Any
    ) -> Exit | None:
        talk = Talk(as_json)
        known = saved.read()
        at_home = url is None or url.rstrip("/") == (known.url or "").rstrip("/")
        try:
            # A key that was saved for one service is never sent to another one.
            client = Similarity(url or known.url, key or (known.key if at_home else None), timeout)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        with client, warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, *_: talk.say(f"note: {message}")
            return function(Session(client, talk), *args, **options)

    for option in reversed(OPTIONS):
        command = option(command)
    return command
