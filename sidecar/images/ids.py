"""The ids under which clients add and find their images."""

import re
import secrets

from sidecar.errors import WrongArguments

_RULE = re.compile(r"[\w.:-]{1,255}")


def check(image_id: str) -> str:
    """Returns the id if it keeps the rule.

    Raises:
        WrongArguments: it is not 1 to 255 Unicode letters, digits and `._:-`.
    """
    if not _RULE.fullmatch(image_id):
        raise WrongArguments("an id is 1 to 255 Unicode letters, digits and the characters ._:-")
    return image_id


def random() -> str:
    """Draws an id: a number of 63 random bits, which hardly anybody has drawn or can guess."""
    return str(secrets.randbits(63))
