"""A filter as conditions on fields, joined by and, or and not."""

import hashlib
from dataclasses import dataclass

LIST = 0  # the key of every list: no value has it


def key_of(value: str | bool | None) -> int:
    """Returns what stands for a value that is compared for equality: 64 bits of its hash.

    Two of a billion values share one with a probability of 0.03.
    """
    text = f"s{value}" if isinstance(value, str) else repr(value)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


@dataclass(frozen=True)
class OneOf:
    """Holds of images one of whose values of a field is one of some.

    Args:
        keys: of strings, booleans and null; see `key_of`.
        numbers: float64.
    """

    field: str
    keys: tuple[int, ...]
    numbers: tuple[float, ...]


def only(field: str, value: str | bool | float | None) -> OneOf:
    """Returns the condition that a field has a value."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return OneOf(field, (), (float(value),))
    return OneOf(field, (key_of(value),), ())


@dataclass(frozen=True)
class Within:
    """Holds of images with a number in a field, from `least` to `most`.

    Args:
        above, below: whether these limits themselves are left out.
    """

    field: str
    least: float = float("-inf")
    most: float = float("inf")
    above: bool = False
    below: bool = False


@dataclass(frozen=True)
class Exists:
    """Holds of images that have a field, whatever is in it."""

    field: str


@dataclass(frozen=True)
class HasId:
    """Holds of the images with some ids."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class HasKeyword:
    """Holds of images with any of some keywords, by the model that is searched with.

    Args:
        least: the least score that counts, 0..1.
    """

    names: tuple[str, ...]
    least: float = 0.0


@dataclass(frozen=True)
class And:
    """Holds where all of some filters do; of none, everywhere."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Or:
    """Holds where any of some filters does."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Not:
    """Holds where a filter does not."""

    part: "Filter"


Condition = OneOf | Within | Exists
Filter = Condition | HasId | HasKeyword | And | Or | Not


def names_images(wanted: Filter) -> bool:
    """Says whether a filter asks for ids, anywhere in it."""
    if isinstance(wanted, Not):
        return names_images(wanted.part)
    if isinstance(wanted, And | Or):
        return any(map(names_images, wanted.parts))
    return isinstance(wanted, HasId)
