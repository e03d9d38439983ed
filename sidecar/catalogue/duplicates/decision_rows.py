"""The rows of decisions about duplicates, within a transaction."""

import time
from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, insert, select

from sidecar.catalogue.dialects.dialect import Dialect
from sidecar.catalogue.duplicates.kinds import Decision
from sidecar.catalogue.duplicates.pair_rows import in_parts
from sidecar.catalogue.row_checksums import checksum
from sidecar.catalogue.schema import duplicate_decisions

_A, _B = duplicate_decisions.c.a, duplicate_decisions.c.b

Decisions = Mapping[tuple[int, int], tuple[Decision, float]]  # with the time, by sequence numbers


def put(connection: Connection, dialect: Dialect, decided: Decisions) -> None:
    """Stores decisions in place of earlier ones about the same two images."""
    if not decided:
        return
    ordered = {(min(pair), max(pair)): each for pair, each in decided.items()}
    withdraw(connection, ordered)
    numbers = dialect.draw_numbers(connection, duplicate_decisions.c.change, len(ordered))
    rows = [
        {
            "change": number,
            "a": a,
            "b": b,
            "decision": decision,
            "decided_at": decided_at,
            "crc": checksum(number, a, b, decision, decided_at),
        }
        for number, ((a, b), (decision, decided_at)) in zip(numbers, ordered.items(), strict=True)
    ]
    connection.execute(insert(duplicate_decisions), rows)


def withdraw(connection: Connection, pairs: Mapping[tuple[int, int], object]) -> None:
    """Deletes the decisions about some pairs."""
    for a, b in pairs:
        which = _A.in_([min(a, b)]) & _B.in_([max(a, b)])
        connection.execute(delete(duplicate_decisions).where(which))


def carry_over(connection: Connection, dialect: Dialect, renumbered: Mapping[int, int]) -> None:
    """Has the decisions about images go on under their new numbers: an overwrite with the same
    bytes changes nothing that a user saw."""
    found = {}
    for some in in_parts(renumbered):
        either = _A.in_(some) | _B.in_(some)
        for row in connection.execute(select(duplicate_decisions).where(either)):
            a, b = (renumbered.get(seq, seq) for seq in (row.a, row.b))
            found[a, b] = (Decision(row.decision), row.decided_at)
    put(connection, dialect, found)


def now(decision: Decision) -> tuple[Decision, float]:
    """Returns a decision of this moment."""
    return decision, time.time()


def newest(connection: Connection) -> tuple[int, int]:
    """Returns the number of the newest change, and how many decisions there are."""
    query = select(func.coalesce(func.max(duplicate_decisions.c.change), 0), func.count())
    row = connection.execute(query.select_from(duplicate_decisions)).one()
    return int(row[0]), int(row[1])
