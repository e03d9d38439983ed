"""The HTTP resources of stored images: list, look at, remove."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import falcon

from sidecar.catalogue import ImageRecord, Images, Removals
from sidecar.http.error_handlers import failure
from sidecar.http.ndjson import SpooledLines
from sidecar.http.params import TOP_K, flag, image_id, required_id, whole_number
from sidecar.http.uploads import BatchReader, read_image
from sidecar.images import ids
from sidecar.ingest import Ingest
from sidecar.ingest_batch import IngestBatch, Outcome
from sidecar.models.keywords import Keywords
from sidecar.operations.stats import Inventory
from sidecar.settings import MOST_RESULTS

IDS, MOST_IDS = 1000, 10_000  # of a page
MOST_IMAGES = 2**63 - 1
BYTES = "application/octet-stream"


class ImagesResource:
    """GET /similarity/images?after=&limit=."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        after = whole_number(req, "after", MOST_IMAGES, 0, least=0)
        limit = whole_number(req, "limit", MOST_IDS, IDS)
        page = self._images.page(after, limit)
        following = page[-1][0] if len(page) == limit else None
        resp.media = {"status": "ok", "ids": [name for _, name in page], "next": following}


class ImageResource:
    """GET and DELETE /similarity/images/<id>."""

    def __init__(self, inventory: Inventory, keywords: Keywords) -> None:
        self._inventory = inventory
        self._keywords = keywords

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        top_k = whole_number(req, "top_k", MOST_RESULTS, TOP_K)
        entry, jpeg = self._inventory.catalogue.images.with_jpeg(ids.check(image_id))
        found, _ = self._keywords.of_stored(jpeg, top_k)
        resp.media = {
            "status": "ok",
            "id": entry.id,
            "added_at": entry.added_at,
            "sha256": entry.sha256,
            "versions": entry.versions,
            "indexed": self._inventory.is_indexed(entry),
            "keywords": [asdict(keyword) for keyword in found],
        }

    def on_delete(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        self._inventory.catalogue.removals.remove(ids.check(image_id))
        resp.media = {"status": "ok", "id": image_id}


class RemoveResource:
    """POST /similarity/remove?id=, for clients that know no DELETE."""

    def __init__(self, removals: Removals) -> None:
        self._removals = removals

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        wanted = required_id(req)
        self._removals.remove(wanted)
        resp.media = {"status": "ok", "id": wanted}


class ThumbnailResource:
    """GET /similarity/images/<id>/thumbnail: the JPEG that is kept."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        if req.if_none_match:  # most who look again need no more than this
            entry = self._images.get(ids.check(image_id))
            if any(known in (_etag(entry), "*") for known in req.if_none_match):
                _head(resp, entry)
                resp.status = falcon.HTTP_304
                return
        entry, jpeg = self._images.with_jpeg(ids.check(image_id))
        _head(resp, entry)
        _file(resp, falcon.MEDIA_JPEG, jpeg)


class OriginalResource:
    """GET /similarity/images/<id>/original: the upload, where it was kept."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        resp.downloadable_as = image_id
        _file(resp, BYTES, self._inventory.original(ids.check(image_id)))


def _etag(entry: ImageRecord) -> falcon.ETag:
    return falcon.ETag(f"{entry.seq}-{entry.sha256[:16]}")


def _head(resp: falcon.Response, entry: ImageRecord) -> None:
    """What a cache is to know of a thumbnail."""
    resp.etag = _etag(entry)
    resp.last_modified = datetime.fromtimestamp(entry.added_at, UTC)
    resp.cache_control = ["private", "no-cache"]  # kept, but asked for: it may be removed


def _file(resp: falcon.Response, kind: str, data: bytes) -> None:
    resp.content_type = kind
    resp.data = data


class AddResource:
    """POST /similarity/add?id=."""

    def __init__(self, ingest: Ingest, max_bytes: int) -> None:
        self._ingest = ingest
        self._max_bytes = max_bytes

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        wanted, overwrite = image_id(req), flag(req, "overwrite")
        upload = read_image(req, self._max_bytes)
        resp.media = {"status": "ok", "id": self._ingest.add(upload, wanted, overwrite)}


class AddBatchResource:
    """POST /similarity/add_batch."""

    def __init__(self, batch: IngestBatch, reader: BatchReader) -> None:
        self._batch = batch
        self._reader = reader

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        outcomes = self._batch.add(self._reader.read(req), flag(req, "overwrite"))
        lines = SpooledLines(self._reader.folder)
        for outcome in outcomes:
            lines.append(_outcome(outcome))
        lines.send(resp)


def _outcome(outcome: Outcome) -> dict[str, Any]:
    """A line of a batch's answer."""
    if outcome.error is None:
        return {"status": "ok", "id": outcome.id, "name": outcome.name}
    return {**failure(outcome.error), "name": outcome.name}
