"""A filter means what it says, however the fields of images came together; bad ones are named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.catalogue import Change
from sidecar.catalogue.row_checksums import checksum
from sidecar.errors import WrongArguments
from sidecar.fields import Columns, checked, parse_filter, parsed, patched
from sidecar.index import field_file
from sidecar.index.field_layers import Layer, stacked
from sidecar.index.live_fields import Placed, Shelf
from sidecar.index.matching import Names, meeting
from sidecar.index.postings import Postings
from tests.support.documents import DOCUMENTS, FILTERS, meets


def nobody(_: tuple[str, ...]) -> list[int]:
    return []


def change(number: int, seq: int, document: dict[str, Any]) -> Change:
    text = checked(document)
    return Change(number, seq, checksum(number, seq, text), text)


@given(
    base=st.lists(DOCUMENTS, max_size=8),
    groups=st.lists(
        st.lists(st.tuples(st.integers(1, 12), DOCUMENTS), min_size=1, max_size=4), max_size=4
    ),
    wanted=FILTERS,
)
def test_a_filter_finds_what_it_means_whatever_was_changed_since(
    base: list[dict[str, Any]], groups: list[list[tuple[int, dict[str, Any]]]], wanted: Any
) -> None:
    """Images 1 to 12, of which those in `base` have fields from a generation; then changes."""
    seqs = np.arange(1, 13, dtype=np.int64)
    now: dict[int, dict[str, Any]] = dict(enumerate(base, 1))
    number = 0
    layers: tuple[Layer, ...] = ()
    for group in groups:
        changes = []
        for seq, document in group:
            number += 1
            now[seq] = document
            changes.append(change(number, seq, document))
        layers = stacked(layers, Layer.of(changes))
        assert layers[-1].last == changes[-1]
    columns = Columns.of(base)
    every = columns.moved(np.arange(len(base)), len(seqs))
    over = tuple(Placed(layer, layer.places_in(seqs)) for layer in layers)
    shelf = Shelf(seqs, Postings.none(), every, over)
    mask = meeting(parse_filter(json.dumps(wanted)), shelf, Names(nobody, nobody))
    assert mask.tolist() == [meets(now.get(int(seq), {}), wanted) for seq in seqs]


@given(documents=st.lists(DOCUMENTS, max_size=8), wanted=FILTERS)
def test_columns_are_read_from_a_file_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, documents: list[dict[str, Any]], wanted: Any
) -> None:
    path = tmp_path_factory.mktemp("fields") / field_file.FIELDS
    field_file.write(Columns.of(documents), path)
    seqs = np.arange(len(documents), dtype=np.int64)
    shelf = Shelf(seqs, Postings.none(), field_file.read(path), ())
    mask = meeting(parse_filter(json.dumps(wanted)), shelf, Names(nobody, nobody))
    assert mask.tolist() == [meets(document, wanted) for document in documents]


def test_an_id_is_looked_up() -> None:
    seqs = np.array([3, 5, 9], np.int64)
    wanted = parse_filter('{"$or": [{"$id": ["a", "b"]}, {"$id": "c"}]}')
    known = {"a": 5, "c": 9}
    shelf = Shelf(seqs, Postings.none(), None, ())
    names = Names(lambda ids: [known[i] for i in ids if i in known], nobody)
    found = meeting(wanted, shelf, names)
    assert found.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "filter must be JSON"),
        ("[]", "filter must be an object"),
        ('{"a": {"$lt": "5"}}', r"filter\.a\.\$lt must be a number"),
        ('{"a": {"$lt": true}}', r"filter\.a\.\$lt must be a number"),
        ('{"a": {"$gt": NaN}}', r"filter\.a\.\$gt must be a number"),
        ('{"a": {"$gt": 9007199254740993}}', r"filter\.a\.\$gt must be a number up to 2\^53"),
        ('{"a": {"$near": 5}}', r"filter\.a\.\$near: there is no operator \$near: use \$eq"),
        ('{"a": {}}', r"filter\.a has no operator"),
        ('{"a": [1]}', r"filter\.a is a list: use \$in"),
        ('{"a": {"$in": 1}}', r"filter\.a\.\$in must be a list"),
        ('{"a": {"$in": [{}]}}', r"filter\.a\.\$in must be a string"),
        ('{"a": {"$exists": 1}}', r"filter\.a\.\$exists must be true or false"),
        ('{"$or": []}', r"filter\.\$or must be a list of filters"),
        ('{"$or": [{"a": 1}, 2]}', r"filter\.\$or\[1\] must be an object"),
        ('{"$where": "x"}', r"filter\.\$where: there is no \$where"),
        ('{"$id": 5}', r"filter\.\$id must be an id or a list"),
        ('{"$keyword": 5}', r"filter\.\$keyword must be a keyword or a list"),
        ('{"$keyword": ["a", 1]}', r"filter\.\$keyword must be a keyword or a list"),
        ('{"$keyword": {"$gte": 1}}', r'filter\.\$keyword must be like {"\$in"'),
        ('{"$keyword": {"$in": "a", "$lt": 1}}', r'filter\.\$keyword must be like {"\$in"'),
        ('{"$keyword": {"$in": {}}}', r"filter\.\$keyword\.\$in must be a keyword or a list"),
        ('{"$keyword": {"$in": "a", "$gte": 2}}', r"\$gte must be a number from 0 to 1"),
        ('{"$keyword": {"$in": "a", "$gte": NaN}}', r"\$gte must be a number from 0 to 1"),
        ('{"$not": ' * 20 + "{}" + "}" * 20, "16 deep at most"),
        ("{" + ",".join(f'"f{n}": 1' for n in range(300)) + "}", "256 conditions at most"),
        ("[" * 100_000, "filter must be JSON"),
    ],
)
def test_a_bad_filter_is_named_with_the_place_of_its_fault(text: str, place: str) -> None:
    with pytest.raises(WrongArguments, match=place):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "metadata must be a JSON object"),
        ("{", "metadata must be JSON"),
        ('{"a": 1, "a": 2}', "'a' is there twice"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": {"b": 1}}', r"metadata\.a must be a string, a number"),
        ('{"a": [1]}', r"metadata\.a must be"),
        ('{"$a": 1}', r"can't begin with \$"),
        ('{"": 1}', "1 to 128 characters"),
        ('{"a": 9007199254740993}', r"up to 2\^53"),
        ('{"a": 1e999}', r"up to 2\^53"),
        ('{"a": "\\u0000"}', "can't be stored"),
        ('{"a": "\\ud800"}', "can't be stored"),
        ('{"a": "' + "x" * 16_384 + '"}', "send 16 KiB at most"),
    ],
)
def test_bad_metadata_are_named(text: str, fault: str) -> None:
    with pytest.raises(WrongArguments, match=fault):
        checked(parsed(text))


@given(document=DOCUMENTS)
def test_a_document_is_stored_as_it_is(document: dict[str, Any]) -> None:
    assert json.loads(checked(document)) == document


@given(document=DOCUMENTS, changes=DOCUMENTS)
def test_a_patch_changes_some_fields_and_null_takes_one_away(
    document: dict[str, Any], changes: dict[str, Any]
) -> None:
    after = patched(document, changes)
    for name in {*document, *changes}:
        if name in changes:
            assert (after.get(name), name in after) == (changes[name], changes[name] is not None)
        else:
            assert after[name] == document[name]


def test_what_is_no_file_of_fields_is_refused(tmp_path: Path) -> None:
    path = tmp_path / field_file.FIELDS
    for content in (b"", b"rubbish", bytes(64)):
        path.write_bytes(content)
        with pytest.raises((OSError, ValueError, KeyError, TypeError)):
            field_file.read(path)
