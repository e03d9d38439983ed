"""What the pages on the client show, against the real stack; its release, its dependency."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from similarity_client.version import VERSION

from local.stack import ROOT, Stack
from tests.support.examples import client_examples

README = (ROOT / "client" / "README.md").read_text()


@pytest.fixture
def folder(collection: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with the files that the examples name."""
    photos = list(collection.values())
    (tmp_path / "photos" / "new").mkdir(parents=True)
    files = ["cat.jpg", "dog.jpg", "photos/one.jpg", "photos/new/two.jpg"]
    for name, photo in zip(files, photos, strict=False):
        (tmp_path / name).write_bytes(photo)
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no image")
    return tmp_path


def run(script: str, folder: Path, url: str) -> str:
    """What a script prints, which must end well; a warning is an error."""
    command = [sys.executable, "-W", "error", "-c", script]
    paths = f"{ROOT / 'client' / 'src'}"
    env = {"SIMILARITY_URL": url, "PYTHONPATH": ":".join([paths, *sys.path])}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_of_the_page_run(served: Stack, folder: Path) -> None:
    blocks = client_examples()
    marked = [f"{block}\nprint('end of block {n}')\n" for n, block in enumerate(blocks)]
    said = run("\n".join(marked), folder, served.url)
    said_by = dict(zip(blocks, re.split(r"end of block \d+\n", said), strict=False))
    assert len(blocks) == len(said_by) == 9
    first, *_, tasks, refused, upload, async_ = said_by.values()
    assert "cat-1 " in first
    assert re.search(r"^\d+ \d+ 1\.0$", tasks, re.M)  # a generation, its images, its recall
    assert "cat-1" in refused
    assert "3 files: 2 added, 0 stored before, 1 failed" in upload
    assert "broken.jpg image_reading_error" in upload
    assert "cat-1" in async_


def test_the_example_of_the_readme_runs(served: Stack, folder: Path) -> None:
    [block] = re.findall(r"```python\n(.*?)```", README, re.S)
    said = run(block.replace("http://127.0.0.1:5000", served.url), folder, served.url)
    assert "cat-1 " in said


def test_a_release_of_the_client_is_one_of_the_service() -> None:
    service = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    client = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]
    assert service["version"] == VERSION
    assert client["dynamic"] == ["version"]
    assert client["license"] == service["license"]
    assert (ROOT / "client" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_client_brings_one_package_and_it_is_pinned() -> None:
    client = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]
    assert [re.split(r"\W", each)[0] for each in client["dependencies"]] == ["httpx2"]
    assert re.search(r"^httpx2==", (ROOT / "constraints.txt").read_text(), re.M)


def test_the_client_says_that_it_has_types() -> None:
    assert (ROOT / "client" / "src" / "similarity_client" / "py.typed").exists()
