"""What the descriptions of calls share: parameters, paths, images with parameters."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from similarity_client.bodies import FilePart, of_form, of_image, text
from similarity_client.photo import Photo, source
from similarity_client.request import Body

FIELD = "data"
LONGEST_QUERY = 2000  # characters; proxies and the service refuse a line of some 8,000


def params(**given: Any) -> dict[str, str]:
    """Returns those of some parameters that are given, as the service reads them."""
    return {name: text(value) for name, value in given.items() if value is not None}


def path_of(image_id: str, rest: str = "") -> str:
    """Returns the path of a stored image."""
    return f"/similarity/images/{quote(image_id, safe='')}{rest}"


def _is_short(given: Mapping[str, str]) -> bool:
    """Says whether parameters have room in a query; a character may become twelve there."""
    if 12 * sum(len(name) + len(value) + 1 for name, value in given.items()) <= LONGEST_QUERY:
        return True
    return len(urlencode(given)) <= LONGEST_QUERY


def with_image(photo: Photo, given: Mapping[str, str]) -> tuple[Mapping[str, str], Body]:
    """Returns the query and the body of a call with one image: the image alone is the body, unless
    the parameters are too long for a query.

    Raises:
        OSError, TypeError: there is no such image.
    """
    file = source(photo)
    if _is_short(given):
        return given, of_image(file)
    held = source(file.read())  # so that nothing can go wrong with the file later
    return {}, of_form(list(given.items()), [FilePart(FIELD, "image", held)])
