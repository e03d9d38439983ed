"""Documents and filters at random, and what a filter means, said one document at a time."""

import operator
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["category", "price", "tags", "größe"])
TEXTS = st.sampled_from(["shoes", "hats", "sale", "new", "", "1"])
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -1.5, 2.0**53]))
PLAIN = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
DOCUMENTS = st.dictionaries(NAMES, st.one_of(PLAIN, st.lists(TEXTS, max_size=3)), max_size=4)

COMPARED: dict[str, Any] = {
    "$lt": operator.lt,
    "$lte": operator.le,
    "$gt": operator.gt,
    "$gte": operator.ge,
}
JOINED = ("$and", "$or", "$nor")
OPERATIONS = st.one_of(
    st.fixed_dictionaries({"$eq": PLAIN}),
    st.fixed_dictionaries({"$ne": PLAIN}),
    st.fixed_dictionaries({"$in": st.lists(PLAIN, max_size=20)}),
    st.fixed_dictionaries({"$nin": st.lists(PLAIN, max_size=3)}),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    *(st.fixed_dictionaries({name: NUMBERS}) for name in COMPARED),
    st.fixed_dictionaries({"$gte": NUMBERS, "$lt": NUMBERS}),
    st.fixed_dictionaries({"$not": st.fixed_dictionaries({"$gt": NUMBERS})}),
)
FILTERS = st.recursive(
    st.dictionaries(NAMES, st.one_of(PLAIN, OPERATIONS), max_size=2),
    lambda inner: st.one_of(
        *(st.fixed_dictionaries({n: st.lists(inner, min_size=1, max_size=3)}) for n in JOINED),
        st.fixed_dictionaries({"$not": inner}),
    ),
    max_leaves=5,
)


def meets(document: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Says whether a document meets a filter."""
    return all(_entry(document, name, value) for name, value in wanted.items())


def _entry(document: dict[str, Any], name: str, value: Any) -> bool:
    if name == "$and":
        return all(meets(document, each) for each in value)
    if name in ("$or", "$nor"):
        return any(meets(document, each) for each in value) == (name == "$or")
    if name == "$not":
        return not meets(document, value)
    operations = value if isinstance(value, dict) else {"$eq": value}
    return all(_operation(document, name, *each) for each in operations.items())


def _operation(document: dict[str, Any], name: str, which: str, value: Any) -> bool:
    held = document.get(name)
    values = held if isinstance(held, list) else [held] if name in document else []
    if which == "$not":
        return not _entry(document, name, value)
    if which == "$exists":
        return (name in document) is value
    if which in ("$ne", "$nin"):
        return not _operation(document, name, {"$ne": "$eq", "$nin": "$in"}[which], value)
    if which in COMPARED:
        compare = COMPARED[which]
        return any(_is_number(each) and bool(compare(each, value)) for each in values)
    wanted = value if which == "$in" else [value]
    return any(_same(each, other) for each in values for other in wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return float(one) == float(other)
    return type(one) is type(other) and bool(one == other)
