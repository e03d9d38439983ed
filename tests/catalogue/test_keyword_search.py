"""Images by keyword, and keywords in filters, against a walk over all images; on both databases."""

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from sqlalchemy import update

from sidecar.catalogue import TopKeywords, top
from sidecar.catalogue.features.keyword_rows import to_column
from sidecar.catalogue.row_checksums import checksum
from sidecar.catalogue.schema import features, image_metadata
from sidecar.errors import NoIndex, WrongArguments
from sidecar.fields import parse_filter
from sidecar.index import SearchRequest
from sidecar.index.meta import KEYWORDS
from sidecar.search.by_keyword import KeywordRequest, KeywordSearch
from sidecar.tasks import keyword_snapshots
from tests.support.house import LABELS, House

INDEXED, MOST = 1000, 2000
SCORES = (0.0, 0.0, 0.0, 0.0625, 0.25, 0.5, 0.75)  # many are alike
KEYWORD = LABELS[3]


@cache
def likely(number: int) -> TopKeywords:
    random = np.random.default_rng(number)
    return top(random.choice(SCORES, len(LABELS)).astype(np.float32))


def build(house: House) -> None:
    """1,000 images with keywords, indexed."""
    house.add(1, INDEXED, likely=likely)
    house.run("train")


class Scored(NamedTuple):
    id: str
    score: float


def wanted(house: House, numbers: set[int], label: int = 3, least: float = 0.0) -> list[Scored]:
    """What the images of these numbers have, in order."""
    seqs = {int(name): seq for seq, name in house.catalogue.images.page(0, MOST)}
    found = []
    for number in numbers:
        made = likely(number)
        scores = dict(zip(made.labels.tolist(), made.scores.tolist(), strict=True))
        if label in scores and scores[label] >= least:
            found.append((-scores[label], seqs[number], number))
    return [Scored(f"{number}", -score) for score, _, number in sorted(found)]


def walked(
    search: KeywordSearch, least: float = 0.0, limit: int = 10_000, keyword: str = KEYWORD
) -> list[Scored]:
    """All pages."""
    request = KeywordRequest(keyword, least, None, limit)
    found: list[Scored] = []
    while True:
        page = search.images(request)
        found += map(Scored, page.ids, page.scores)
        if page.last is None:
            return found
        request = replace(request, after=page.last)


def filtered(house: House, text: str, live: int = MOST) -> set[str]:
    everything = SearchRequest(num_results=2000, nprob=100, max_dist=4.0, wanted=parse_filter(text))
    return set(house.search(live).nearest_to("7", everything).result)


def counted(search: KeywordSearch) -> dict[str, int]:
    return dict(search.counts("", 1000).counts)


def expected_counts(numbers: set[int]) -> Counter[str]:
    return Counter(LABELS[label] for n in numbers for label in likely(n).labels.tolist())


def check(house: House, search: KeywordSearch, numbers: set[int]) -> None:
    """Every way to ask gives what these images have."""
    assert walked(search) == wanted(house, numbers)
    assert walked(search, 0.25, 7) == wanted(house, numbers, least=0.25)
    assert counted(search) == expected_counts(numbers)
    having = {each.id for each in wanted(house, numbers)} - {"7"}
    assert filtered(house, f'{{"$keyword": "{KEYWORD}"}}') == having
    others = {f"{n}" for n in numbers} - having - {"7"}
    assert filtered(house, f'{{"$not": {{"$keyword": "{KEYWORD}"}}}}') == others
    either = {each.id for label in (3, 4) for each in wanted(house, numbers, label, least=0.5)} - {
        "7"
    }
    text = f'{{"$keyword": {{"$in": ["{KEYWORD}", "{LABELS[4]}"], "$gte": 0.5}}}}'
    assert filtered(house, text) == either


def test_what_was_added_overwritten_and_removed_counts_at_once_and_after_updates(
    house: House,
) -> None:
    search, numbers = house.keyword_search(MOST), set(range(1, INDEXED + 1))
    check(house, search, numbers)
    for round_ in range(3):
        first = 2000 + 50 * round_
        house.add(first, first + 40, likely=likely)
        numbers |= set(range(first, first + 41))
        house.remove(first, 5 + round_ * 10, 200 + round_)
        numbers -= {first, 5 + round_ * 10, 200 + round_}
        house.add(30 + round_, 30 + round_, overwrite=True, likely=likely)
        check(house, search, numbers)
        house.run("update")
        check(house, search, numbers)
    house.run("train")
    check(house, search, numbers)
    assert house.problems() == []


def test_without_live_search_only_what_is_indexed_counts(house: House) -> None:
    house.add(2000, 2050, likely=likely)
    assert walked(house.keyword_search()) == wanted(house, set(range(1, INDEXED + 1)))


