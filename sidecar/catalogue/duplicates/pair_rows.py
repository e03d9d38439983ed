"""The rows of duplicates, within a transaction: pairs, and how far a model's images were
compared."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from sqlalchemy import Connection, delete, insert, select

from sidecar.catalogue.duplicates.kinds import DuplicateKind
from sidecar.catalogue.schema import duplicate_decisions, duplicate_pairs, duplicate_runs, images

AT_ONCE = 500  # values of one statement

_A, _B = duplicate_pairs.c.a, duplicate_pairs.c.b
_IS_COPY = duplicate_pairs.c.kind == DuplicateKind.IDENTICAL


def drop_of(connection: Connection, seqs: Collection[int]) -> None:
    """Deletes what names images that go: their pairs, and the decisions about them.

    Where an image stands for others of the same bytes, the oldest of these takes over its pairs.
    """
    for some in in_parts(seqs):
        _inherit(connection, some)
        for table in (duplicate_pairs, duplicate_decisions):
            connection.execute(delete(table).where(table.c.a.in_(some)))
            connection.execute(delete(table).where(table.c.b.in_(some)))


def forget(connection: Connection, model: int) -> None:
    """Deletes what was found by a model; the next run compares all images again."""
    for table in (duplicate_pairs, duplicate_runs):
        connection.execute(delete(table).where(table.c.model == model))


def in_parts(seqs: Collection[int]) -> Iterator[list[int]]:
    """Yields sequence numbers, as many at once as a statement takes."""
    every = list(seqs)
    for start in range(0, len(every), AT_ONCE):
        yield every[start : start + AT_ONCE]


def there(connection: Connection, seqs: set[int]) -> set[int]:
    """Returns those of some images that are stored."""
    found: set[int] = set()
    for some in in_parts(seqs):
        found.update(
            connection.execute(select(images.c.seq).where(images.c.seq.in_(some))).scalars()
        )
    return found


def known(connection: Connection, model: int, older: list[int]) -> set[tuple[int, int]]:
    """Returns the pairs of a model that are kept already, by their older images."""
    columns = (duplicate_pairs.c.a, duplicate_pairs.c.b)
    found: set[tuple[int, int]] = set()
    for some in in_parts(set(older)):
        query = select(*columns).where(
            duplicate_pairs.c.model == model, duplicate_pairs.c.a.in_(some)
        )
        found.update((a, b) for a, b in connection.execute(query))
    return found


def _inherit(connection: Connection, seqs: list[int]) -> None:
    """Gives the pairs of images that go to the oldest copy of each that stays."""
    copies: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    query = select(duplicate_pairs.c.model, _A, _B).where(_IS_COPY, _A.in_(seqs))
    for model, a, b in connection.execute(query):
        if b not in seqs:
            copies[model, a].append(b)
    for (model, gone), stay in copies.items():
        of_it = (duplicate_pairs.c.model == model) & (_A.in_([gone]) | _B.in_([gone]))
        rows = connection.execute(select(duplicate_pairs).where(of_it)).mappings().all()
        connection.execute(delete(duplicate_pairs).where(of_it))
        heir = min(stay)
        renamed = [dict(row) | _renamed(row["a"], row["b"], gone, heir) for row in rows]
        if kept := [row for row in renamed if row["a"] != row["b"]]:
            connection.execute(insert(duplicate_pairs), kept)


def _renamed(a: int, b: int, gone: int, heir: int) -> dict[str, int]:
    a, b = sorted(heir if seq == gone else seq for seq in (a, b))
    return {"a": a, "b": b}
