"""Filters as they were last searched with: which images meet one is found once, not at each search.

To look through the fields of a million images takes longer than to search them, and clients ask
with the same few filters again and again.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from sidecar.fields import Filter
from sidecar.index import Generation, Matching
from sidecar.index.ann import ExcludeIds
from sidecar.index.field_layers import Layer

MOST = 64  # filters; 160 KB each with a million images


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What meets a filter, and what that was found with: as long as it is kept, no other object
    has the identity of one of these."""

    matching: Matching
    layers: tuple[Layer, ...]
    gone: ExcludeIds | None


class PreparedFilters:
    """Keeps, for a process, what meets the newest filters in the generation that it searches."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._generation: Generation | None = None
        self._known: OrderedDict[Filter, _Prepared] = OrderedDict()

    def matching(
        self,
        wanted: Filter,
        generation: Generation,
        layers: tuple[Layer, ...],
        gone: ExcludeIds | None,
        prepare: Callable[[], Matching],
    ) -> Matching:
        """Returns what meets a filter; `prepare` finds it where nothing is known of it, or the
        fields or the removed images were others then.

        Args:
            layers: of fields, those in which the generation has an image.
            gone: the images that are left out.
        """
        with self._lock:
            if self._generation is not generation:
                self._generation, self._known = generation, OrderedDict()
            known = self._known.get(wanted)
            if known is not None and known.gone is gone and _same(known.layers, layers):
                self._known.move_to_end(wanted)
                return known.matching
        made = prepare()  # two threads may do it for one: that is better than to wait
        with self._lock:
            if self._generation is generation:
                self._known[wanted] = _Prepared(made, layers, gone)
                if len(self._known) > MOST:
                    self._known.popitem(last=False)
        return made


def _same(some: tuple[Layer, ...], others: tuple[Layer, ...]) -> bool:
    return [*map(id, some)] == [*map(id, others)]
