"""Groups of duplicates, page by page: pairs and decisions of the catalogue, joined by complete
linkage."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sidecar.catalogue import Catalogue, Decision, DuplicateImage, DuplicateKind
from sidecar.duplicates.linkage import Group, Link, groups
from sidecar.images import size_of

AT_ONCE = 256  # groups whose images are looked up together
# The kinds of pairs that a group of a kind may have, of which at least one is of that kind itself.
WITHIN = {
    DuplicateKind.IDENTICAL: (),
    DuplicateKind.SAME: (DuplicateKind.SAME,),
    DuplicateKind.SIMILAR: (DuplicateKind.SAME, DuplicateKind.SIMILAR),
}


@dataclass(frozen=True)
class Cursor:
    """The last group of a page: its probability, and its oldest image's sequence number."""

    probability: float
    seq: int


@dataclass(frozen=True)
class DuplicateMember:
    """An image of a group; the fields are keys of the answer.

    Args:
        width, height: in pixels, of the upload where it was kept, else of the canonical JPEG; None
            where the file does not say.
        bytes: of that file.
        added_at: seconds since 1970.
    """

    id: str
    width: int | None
    height: int | None
    bytes: int
    added_at: float


@dataclass(frozen=True)
class DuplicateGroup:
    """Images that are duplicates of each other.

    Args:
        probability: the lowest of its pairs', 0..1.
        best: the id of the one to keep: that of most pixels, then most bytes, then the oldest.
        images: the oldest first.
    """

    kind: DuplicateKind
    probability: float
    best: str
    images: list[DuplicateMember]


@dataclass(frozen=True)
class DuplicatePage:
    """A page of groups, the most probable first.

    Args:
        last: where the next page goes on; None on the last page.
        ran_at: when all images had last been compared, in seconds since 1970; None before the first
            run of the model in use.
    """

    groups: list[DuplicateGroup]
    last: Cursor | None
    ran_at: float | None


@dataclass(frozen=True)
class _Known:
    """The groups of a kind, in a state of the catalogue."""

    state: tuple[object, ...]
    groups: list[Group]


@dataclass(frozen=True)
class DuplicateGroups:
    """Makes groups of what the model in use has found."""

    catalogue: Catalogue
    _known: dict[DuplicateKind, _Known] = field(default_factory=dict)

    def page(self, kind: DuplicateKind, limit: int, after: Cursor | None) -> DuplicatePage:
        """Returns at most `limit` groups of a kind after a cursor. Raises CatalogueUnavailable."""
        model = self._model()
        if model is None:
            return DuplicatePage([], None, None)
        run = self.catalogue.duplicates.run_of(model)
        ahead = [group for group in self._of(model, kind) if _is_after(group, after)]
        some = ahead[:limit]
        last = Cursor(some[-1].probability, some[-1].seqs[0]) if len(ahead) > limit else None
        return DuplicatePage(self._shown(kind, some), last, run.ended_at if run else None)

    def every(self) -> Iterator[DuplicateGroup]:
        """Yields all groups of each kind, the most probable first."""
        model = self._model()
        for kind in DuplicateKind:
            found = [] if model is None else self._of(model, kind)
            for start in range(0, len(found), AT_ONCE):
                yield from self._shown(kind, found[start : start + AT_ONCE])

    def _model(self) -> int | None:
        record = self.catalogue.models.in_use()
        return None if record is None else record.model

    def _of(self, model: int, kind: DuplicateKind) -> list[Group]:
        """Returns all groups of a kind, in their order; made again where anything has changed."""
        state = (model, *self.catalogue.duplicates.state(model))
        known = self._known.get(kind)
        if known is None or known.state != state:
            known = self._known[kind] = _Known(state, self._made(model, kind))
        return known.groups

    def _made(self, model: int, kind: DuplicateKind) -> list[Group]:
        pairs, decisions = self.catalogue.duplicates.pairs(model), self.catalogue.decisions.all()
        copies: defaultdict[int, list[int]] = defaultdict(list)
        content: dict[int, int] = {}  # of each copy, the oldest image
        for a, b, found, _ in pairs:
            if found == DuplicateKind.IDENTICAL:
                copies[a].append(b)
                content[b] = a
        links = {(a, b): (each, p) for a, b, each, p in pairs if each in WITHIN[kind]}
        for pair, decision in decisions.items():
            a, b = sorted(content.get(seq, seq) for seq in pair)
            if decision == Decision.SAME and a != b and WITHIN[kind]:
                links[a, b] = (DuplicateKind.SAME, 1.0)
        apart = [pair for pair, decision in decisions.items() if decision != Decision.SAME]
        made = groups({link: p for link, (_, p) in links.items()}, copies, apart)
        return [group for group in made if _is_of(group, kind, links)]

    def _shown(self, kind: DuplicateKind, some: list[Group]) -> list[DuplicateGroup]:
        images = self.catalogue.duplicates.images([seq for group in some for seq in group.seqs])
        shown = []
        for group in some:
            there = [images[seq] for seq in group.seqs if seq in images]  # the others went just now
            if len(there) > 1:
                members = [self._member(image) for image in there]
                best = max(members, key=lambda each: (_pixels(each), each.bytes))
                shown.append(DuplicateGroup(kind, group.probability, best.id, members))
        return shown

    def _member(self, image: DuplicateImage) -> DuplicateMember:
        size = size_of(image.head)
        if size is None and image.size_bytes > len(image.head):
            size = size_of(self.catalogue.images.upload(image.id).content)
        width, height = size or (None, None)
        return DuplicateMember(image.id, width, height, image.size_bytes, image.added_at)


def _pixels(member: DuplicateMember) -> int:
    return (member.width or 0) * (member.height or 0)


def _is_after(group: Group, cursor: Cursor | None) -> bool:
    if cursor is None:
        return True
    return (-group.probability, group.seqs[0]) > (-cursor.probability, cursor.seq)


def _is_of(
    group: Group, kind: DuplicateKind, links: dict[Link, tuple[DuplicateKind, float]]
) -> bool:
    """Says whether a group is of a kind, not of a stricter one."""
    if kind == DuplicateKind.IDENTICAL:
        return True
    names = group.contents
    across = (links[a, b][0] for place, a in enumerate(names) for b in names[place + 1 :])
    return any(each == kind for each in across)
