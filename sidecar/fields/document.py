"""The metadata of an image: a flat JSON object, checked, and in one form."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from sidecar.errors import WrongArguments
from sidecar.files import in_units

MOST_BYTES = 16 * 1024  # of a document, as it is stored
LONGEST_NAME = 128  # characters of a field's name
EXACT = 2**53  # whole numbers up to this are what they are as float64, too

Document = dict[str, Any]


def checked(value: object) -> str:
    """Returns the text of a document as it is stored: JSON in one line.

    Raises:
        WrongArguments: it is no flat object of strings, numbers, booleans, null and lists of
            strings, or is too large; the error names the field.
    """
    if not isinstance(value, dict):
        raise WrongArguments('metadata must be a JSON object, such as {"category": "shoes"}')
    for name, each in value.items():
        _check_name(name)
        _check_value(name, each)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size > MOST_BYTES:
        raise WrongArguments(f"metadata takes {size:,} bytes: send {in_units(MOST_BYTES)} at most")
    return text


def parsed(text: str | bytes) -> Any:
    """Returns what a client's JSON holds.

    Raises:
        WrongArguments: it is no JSON, or has a name twice in an object.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WrongArguments(f"metadata must be JSON: {error}") from error


def patched(document: Document, changes: Mapping[str, Any]) -> Document:
    """Returns a document with some fields changed; those changed to null leave it.

    Source: RFC 7396, "JSON Merge Patch", 2014.
    """
    gone = {name for name, value in changes.items() if value is None}
    return {name: value for name, value in {**document, **changes}.items() if name not in gone}


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} is there twice")
        found[name] = value
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _check_name(name: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME:
        raise WrongArguments(f"the name of a field has 1 to {LONGEST_NAME} characters")
    if name.startswith("$"):
        raise WrongArguments(f"the name of a field can't begin with $: {name!r}")
    _check_text(name, name)


def _check_value(name: str, value: object) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(name, value)
    elif isinstance(value, int | float):
        check_number(name, value)
    elif isinstance(value, list) and all(isinstance(each, str) for each in value):
        for each in value:
            _check_text(name, each)
    else:
        raise WrongArguments(
            f"metadata.{name} must be a string, a number, true, false, null or a list of strings"
        )


def check_number(name: str, value: float) -> None:
    """Raises WrongArguments for a number that a comparison would not take as it is."""
    if (isinstance(value, int) and abs(value) > EXACT) or not math.isfinite(value):
        raise WrongArguments(f"{name} must be a number up to 2^53: send larger ones as strings")


def _check_text(name: str, text: str) -> None:
    """Raises WrongArguments for text that no database stores."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise WrongArguments(f"metadata.{name!r} holds a character that can't be stored")
