"""The thumbnails of a page: what was searched with, and what was found."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from similarity_client import Similarity
from similarity_client.answers import Found
from similarity_client.cli.examples import Query
from similarity_client.cli.page import Tile
from similarity_client.errors import UnknownImageId
from similarity_client.photo import Photo, source

AT_ONCE = 8
GIVEN = "searched with"


def tiles(client: Similarity, query: Query, found: Found) -> Iterator[Tile]:
    """Yields the images that were searched with, then those that were found, in their order."""
    for photo in query.likes:
        yield _given(client, photo)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = (f"{dist:.4f}" for dist in found.dist)
        yield from pool.map(lambda name, dist: _stored(client, name, dist), found.result, said)


def _given(client: Similarity, photo: Photo) -> Tile:
    if isinstance(photo, str):
        return _stored(client, photo, GIVEN)
    file = source(photo)
    return Tile(Path(file.name).name or "stdin", GIVEN, file.read(), file.kind)


def _stored(client: Similarity, name: str, said: str) -> Tile:
    try:
        file = client.thumbnail(name)
    except UnknownImageId:  # it was removed just now
        return Tile(name, said, None)
    return Tile(name, said, file.content, file.kind)
