"""The calls that search."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from similarity_client.answers import Features, Found, FoundBatch, FoundLine, Keyword, Match
from similarity_client.answers.meta import made, meta, part
from similarity_client.bodies import of_form, of_json
from similarity_client.calls.making import params, with_image
from similarity_client.calls.many import Photos, file_parts
from similarity_client.calls.options import BatchOptions, SearchOptions
from similarity_client.errors import error_of
from similarity_client.photo import Photo
from similarity_client.request import Reply, Request

SEARCH, BATCH = "/similarity/search", "/similarity/search_batch"
NAMES_OR_IDS = "search_batch takes ids, or photos="


def search(
    photo: Photo | None = None,
    *,
    id: str | None = None,  # noqa: A002 - the service's name of it
    vector: Features | Sequence[float] | None = None,
    model_version: int | None = None,
    **options: Unpack[SearchOptions],
) -> Request[Found]:
    """Finds the images most like another one.

    Args:
        photo: a path, bytes, an open file, or an image of Pillow.
        id: of a stored image, in its place; it is left out itself.
        vector: features, in its place, as `features` answers them.
        model_version: by which other numbers than such an answer were made.
        options: as SearchOptions has them: num_results, nprob, max_dist, filter, order, offset,
            group_by, group_size, fields, probability, box, timeout.
    """
    if sum(given is not None for given in (photo, id, vector)) != 1:
        raise TypeError("search takes one of photo, id and vector")
    timeout = options.pop("timeout", None)
    query: Mapping[str, str] = params(**options)
    if id is not None:
        return Request("GET", SEARCH, found, {"id": id, **query}, timeout=timeout)
    if photo is not None:
        query, body = with_image(photo, query)
        return Request("POST", SEARCH, found, query, body=body, timeout=timeout)
    headers, numbers = {}, vector
    if isinstance(numbers, Features):
        model_version = numbers.meta.model_version if model_version is None else model_version
        numbers = numbers.features
    if model_version is not None:
        headers["X-Model-Version"] = str(model_version)
    fields = [*query.items(), ("vector", f"[{','.join(map(repr, map(float, numbers or ())))}]")]
    body = of_form(fields, [])
    return Request("POST", SEARCH, found, {}, headers, body, timeout=timeout)


def found(reply: Reply) -> Found:
    """Returns what a search found."""
    answer = reply.json()
    matches = answer.get("matches")
    rows = None if matches is None else tuple(map(_match, matches))
    return made(Found, answer, matches=rows, meta=meta(reply))


def _match(row: dict[str, Any]) -> Match:
    keywords = part(row, "keywords")
    named = None if keywords is None else tuple(made(Keyword, each) for each in keywords)
    return made(Match, row, keywords=named)


def search_batch(
    ids: Iterable[str] | None = None,
    *,
    photos: Photos | None = None,
    **options: Unpack[BatchOptions],
) -> Request[FoundBatch]:
    """Searches with up to 1,000 images in one call; one that fails hinders no other.

    Args:
        ids: of stored images; each is left out of what it finds.
        photos: in their place, images by a name of each, or paths.
        options: as BatchOptions has them: num_results, nprob, max_dist, filter, order, box,
            timeout.
    """
    if (ids is None) == (photos is None):
        raise TypeError(NAMES_OR_IDS)
    timeout = options.pop("timeout", None)
    query = params(**options)
    if photos is not None:
        body = of_form(list(query.items()), file_parts(photos))
        return Request("POST", BATCH, _batch, body=body, timeout=timeout)
    if isinstance(ids, str):
        raise TypeError(NAMES_OR_IDS)
    body = of_json(list(ids or ()))
    return Request("POST", BATCH, _batch, query, body=body, timeout=timeout)


def _batch(reply: Reply) -> FoundBatch:
    return FoundBatch(tuple(map(_line, reply.lines())), meta(reply))


def _line(line: dict[str, Any]) -> FoundLine:
    error = None if line.get("status") == "ok" else error_of(line)
    query = str(line.get("id", line.get("name", "")))
    score = None if (given := line.get("score")) is None else tuple(given)
    dist, result = tuple(line.get("dist", ())), tuple(line.get("result", ()))
    return FoundLine(query, dist, result, error, score)
