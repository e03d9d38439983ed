"""A page of what a search found, in one file: thumbnails as data, styles, no script."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2rem }}
main {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)) }}
figure {{ margin: 0; overflow-wrap: anywhere }}
img {{ width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: .4rem; background: #8883 }}
small {{ display: block; opacity: .7 }}
</style>
</head>
<body>
<h1>{title}</h1>
<main>
"""
FOOT = "</main>\n</body>\n</html>\n"


@dataclass(frozen=True, slots=True)
class Tile:
    """One image of the page.

    Args:
        name: below it.
        said: smaller, below that.
        content: of a file that a browser shows; None where there is none any more.
        kind: its Content-Type.
    """

    name: str
    said: str
    content: bytes | None
    kind: str = "image/jpeg"


def page(title: str, tiles: Iterable[Tile]) -> str:
    """Returns the page. Names may have any characters."""
    return HEAD.format(title=escape(title)) + "".join(map(_figure, tiles)) + FOOT


def _figure(tile: Tile) -> str:
    name, said = escape(tile.name), escape(tile.said)
    data = "" if tile.content is None else b64encode(tile.content).decode()
    source = f"data:{escape(tile.kind)};base64,{data}"
    return (
        f'<figure><img src="{source}" alt="{name}">'
        f"<figcaption>{name}<small>{said}</small></figcaption></figure>\n"
    )
