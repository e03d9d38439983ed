"""The resources that take a list of ids: which of them are stored, and away with them."""

from typing import Any

import falcon

from sidecar.catalogue import Images, Removals
from sidecar.errors import WrongArguments
from sidecar.http.reading.json_body import read_list, text_of
from sidecar.http.reading.known_params import takes
from sidecar.http.resources.images import ImageResource
from sidecar.images import ids

OWN_NAME = "check"


class CheckResource:
    """Says which images are stored already: POST /similarity/images/check.

    An image may have the id `check`, too: it is looked at and removed here as any other.
    """

    def __init__(self, images: Images, image: ImageResource) -> None:
        self._images = images
        self._image = image

    @takes(body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        entries = read_list(req, '[{"id": "cat", "sha256": "…"}]')
        asked = [_asked(entry, place) for place, entry in enumerate(entries)]
        known = [ids.known(image_id) for image_id, _ in asked]
        stored = self._images.uploads(known)
        states = [
            _state(stored.get(name), sha256) for name, (_, sha256) in zip(known, asked, strict=True)
        ]
        resp.media = _states([image_id for image_id, _ in asked], states)

    @takes("top_k", "keyword_threshold")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._image.on_get(req, resp, OWN_NAME)

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._image.on_delete(req, resp, OWN_NAME)


class RemoveBatchResource:
    """Removes many images: POST /similarity/remove_batch."""

    def __init__(self, removals: Removals) -> None:
        self._removals = removals

    @takes(body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        given = [_id(entry, place) for place, entry in enumerate(read_list(req, '["cat", "dog"]'))]
        removed = self._removals.remove_all([ids.known(image_id) for image_id in given])
        resp.media = _states(given, ["removed" if each else "missing" for each in removed])


def _states(image_ids: list[str], states: list[str]) -> dict[str, Any]:
    answers = [
        {"id": image_id, "state": state} for image_id, state in zip(image_ids, states, strict=True)
    ]
    return {"status": "ok", "images": answers}


def _state(stored: str | None, sha256: str) -> str:
    """Says what an image is beside an upload of this SHA-256: missing, the same, another."""
    if stored is None:
        return "missing"
    return "same" if stored == sha256.lower() else "other"


def _asked(entry: object, place: int) -> tuple[str, str]:
    """Returns the id and the SHA-256 of an entry."""
    if isinstance(entry, dict):
        sha256 = entry.get("sha256")
        if isinstance(sha256, str) and entry.keys() == {"id", "sha256"}:
            return _id(entry["id"], place), sha256
    raise WrongArguments(f"entry {place} must be an object with the texts id and sha256")


def _id(entry: object, place: int) -> str:
    image_id = text_of(entry, place)
    try:
        ids.known(image_id)
    except WrongArguments as error:
        raise WrongArguments(f"entry {place}: {error}") from error
    return image_id
