"""Reads the parameters of a query string, each by its rule.

Every function here raises WrongArguments, which names the parameter and its rule.
"""

from collections.abc import Collection

import falcon

from sidecar.errors import WrongArguments
from sidecar.images import ids

TOP_K = 10  # keywords, where a request does not say how many


def image_id(req: falcon.Request) -> str | None:
    """Returns the `id`, which later releases of the API spell `image_id`; None without either."""
    given = {value for name in ("id", "image_id") if (value := req.get_param(name)) is not None}
    if len(given) > 1:
        raise WrongArguments("id and image_id differ: send one of them")
    return given.pop() if given else None


def required_id(req: falcon.Request) -> str:
    """Returns the `id` of a stored image."""
    given = image_id(req)
    if given is None:
        raise WrongArguments("send the id of an image: id=ID")
    return ids.known(given)


def whole_number(req: falcon.Request, name: str, most: int, default: int, least: int = 1) -> int:
    """Returns a whole number from `least` to `most`."""
    text = req.get_param(name)
    try:
        value = default if text is None else int(text)
    except ValueError as error:
        raise WrongArguments(f"{name} must be a whole number, not {text!r}") from error
    if not least <= value <= most:
        raise WrongArguments(f"{name} must be from {least} to {most}, not {value}")
    return value


def flag(req: falcon.Request, name: str) -> bool:
    """Returns whether a parameter is `true` or `1`; one that is not sent is `false`."""
    text = req.get_param(name)
    if text not in (None, "true", "false", "1", "0"):
        raise WrongArguments(f"{name} must be true or false, not {text!r}")
    return text in ("true", "1")


def choice(req: falcon.Request, name: str, options: Collection[str], default: str) -> str:
    """Returns one of a few words."""
    given = req.get_param(name) or default
    if given not in options:
        raise WrongArguments(f"{name} must be {' or '.join(options)}, not {given!r}")
    return given


def number(req: falcon.Request, name: str, default: float) -> float:
    """Returns a number of at least 0."""
    text = req.get_param(name)
    try:
        value = default if text is None else float(text)
    except ValueError as error:
        raise WrongArguments(f"{name} must be a number, not {text!r}") from error
    if not value >= 0:  # refuses NaN, too
        raise WrongArguments(f"{name} must be at least 0, not {text}")
    return value
