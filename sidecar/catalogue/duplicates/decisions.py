"""What users decided about duplicates; kept for good, whatever model compares the images."""

from collections.abc import Mapping

from sqlalchemy import select

from sidecar.catalogue.database import Database
from sidecar.catalogue.duplicates import decision_rows
from sidecar.catalogue.duplicates.kinds import Decision
from sidecar.catalogue.images import row_of
from sidecar.catalogue.schema import duplicate_decisions, images
from sidecar.errors import WrongArguments


class Decisions:
    """Keeps decisions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(self, decided: Mapping[tuple[str, str], Decision | None]) -> None:
        """Keeps decisions, by the ids of two images; None withdraws an earlier one.

        Raises:
            UnknownImage: no image has one of the ids; nothing was kept.
            WrongArguments: two ids are one image's; nor then.
        """
        with self._database.writing() as connection:
            seqs = {
                image_id: int(row_of(connection, select(images.c.seq), image_id).seq)
                for image_id in {each for pair in decided for each in pair}
            }
            for a, b in decided:
                if seqs[a] == seqs[b]:
                    raise WrongArguments(f"{a} and {b} are one image")
            numbered = {(seqs[a], seqs[b]): decision for (a, b), decision in decided.items()}
            decision_rows.withdraw(connection, numbered)
            kept = {pair: decision_rows.now(each) for pair, each in numbered.items() if each}
            decision_rows.put(connection, self._database.dialect, kept)

    def all(self) -> dict[tuple[int, int], Decision]:
        """Returns all decisions, by sequence numbers, the older image's first."""
        columns = [duplicate_decisions.c[name] for name in ("a", "b", "decision")]
        with self._database.reading() as connection:
            return {(a, b): Decision(each) for a, b, each in connection.execute(select(*columns))}
