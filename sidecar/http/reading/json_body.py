"""Reads a list in JSON from the body of a request."""

import json
from typing import Any

import falcon

from sidecar.errors import WrongArguments
from sidecar.files import in_units
from sidecar.http.reading.multipart import Body

MOST_BYTES = 1 << 21
MOST_ITEMS = 1000


def read_list(req: falcon.Request, example: str, head: bytes = b"") -> list[Any]:
    """Returns the list that a body is.

    Args:
        example: of a body, for the error.
        head: what was read of the body already.
    Raises:
        WrongArguments: it is none, or longer than a call takes.
        RequestTimeout, RequestBroken: it did not arrive.
    """
    content = head + Body(req).read(MOST_BYTES + 1 - len(head))
    if len(content) > MOST_BYTES:
        raise WrongArguments(f"the body is larger than {in_units(MOST_BYTES)}")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WrongArguments(f"the body must be JSON, such as {example}: {error}") from error
    if not isinstance(found, list):
        raise WrongArguments(f"the body must be a list, such as {example}")
    if len(found) > MOST_ITEMS:
        raise WrongArguments(f"the list has {len(found):,} entries: send {MOST_ITEMS:,} at most")
    return found


def text_of(entry: object, place: int) -> str:
    """Returns an entry of a list of ids. Raises WrongArguments where it is no text."""
    if not isinstance(entry, str):
        raise WrongArguments(f"entry {place} must be a text, the id of an image")
    return entry
