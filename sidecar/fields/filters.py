"""Reads a filter: JSON in the manner of MongoDB's query documents.

    {"category": "shoes", "price": {"$lt": 50}, "tags": {"$in": ["sale"]}}

Source: https://www.mongodb.com/docs/manual/reference/operator/query/, for the names of operators
and what they mean of a field that is missing, or holds a list.
"""

import json
from collections.abc import Callable
from typing import Any

from sidecar.errors import WrongArguments
from sidecar.fields.conditions import (
    And,
    Exists,
    Filter,
    HasId,
    HasKeyword,
    Not,
    OneOf,
    Or,
    Within,
    key_of,
)
from sidecar.fields.document import check_number

DEEPEST = 16
MOST_VALUES = 10_000  # in a list
MOST_CONDITIONS = 256


def parse_filter(text: str) -> Filter:
    """Returns the filter in a client's JSON.

    Raises:
        WrongArguments: it is none; the error names the place of the fault.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongArguments(f"filter must be JSON: {error}") from error
    return _Parser().filter(given, "filter", 0)


class _Parser:
    """Parses one filter, and counts its conditions."""

    def __init__(self) -> None:
        self._conditions = 0

    def filter(self, given: object, place: str, depth: int) -> Filter:
        """Returns what an object asks for: all of its entries."""
        if not isinstance(given, dict):
            raise WrongArguments(f'{place} must be an object, such as {{"category": "shoes"}}')
        if depth > DEEPEST:
            raise WrongArguments(f"{place}: filters lie within each other {DEEPEST} deep at most")
        return _all([self._entry(name, each, place, depth) for name, each in given.items()])

    def _entry(self, name: str, given: object, place: str, depth: int) -> Filter:
        here = f"{place}.{name}"
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise WrongArguments(f"{here}: a filter has {MOST_CONDITIONS} conditions at most")
        if name in ("$and", "$or", "$nor"):
            parts = self._list(given, here, depth)
            if name == "$and":
                return _all(parts)
            return _any(parts) if name == "$or" else Not(_any(parts))
        if name == "$not":
            return Not(self.filter(given, here, depth + 1))
        if name == "$id":
            return _ids(given, here)
        if name == "$keyword":
            return _keywords(given, here)
        if name.startswith("$"):
            known = "$and, $or, $nor, $not, $id or $keyword"
            raise WrongArguments(f"{here}: there is no {name}: use {known}")
        return self._field(name, given, here, depth)

    def _list(self, given: object, place: str, depth: int) -> list[Filter]:
        if not isinstance(given, list) or not given:
            raise WrongArguments(f"{place} must be a list of filters")
        return [self.filter(each, f"{place}[{n}]", depth + 1) for n, each in enumerate(given)]

    def _field(self, field: str, given: object, place: str, depth: int) -> Filter:
        """Returns the conditions on a field: a value, or an object of operators."""
        if not isinstance(given, dict):
            return _equals(field, given, place)
        if not given:
            raise WrongArguments(f"{place} has no operator: {', '.join([*OPERATORS, '$not'])}")
        if depth > DEEPEST:
            raise WrongArguments(f"{place}: filters lie within each other {DEEPEST} deep at most")
        parts: list[Filter] = []
        for name, value in given.items():
            here = f"{place}.{name}"
            if name == "$not":
                parts.append(Not(self._field(field, value, here, depth + 1)))
            elif name in OPERATORS:
                parts.append(OPERATORS[name](field, value, here))
            else:
                known = ", ".join([*OPERATORS, "$not"])
                raise WrongArguments(f"{here}: there is no operator {name}: use {known}")
        return _all(parts)


def _all(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _any(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _one_of(field: str, values: list[Any], place: str) -> OneOf:
    keys, numbers = [], []
    for value in values:
        if value is None or isinstance(value, bool | str):
            keys.append(key_of(value))
        elif isinstance(value, int | float):
            check_number(place, value)
            numbers.append(float(value))
        else:
            raise WrongArguments(f"{place} must be a string, a number, true, false or null")
    return OneOf(field, tuple(keys), tuple(numbers))


def _equals(field: str, given: object, place: str) -> Filter:
    if isinstance(given, list):
        raise WrongArguments(f"{place} is a list: use $in for any of its values")
    return _one_of(field, [given], place)


def _in(field: str, given: object, place: str) -> Filter:
    if not isinstance(given, list) or len(given) > MOST_VALUES:
        raise WrongArguments(f"{place} must be a list of at most {MOST_VALUES:,} values")
    return _one_of(field, given, place)


def _exists(field: str, given: object, place: str) -> Filter:
    if not isinstance(given, bool):
        raise WrongArguments(f"{place} must be true or false")
    return Exists(field) if given else Not(Exists(field))


def _limit(**which: Any) -> Callable[[str, Any, str], Filter]:
    """Returns what parses a comparison of numbers."""
    [side] = (name for name in which if name in ("least", "most"))

    def within(field: str, given: Any, place: str) -> Filter:
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise WrongArguments(f"{place} must be a number")
        check_number(place, given)
        return Within(field, **{**which, side: float(given)})

    return within


def _ids(given: object, place: str) -> Filter:
    return HasId(_texts(given, place, "an id", "ids"))


def _keywords(given: object, place: str) -> Filter:
    """Returns the condition of a keyword, some of them, or {"$in": some, "$gte": a score}."""
    if not isinstance(given, dict):
        return HasKeyword(_texts(given, place, "a keyword", "keywords"))
    if "$in" not in given or not given.keys() <= {"$in", "$gte"}:
        raise WrongArguments(f'{place} must be like {{"$in": ["tabby"], "$gte": 0.3}}')
    least = given.get("$gte", 0.0)
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise WrongArguments(f"{place}.$gte must be a number from 0 to 1")
    return HasKeyword(_texts(given["$in"], f"{place}.$in", "a keyword", "keywords"), float(least))


def _texts(given: object, place: str, one: str, some: str) -> tuple[str, ...]:
    asked = given if isinstance(given, list) else [given]
    texts = tuple(each for each in asked if isinstance(each, str))
    if len(texts) < len(asked) or len(texts) > MOST_VALUES:
        raise WrongArguments(f"{place} must be {one} or a list of at most {MOST_VALUES:,} {some}")
    return texts


OPERATORS: dict[str, Callable[[str, Any, str], Filter]] = {
    "$eq": _equals,
    "$ne": lambda field, given, place: Not(_equals(field, given, place)),
    "$in": _in,
    "$nin": lambda field, given, place: Not(_in(field, given, place)),
    "$lt": _limit(most=0.0, below=True),
    "$lte": _limit(most=0.0),
    "$gt": _limit(least=0.0, above=True),
    "$gte": _limit(least=0.0),
    "$exists": _exists,
}
