"""The ids by which clients know their images."""

import re
import secrets

from sidecar.errors import WrongArguments

_RULE = re.compile(r"[\w.:-]{1,255}")


def check(image_id: str) -> str:
    """Give the id back if it keeps the rule.

    Raises:
        WrongArguments: it is not 1 to 255 Unicode letters, digits and `._:-`.
    """
    if not _RULE.fullmatch(image_id):
        raise WrongArguments("an id is 1 to 255 Unicode letters, digits and the characters ._:-")
    return image_id


def random() -> str:
    """A number that nobody has guessed or drawn before, in all likelihood: 63 random bits."""
    return str(secrets.randbits(63))
