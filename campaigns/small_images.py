"""Small files of every format that is read, made by code: what the fuzzer damages."""

import io
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sidecar.images import formats

WIDTH, HEIGHT = 48, 32
Y, X = np.mgrid[:HEIGHT, :WIDTH]
PIXELS = np.stack([X * 5, Y * 7, 255 - X * 4], axis=-1).astype(np.uint8)


@cache
def files() -> dict[str, bytes]:
    """Returns a file or several of each format in `formats.NAMES`, by name."""
    kinds = {name: kind for name, (kind, _) in MADE.items()}
    return {name: make() for name, (_, make) in MADE.items() if kinds[name] in formats.NAMES}


def psd(
    channels: Sequence[NDArray[np.uint8]],
    mode: int,
    layers: int = 0,
    **fields: Any,
) -> bytes:
    """Writes a Photoshop document of raw image data.

    Args:
        channels: uint8 [H, W] each.
        mode: of its colours, by Adobe's number.
        layers: how many; negative where the fourth channel is transparency.
        fields: `bits` of a sample, `size` as height and width, `resources` as numbers and data.
    Source: Adobe Photoshop File Formats Specification.
    """
    size = fields.get("size", channels[0].shape)
    header = b"8BPS" + struct.pack(
        ">H6xHIIHH", 1, len(channels), *size, fields.get("bits", 8), mode
    )
    resources = b"".join(
        b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\x00" * (len(data) & 1)
        for number, data in fields.get("resources", [])
    )
    information = struct.pack(">Ih2x", 4, layers) if layers else b""
    body = struct.pack(">II", 0, len(resources)) + resources
    body += struct.pack(">I", len(information)) + information + struct.pack(">H", 0)
    return header + body + b"".join(channel.tobytes() for channel in channels)


def _maker(kind: str, mode: str = "RGB", **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        _image(mode).save(out, kind, **options)
        return out.getvalue()

    return make


def _image(mode: str) -> Image.Image:
    image = Image.fromarray(PIXELS)
    if mode == "RGBA":
        image.putalpha(Image.fromarray((Y * 8).astype(np.uint8)))
        return image
    if mode == "I;16":
        return Image.fromarray((X * 1300).astype(np.uint16))
    return image.convert(mode)


def _icon() -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS[:32, :32]).save(out, "ICO", sizes=[(32, 32)], bitmap_format="bmp")
    return out.getvalue()


def _animation() -> bytes:
    out = io.BytesIO()
    frames = [Image.fromarray(PIXELS[top:]).quantize() for top in (0, 4)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


def _jpeg_xl() -> bytes:
    import pillow_jxl  # noqa: F401  (it can write JPEG XL then)

    from sidecar.images.formats import jxl

    written = _maker("JXL")()
    jxl.register()
    return written


def _exif() -> Mapping[str, Any]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"exif": exif}


MADE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "rgb.jpeg": ("JPEG", _maker("JPEG", **_exif())),
    "progressive.jpeg": ("JPEG", _maker("JPEG", progressive=True)),
    "cmyk.jpeg": ("JPEG", _maker("JPEG", "CMYK")),
    "rgb.png": ("PNG", _maker("PNG", **_exif())),
    "palette.png": ("PNG", _maker("PNG", "P", transparency=3)),
    "deep.png": ("PNG", _maker("PNG", "I;16")),
    "rgba.webp": ("WEBP", _maker("WEBP", "RGBA")),
    "lossless.webp": ("WEBP", _maker("WEBP", lossless=True)),
    "animation.gif": ("GIF", _animation),
    "rgb.bmp": ("BMP", _maker("BMP")),
    "palette.bmp": ("BMP", _maker("BMP", "P")),
    "raw.tiff": ("TIFF", _maker("TIFF")),
    "lzw.tiff": ("TIFF", _maker("TIFF", "RGBA", compression="tiff_lzw")),
    "jpeg.tiff": ("TIFF", _maker("TIFF", compression="jpeg")),
    "fax.tiff": ("TIFF", _maker("TIFF", "1", compression="group4")),
    "rgba.avif": ("AVIF", _maker("AVIF", "RGBA", speed=10)),
    "rgb.jp2": ("JPEG2000", _maker("JPEG2000")),
    "rgb.psd": ("PSD", lambda: psd(list(np.moveaxis(PIXELS, -1, 0)), 3, layers=2)),
    "bitmap.ico": ("ICO", _icon),
    "png.ico": ("ICO", _maker("ICO", "RGBA", sizes=[(32, 32)])),
    "runs.tga": ("TGA", _maker("TGA", "RGBA", compression="tga_rle")),
    "rgb.heif": ("HEIF", _maker("HEIF")),
    "rgb.jxl": ("JXL", _jpeg_xl),
}
