"""The ids under which clients add and find their images."""

import re
import secrets
import unicodedata

from sidecar.errors import WrongArguments

MOST_CHARACTERS = 255
MOST_PARTS = 4  # that NFC makes into one character
RULE = (
    f"an id is 1 to {MOST_CHARACTERS} letters, digits, marks, symbols and spaces, "
    "without / \\ ? # %, without a space at either end, and neither . nor .."
)
_KINDS = ("L", "M", "N", "P", "S", "Zs")  # of Unicode's categories; all others are invisible
_JOINERS = "\u200c\u200d"  # Indic and Persian words and some emoji need them
_REFUSED = "/\\?#%\ufffd"  # URLs and proxies read the first five; the last stands for broken UTF-8
_PLAIN = re.compile(r"[\w.:-]{1,255}")  # the whole rule of older releases
_FOLDERS = (".", "..")  # a client takes these out of a URL


def check(image_id: str) -> str:
    """Returns an id in NFC, if it keeps the rule: the same text written in two ways is one id.

    Raises:
        WrongArguments: it does not; the text has the rule.
    """
    if len(image_id) > MOST_CHARACTERS * MOST_PARTS:  # to compose those would take long
        raise WrongArguments(RULE)
    composed = unicodedata.normalize("NFC", image_id)
    if not _keeps_rule(composed):
        raise WrongArguments(RULE)
    return composed


def is_settled(image_id: str) -> bool:
    """Returns whether `check` gives an id back as it is."""
    return unicodedata.is_normalized("NFC", image_id) and _keeps_rule(image_id)


def known(image_id: str) -> str:
    """Returns the id of an image that may be stored: one that `check` lets pass in NFC, and one of
    an older release as it is.

    Raises:
        WrongArguments: it can be neither.
    """
    return image_id if _PLAIN.fullmatch(image_id) else check(image_id)


def spellings(image_id: str) -> list[str]:
    """Returns under which ids an image may be stored that is looked for: as it is, then in NFC.

    Older releases stored an id as it came. That is another one only for a few letters, such as
    those of Korean in parts.
    """
    return list(dict.fromkeys((image_id, unicodedata.normalize("NFC", image_id))))


def random() -> str:
    """Draws an id: a number of 63 random bits, which hardly anybody has drawn or can guess."""
    return str(secrets.randbits(63))


def _keeps_rule(text: str) -> bool:
    if _PLAIN.fullmatch(text):  # nearly all are
        return text not in _FOLDERS
    is_long = not 1 <= len(text) <= MOST_CHARACTERS
    return not is_long and text == text.strip() and all(map(_is_allowed, text))


def _is_allowed(character: str) -> bool:
    if character in _REFUSED:
        return False
    return character in _JOINERS or unicodedata.category(character).startswith(_KINDS)
