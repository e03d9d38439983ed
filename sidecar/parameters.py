"""The parameters of a request's query string, each held against its rule.

Every function here raises WrongArguments, naming the parameter and its rule.
"""

import falcon

from sidecar.errors import WrongArguments


def image_id(req: falcon.Request) -> str | None:
    """The `id`, which later releases of the API spell `image_id`; None where there is none."""
    given = {value for name in ("id", "image_id") if (value := req.get_param(name)) is not None}
    if len(given) > 1:
        raise WrongArguments("id and image_id differ: send one of them")
    return given.pop() if given else None


def whole_number(req: falcon.Request, name: str, most: int, default: int) -> int:
    """A whole number from 1 to `most`."""
    text = req.get_param(name)
    try:
        value = default if text is None else int(text)
    except ValueError as error:
        raise WrongArguments(f"{name} is a whole number, not {text!r}") from error
    if not 1 <= value <= most:
        raise WrongArguments(f"{name} is between 1 and {most}, not {value}")
    return value


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
