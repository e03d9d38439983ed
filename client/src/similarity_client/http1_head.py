"""The head of an answer in HTTP/1.1.

Source: RFC 9112.
"""

from typing import NamedTuple


class BadAnswer(OSError):
    """What came is no answer in HTTP/1.1."""


class Head(NamedTuple):
    """What comes before the content.

    Args:
        headers: by name in small letters.
        closes: whether the connection ends after the content.
    """

    status: int
    headers: dict[str, str]
    closes: bool


def head_of(head: bytes) -> Head:
    """Returns what a head says. Raises BadAnswer: it is none."""
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise BadAnswer(f"it begins with {first[:40]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    closes = version != b"HTTP/1.1" or "close" in headers.get("connection", "").lower()
    return Head(int(rest[:3]), headers, closes)
