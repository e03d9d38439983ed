"""JPEGs and uploads as objects of a store: written before their rows, read after them, swept."""

import hashlib
import re
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, update

from sidecar.catalogue import Catalogue, ModelRecord, NewImage, Stored, open_catalogue
from sidecar.catalogue.schema import originals, pictures
from sidecar.errors import (
    CatalogueDamaged,
    CatalogueUnavailable,
    DuplicateId,
    PicturesStoreUnavailable,
    SettingsError,
    UnknownImage,
)
from sidecar.objects import ObjectStore, open_store
from sidecar.objects.folder import FolderStore
from tests.support import stores
from tests.support.databases import new_file

VECTOR = np.array([1, 0, 0, 0], np.float32)
SHA256 = "a" * 64
NAME = re.compile(r"[0-9a-f]{8}/(pictures|originals)/(..)/(\2.{62})-[0-9a-f]{8}")


@pytest.fixture(params=stores.KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty store of each kind; that of S3 is not asked twice."""
    settings = stores.new_store(request.param, tmp_path, request)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sidecar.objects.s3.TRIES", 0)
    return settings["INDEX_STORE"]


@pytest.fixture
def store(url: str) -> ObjectStore:
    return open_store(url)


@pytest.fixture
def catalogue(catalogue_url: str, url: str) -> Iterator[Catalogue]:
    with closing(open_catalogue(catalogue_url, 30.0, pictures_store=url)) as catalogue:
        catalogue.models.adopt(1, SHA256, 4)
        yield catalogue


def new(catalogue: Catalogue, name: str, jpeg: bytes = b"", **more: Any) -> NewImage:
    record = catalogue.models.in_use()
    assert record is not None
    content = jpeg or name.encode()
    return NewImage(name, f"sha {content!r}", content, {record: VECTOR}, **more)


def in_use(catalogue: Catalogue) -> ModelRecord:
    record = catalogue.models.in_use()
    assert record is not None
    return record


def names(store: ObjectStore) -> set[str]:
    """The names of all objects that images have."""
    if isinstance(store, FolderStore):
        files = [path for path in store.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(store.folder)) for path in files}
    return {*store.listed("")}


def contents(store: ObjectStore) -> list[bytes]:
    return sorted(b"".join(store.read(name)) for name in names(store))


def sweep_now(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patched:
        patched.setattr("sidecar.catalogue.contents.unnamed.GRACE_S", -1.0)
        return catalogue.unnamed.sweep()


@contextmanager
def away(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    """The same catalogue as a process sees it that can't reach the store."""
    with monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        url, database = catalogue.database.objects.url, catalogue.database.url
        folder = None if url.startswith("s3:") else Path(url)
        if folder:
            folder.rename(f"{folder}-aside")
            folder.touch()
        with closing(open_catalogue(database, 30.0, pictures_store=url)) as cut_off:
            yield cut_off
        if folder:
            folder.unlink()
            Path(f"{folder}-aside").rename(folder)


def test_what_is_added_is_an_object_named_by_its_content(
    catalogue: Catalogue, store: ObjectStore
) -> None:
    catalogue.adds.add(new(catalogue, "cat", b"the jpeg", original=b"the upload"))
    for name in names(store):
        matched = NAME.fullmatch(name)
        assert matched is not None
        content = b"".join(store.read(name))
        assert hashlib.sha256(content).hexdigest() == matched[3]
        assert content == {"pictures": b"the jpeg", "originals": b"the upload"}[matched[1]]
    with catalogue.database.reading() as connection:
        [picture] = connection.execute(select(pictures)).all()
        [upload] = connection.execute(select(originals)).all()
    assert {picture.object, upload.object} == names(store)
    assert (picture.jpeg, picture.bytes, picture.crc) == (b"", 8, zlib.crc32(b"the jpeg"))
    assert (upload.upload, upload.bytes) == (b"", 10)
    assert catalogue.images.jpeg("cat") == b"the jpeg"
    assert catalogue.images.with_jpeg("cat")[1] == b"the jpeg"
    assert catalogue.images.described("cat").jpeg == b"the jpeg"
    kept = catalogue.images.upload("cat")
    assert (kept.content, kept.kept) == (b"the upload", True)
    assert catalogue.bytes_in_store() == 18
    assert list(catalogue.problems()) == ["the upload of cat is not what was stored"]  # "sha …"


def test_every_page_of_images_has_their_jpegs(catalogue: Catalogue) -> None:
    catalogue.adds.add_all([new(catalogue, f"{n}") for n in range(40)])
    record, jpegs = in_use(catalogue), [f"{n}".encode() for n in range(40)]
    some = catalogue.images.stored(["7", "8", "none"], record.model, jpegs=True)
    assert {name: each.jpeg for name, each in some.items() if isinstance(each, Stored)} == {
        "7": b"7",
        "8": b"8",
    }
    missing = catalogue.features.missing(record.model + 1, 0, 100, 100)
    assert [each.jpeg for each in missing] == jpegs
    unlabelled = catalogue.features.unlabelled(record.model, 0, 100)
    assert [(each.jpeg, each.is_whole) for each in unlabelled] == [(each, True) for each in jpegs]
    catalogue.suspects.add_all(record)
    page = catalogue.suspects.page(record, 100)
    assert [(each.jpeg, each.is_whole) for each in page] == [(each, True) for each in jpegs]
    sample = catalogue.suspects.sample(record, 8)
    assert {each.jpeg for each in sample} <= {*jpegs}
    assert list(catalogue.problems()) == []


def test_a_duplicate_shows_the_head_and_the_size_of_its_file(catalogue: Catalogue) -> None:
    large = bytes(range(256)) * 400
    first = catalogue.adds.add(new(catalogue, "kept", b"jpeg", original=large))
    second = catalogue.adds.add(new(catalogue, "not kept", b"another jpeg"))
    found = catalogue.duplicates.images([first, second])
    assert (found[first].head, found[first].size_bytes) == (large[: 1 << 16], len(large))
    assert (found[second].head, found[second].size_bytes) == (b"another jpeg", 12)


def test_the_objects_of_what_is_removed_or_replaced_are_swept_after_a_while(
    catalogue: Catalogue, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.adds.add(new(catalogue, "removed", b"1", original=b"2"))
    catalogue.adds.add(new(catalogue, "replaced", b"3"))
    catalogue.adds.add(new(catalogue, "stays", b"4"))
    catalogue.removals.remove("removed")
    catalogue.adds.add(new(catalogue, "replaced", b"5", overwrite=True))
    assert catalogue.unnamed.sweep() == 0  # an answer may have read the row just before
    assert contents(store) == [b"1", b"2", b"3", b"4", b"5"]
    assert sweep_now(catalogue, monkeypatch) == 3
    assert contents(store) == [b"4", b"5"]
    assert sweep_now(catalogue, monkeypatch) == 0
    assert catalogue.images.jpeg("replaced") == b"5"


def test_a_sweep_that_was_cut_off_is_made_up_for(
    catalogue: Catalogue, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.adds.add(new(catalogue, "removed"))
    catalogue.removals.remove("removed")
    with away(catalogue, monkeypatch) as cut_off, pytest.raises(PicturesStoreUnavailable):
        sweep_now(cut_off, monkeypatch)
    assert len(names(store)) == 1
    assert catalogue.unnamed.sweep() == 0  # its turn comes again later
    assert sweep_now(catalogue, monkeypatch) == 1
    assert names(store) == set()


def test_a_refused_image_leaves_no_object(catalogue: Catalogue, store: ObjectStore) -> None:
    catalogue.adds.add(new(catalogue, "cat", b"the first"))
    with pytest.raises(DuplicateId):
        catalogue.adds.add(new(catalogue, "cat", b"the second", original=b"upload"))
    batch = [new(catalogue, "cat", b"the third"), new(catalogue, "dog", b"a dog")]
    refused, added = catalogue.adds.add_all(batch)
    assert isinstance(refused, DuplicateId)
    assert isinstance(added, int)
    assert contents(store) == [b"a dog", b"the first"]


def test_of_several_in_one_commit_under_one_id_the_last_keeps_its_object(
    catalogue: Catalogue, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.adds.add_all(
        [
            new(catalogue, "cat", b"first", overwrite=True),
            new(catalogue, "cat", b"last", overwrite=True),
        ]
    )
    assert sweep_now(catalogue, monkeypatch) == 1
    assert contents(store) == [b"last"]
    assert catalogue.images.jpeg("cat") == b"last"


def test_without_the_store_nothing_is_stored_and_searches_have_their_features(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.adds.add(new(catalogue, "cat", original=b"upload"))
    record = in_use(catalogue)
    with away(catalogue, monkeypatch) as cut_off:
        for ask in (
            lambda: cut_off.adds.add(new(cut_off, "dog")),
            lambda: cut_off.adds.add_all([new(cut_off, "dog"), new(cut_off, "bird")]),
            lambda: cut_off.images.jpeg("cat"),
            lambda: cut_off.images.upload("cat"),
            lambda: cut_off.images.stored(["cat"], record.model, jpegs=True),
        ):
            with pytest.raises(PicturesStoreUnavailable, match=r"^PICTURES_STORE") as caught:
                ask()
            assert "\n" not in str(caught.value)
        assert cut_off.images.count() == 1
        assert cut_off.images.features("cat", record.model) is not None
        assert isinstance(cut_off.images.stored(["cat"], record.model)["cat"], Stored)
        cut_off.removals.remove("cat")
    with pytest.raises(UnknownImage):
        catalogue.images.jpeg("cat")


def test_an_object_that_is_missing_or_damaged_is_named(
    catalogue: Catalogue, store: ObjectStore
) -> None:
    for name in ("missing", "damaged"):
        image = new(catalogue, name, original=name.upper().encode())
        catalogue.adds.add(image)
    with catalogue.database.reading() as connection:
        for table in (pictures, originals):
            missing, damaged = connection.execute(select(table.c.object).order_by("seq")).scalars()
            store.delete([missing])
            store.put(damaged, b"something else")
    record = in_use(catalogue)
    lost = "the JPEG of missing is missing from PICTURES_STORE"
    wrong = "the JPEG of damaged is not what was stored"
    for name, sentence in (("missing", lost), ("damaged", wrong)):
        with pytest.raises(CatalogueDamaged, match=sentence):
            catalogue.images.jpeg(name)
        [found] = catalogue.images.stored([name], record.model, jpegs=True).values()
        assert str(found) == sentence
    with pytest.raises(CatalogueDamaged, match="the upload of missing is missing from PICT"):
        catalogue.images.upload("missing")
    with pytest.raises(CatalogueDamaged, match="the JPEGs of missing, damaged are not what"):
        catalogue.features.missing(record.model + 1, 0, 100, 100)
    assert [each.is_whole for each in catalogue.features.unlabelled(record.model, 0, 9)] == [
        False,
        False,
    ]
    assert list(catalogue.problems()) == [
        lost,
        wrong,
        "the upload of missing is missing from PICTURES_STORE",
        "the upload of damaged is not what was stored",
    ]


def test_what_a_process_wrote_and_never_named_is_found_and_deleted(
    catalogue: Catalogue, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.adds.add(new(catalogue, "stays", b"named"))
    catalogue.adds.add(new(catalogue, "removed", b"to be swept"))
    catalogue.removals.remove("removed")
    folder = catalogue.database.objects.folder
    store.put(f"{folder}/pictures/ab/what somebody else put there", b"not ours")
    store.put(f"12345678/pictures/ab/ab{'0' * 62}-12345678", b"another catalogue's")
    with monkeypatch.context() as patched:  # killed there, a process leaves as much
        patched.setattr("sidecar.catalogue.adds.store_all", _lost)
        with pytest.raises(CatalogueUnavailable):
            catalogue.adds.add(new(catalogue, "lost", b"in between"))
    assert list(catalogue.problems()) == []
    assert list(catalogue.unnamed.orphans()) == []  # an add may still be under way
    [[name]] = catalogue.unnamed.orphans(young_s=-60)
    assert b"".join(store.read(name)) == b"in between"
    assert catalogue.unnamed.delete_orphans(young_s=-60) == 1
    assert contents(store) == [b"another catalogue's", b"named", b"not ours", b"to be swept"]


def _lost(*_: object) -> None:
    raise CatalogueUnavailable("the connection was lost")


def test_what_is_in_rows_is_moved_and_comes_back(
    catalogue_url: str, url: str, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_catalogue(catalogue_url, 30.0)) as before:
        before.models.adopt(1, SHA256, 4)
        before.adds.add_all([new(before, f"{n}") for n in range(70)])
        upload = b"upload"
        sha256 = hashlib.sha256(upload).hexdigest()
        record = in_use(before)
        before.adds.add(NewImage("kept", sha256, b"k", {record: VECTOR}, original=upload))
        with before.database.writing() as connection:
            row = pictures.c.seq == before.images.get("5").seq
            connection.execute(update(pictures).where(row).values(jpeg=b"damaged"))
    stays = ["the JPEG of 5 is not what was stored"]
    with closing(open_catalogue(catalogue_url, 30.0, pictures_store=url)) as catalogue:
        assert catalogue.images.jpeg("7") == b"7"  # what is in rows is read there
        done: list[tuple[str, int]] = []
        moved = catalogue.moves.into_store(lambda *each: done.append(each))
        assert (moved.count, moved.damaged) == (71, stays)
        assert done == [("pictures", 64), ("pictures", 71), ("originals", 1)]
        assert len(names(store)) == 71
        assert catalogue.images.jpeg("7") == b"7"
        assert catalogue.images.upload("kept").content == upload
        assert list(catalogue.problems())[:1] == stays
        assert catalogue.moves.into_store(lambda *_: None).count == 0
        with pytest.raises(SettingsError, match=r"PICTURES_STORE is empty.*return-images"):
            open_catalogue(catalogue_url, 30.0)
        assert catalogue.moves.into_rows(lambda *_: None).count == 71
        assert names(store) == set()
    with closing(open_catalogue(catalogue_url, 30.0)) as after:
        assert after.images.jpeg("7") == b"7"
        assert after.images.upload("kept").content == upload
        assert after.bytes_in_store() == 0


def test_a_move_beside_removals_and_overwrites_leaves_no_object_behind(
    catalogue: Catalogue, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = catalogue.database.objects.url
    catalogue.database.objects.url = ""
    catalogue.adds.add_all([new(catalogue, name) for name in ("removed", "replaced", "stays")])
    catalogue.database.objects.url = url
    put_all = catalogue.database.objects.put_all

    def meanwhile(contents: list[tuple[str, bytes]]) -> list[str]:
        made = put_all(contents)
        if len(contents) == 3:
            catalogue.removals.remove("removed")
            catalogue.adds.add(new(catalogue, "replaced", b"by another", overwrite=True))
        return made

    monkeypatch.setattr(catalogue.database.objects, "put_all", meanwhile)
    assert catalogue.moves.into_store(lambda *_: None).count == 1
    assert contents(store) == [b"by another", b"stays"]
    assert list(catalogue.problems()) == []


def test_a_catalogue_with_objects_does_not_open_without_their_store(
    catalogue: Catalogue,
) -> None:
    with pytest.raises(SettingsError, match="PICTURES_STORE is empty") as caught:
        open_catalogue(catalogue.database.url, 30.0)
    assert "\n" not in str(caught.value)


def test_a_store_keeps_a_catalogue_small(tmp_path: Path, url: str) -> None:
    sizes = []
    for where in ("", url):
        folder = tmp_path / f"{bool(where)}"
        with closing(open_catalogue(new_file(folder), 30.0, pictures_store=where)) as catalogue:
            catalogue.models.adopt(1, SHA256, 4)
            catalogue.adds.add_all([new(catalogue, f"{n}", bytes(50_000)) for n in range(20)])
            catalogue.release_space()
            sizes.append(catalogue.bytes_used())
            with catalogue.database.reading() as connection:
                assert connection.execute(select(func.sum(pictures.c.bytes))).scalar_one() == (
                    1_000_000 if where else None
                )
    assert sizes[0] - sizes[1] > 900_000
