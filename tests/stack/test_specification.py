"""The specification's messages, and its two Python scripts as they stand but for the port."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from local.stack import Stack, running

buffer = io.BytesIO()
Image.new("L", (64, 64), 128).save(buffer, "PNG")
GREY = buffer.getvalue()

ADDING = """
from multiprocessing import Pool
import requests

def add_sample(img_path, ID):
    with open(img_path, 'rb') as image:
        data = {'data': image}
        r = requests.post('http://127.0.0.1:5000/similarity/add?id=%s' % ID, files=data).json()
    return r

pool = Pool(50)
results = pool.starmap(add_sample, images)
pool.close()
pool.join()
"""

SEARCHING = """
import requests

def search(img_path):
    with open(img_path, 'rb') as image:
        data = {'data': image}
        r = requests.post('http://127.0.0.1:5000/similarity/search', files=data).json()
    return r

results = [search(path) for path, ID in images]
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, collection: dict[str, bytes]) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, file in collection.items():
        (folder / f"{name}.jpg").write_bytes(file)
    return folder


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("fresh")
    with running(folder, MODEL_REPOSITORY=str(tiny), LIVE_SEARCH="0") as stack:
        yield stack


def run(script: str, photos: Path, stack: Stack, every: int = 1) -> list[dict[str, object]]:
    """Run a script over (path, id) pairs, all or every so many, and give its `results`."""
    first = f"import glob\nfrom pathlib import Path\npaths = sorted(glob.glob('{photos}/*.jpg'))"
    pairs = f"images = [(path, Path(path).stem) for path in paths[::{every}]]"
    ported = script.replace("127.0.0.1:5000", f"127.0.0.1:{stack.env['PORT']}")
    whole = "\n".join([first, pairs, ported, "print(repr(results))"])
    command = [sys.executable, "-c", whole]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    results: list[dict[str, object]] = eval(done.stdout)
    return results


def refused(stack: Stack, kind: str, message: str) -> None:
    response = stack.get(f"/similarity/{kind}")
    answer = response.json()
    assert response.status_code == 409
    assert (answer["status"], answer["message"]) == ("error", message)
    assert stack.get(f"/similarity/status/{answer['task_id']}").json() == answer


def test_the_three_messages(fresh: Stack) -> None:
    refused(fresh, "train", "no samples")
    refused(fresh, "update", "no index, train first")
    assert fresh.post("/similarity/add?id=grey", GREY).json() == {"status": "ok", "id": "grey"}
    refused(fresh, "train", "need more samples")
    response = fresh.post("/similarity/search", GREY)
    assert response.status_code == 409
    assert response.json() == {
        "dist": [],
        "result": [],
        "status": "error",
        "message": "no index, train first",
        "detail": "there is no index yet: train first",
    }


def test_the_scripts_of_the_specification_work_as_they_stand(photos: Path, fresh: Stack) -> None:
    ids = sorted(path.stem for path in photos.iterdir())
    added = run(ADDING, photos, fresh)
    assert added == [{"status": "ok", "id": name} for name in ids]
    fresh.run("train")
    for name, answer in zip(ids[::10], run(SEARCHING, photos, fresh, 10), strict=True):
        result, dist = answer["result"], answer["dist"]
        assert isinstance(result, list)
        assert isinstance(dist, list)
        assert (result[0], answer["status"]) == (name, "ok")
        assert dist[0] < 1e-3
