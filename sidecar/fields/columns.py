"""The fields of many documents, column by column: one pass over a column answers a condition.

Row n is the n-th of some documents. A field's strings, booleans and nulls are kept as 64-bit keys
(see `conditions.key_of`) and its numbers as float64, each beside its row; a list has an entry for
each of its strings. A million rows are compared in a millisecond, whatever the condition, so that
there is nothing to keep up to date but the columns themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.fields.conditions import LIST, Condition, Exists, Within, key_of
from sidecar.fields.document import Document

ROW, KEY, NUMBER = np.dtype("<i4"), np.dtype("<u8"), np.dtype("<f8")
FEW = 16  # values to compare with one by one

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Column:
    """One kind of values of a field: rows int32 [n], values uint64 or float64 [n]."""

    rows: NDArray[np.int32]
    values: NDArray[Any]

    @classmethod
    def empty(cls, dtype: "np.dtype[Any]") -> "Column":
        """Returns a column without values."""
        return cls(np.empty(0, ROW), np.empty(0, dtype))

    def moved(self, places: NDArray[np.int64]) -> "Column":
        """Returns the column of the rows that stay; `places` int64 has each row's new place, -1 for
        one that leaves."""
        rows = places[self.rows]
        kept = rows >= 0
        return Column(rows[kept].astype(ROW), self.values[kept])

    def joined(self, other: "Column") -> "Column":
        """Returns the values of both."""
        return Column(
            np.concatenate([self.rows, other.rows]), np.concatenate([self.values, other.values])
        )


@dataclass(frozen=True, eq=False)
class Field:
    """The values of a field: `keys` and `numbers`."""

    keys: Column
    numbers: Column

    def rows(self, condition: Condition) -> NDArray[np.int32]:
        """Returns the rows that meet a condition on this field, int32 [n], some more than once."""
        if isinstance(condition, Exists):
            return np.concatenate([self.keys.rows, self.numbers.rows])
        if isinstance(condition, Within):
            return self.numbers.rows[_within(self.numbers.values, condition)]
        found = []
        if condition.keys:
            found.append(self.keys.rows[_any_of(self.keys.values, condition.keys, KEY)])
        if condition.numbers:
            found.append(self.numbers.rows[_any_of(self.numbers.values, condition.numbers, NUMBER)])
        return np.concatenate(found) if found else np.empty(0, ROW)


@dataclass(frozen=True, eq=False)
class Columns:
    """The fields of some documents, by name.

    Args:
        count: of the documents.
    """

    count: int
    fields: dict[str, Field]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "Columns":
        """Returns the columns of documents, in their order."""
        keys: dict[str, tuple[list[int], list[int]]] = {}
        numbers: dict[str, tuple[list[int], list[float]]] = {}
        count = 0
        known: dict[object, int] = {}
        for row, document in enumerate(documents):
            count += 1
            for name, value in document.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    rows, values = numbers.setdefault(name, ([], []))
                    rows.append(row)
                    values.append(float(value))
                    continue
                rows, found = keys.setdefault(name, ([], []))
                for each in _keys(value, known):
                    rows.append(row)
                    found.append(each)
        names = {**keys, **numbers}
        return cls(
            count,
            {
                name: Field(_column(keys.get(name), KEY), _column(numbers.get(name), NUMBER))
                for name in names
            },
        )

    def rows(self, condition: Condition) -> NDArray[np.int32]:
        """Returns the rows of the documents that meet a condition, int32 [n], in no order, some
        more than once."""
        field = self.fields.get(condition.field)
        return np.empty(0, ROW) if field is None else field.rows(condition)

    def moved(self, places: NDArray[np.int64], count: int) -> "Columns":
        """Returns the columns of the documents that stay.

        Args:
            places: int64 [self.count], the new row of each; -1 for one that leaves.
            count: rows that there are then.
        """
        fields = {
            name: Field(field.keys.moved(places), field.numbers.moved(places))
            for name, field in self.fields.items()
        }
        kept = {n: f for n, f in fields.items() if len(f.keys.rows) or len(f.numbers.rows)}
        return Columns(count, kept)

    def joined(self, other: "Columns") -> "Columns":
        """Returns the values of both; no row may have some in each."""
        fields = dict(self.fields)
        for name, field in other.fields.items():
            mine = fields.get(name)
            fields[name] = field if mine is None else _both(mine, field)
        return Columns(max(self.count, other.count), fields)


def _both(one: Field, other: Field) -> Field:
    return Field(one.keys.joined(other.keys), one.numbers.joined(other.numbers))


def _column(given: tuple[list[int], list[Any]] | None, dtype: "np.dtype[Any]") -> Column:
    if given is None:
        return Column.empty(dtype)
    rows, values = given
    return Column(np.array(rows, ROW), np.array(values, dtype))


def _keys(value: Any, known: dict[object, int]) -> list[int]:
    """Returns the keys of a value that is no number; `known` remembers those of this call."""
    if isinstance(value, list):
        return [LIST, *(_key(each, known) for each in value)]
    return [_key(value, known)]


def _key(value: str | bool | None, known: dict[object, int]) -> int:
    named = (type(value), value)
    key = known.get(named)
    if key is None:
        key = known[named] = key_of(value)
    return key


def _any_of(
    values: NDArray[Any], wanted: tuple[Any, ...], dtype: "np.dtype[Any]"
) -> NDArray[np.bool_]:
    if len(wanted) > FEW:
        return np.isin(values, np.array(wanted, dtype))
    found: NDArray[np.bool_] = values == dtype.type(wanted[0])
    for each in wanted[1:]:
        found |= values == dtype.type(each)
    return found


def _within(values: NDArray[np.float64], limits: Within) -> NDArray[np.bool_]:
    least = values > limits.least if limits.above else values >= limits.least
    most = values < limits.most if limits.below else values <= limits.most
    return np.asarray(least & most, np.bool_)
