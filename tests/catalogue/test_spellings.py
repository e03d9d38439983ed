"""An id is compared in NFC; what an older release stored under another spelling stays reachable."""

import hashlib
import unicodedata

import falcon
import numpy as np
import pytest
from falcon import testing

from sidecar.catalogue import Catalogue, ModelRecord, NewImage, open_catalogue
from sidecar.errors import UnknownImage, WrongArguments
from sidecar.http.error_handlers import add_error_handlers
from sidecar.http.resources.images import ImageResource, OriginalResource, RemoveResource
from sidecar.models.keywords import Keywords
from sidecar.operations import Inventory

MODEL = ModelRecord(1, 1, "a" * 64, 4)
COMPOSED = "한글"
IN_PARTS = unicodedata.normalize("NFD", COMPOSED)  # nothing but letters: an id of older releases
OLD = [IN_PARTS, "\u212b", "\uf900", ".", ".."]


@pytest.fixture
def catalogue(catalogue_url: str) -> Catalogue:
    catalogue = open_catalogue(catalogue_url, 30.0)
    catalogue.models.adopt(1, "a" * 64, 4)
    return catalogue


def store(catalogue: Catalogue, image_id: str) -> None:
    """Stores an image as an older release did: as the id came."""
    features = {MODEL: np.ones(4, np.float32)}
    sha256 = hashlib.sha256(image_id.encode()).hexdigest()
    catalogue.adds.add(NewImage(image_id, sha256, b"jpeg", features))


@pytest.mark.parametrize("old", OLD)
def test_an_old_id_finds_its_image_and_takes_no_second_one(catalogue: Catalogue, old: str) -> None:
    store(catalogue, old)
    assert catalogue.images.get(old).id == old
    assert catalogue.images.jpeg(old) == b"jpeg"
    assert catalogue.adds.new_id(old) == old
    catalogue.removals.remove(old)
    with pytest.raises(UnknownImage):
        catalogue.images.get(old)
    catalogue.close()


@pytest.mark.parametrize("old", OLD)
def test_a_new_id_is_stored_composed_and_found_by_either_spelling(
    catalogue: Catalogue, old: str
) -> None:
    composed = unicodedata.normalize("NFC", old)
    if composed in (".", ".."):
        with pytest.raises(WrongArguments):
            catalogue.adds.new_id(old)
        catalogue.close()
        return
    assert catalogue.adds.new_id(old) == catalogue.adds.new_id(composed) == composed
    store(catalogue, composed)
    assert catalogue.images.get(old).id == catalogue.images.get(composed).id == composed
    catalogue.removals.remove(old)
    assert catalogue.images.count() == 0
    catalogue.close()


def test_of_both_spellings_each_finds_its_own(catalogue: Catalogue) -> None:
    store(catalogue, IN_PARTS)
    store(catalogue, COMPOSED)
    assert catalogue.images.get(IN_PARTS).id == IN_PARTS
    assert catalogue.images.get(COMPOSED).id == COMPOSED
    catalogue.close()


@pytest.mark.parametrize(
    "bad",
    ["a%0d%0aX: y", "a%0ab", "%00", "a%00", "%0d", "%2e", "%ff", "a%25b"],
)
@pytest.mark.parametrize("path", ["/images/{}", "/images/{}/original", "/remove?id={}"])
def test_what_is_no_id_is_400_or_404_in_json(catalogue: Catalogue, bad: str, path: str) -> None:
    inventory = Inventory(catalogue, None)  # type: ignore[arg-type]
    app = falcon.App()
    add_error_handlers(app)
    app.add_route("/images/{image_id}", ImageResource(inventory, Keywords(None, None)))  # type: ignore[arg-type]
    app.add_route("/images/{image_id}/original", OriginalResource(inventory))
    app.add_route("/remove", RemoveResource(catalogue.removals))
    method = "POST" if "remove" in path else "GET"
    where, _, query = path.format(bad).partition("?")
    answer = testing.simulate_request(app, method, where, query_string=query)
    assert answer.status_code == (404 if bad == "%2e" else 400)
    assert answer.json["status"] == "error"
    assert "Content-Disposition" not in answer.headers
    catalogue.close()


@pytest.mark.parametrize("image_id", ['a"b; x=y', "é (1) ☕", "a" * 255, "'quoted'"])
def test_an_original_is_sent_under_any_id(catalogue: Catalogue, image_id: str) -> None:
    features = {MODEL: np.ones(4, np.float32)}
    sha256 = hashlib.sha256(b"original").hexdigest()
    catalogue.adds.add(NewImage(image_id, sha256, b"jpeg", features, b"original"))
    app = falcon.App()
    resource = OriginalResource(Inventory(catalogue, None))  # type: ignore[arg-type]
    app.add_route("/images/{image_id}/original", resource)
    answer = testing.simulate_get(app, f"/images/{falcon.uri.encode_value(image_id)}/original")
    assert answer.content == b"original"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    catalogue.close()
