"""Pairs become groups in which each image is a found duplicate of each other."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.duplicates.linkage import Group, groups

Link = tuple[int, int]
CONTENTS = st.integers(1, 9)
PAIRS = st.tuples(CONTENTS, CONTENTS).filter(lambda pair: pair[0] < pair[1])
LINKS = st.dictionaries(PAIRS, st.sampled_from([0.5, 0.7, 0.9, 0.99]), max_size=25)
COPIES = st.dictionaries(CONTENTS, st.integers(1, 3), max_size=4)


def seqs(links: dict[Link, float], apart: list[Link] | None = None) -> list[tuple[int, ...]]:
    return [group.seqs for group in groups(links, {}, apart or [])]


def test_a_chain_is_no_group() -> None:
    assert seqs({(1, 2): 0.99, (2, 3): 0.95}) == [(1, 2)]
    assert seqs({(1, 2): 0.99, (2, 3): 0.95, (1, 3): 0.91}) == [(1, 2, 3)]
    long = {(n, n + 1): 0.9 for n in range(1, 1000)}
    assert max(len(each) for each in seqs(long)) == 2


def test_the_most_probable_pair_goes_first_and_a_group_is_as_probable_as_its_worst_pair() -> None:
    assert seqs({(1, 2): 0.91, (2, 3): 0.99}) == [(2, 3)]
    [group] = groups({(1, 2): 0.99, (2, 3): 0.95, (1, 3): 0.91}, {}, [])
    assert group == Group((1, 2, 3), (1, 2, 3), 0.91)


def test_images_that_are_kept_apart_share_no_group() -> None:
    triangle = {(1, 2): 0.99, (2, 3): 0.95, (1, 3): 0.91}
    assert seqs(triangle, [(1, 3)]) == [(1, 2)]
    assert seqs(triangle, [(1, 2)]) == [(2, 3)]


def test_copies_are_one_content_and_keep_apart_one_by_one() -> None:
    assert groups({}, {1: [5, 6]}, []) == [Group((1, 5, 6), (1,), 1.0)]
    assert groups({(1, 2): 0.9}, {1: [5]}, []) == [Group((1, 2, 5), (1, 2), 0.9)]
    assert groups({}, {1: [5, 6]}, [(1, 5)]) == [Group((1, 6), (1,), 1.0)]
    assert groups({}, {1: [5]}, [(1, 5)]) == []


def test_copies_are_no_matter_of_every_pair_of_them() -> None:
    [group] = groups({}, {1: range(2, 50_001)}, [])
    assert len(group.seqs) == 50_000


@given(links=LINKS, numbers=COPIES, drawn=st.data())
def test_every_pair_of_a_group_was_found_and_no_two_groups_could_join(
    links: dict[Link, float], numbers: dict[int, int], drawn: st.DataObject
) -> None:
    copies = {each: [10 * each + n for n in range(count)] for each, count in numbers.items()}
    content = {seq: each for each in range(1, 10) for seq in (each, *copies.get(each, ()))}
    every = [*combinations(sorted(content), 2)]
    apart = drawn.draw(st.lists(st.sampled_from(every), max_size=8))

    def found(a: int, b: int) -> bool:
        one, other = sorted((content[a], content[b]))
        return (a, b) not in apart and (one == other or (one, other) in links)

    made = groups(links, copies, apart)
    members = [seq for group in made for seq in group.seqs]
    assert len(members) == len(set(members))
    for group in made:
        assert all(found(a, b) for a, b in combinations(group.seqs, 2))
        assert group.contents == tuple(sorted({content[seq] for seq in group.seqs}))
        across = [pair for pair in combinations(group.contents, 2) if pair in links]
        assert group.probability == min([1.0, *(links[pair] for pair in across)])
    for one, other in combinations([group.seqs for group in made], 2):
        assert not all(found(*sorted((a, b))) for a in one for b in other)
    shuffled = drawn.draw(st.permutations(list(links.items())))
    assert groups(dict(shuffled), copies, apart[::-1]) == made
