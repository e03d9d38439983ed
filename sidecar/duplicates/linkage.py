"""Pairs to groups by complete linkage: in a group every image is a found duplicate of every other.

By single linkage, A like B and B like C would make a group of A and C, which nobody found alike,
and in a large collection such chains grow into one group of thousands.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Link = tuple[int, int]  # of two numbers, the smaller first
Avoided = Mapping[int, set[int]]


@dataclass(frozen=True)
class Group:
    """Images that are duplicates of each other.

    Args:
        seqs: their numbers, ascending.
        contents: of these the oldest of each content: images of the same bytes have one.
        probability: the lowest of its pairs', 0..1.
    """

    seqs: tuple[int, ...]
    contents: tuple[int, ...]
    probability: float


@dataclass(eq=False)
class _Cluster:
    """A group as it grows."""

    contents: set[int]
    seqs: set[int]
    probability: float = 1.0
    wary: set[int] = field(default_factory=set)  # those of its images that avoid others


def groups(
    links: Mapping[Link, float], copies: Mapping[int, Iterable[int]], apart: Iterable[Link]
) -> list[Group]:
    """Joins images greedily, from the most probable link on; two groups join only where every pair
    across them is linked and none is kept apart.

    Args:
        links: probabilities, by two contents, each named by its oldest image.
        copies: the other images of the same content, which is a link of probability 1.
        apart: images that never share a group.
    Returns:
        all groups of two images or more, whatever the order of the arguments.
    """
    avoided = _avoided(apart)
    names = {*copies, *(each for link in links for each in link)}
    homes = {name: _of_one_content(name, copies.get(name, ()), avoided) for name in names}
    for (a, b), _ in sorted(links.items(), key=lambda item: (-item[1], item[0])):
        for left in list(homes[a]):
            for right in list(homes[b]):
                if left in homes[a] and right in homes[b] and left is not right:
                    _join_if_linked(left, right, links, avoided, homes)
    every = {id(each): each for clusters in homes.values() for each in clusters}
    found = [
        Group(tuple(sorted(each.seqs)), tuple(sorted(each.contents)), each.probability)
        for each in every.values()
        if len(each.seqs) > 1
    ]
    return sorted(found, key=lambda group: (-group.probability, group.seqs))


def _avoided(apart: Iterable[Link]) -> Avoided:
    avoided: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in apart:
        avoided[a].add(b)
        avoided[b].add(a)
    return avoided


def _of_one_content(name: int, copies: Iterable[int], avoided: Avoided) -> list[_Cluster]:
    """Returns the images of one content as a cluster; as several where some are kept apart."""
    first = _Cluster({name}, set())
    clusters = [first]
    for seq in sorted({name, *copies}):
        others = avoided.get(seq)
        home = first
        if others:
            home = next((each for each in clusters if not others & each.seqs), first)
            if others & home.seqs:
                clusters.append(home := _Cluster({name}, set()))
            home.wary.add(seq)
        home.seqs.add(seq)
    return clusters


def _join_if_linked(
    left: _Cluster,
    right: _Cluster,
    links: Mapping[Link, float],
    avoided: Avoided,
    homes: Mapping[int, list[_Cluster]],
) -> None:
    """Moves one cluster into the other, unless a pair across them is not linked or kept apart."""
    if len(left.contents) < len(right.contents):
        left, right = right, left
    probability = min(left.probability, right.probability)
    for a in right.contents:
        for b in left.contents:
            found = 1.0 if a == b else links.get((min(a, b), max(a, b)))
            if found is None:
                return
            probability = min(probability, found)
    if any(avoided[seq] & left.seqs for seq in right.wary):
        return
    for name in right.contents:
        homes[name].remove(right)
        if left not in homes[name]:
            homes[name].append(left)
    left.contents |= right.contents
    left.seqs |= right.seqs
    left.wary |= right.wary
    left.probability = probability
