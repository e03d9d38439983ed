"""Draws the pages as they look: `make screenshots`, or `python -m docs.screenshots`.

    python -m docs.screenshots --images photos/

A stack of its own with the packaged photos, or with yours, is added to, trained and looked at. Each
screen is drawn at a desk, in the dark and on a phone, into build/screenshots/; the README has one.
"""

import argparse
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from local import photos
from local.browser import browser
from local.stack import ROOT, add_all, running

FOLDER = ROOT / "build" / "screenshots"
README = ROOT / "docs" / "search.png"
ADDED = 1200
FIRST = "chelsea"  # the image that is searched by, if there is one of this name
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
LOOKS = {
    "desk": {"viewport": {"width": 1280, "height": 860}},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2},
}
README_SIZE: ViewportSize = {"width": 1120, "height": 640}
COLOURS = 96  # of the README's: a photo in all colours would be 800 KB
SETTLED_MS = 800  # for thumbnails that have arrived to be drawn


def main() -> None:
    """Draws all screens, and the one of the README."""
    parser = argparse.ArgumentParser(prog="python -m docs.screenshots", description=__doc__)
    parser.add_argument("--images", type=Path, help="a folder of photos; otherwise packaged ones")
    folder = parser.parse_args().images
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as stack, browser() as opened:
        images = dict(_photos(folder))
        add_all(stack, images)
        stack.run("train")
        stack.finish_well(stack.post("/similarity/duplicates").json()["task_id"])
        first = next((name for name in images if name.startswith(FIRST)), next(iter(images)))
        for look in LOOKS:
            _draw(opened, stack.url, look, first)
    print(f"drawn into {FOLDER} and {README}")


def _photos(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    if folder is None:
        yield from photos.variations(ADDED)
        return
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    for path in files[:ADDED]:
        yield ":".join(path.relative_to(folder).with_suffix("").parts), path.read_bytes()


def _draw(opened: Browser, url: str, look: str, image_id: str) -> None:
    """Draws every screen in one of the looks."""
    places = {
        "empty": "search",
        "search": f"search?id={image_id}",
        **{name: name for name in ("images", "duplicates", "index", "models", "tasks", "api")},
    }
    context = opened.new_context(**LOOKS[look])  # type: ignore[arg-type]
    page = context.new_page()
    for name, place in places.items():
        _open(page, f"{url}/ui/#/{place}")
        page.screenshot(path=FOLDER / f"{name}-{look}.png")
    if look == "desk":
        page.set_viewport_size(README_SIZE)
        _open(page, f"{url}/ui/#/search?id={image_id}&num_results=15")
        _smaller(page.screenshot())
    context.close()


def _smaller(png: bytes) -> None:
    """Keeps the README's in few colours."""
    drawn = Image.open(io.BytesIO(png)).convert("RGB")
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(README, optimize=True)


def _open(page: Page, address: str) -> None:
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLED_MS)


if __name__ == "__main__":
    main()
