"""The resources of images: add, look at, remove."""

from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import falcon

from sidecar import fields
from sidecar.catalogue import ImageRecord, Images, Removals
from sidecar.http.batch_uploads import BatchReader
from sidecar.http.error_handlers import failure
from sidecar.http.known_params import takes
from sidecar.http.ndjson import SpooledLines
from sidecar.http.params import (
    TOP_K,
    choice,
    flag,
    image_id,
    number,
    required_id,
    whole_number,
)
from sidecar.http.uploads import ImageReader
from sidecar.images import ids
from sidecar.images.jpeg import stripped
from sidecar.images.names import IdFrom
from sidecar.ingest import Ingest
from sidecar.ingest_batch import IngestBatch, Outcome
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


class AddResource:
    """Adds an image: POST /similarity/add?id=&overwrite=."""

    def __init__(self, ingest: Ingest, reader: ImageReader) -> None:
        self._ingest = ingest
        self._reader = reader

    @takes("id", "image_id", "overwrite", "metadata", body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        upload = self._reader.read(req)  # its form may hold the parameters
        wanted, overwrite, document = image_id(req), flag(req, "overwrite"), _document(req)
        added = self._ingest.add(upload, wanted, overwrite, document)
        resp.media = {"status": "ok", "id": added}


class AddBatchResource:
    """Adds many images: POST /similarity/add_batch?overwrite=&id_from=."""

    def __init__(self, batch: IngestBatch, reader: BatchReader) -> None:
        self._batch = batch
        self._reader = reader

    @takes("overwrite", "id_from", body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        files = self._reader.read(req)
        begun = chain([next(files)], files)  # the form's parameters come before its first file
        overwrite = flag(req, "overwrite")
        id_from = IdFrom(choice(req, "id_from", tuple(IdFrom), IdFrom.NAME))
        lines = SpooledLines(self._reader.folder)
        for outcome in self._batch.add(begun, overwrite, id_from):
            lines.append(_outcome(outcome))
            if lines.full is not None:
                files.close()  # no more is added than can be answered
        if lines.full is not None:
            lines.append(_outcome(Outcome("", None, lines.full)))
        lines.send(resp)


def _document(req: falcon.Request) -> str | None:
    """Returns the metadata that come with an image, as they are stored; None without any."""
    text = req.get_param("metadata")
    return None if text is None else fields.checked(fields.parsed(text))


def _outcome(outcome: Outcome) -> dict[str, Any]:
    """Returns the line of one file in the answer to a batch."""
    if outcome.error is None:
        return {"status": "ok", "id": outcome.id, "name": outcome.name}
    return {**failure(outcome.error), "name": outcome.name}
