"""The parameters of a request's query string, each held against its rule.

Every function here raises WrongArguments, naming the parameter and its rule.
"""

import falcon

from sidecar.errors import WrongArguments
from sidecar.images import ids

TOP_K = 10  # keywords, where a request does not say how many


def image_id(req: falcon.Request) -> str | None:
    """The `id`, which later releases of the API spell `image_id`; None where there is none."""
    given = {value for name in ("id", "image_id") if (value := req.get_param(name)) is not None}
    if len(given) > 1:
        raise WrongArguments("id and image_id differ: send one of them")
    return given.pop() if given else None


def required_id(req: falcon.Request) -> str:
    """The `id` of a stored image."""
    given = image_id(req)
    if given is None:
        raise WrongArguments("say which image: id=")
    return ids.check(given)


def whole_number(req: falcon.Request, name: str, most: int, default: int, least: int = 1) -> int:
    """A whole number from `least` to `most`."""
    text = req.get_param(name)
    try:
        value = default if text is None else int(text)
    except ValueError as error:
        raise WrongArguments(f"{name} is a whole number, not {text!r}") from error
    if not least <= value <= most:
        raise WrongArguments(f"{name} is between {least} and {most}, not {value}")
    return value


def flag(req: falcon.Request, name: str) -> bool:
    """`true` or `false`, which is also what it is where there is none."""
    text = req.get_param(name)
    if text not in (None, "true", "false"):
        raise WrongArguments(f"{name} is true or false, not {text!r}")
    return text == "true"


def number(req: falcon.Request, name: str, default: float) -> float:
    """A number of at least 0."""
    text = req.get_param(name)
    try:
        value = default if text is None else float(text)
    except ValueError as error:
        raise WrongArguments(f"{name} is a number, not {text!r}") from error
    if not value >= 0:  # NaN is not, either
        raise WrongArguments(f"{name} is at least 0, not {text}")
    return value
