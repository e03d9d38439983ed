"""Features as clients send and get them: a list in JSON, or float32 in little-endian bytes."""

import json

import falcon
import numpy as np
from numpy.typing import NDArray

from sidecar.errors import WrongArguments

VECTOR = "vector"
BYTES = "application/octet-stream"
FLOAT = np.dtype("<f4")


def vector(req: falcon.Request) -> NDArray[np.float32] | None:
    """Returns the parameter `vector`, a list of numbers in JSON, as float32 [n]; None without it.

    Raises:
        WrongArguments: it is no such list, or a number in it is not finite.
    """
    text = req.get_param(VECTOR)
    if text is None:
        return None
    try:
        given = json.loads(text)
        if not isinstance(given, list) or not all(type(each) in (int, float) for each in given):
            raise TypeError("no list of numbers")
        found = np.array(given, np.float32)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise WrongArguments(f"vector must be a list of numbers in JSON: {error}") from error
    if not np.isfinite(found).all():
        raise WrongArguments("vector must be of finite numbers")
    return found


def model_version(req: falcon.Request) -> int:
    """Returns the version in the header `X-Model-Version`, by which a vector was made.

    Raises:
        WrongArguments: there is none.
    """
    text = req.get_header("X-Model-Version") or ""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise WrongArguments("send X-Model-Version with a vector, as /predict/features answered it")
    return int(text)


def send(req: falcon.Request, resp: falcon.Response, features: NDArray[np.float32]) -> None:
    """Answers with features, float32 [D]: in JSON, or where the client accepts bytes alone in
    those."""
    resp.set_header("X-Dimension", str(len(features)))
    if req.client_prefers(("application/json", BYTES)) == BYTES:
        resp.content_type = BYTES
        resp.data = features.astype(FLOAT).tobytes()
    else:
        resp.media = {"status": "ok", "features": features.tolist()}