@pytest.mark.long
def test_pages_go_on_over_changes_and_updates(house: House) -> None:
    """No image that is there all the time is missed, none comes twice."""
    search = house.keyword_search(MOST)
    request = KeywordRequest(KEYWORD, 0.0, None, 10)
    found: list[str] = []
    for number in range(2000, 3000):
        page = search.images(request)
        found += page.ids
        if page.last is None:
            break
        request = replace(request, after=page.last)
        house.add(number, number, likely=likely)
        house.remove(number - 2000 + 300)
        if number % 5 == 0:
            house.run("update")
    assert len(found) == len(set(found))
    stayed = set(range(1, INDEXED + 1)) - set(range(300, number - 2000 + 300))
    assert {each.id for each in wanted(house, stayed)} <= set(found)


def test_before_a_training_what_there_is_counts(tmp_path: Path) -> None:
    house = House(tmp_path)
    search = house.keyword_search(MOST)
    with pytest.raises(NoIndex):
        walked(search)
    house.add(1, 20, likely=likely)
    assert walked(search) == wanted(house, set(range(1, 21)))
    assert counted(search) == expected_counts(set(range(1, 21)))
    with pytest.raises(NoIndex):
        walked(house.keyword_search())


def lose(house: House, up_to: int) -> None:
    with house.catalogue.database.writing() as connection:
        rows = features.c.seq <= up_to
        connection.execute(update(features).where(rows).values(keywords=None))


def test_what_was_filled_in_comes_with_the_next_update(house: House) -> None:
    lose(house, 400)
    house.run("train")
    search = house.keyword_search(MOST)
    assert walked(search) == wanted(house, set(range(401, INDEXED + 1)))
    assert search.counts("", 1).unlabelled == 400
    assert house.run("update").generation == house.generations.current_number()
    before = house.generations.current_number()
    house.catalogue.features.label(house.model, {n: likely(n) for n in range(1, 301)})
    house.remove(350)
    assert house.problems() == []
    house.run("update")
    assert house.generations.current_number() == before + 1
    assert walked(search) == wanted(house, {*range(1, 301), *range(401, INDEXED + 1)})
    assert search.counts("", 1).unlabelled == 99
    house.run("update")
    assert house.generations.current_number() == before + 1
    assert house.problems() == []


def test_a_generation_of_an_earlier_release_gets_them_by_an_update(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(keyword_snapshots, "take", lambda *_: None)
        house.run("train")
    assert KEYWORDS not in house.generations.current().meta.files
    search = house.keyword_search(MOST)
    house.add(2000, 2010, likely=likely)
    assert walked(search) == wanted(house, set(range(2000, 2011)))
    assert search.counts("", 1).unlabelled == INDEXED
    house.run("update")
    check(house, search, {*range(1, INDEXED + 1), *range(2000, 2011)})
    assert house.problems() == []


def test_an_unknown_keyword_is_named(house: House) -> None:
    with pytest.raises(WrongArguments, match="version 1 has no keyword 'tabbby'"):
        walked(house.keyword_search(), keyword="tabbby")
    with pytest.raises(WrongArguments, match="version 1 has no keyword 'tabbby'"):
        filtered(house, '{"$or": [{"a": 1}, {"$keyword": ["keyword 1", "tabbby"]}]}')


def test_keywords_are_listed_by_their_beginning_the_most_frequent_first(house: House) -> None:
    search = house.keyword_search()
    counts = search.counts("KEYWORD 2", 1000).counts
    assert {name for name, _ in counts} == {n for n in LABELS if n.startswith("keyword 2")}
    assert counts == sorted(counts, key=lambda each: (-each[1], each[0]))
    assert search.counts("keyword 2", 3).counts == counts[:3]
    assert search.counts("x", 3).counts == []


def test_verify_names_images_whose_keywords_or_metadata_differ(house: House) -> None:
    assert house.problems() == []
    house.catalogue.metadata.replace("5", '{"a": 1, "b": ["x"]}')
    house.run("update")
    house.catalogue.metadata.replace("6", '{"a": 2}')  # newer than the generation: no difference
    assert house.problems() == []
    with house.catalogue.database.writing() as connection:
        column = to_column(9, house.model.model, likely(11))
        row = features.c.seq == 9
        connection.execute(update(features).where(row).values(keywords=column))
    [problem] = house.problems()
    assert "has other keywords than the catalogue of images: 1 (number 9" in problem
    with house.catalogue.database.writing() as connection:
        row = image_metadata.c.seq == 5
        crc = checksum_of(house, '{"a": 2}')
        connection.execute(update(image_metadata).where(row).values(document='{"a": 2}', crc=crc))
    assert any(
        "has other metadata than the catalogue of images: 1 (number 5" in each
        for each in house.problems()
    )


def checksum_of(house: House, document: str) -> int:
    [change] = [
        change
        for page in house.catalogue.metadata.stream(0, 10**9)
        for change in page
        if change.seq == 5
    ]
    return checksum(change.change, 5, document)
