"""Neighbours grouped by a field of their metadata: the nearest products, not their photos.

Each round finds neighbours of no group found so far, so that a group with a thousand near images
costs no more than one with two.
"""

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Metadata
from sidecar.fields import And, Exists, Filter, Not, OneOf, only
from sidecar.fields.conditions import LIST
from sidecar.index import SearchRequest
from sidecar.search.finder import Finder
from sidecar.search.neighbours import Neighbours
from sidecar.search.view import View

ROUND = 4  # neighbours in a round, for each group that is missing


@dataclass
class _Groups:
    """The groups found so far, in order: the condition that holds of the images of each."""

    name: str
    conditions: dict[OneOf, None] = field(default_factory=dict)

    def add(self, value: Any) -> bool:
        """Adds the group of a value; returns whether it is new."""
        condition, before = only(self.name, value), len(self.conditions)
        self.conditions[condition] = None
        return len(self.conditions) > before

    def others(self, wanted: Filter | None) -> Filter:
        """Returns the filter of what is in none of them, but could be in a group."""
        keys = (LIST, *(key for each in self.conditions for key in each.keys))
        numbers = tuple(number for each in self.conditions for number in each.numbers)
        found = (Exists(self.name), Not(OneOf(self.name, keys, numbers)))
        return And(found if wanted is None else (wanted, *found))


@dataclass(frozen=True)
class GroupFinder:
    """Finds the nearest groups of images."""

    finder: Finder
    metadata: Metadata

    def around(
        self,
        view: View,
        query: NDArray[np.float32],
        request: SearchRequest,
        itself: int | None = None,
    ) -> Neighbours:
        """Finds the groups nearest to a query, float32 [D], by the nearest image of each.

        Args:
            request: with `group`: `num_results` groups, of at most `group.size` images each.
        Returns:
            the images group by group; those without a value in the field, or with a list there, are
            in none.
        """
        assert request.group is not None
        if request.likely:
            return self._likely(view, query, request, itself)
        groups = _Groups(request.group.field)
        single = replace(request, group=None)
        firsts: list[Neighbours] = []
        while True:
            count = request.num_results - len(groups.conditions)
            more = replace(single, num_results=ROUND * count, wanted=groups.others(request.wanted))
            found = self.finder.around(view, query, more, itself)
            firsts += self._firsts(found, groups, request.num_results)
            enough = len(groups.conditions) >= request.num_results
            if enough or len(found.result) < more.num_results:
                break
        if request.group.size == 1:
            return _joined(found, firsts)
        parts = []
        for condition in groups.conditions:
            both = condition if request.wanted is None else And((request.wanted, condition))
            of_group = replace(single, num_results=request.group.size, wanted=both)
            parts.append(self.finder.around(view, query, of_group, itself))
        return _joined(found, parts)

    def _likely(
        self, view: View, query: NDArray[np.float32], request: SearchRequest, itself: int | None
    ) -> Neighbours:
        """Does what `around` does, with one look at the ten nearest for all groups."""
        nearest = SearchRequest(1, request.nprob, math.inf, probability=True)
        likeness = self.finder.around(view, query, nearest, itself).likeness
        assert likeness is not None
        limit = min(likeness.farthest(request.least), request.max_dist)
        plain = replace(request, max_dist=limit, least=None, probability=False)
        found = self.around(view, query, plain, itself)
        if not request.probability:
            return found
        return replace(found, probability=likeness.probabilities(found.dist))

    def _firsts(self, found: Neighbours, groups: _Groups, most: int) -> list[Neighbours]:
        """Adds the groups of neighbours, and returns the nearest image of each that is new."""
        documents, firsts = self.metadata.of_all(found.seqs), []
        for place, seq in enumerate(found.seqs):
            if len(groups.conditions) >= most:
                break
            value = json.loads(documents.get(seq, "{}")).get(groups.name)
            if value is None or isinstance(value, list):  # changed just now
                continue
            if groups.add(value):
                here = slice(place, place + 1)
                dist, result = found.dist[here], found.result[here]
                firsts.append(replace(found, dist=dist, result=result, seqs=[seq]))
        return firsts


def _joined(found: Neighbours, parts: list[Neighbours]) -> Neighbours:
    """Returns the images of all parts, nearest part first."""
    parts = sorted((part for part in parts if part.dist), key=lambda part: part.dist[0])
    return replace(
        found,
        dist=[dist for part in parts for dist in part.dist],
        result=[image_id for part in parts for image_id in part.result],
        seqs=[seq for part in parts for seq in part.seqs],
    )
