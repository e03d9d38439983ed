"""The HTTP resources of stored images: list, look at, remove."""

from dataclasses import asdict
from datetime import UTC, datetime

import falcon

from sidecar import ids
from sidecar.catalogue import Entries, Removals
from sidecar.inventory import Inventory
from sidecar.keywords import Keywords
from sidecar.parameters import TOP_K, required_id, whole_number
from sidecar.settings import MOST_RESULTS

IDS, MOST_IDS = 1000, 10_000  # of a page
MOST_IMAGES = 2**63 - 1
BYTES = "application/octet-stream"


class ImagesResource:
    """GET /similarity/images?after=&limit=."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        after = whole_number(req, "after", MOST_IMAGES, 0, least=0)
        limit = whole_number(req, "limit", MOST_IDS, IDS)
        page = self._entries.page(after, limit)
        following = page[-1][0] if len(page) == limit else None
        resp.media = {"status": "ok", "ids": [name for _, name in page], "next": following}


class ImageResource:
    """GET and DELETE /similarity/images/<id>."""

    def __init__(self, inventory: Inventory, keywords: Keywords) -> None:
        self._inventory = inventory
        self._keywords = keywords

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        top_k = whole_number(req, "top_k", MOST_RESULTS, TOP_K)
        entry, indexed = self._inventory.describe(ids.check(image_id))
        jpeg = self._inventory.catalogue.entries.jpeg(image_id)
        found, _ = self._keywords.of_stored(jpeg, top_k)
        resp.media = {
            "status": "ok",
            "id": entry.id,
            "added_at": entry.added_at,
            "sha256": entry.sha256,
            "versions": entry.versions,
            "indexed": indexed,
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

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        entry = self._entries.get(ids.check(image_id))
        etag = falcon.ETag(f"{entry.seq}-{entry.sha256[:16]}")
        resp.etag = etag
        resp.last_modified = datetime.fromtimestamp(entry.added_at, UTC)
        resp.cache_control = ["private", "no-cache"]  # kept, but asked for: it may be removed
        if any(known in (etag, "*") for known in req.if_none_match or []):
            resp.status = falcon.HTTP_304
            return
        _file(resp, falcon.MEDIA_JPEG, self._entries.jpeg(image_id))


class OriginalResource:
    """GET /similarity/images/<id>/original: the upload, where it was kept."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        resp.downloadable_as = image_id
        _file(resp, BYTES, self._inventory.original(ids.check(image_id)))


def _file(resp: falcon.Response, kind: str, data: bytes) -> None:
    resp.content_type = kind
    resp.data = data
