"""The bodies that the fuzzer sends: images, forms, archives, and what only looks like them."""

import io
import json
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from PIL import Image

BOUNDARY = b"cut-here"
TEXTS = (
    *("", " ", "0", "1", "-1", "5", "0.5", "1e400", "nan", "inf", "9" * 40, "١٢", "true", "false"),
    *("0,0,1,1", "0.2,0.1,0.5,0.5", "0.9,0,0.2,1", "0,0,1e-9,1e-9", "0,0,nan,1", "1,1,1"),
    *("first-1", "first-2", "first-900", "cat", "cat-1", "é", "e\u0301", "猫", "नमस्ते", "😀"),
    *(".", "..", "../etc", "a/b", "a b", "a%2fb", "{image_id}", "'; DROP TABLE images; --", "<b>"),
    *("a\x00b", "a\nb", "a\r\nX-Other: b", "\x7f\x1b[2J", "\ufeff", "\u202e"),
    *("x" * 255, "x" * 256, "y" * 4000),
)
NAMES = ("id", "ID", "data", "image", "overwrite", "num_results", "é", "", "x" * 300, "a b")
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
FILE_NAMES = ("cat.jpg", "cat-2.png", "a/b.jpg", "._cat.jpg", ".", "..", "", "é.jpg", "猫.webp")
ODD_TYPES = (b"", b"application/json", b"image/jpeg", b"multipart/form-data; boundary=")


@dataclass(frozen=True)
class Body:
    """The bytes of a body, and the type that its header says."""

    content: bytes
    kind: bytes


def text(chance: Random) -> str:
    """Draws the value of a parameter or a piece of a path."""
    return chance.choice(TEXTS)


def body(chance: Random, names: Iterable[str], files: bool) -> Body:
    """Draws a body.

    Args:
        names: the parameters of the call.
        files: whether the call takes files.
    """
    kinds = [_nothing, _urlencoded, _form, _noise, _json]
    if files:
        kinds += [_form] * 6 + [_raw_image] * 2 + [_archive]
    return chance.choice(kinds)(chance, [*names, *NAMES])


def image(chance: Random) -> bytes:
    """Draws an image, one in five damaged."""
    out = io.BytesIO()
    size = chance.choice(((1, 1), (8, 8), (40, 30), (64, 64), (300, 2), (200, 200)))
    mode = chance.choice(("RGB", "RGB", "L", "1"))
    Image.new(mode, size, chance.randrange(2)).save(out, chance.choice(FORMATS))
    content = bytearray(out.getvalue())
    damage = chance.random()
    if damage < 0.1:
        return bytes(content[: chance.randrange(len(content))])
    if damage < 0.2:
        for _ in range(chance.randint(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def _nothing(chance: Random, names: list[str]) -> Body:
    return Body(b"", chance.choice((b"", b"application/json", b"multipart/form-data")))


def _noise(chance: Random, names: list[str]) -> Body:
    return Body(chance.randbytes(chance.choice((1, 100, 5000))), chance.choice(ODD_TYPES))


def _json(chance: Random, names: list[str]) -> Body:
    """Draws what a call that takes lists may get."""
    entries = [_entry(chance, names) for _ in range(chance.choice((0, 1, 2, 30, 1001)))]
    named = {chance.choice(("like", "unlike", "ids")): entries, chance.choice(names): text(chance)}
    content = json.dumps(entries if chance.random() < 0.7 else named).encode()
    if chance.random() < 0.1:
        content = content[: chance.randrange(len(content))]
    return Body(content, chance.choice((b"application/json", b"application/x-www-form-urlencoded")))


def _entry(chance: Random, names: list[str]) -> object:
    pair = {"id": text(chance), "sha256": text(chance)}
    more = pair | {chance.choice(names): text(chance)}
    return chance.choice((text(chance), text(chance), pair, pair, more, None, 7, [text(chance)]))


def _urlencoded(chance: Random, names: list[str]) -> Body:
    fields = (f"{chance.choice(names)}={quote(text(chance))}" for _ in range(chance.randint(0, 4)))
    content = "&".join(fields).encode()
    if chance.random() < 0.2:
        content += b"&id=\xff\xfe%zz%f"
    return Body(content, b"application/x-www-form-urlencoded")


def _raw_image(chance: Random, names: list[str]) -> Body:
    return Body(image(chance), chance.choice((b"image/jpeg", b"Image/PNG; x=y", b"image/")))


def _archive(chance: Random, names: list[str]) -> Body:
    content = chance.choice((_tar, _zip))(chance)
    if chance.random() < 0.3:
        content = content[: chance.randrange(len(content))]
    return Body(content, b"application/octet-stream")


def _tar(chance: Random) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for _ in range(chance.randint(0, 3)):
            member = tarfile.TarInfo(chance.choice(FILE_NAMES) or "none")
            member.type = chance.choice((tarfile.REGTYPE,) * 4 + (tarfile.SYMTYPE, tarfile.DIRTYPE))
            content = image(chance) if member.isreg() else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _zip(chance: Random) -> bytes:
    out = io.BytesIO()
    method = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(out, "w", method) as archive:
        for number in range(chance.randint(0, 3)):
            archive.writestr(f"{number}{chance.choice(FILE_NAMES)}", image(chance))
    return out.getvalue()


def _form(chance: Random, names: list[str]) -> Body:
    parts = [_field(chance, names) for _ in range(chance.choice((0, 1, 1, 2)))]
    parts += [_file(chance) for _ in range(chance.choice((0, 1, 1, 1, 2, 5)))]
    chance.shuffle(parts)
    end = b"--" + BOUNDARY + b"--\r\n"
    content = b"".join(parts) + (end if chance.random() < 0.9 else b"")
    kind = chance.choice((b"multipart/form-data", b"Multipart/Form-Data"))
    boundary = BOUNDARY if chance.random() < 0.95 else chance.choice((b"other", b"", b"x" * 99))
    return Body(content, kind + b'; boundary="' + boundary + b'"')


def _field(chance: Random, names: list[str]) -> bytes:
    return _part(chance.choice(names).encode(), None, text(chance).encode())


def _file(chance: Random) -> bytes:
    name = chance.choice(FILE_NAMES)
    encoded = name.encode(chance.choice(("utf-8", "utf-16")) if chance.random() < 0.1 else "utf-8")
    archived = chance.random() < 0.1
    content = chance.choice((_tar, _zip))(chance) if archived else image(chance)
    others = (b"other_data", b"like", b"unlike", b"image")
    field = b"data" if chance.random() < 0.8 else chance.choice(others)
    return _part(field, encoded, content)


def _part(name: bytes, file: bytes | None, content: bytes) -> bytes:
    named = b'; filename="' + file + b'"' if file is not None else b""
    head = b'Content-Disposition: form-data; name="' + name + b'"' + named
    return b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"
