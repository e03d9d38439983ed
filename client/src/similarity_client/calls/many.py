"""The calls about many images at once, and those that list them."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Literal, TypeAlias

from similarity_client.answers import (
    AddedLine,
    Batch,
    KeywordCount,
    KeywordCounts,
    Listed,
    Page,
    State,
    States,
)
from similarity_client.answers.meta import made, meta, part
from similarity_client.bodies import FilePart, compact, of_form, of_json
from similarity_client.calls.making import FIELD, params
from similarity_client.errors import error_of
from similarity_client.photo import Photo, source
from similarity_client.request import Reply, Request

METADATA = "metadata"
ENDING = ".image"  # which the service takes away again

Order: TypeAlias = Literal["oldest", "newest"]
Photos = Mapping[str, Photo] | Iterable[Photo]


def add_batch(
    photos: Photos,
    *,
    overwrite: bool = False,
    metadata: Mapping[str, Mapping[str, Any]] | None = None,
    id_from: Literal["name", "path"] | None = None,
    timeout: float | None = None,
) -> Request[Batch]:
    """Adds many images in one call. `upload` is for more than a few hundred.

    Args:
        photos: images by their ids; or paths, whose names are the ids, tar and zip files too.
        metadata: what is said of images, by id.
        id_from: `path` makes the folders part of an id, with colons between.
    """
    files = file_parts(photos)
    if metadata is not None:
        lines = [compact({"id": name, METADATA: dict(said)}) for name, said in metadata.items()]
        content = source("\n".join(lines).encode())
        files.insert(0, FilePart(METADATA, f"{METADATA}.jsonl", content))
    fields = params(overwrite=overwrite or None, id_from=id_from)
    body = of_form(list(fields.items()), files)

    def parse(reply: Reply) -> Batch:
        """Returns the lines of images, and those of metadata that failed."""
        lines = (_added(line, id_from) for line in reply.lines())
        return Batch(tuple(line for line in lines if line.id or line.error), meta(reply))

    return Request("POST", "/similarity/add_batch", parse, body=body, timeout=timeout)


def file_parts(photos: Photos) -> list[FilePart]:
    """Returns images as the files of a form: by their ids, or by their own names.

    Raises:
        OSError, TypeError: one is none.
        ValueError: one has no name.
    """
    if isinstance(photos, Mapping):
        return [FilePart(FIELD, f"{name}{ENDING}", source(photo)) for name, photo in photos.items()]
    files = [source(photo) for photo in photos]
    if not all(file.name for file in files):
        raise ValueError("images without a name need ids: send a mapping of ids to images")
    return [FilePart(FIELD, file.name.lstrip("/"), file) for file in files]


def _added(line: dict[str, Any], id_from: str | None) -> AddedLine:
    name = str(line.get("name", ""))
    if line.get("status") == "ok":
        return AddedLine(name, line.get("id"), False, None)
    if line.get("identical") is not True:
        return AddedLine(name, None, False, error_of(line))
    path = PurePosixPath(name)  # the line of an error does not say the id
    folders = path.parts[:-1] if id_from == "path" else ()
    return AddedLine(name, ":".join([*folders, path.stem]), True, None)


def check(images: Mapping[str, str], *, timeout: float | None = None) -> Request[States]:
    """Says which images are stored: `missing`, the `same` upload, or an `other` one.

    Args:
        images: the SHA-256 of each file (`sha256_of`) by the id of its image, 1,000 at most.
    """
    entries = [{"id": name, "sha256": sha256} for name, sha256 in images.items()]
    path = "/similarity/images/check"
    return Request("POST", path, _states, body=of_json(entries), timeout=timeout)


def remove_batch(ids: Iterable[str], *, timeout: float | None = None) -> Request[States]:
    """Removes up to 1,000 images in one commit. After a lost answer, those that an earlier attempt
    removed are `missing`."""
    path, body = "/similarity/remove_batch", of_json(list(ids))
    return Request("POST", path, _states, body=body, timeout=timeout)


def _states(reply: Reply) -> States:
    images = tuple(made(State, each) for each in part(reply.json(), "images"))
    return States(images, meta(reply))


def images_page(
    *,
    keyword: str | None = None,
    min_score: float | None = None,
    order: Order | None = None,
    after: int | str | None = None,
    limit: int | None = None,
    timeout: float | None = None,
) -> Request[Page]:
    """Gets one page of the images, in the order they were added, or the newest first; with
    `keyword`, of those that have it, the highest score first. `images` goes through all pages."""
    query = params(keyword=keyword, min_score=min_score, order=order, after=after, limit=limit)
    return Request("GET", "/similarity/images", _page, query, timeout=timeout)


def _page(reply: Reply) -> Page:
    answer = reply.json()
    ids = part(answer, "ids")
    scores = answer.get("scores", [None] * len(ids))
    images = tuple(map(Listed, ids, scores))
    return Page(images, part(answer, "next"), meta(reply))


def keywords(
    *, prefix: str | None = None, limit: int | None = None, timeout: float | None = None
) -> Request[KeywordCounts]:
    """Lists the keywords that images have, the most frequent first."""
    query = params(prefix=prefix, limit=limit)
    return Request("GET", "/similarity/keywords", _counts, query, timeout=timeout)


def _counts(reply: Reply) -> KeywordCounts:
    answer = reply.json()
    counts = tuple(made(KeywordCount, each) for each in part(answer, "keywords"))
    return made(KeywordCounts, answer, keywords=counts, meta=meta(reply))
