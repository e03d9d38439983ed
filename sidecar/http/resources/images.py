"""The resources of stored images: look at, remove."""

from dataclasses import asdict
from datetime import UTC, datetime

import falcon

from sidecar.catalogue import ImageRecord, Images, Removals
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.params import TOP_K, number, required_id, whole_number
from sidecar.images import ids
from sidecar.images.jpeg import stripped
from sidecar.models.keywords import Keywords
from sidecar.operations import Inventory
from sidecar.settings import MOST_RESULTS

BYTES = "application/octet-stream"


class ImageResource:
    """Describes and removes an image: GET /similarity/images/<id>?top_k=&keyword_threshold= and
    DELETE."""

    def __init__(self, inventory: Inventory, keywords: Keywords) -> None:
        self._inventory = inventory
        self._keywords = keywords

    @takes("top_k", "keyword_threshold")
    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        top_k = whole_number(req, "top_k", MOST_RESULTS, TOP_K)
        threshold = number(req, "keyword_threshold", 0.0)
        stored = self._inventory.catalogue.images.described(ids.known(image_id))
        keywords, image = self._keywords.of_image(stored, top_k, threshold), stored.image
        resp.media = {
            "status": "ok",
            "id": image.id,
            "added_at": image.added_at,
            "sha256": image.sha256,
            "versions": image.versions,
            "indexed": self._inventory.is_indexed(image),
            "keywords": [asdict(keyword) for keyword in keywords],
        }

    def on_delete(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        known = ids.known(image_id)
        self._inventory.catalogue.removals.remove(known)
        resp.media = {"status": "ok", "id": known}


class RemoveResource:
    """Removes an image, for clients that can't send DELETE: POST /similarity/remove?id=."""

    def __init__(self, removals: Removals) -> None:
        self._removals = removals

    @takes("id", "image_id")
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        image_id = required_id(req)
        self._removals.remove(image_id)
        resp.media = {"status": "ok", "id": image_id}


class ThumbnailResource:
    """Sends the canonical JPEG: GET /similarity/images/<id>/thumbnail."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        if req.if_none_match:  # spares most repeated requests the JPEG
            image = self._images.get(ids.known(image_id))
            if any(known in (_etag(image), "*") for known in req.if_none_match):
                _head(resp, image)
                resp.status = falcon.HTTP_304
                return
        image, jpeg = self._images.with_jpeg(ids.known(image_id))
        _head(resp, image)
        _file(resp, falcon.MEDIA_JPEG, stripped(jpeg))


class OriginalResource:
    """Sends the upload, if it was kept: GET /similarity/images/<id>/original."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        name = ids.known(image_id)
        original = self._inventory.original(name)
        resp.downloadable_as = name  # an error's answer must not have it
        _file(resp, BYTES, original)


def _etag(image: ImageRecord) -> falcon.ETag:
    return falcon.ETag(f"{image.seq}-{image.sha256[:16]}")


def _head(resp: falcon.Response, image: ImageRecord) -> None:
    """Sets the headers by which a client keeps a thumbnail."""
    resp.etag = _etag(image)
    resp.last_modified = datetime.fromtimestamp(image.added_at, UTC)
    resp.cache_control = ["private", "no-cache"]  # asked for each time: it may have been removed


def _file(resp: falcon.Response, kind: str, data: bytes) -> None:
    resp.content_type = kind
    resp.data = data
