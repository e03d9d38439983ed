"""Whether a generation was made of this very catalogue, or of one that knew more."""

from dataclasses import dataclass

from sidecar.catalogue import Marks
from sidecar.index.meta import Meta


@dataclass(frozen=True)
class Lineage:
    """Compares generations with the catalogue beside them."""

    marks: Marks

    def fits(self, meta: Meta) -> bool:
        """Says whether the catalogue has all that a generation was made of. If it went back, the
        sequence numbers of the generation may be those of other images by now."""
        if meta.mark is None:
            return self.marks.may_have_reached(meta.snapshot, meta.removals)
        return self.marks.has(meta.mark)

    def misfit(self, name: str, meta: Meta) -> str:
        """Returns a sentence about a generation that does not fit."""
        if meta.catalogue not in (None, self.marks.identity()):
            return f"generation {name} of the index was made of another catalogue"
        return (
            f"the catalogue went back: it lacks what generation {name} of the index was made of, "
            f"images up to number {meta.snapshot}, and its own end at {self.marks.last_number()}"
        )
