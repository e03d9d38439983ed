"""The bodies of requests: JSON, one image, or a form of fields and files."""

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from similarity_client.photo import Source
from similarity_client.request import Body

ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\", "\r": "%0D", "\n": "%0A"})


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a form.

    Args:
        field: its name in the form.
        name: of the file.
    """

    field: str
    name: str
    source: Source


def of_json(value: object) -> Body:
    """Returns a value in JSON. Raises TypeError, ValueError: it is none."""
    content = compact(value).encode()
    return Body("application/json", len(content), lambda: content)


def of_image(photo: Source) -> Body:
    """Returns an image as the whole body. Raises OSError."""
    content = photo.read()
    return Body(photo.kind, len(content), lambda: content)


def of_file(photo: Source, kind: str) -> Body:
    """Returns a file as the whole body, read while it is sent."""
    return Body(kind, photo.size, photo.pieces)


def of_form(fields: Sequence[tuple[str, str]], files: Sequence[FilePart]) -> Body:
    """Returns a multipart form; files are read while they are sent, one after the other.

    Source: RFC 7578.
    """
    boundary = secrets.token_hex(16)
    heads = [_head(boundary, name) + value.encode() for name, value in fields]
    parts = [(_head(boundary, part.field, part), part.source) for part in files]
    end = f"--{boundary}--\r\n".encode()
    length = sum(len(head) + 2 for head in heads) + len(end)
    length += sum(len(head) + photo.size + 2 for head, photo in parts)

    def make() -> Iterator[bytes]:
        for head in heads:
            yield head + b"\r\n"
        for head, photo in parts:
            yield head
            yield from photo.pieces()
            yield b"\r\n"
        yield end

    return Body(f"multipart/form-data; boundary={boundary}", length, make)


def compact(value: object) -> str:
    """Returns a value in JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def text(value: Any) -> str:
    """Returns a parameter as the service reads it: `true`, a box as four numbers, JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return compact(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)


def _head(boundary: str, field: str, part: FilePart | None = None) -> bytes:
    """Returns the head of a part. What would end a name early is escaped, and a name that is not
    UTF-8 goes as it is on the disk."""
    said = f'form-data; name="{field}"'
    if part is not None:
        name = part.name.translate(ESCAPED)
        said += f'; filename="{name}"\r\nContent-Type: application/octet-stream'
    return f"--{boundary}\r\nContent-Disposition: {said}\r\n\r\n".encode(errors="surrogateescape")
