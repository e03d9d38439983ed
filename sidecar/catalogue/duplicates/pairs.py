"""Duplicates as the catalogue keeps them: pairs by model, and how far each model's images were
compared."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, insert, select, update

from sidecar.catalogue.database import Connections
from sidecar.catalogue.duplicates import decision_rows, pair_rows
from sidecar.catalogue.duplicates.kinds import DuplicateKind
from sidecar.catalogue.duplicates.pair_rows import in_parts
from sidecar.catalogue.schema import (
    duplicate_decisions,
    duplicate_pairs,
    duplicate_runs,
    images,
    originals,
    pictures,
)

HEAD = 1 << 16  # bytes of a file, in which its size in pixels stands

Pair = tuple[int, int, DuplicateKind, float]  # the older, the younger, kind, probability


@dataclass(frozen=True)
class DuplicateRun:
    """How far the images of a model have been compared.

    Args:
        reached: the largest sequence number up to which all were.
        recall: recall@10 of the searches of the last run that ended.
        ended_at: when that was; None before the first.
    """

    reached: int
    recall: float | None
    ended_at: float | None


@dataclass(frozen=True)
class DuplicateImage:
    """An image of a pair.

    Args:
        head: how its file begins: the upload where it was kept, else the canonical JPEG.
        size_bytes: of that file.
    """

    seq: int
    id: str
    added_at: float
    head: bytes
    size_bytes: int


class Duplicates:
    """Keeps pairs."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def run_of(self, model: int) -> DuplicateRun | None:
        """Returns how far the images of a model have been compared; None where none were."""
        columns = (duplicate_runs.c.reached, duplicate_runs.c.recall, duplicate_runs.c.ended_at)
        with self._database.reading() as connection:
            row = connection.execute(select(*columns).where(_run(model))).one_or_none()
        return None if row is None else DuplicateRun(*row)

    def state(self, model: int) -> tuple[object, ...]:
        """Returns what changes whenever groups of a model's duplicates may: reads five numbers."""
        with self._database.reading() as connection:
            run = connection.execute(select(duplicate_runs).where(_run(model))).one_or_none()
            count = select(func.count()).select_from(duplicate_pairs).where(_of(model))
            pairs = connection.execute(count).scalar_one()
            return (run and tuple(run), pairs, decision_rows.newest(connection))

    def pairs(self, model: int) -> list[Pair]:
        """Returns all pairs of a model, in order of their sequence numbers."""
        columns = [duplicate_pairs.c[name] for name in ("a", "b", "kind", "probability")]
        query = select(*columns).where(_of(model)).order_by("a", "b")
        with self._database.reading() as connection:
            return [(a, b, DuplicateKind(kind), p) for a, b, kind, p in connection.execute(query)]

    def counts(self, model: int) -> dict[DuplicateKind, int]:
        """Counts the pairs of each kind."""
        kind = duplicate_pairs.c.kind
        query = select(kind, func.count()).where(_of(model)).group_by(kind)
        with self._database.reading() as connection:
            found = {row[0]: int(row[1]) for row in connection.execute(query)}
        return {kind: found.get(kind, 0) for kind in DuplicateKind}

    def copies(self, up_to: int) -> list[tuple[int, int]]:
        """Returns the oldest and another of each set of uploads of the same bytes, with seq <=
        `up_to`."""
        first = (
            select(images.c.sha256, func.min(images.c.seq).label("seq"))
            .where(images.c.seq <= up_to)
            .group_by(images.c.sha256)
            .having(func.count() > 1)
            .subquery()
        )
        query = select(first.c.seq, images.c.seq).join(images, images.c.sha256 == first.c.sha256)
        query = query.where(images.c.seq > first.c.seq, images.c.seq <= up_to)
        with self._database.reading() as connection:
            return [(a, b) for a, b in connection.execute(query.order_by(images.c.seq))]

    def strike_gone(self) -> None:
        """Deletes what names images that a process of the release before has removed."""
        with self._database.writing() as connection:
            gone: set[int] = set()
            for column in PARTNERS:
                joined = column.table.outerjoin(images, images.c.seq == column)
                query = select(column).distinct().select_from(joined).where(images.c.seq.is_(None))
                gone.update(connection.execute(query).scalars())
            pair_rows.drop_of(connection, gone)

    def keep(self, model: int, pairs: Iterable[Pair], reached: int | None = None) -> None:
        """Keeps pairs that are new; those of images that are gone meanwhile are left out.

        Args:
            reached: the sequence number up to which all images have been compared by now.
        """
        with self._database.writing() as connection:
            found = {(a, b): (kind, p) for a, b, kind, p in pairs}
            there = pair_rows.there(connection, {seq for pair in found for seq in pair})
            known = pair_rows.known(connection, model, [a for a, _ in found])
            rows = [
                {"a": a, "b": b, "model": model, "kind": kind, "probability": probability}
                for (a, b), (kind, probability) in found.items()
                if {a, b} <= there and (a, b) not in known
            ]
            if rows:
                connection.execute(insert(duplicate_pairs), rows)
            if reached is not None:
                _set_run(connection, model, {"reached": reached})

    def end_run(self, model: int, reached: int, recall: float) -> None:
        """Notes that a run has ended."""
        ended: dict[str, object] = {"reached": reached, "recall": recall, "ended_at": time.time()}
        with self._database.writing() as connection:
            _set_run(connection, model, ended)

    def images(self, seqs: Collection[int]) -> dict[int, DuplicateImage]:
        """Returns images by their sequence numbers, without those that are gone. Raises
        PicturesStoreUnavailable."""
        rows: list[Any] = []
        with self._database.reading() as connection:
            for some in in_parts(seqs):
                rows += connection.execute(_FILES.where(images.c.seq.in_(some)))
        heads = self._database.objects.heads([(row.head, row.object) for row in rows], HEAD)
        return {
            row.seq: DuplicateImage(row.seq, row.id, row.added_at, head, row.size)
            for row, head in zip(rows, heads, strict=True)
        }


# What each image's file is: the upload where it was kept, else the canonical JPEG.
_UPLOADED = originals.c.seq.is_not(None)
_FILE = func.coalesce(originals.c.upload, pictures.c.jpeg)
_FILES = select(
    *(images.c.seq, images.c.id, images.c.added_at),
    func.substr(_FILE, 1, HEAD).label("head"),
    case((_UPLOADED, originals.c.object), else_=pictures.c.object).label("object"),
    func.coalesce(
        case((_UPLOADED, originals.c.bytes), else_=pictures.c.bytes), func.length(_FILE)
    ).label("size"),
).select_from(images.join(pictures).outerjoin(originals))

PARTNERS = (
    duplicate_pairs.c.a,
    duplicate_pairs.c.b,
    duplicate_decisions.c.a,
    duplicate_decisions.c.b,
)


def _run(model: int) -> ColumnElement[bool]:
    return duplicate_runs.c.model == model


def _of(model: int) -> ColumnElement[bool]:
    return duplicate_pairs.c.model == model


def _set_run(connection: Connection, model: int, values: dict[str, object]) -> None:
    if not connection.execute(update(duplicate_runs).where(_run(model)).values(values)).rowcount:
        connection.execute(insert(duplicate_runs).values(model=model, **values))
