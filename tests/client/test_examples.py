"""The programs in `examples/`, over the real stack; stack/test_upgrades.py has the upgrade's."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from similarity_client import Similarity

from local import ports
from local.process import stop, wait_until
from local.stack import ROOT, Stack
from tests.support.calls import picture, unused
from tests.support.examples import environment, run_example

EXAMPLES = sorted((ROOT / "examples").glob("[a-z]*.py"))


def test_a_photo_is_added_and_found(served: Stack, tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(picture(900))
    first = run_example("add_and_search.py", tmp_path, served.url, "cat.jpg")
    assert (first.returncode, first.stderr) == (0, "")
    [added] = re.findall(r"^added as (.+)$", first.stdout, re.M)
    assert f"0.0000  {added}" in first.stdout
    assert "by version 1 of the model" in first.stdout
    again = run_example("add_and_search.py", tmp_path, served.url, "cat.jpg")
    assert f"added as {added}\n" in again.stdout


def test_a_folder_is_imported_and_the_rest_of_it_later(served: Stack, tmp_path: Path) -> None:
    (tmp_path / "photos" / "cats").mkdir(parents=True)
    for number in range(3):
        (tmp_path / "photos" / "cats" / f"{number}.JPG").write_bytes(picture(910 + number))
    first = run_example("bulk_import.py", tmp_path, served.url, "photos")
    assert (first.returncode, first.stderr) == (0, "")
    assert "3 files: 3 added, 0 stored before, 0 failed" in first.stdout
    (tmp_path / "photos" / "more.png").write_bytes(picture(913))
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no image")
    again = run_example("bulk_import.py", tmp_path, served.url, "photos")
    assert again.returncode == 1
    assert "5 files: 1 added, 3 stored before, 1 failed" in again.stdout
    assert "broken.jpg: image_reading_error" in again.stderr
    with Similarity(served.url) as similarity:
        found = similarity.search(picture(910), filter={"folder": "cats"}, max_dist=0)
    assert len(found.result) == 1


def test_products_are_searched_by_category_and_price(served: Stack, tmp_path: Path) -> None:
    mark = unused()
    rows = ["id,photo,category,price"]
    kinds = [("shoes", 45), ("shoes", 145), ("boots", 80)]
    for number, (category, price) in enumerate(kinds):
        (tmp_path / f"{number}.jpg").write_bytes(picture(920 + number))
        rows.append(f"{mark}-{number},{number}.jpg,{category},{price}")
    (tmp_path / "products.csv").write_text("\n".join(rows))
    for _ in range(2):
        done = run_example("filters.py", tmp_path, served.url, "products.csv", "0.jpg")
        assert (done.returncode, done.stderr) == (0, "")
        cheap, others, groups = re.split(r"no shoes\n|the nearest of .*\n", done.stdout)
        assert f"0.0000  {mark}-0  shoes  45.00" in cheap
        assert f"{mark}-1" not in cheap
        assert f"{mark}-2  boots  80.00" in others
        assert "shoes" not in others
        assert groups.count(f"{mark}-0  shoes") == 1
        assert "shoes  145" not in groups


def test_the_page_of_a_shop_shows_what_is_like_a_product(
    served: Stack, similarity: Similarity, tmp_path: Path
) -> None:
    name = f"a <b> & {unused()}"
    similarity.add(picture(930), name)
    with shop(served, tmp_path) as url:
        front = requests.get(url, timeout=30)
        assert front.headers["Content-Type"].startswith("text/html")
        links = re.findall(r'href="(/product/[^"]+)"', front.text)
        assert len(links) == 24
        page = requests.get(f"{url}/product/{quote(name)}", timeout=30)
        assert "a &lt;b&gt; &amp; " in page.text
        assert "<b>" not in page.text
        found = similarity.search(id=name, num_results=24).result
        shown = [f"/product/{quote(each, safe='')}" for each in [name, *found]]
        assert re.findall(r'href="(/product/[^"]+)"', page.text) == shown
        [first, *_] = re.findall(r'src="(/photo/[^"]+)"', page.text)
        photo = requests.get(url + first, timeout=30)
        assert photo.content == similarity.thumbnail(name).content
        assert photo.headers["Content-Type"] == "image/jpeg"
        assert requests.get(f"{url}/product/nobody", timeout=30).status_code == 404


@contextmanager
def shop(served: Stack, folder: Path) -> Iterator[str]:
    """The shop, served as its first lines say."""
    [port] = ports.free_ports(1)
    command = [sys.executable, "-m", "uvicorn", "examples.shop:app", "--port", f"{port}"]
    log = folder / "shop.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(served.url), stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return requests.get(url, timeout=30).ok
        except requests.ConnectionError:
            return False

    try:
        wait_until(answers, lambda: f"the shop answers\n{log.read_text()}", 60)
        yield url
    finally:
        stop(process)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_how_it_is_run(path: Path) -> None:
    text = path.read_text()
    if path.stem == "__init__":
        return
    assert len(text.splitlines()) <= 63
    words = text.split('"""')[1]
    assert f"examples/{path.name}" in words or f"examples.{path.stem}" in words
    assert path.name in (ROOT / "examples" / "README.md").read_text()
