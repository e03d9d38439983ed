"""What every subcommand has: the options that say where the service is, a client, and talk."""

import functools
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from similarity_client import Retries, ServiceAway, Similarity
from similarity_client.cli import saved
from similarity_client.cli.exits import Exit
from similarity_client.cli.talk import Talk
from similarity_client.settings import DEFAULT_URL, KEY, URL

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """A run of a subcommand.

    Args:
        client: made already, not connected yet; closed when the subcommand ends.
    """

    def __init__(self, client: Similarity, talk: Talk) -> None:
        self.client = client
        self.talk = talk


as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON; a line for each of a list."
)
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
    click.option(
        "--retries",
        type=click.IntRange(min=0),
        default=Retries().count,
        show_default=True,
        help="How often a call is sent again where that is safe.",
    ),
    as_json,
)


def options(command: F) -> F:
    """Gives a subcommand the options that say where the service is and how it is asked."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def connected(
    function: Callable[Concatenate[Session, P], Exit | None],
) -> Callable[..., Exit | None]:
    """Makes a subcommand of a function whose first argument is a session."""

    @options
    @functools.wraps(function)
    def command(
        *args: Any,
        url: str | None,
        key: str | None,
        timeout: float,
        retries: int,
        as_json: bool,
        **given: Any,
    ) -> Exit | None:
        known = saved.read()
        at_home = url is None or url.rstrip("/") == (known.url or "").rstrip("/")
        # A key that was saved for one service is never sent to another one.
        key = key or (known.key if at_home else None)
        talk = Talk(as_json)
        with client_of(talk, url or known.url, key, timeout, retries) as client:
            return function(Session(client, talk), *args, **given)

    return command


@contextmanager
def client_of(
    talk: Talk, url: str | None, key: str | None, timeout: float, retries: int
) -> Iterator[Similarity]:
    """Gives a client, whose warnings are said as notes.

    Raises:
        click.UsageError: the URL or the key can be none.
        ServiceAway: as the block raises it, for a person.
    """
    try:
        client = Similarity(url, key, timeout, retries=Retries(count=retries))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with client, _notes(talk):
        try:
            yield client
        except ServiceAway as error:
            raise _away(error, client.settings.url) from error


@contextmanager
def _notes(talk: Talk) -> Iterator[None]:
    """Says warnings as notes, such as that the service is newer."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: talk.say(f"note: {message}")
        yield


def _away(error: ServiceAway, url: str) -> ServiceAway:
    """Returns the error of a service that does not answer, with its URL, for a person."""
    why = re.sub(r"^\[Errno -?\d+\] ", "", f"{error.__cause__ or error}")
    return ServiceAway(f"no answer from {url}: {why[:1].lower()}{why[1:]}")
