"""A filtered search finds the nearest of all that meet the filter, wherever their fields are."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from sidecar.catalogue import Catalogue, open_catalogue
from sidecar.catalogue.schema import image_metadata
from sidecar.errors import CatalogueDamaged, UnknownImage
from sidecar.fields import parse_filter
from sidecar.index import Grouping, SearchRequest
from sidecar.operations.backup import Backups
from sidecar.search.by_image import Search
from tests.catalogue.test_went_back import copied
from tests.support.house import House, vector

INDEXED, ADDED = 3000, 200
MOST = 2000
CAREFUL = SearchRequest(num_results=10, nprob=100, max_dist=4.0)


def said(number: int) -> dict[str, Any]:
    return {
        "shelf": number % 1000,
        "even": number % 2 == 0,
        "tags": [f"t{number % 3}", f"u{number % 7}"],
    }


def build(house: House) -> None:
    """3,000 images with metadata, indexed."""
    house.add(1, INDEXED, said=said)
    house.run("train")


@pytest.fixture
def shop(house: House) -> House:
    return house


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.catalogue.close()


def found(search: Search, wanted: dict[str, Any], number: int = 7, **how: Any) -> list[int]:
    request = replace(CAREFUL, wanted=parse_filter(json.dumps(wanted)), **how)
    return [int(each) for each in search.nearest_to(f"{number}", request).result]


def nearest(numbers: list[int], of: int = 7, count: int = 10) -> list[int]:
    """The nearest of some images, by comparing each."""
    others = [number for number in numbers if number != of]
    apart = [float(np.sum((vector(n) - vector(of)) ** 2)) for n in others]
    return [others[place] for place in np.argsort(apart)[:count]]


def every(last: int, *gone: int) -> list[int]:
    return [number for number in range(1, last + 1) if number not in gone]


def test_the_nearest_that_meet_a_filter_are_found_wherever_their_fields_are(shop: House) -> None:
    searches = [shop.search(MOST), shop.search(MOST)]
    shop.add(INDEXED + 1, INDEXED + ADDED, said=said)
    filters: list[tuple[dict[str, Any], Callable[[int], bool]]] = [
        ({"even": True}, lambda n: n % 2 == 0),
        ({"tags": "t1"}, lambda n: n % 3 == 1),
        ({"shelf": {"$lt": 5}}, lambda n: n % 1000 < 5),
        ({"shelf": 7}, lambda n: n % 1000 == 7),
        ({"$not": {"tags": {"$in": ["t0", "t1"]}}}, lambda n: n % 3 == 2),
        ({"$id": ["12", "3100", "nobody"]}, lambda n: n in (12, 3100)),
        ({}, lambda n: True),
        ({"nothing": 1}, lambda n: False),
    ]
    for wanted, meets in filters:
        expected = nearest([n for n in every(INDEXED + ADDED) if meets(n)])
        for search in searches:
            results = found(search, wanted)
            assert len(results) == len(expected)
            assert len(set(results) & set(expected)) >= 0.9 * len(expected), wanted


def test_a_change_is_seen_by_the_next_search_in_every_process(shop: House) -> None:
    searches = [shop.search(MOST), shop.search(MOST)]
    metadata = shop.catalogue.metadata
    sold: list[int] = []
    for number in (8, 20, 8, 500, 3000):
        sold.append(number)
        metadata.change(f"{number}", lambda text: json.dumps({**json.loads(text), "sold": True}))
        for search in searches:
            assert sorted(found(search, {"sold": True})) == sorted(set(sold))
    for number in (20, 8):
        metadata.replace(f"{number}", "{}")
        sold = [each for each in sold if each != number]
        for search in searches:
            assert sorted(found(search, {"sold": True})) == sorted(set(sold))
            assert number not in found(search, {"even": True}, num_results=1000)
    shop.remove(500)
    assert all(found(search, {"sold": True}) == [3000] for search in searches)


def test_an_update_takes_the_changes_into_the_generation(shop: House) -> None:
    shop.catalogue.metadata.replace("8", '{"sold":true}')
    shop.add(INDEXED + 1, INDEXED + ADDED, said=said)
    shop.add(9, 9, overwrite=True, said=lambda n: {"sold": True})
    shop.remove(12)
    before = shop.generations.current().number
    shop.run("update")
    generation = shop.generations.current()
    assert (generation.number, generation.meta.changes) == (before + 1, INDEXED + ADDED + 2)
    expected = [n for n in every(INDEXED + ADDED, 8, 9, 12) if n % 2 == 0]
    for search in (shop.search(MOST), shop.search()):
        assert sorted(found(search, {"sold": True})) == [8, 9]
        assert set(found(search, {"even": True}, num_results=1000)) <= set(expected)
    assert shop.problems() == []
    shop.catalogue.metadata.replace("30", '{"sold":true}')
    shop.run("update")  # nothing else is new
    assert shop.generations.current().meta.changes == INDEXED + ADDED + 3
    shop.run("update")
    assert shop.generations.current().number == before + 2


def test_a_training_reads_every_document_again(shop: House) -> None:
    shop.catalogue.metadata.replace("8", '{"sold":true}')
    shop.run("train")
    search = shop.search()
    assert found(search, {"sold": True}) == [8]
    assert found(search, {"shelf": 7}) == nearest([1007, 2007])


def test_without_a_training_the_fields_are_searched_too(empty: House) -> None:
    empty.add(1, 300, said=said)
    assert found(empty.search(MOST), {"shelf": {"$lt": 6}}) == nearest([1, 2, 3, 4, 5])


def test_an_overwritten_image_has_the_metadata_that_came_with_it(empty: House) -> None:
    empty.add(1, 300, said=said)
    search = empty.search(MOST)
    empty.add(2, 2, overwrite=True)
    assert empty.catalogue.metadata.of("2") == "{}"
    assert found(search, {"shelf": 2}) == []
    empty.add(2, 2, overwrite=True, said=lambda n: {"shelf": 70})
    assert sorted(found(search, {"shelf": 70})) == [2, 70]


def test_pages_are_of_one_ranking(shop: House) -> None:
    shop.add(INDEXED + 1, INDEXED + ADDED, said=said)
    search = shop.search(MOST)
    whole = found(search, {"even": True}, num_results=500, offset=0)
    pages = [
        found(search, {"even": True}, num_results=25, offset=start) for start in range(0, 500, 25)
    ]
    assert [each for page in pages for each in page] == whole
    assert len(set(whole)) == 500
    assert found(search, {"shelf": 7}, offset=1) == nearest([1007, 2007, 3007])[1:]


def test_metadata_of_an_image_that_is_not_there(empty: House) -> None:
    metadata = empty.catalogue.metadata
    with pytest.raises(UnknownImage):
        metadata.of("nobody")
    with pytest.raises(UnknownImage):
        metadata.replace("nobody", "{}")
    assert metadata.last() == 0


def test_a_damaged_document_is_named_and_a_new_one_takes_its_place(empty: House) -> None:
    empty.add(1, 3, said=said)
    with empty.catalogue.database.writing() as connection:
        row = image_metadata.c.seq == 2
        connection.execute(update(image_metadata).where(row).values(document='{"shelf":1}'))
    assert empty.problems() == ["the metadata of 2 are not what was stored"]
    with pytest.raises(CatalogueDamaged, match="set them again by PUT"):
        empty.catalogue.metadata.of("2")
    assert found(empty.search(MOST), {"shelf": 1}, number=3) == [1]
    empty.catalogue.metadata.replace("2", '{"shelf":1}')
    assert sorted(found(empty.search(MOST), {"shelf": 1}, number=3)) == [1, 2]
    assert empty.problems() == []


def test_a_backup_has_the_metadata_and_numbers_go_on(shop: House, tmp_path: Path) -> None:
    shop.catalogue.metadata.replace("8", '{"sold":true}')
    last = shop.catalogue.metadata.last()
    shop.remove(8)
    Backups(shop.catalogue, shop.generations).backup(tmp_path / "copy", lambda *_: None)
    copy: Catalogue = open_catalogue(f"sqlite:///{tmp_path}/copy/catalogue.sqlite", 30.0)
    assert json.loads(copy.metadata.of("9")) == said(9)
    copy.metadata.replace("9", "{}")
    assert copy.metadata.last() == last + 1  # 8's number is not used again
    copy.close()


def test_a_catalogue_that_went_back_is_read_anew(shop: House) -> None:
    search = shop.search(MOST)
    shop.catalogue.metadata.replace("8", '{"sold":true}')
    back = copied(shop)
    for number in (9, 10, 11):
        shop.catalogue.metadata.replace(f"{number}", '{"sold":true}')
    assert sorted(found(search, {"sold": True})) == [8, 9, 10, 11]
    back()
    assert found(search, {"sold": True}) == [8]
    for number in (20, 21, 22):
        shop.catalogue.metadata.replace(f"{number}", '{"sold":true}')
    assert sorted(found(search, {"sold": True})) == [8, 20, 21, 22]


def grouped(search: Search, count: int, size: int, number: int = 7, **wanted: Any) -> list[int]:
    request = replace(
        CAREFUL,
        num_results=count,
        group=Grouping("product", size),
        wanted=parse_filter(json.dumps(wanted)) if wanted else None,
    )
    return [int(each) for each in search.nearest_to(f"{number}", request).result]


def test_groups_come_in_the_order_of_their_nearest_image(empty: House) -> None:
    """Those of one product are many and near; of another there is one; some are of none."""

    def product(number: int) -> dict[str, Any]:
        if number % 10 == 0:
            return {"product": ["a", "b"]} if number % 20 else {}
        return {"product": number % 30 if number > 100 else "many", "even": number % 2 == 0}

    empty.add(1, 400, said=product)
    of = {n: product(n).get("product") for n in range(1, 401)}
    search = empty.search(MOST)
    for wanted in ({}, {"even": True}):
        may = [n for n in of if n % 10 and not (wanted and n % 2)]
        ranked = nearest(may, count=400)
        groups: dict[Any, list[int]] = {}
        for n in ranked:
            groups.setdefault(of[n], []).append(n)
        for count, size in ((1, 1), (5, 1), (5, 3), (12, 2), (50, 2)):
            expected = [n for group in [*groups.values()][:count] for n in group[:size]]
            assert grouped(search, count, size, **wanted) == expected


def test_numbers_that_are_equal_make_one_group(empty: House) -> None:
    empty.add(1, 60, said=lambda n: {"product": [1, 1.0, 2, True][n % 4]})
    found = grouped(empty.search(MOST), 5, 1)
    assert sorted([0, 0, 2, 3][n % 4] for n in found) == [0, 2, 3]
