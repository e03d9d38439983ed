"""Unpacks a volume that an older commit left: the newer code must go on with it.

    old_volume.unpack(folder)                          what a test begins with
    python -m tests.support.old_volume COMMIT          makes the archive again

`volumes/3170847.tar.xz` was made by the second line in a checkout of commit 3170847, with this
file and `old_networks.py` put into it. It asks the service over HTTP and by its commands alone, so
it can be run in a checkout of any commit. In the archive:

    models/          the model repository: three tiny versions, one retired, and a spoilt one
    data/            the volume: the catalogue, the index and what Redis keeps. The sidecar, the
                     worker and Redis were killed while a training ran and an update waited
    backup/          what `python -m sidecar backup` made of it shortly before
    postgresql.sql   the catalogue of that backup in PostgreSQL, as statements
    known.json       what the service answered shortly before
"""

import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image

from tests.support.image_files import encode

VOLUMES = Path(__file__).parent / "volumes"
FACTORY = "tests.support.old_networks"
# The shapes of the three versions, and the names of the keywords that they know.
VERSIONS = {1: ("first", 40, 32), 2: ("second", 72, 64), 3: ("third", 48, 32)}
LABELS = "cat\ndog\nfox\n"
SETTINGS = {"KEEP_ORIGINALS": "1", "CANONICAL_SIZE": "64", "HTTP_PROCESSES": "1"}
IMAGES = 1100
ORIGINAL = "kept-as-it-came"
SAMPLE = slice(0, None, 40)  # of the ids, whose answers are recorded
TASKS = ("train", "update", "upgrade", "rollback", "retire")


@dataclass(frozen=True)
class OldVolume:
    """An archive that was unpacked.

    Args:
        folder: where it lies.
        known: `known.json`: answers by path, searches and thumbnails by id, tasks by their part.
    """

    folder: Path
    known: dict[str, Any]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    @property
    def settings(self) -> dict[str, str]:
        return SETTINGS | {"MODEL_REPOSITORY": f"{self.folder}/models"}


def unpack(folder: Path, commit: str = "3170847") -> OldVolume:
    """Unpacks an archive into an empty folder."""
    with tarfile.open(VOLUMES / f"{commit}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return OldVolume(folder, json.loads((folder / "known.json").read_text()))


def picture(number: int) -> bytes:
    """Makes a JPEG of 16 x 16 pixels, some 700 bytes, all but a few the same in each."""
    colours = np.random.default_rng(number).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    return encode(Image.fromarray(colours).resize((16, 16), Image.Resampling.BICUBIC), "JPEG")


def main() -> int:
    """Makes the archive of the commit that this runs in."""
    [commit] = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        _make(Path(folder))
        _pack(Path(folder), VOLUMES / f"{commit}.tar.xz")
    return 0


def _make(folder: Path) -> None:
    from local.postgres import postgres
    from local.stack import Stack

    (folder / "data").mkdir()
    for version in VERSIONS:
        _export(folder, version)
    settings = SETTINGS | {"MODEL_REPOSITORY": f"{folder}/models"}
    _offer(folder, 1)
    stack = Stack(folder / "data", **settings)
    try:
        stack.start()
        stack.wait_ready()
        ids = _live(stack, folder)
        stack.kill("worker")
        known = _record(stack, ids)
        stack.command("backup", f"{folder}/backup")
        known["in_flight"] = _leave(stack)
    finally:
        stack.stop()
    _end_lease(folder / "data/catalogue.sqlite")
    (folder / "known.json").write_text(json.dumps(known, indent=1))
    with postgres() as url:
        (folder / "dumped").mkdir()
        restored = Stack(folder / "dumped", CATALOGUE_URL=url, **settings)
        restored.command("restore", f"{folder}/backup")
        (folder / "postgresql.sql").write_text(_dump(url.replace("+psycopg", "")))


def _export(folder: Path, version: int) -> None:
    name, resize, crop = VERSIONS[version]
    (folder / "labels.txt").write_text(LABELS)
    words = ["--module", f"{FACTORY}:{name}", "--precision", "fp32", "--version", f"{version}"]
    words += ["--resize", f"{resize}", "--crop", f"{crop}", "--labels", f"{folder}/labels.txt"]
    words += ["--repository", f"{folder}/exported"]
    subprocess.run([sys.executable, "-m", "export", *words], check=True)


def _offer(folder: Path, version: int, spoil: bool = False) -> None:
    """Puts a version into the repository, under its own number or, spoilt, under number 4."""
    models = folder / "models/keywording"
    models.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "exported/keywording/config.pbtxt", models)
    coming = shutil.copytree(folder / f"exported/keywording/{version}", folder / "models/coming")
    if spoil:
        (coming / "model.onnx").write_bytes(b"no model")
    coming.rename(models / f"{4 if spoil else version}")


def _live(stack: Any, folder: Path) -> list[str]:
    """Does all that a volume goes through; returns the ids that are stored in the end."""
    stack.finish(stack.get("/similarity/train").json()["task_id"])  # refused: there are no images
    _add(stack, {f"image-{n}": picture(n) for n in range(IMAGES)})
    png = io.BytesIO()
    Image.linear_gradient("L").resize((20, 20)).save(png, "PNG")
    _add(stack, {ORIGINAL: png.getvalue()}, ".png")
    stack.run("train")
    _change(stack, 0)
    stack.run("update")
    _offer(folder, 2)
    _switch(stack, "upgrade?version=2")
    _switch(stack, "rollback")
    _offer(folder, 3)
    stack.post("/similarity/upgrade?version=3")
    stack.finish(stack.post("/similarity/upgrade/cancel").json()["task_id"])
    _switch(stack, "retire?version=3")
    _offer(folder, 3, spoil=True)
    stack.finish(stack.post("/similarity/upgrade?version=4").json()["task_id"])  # it fails
    _change(stack, 100)
    ids: list[str] = stack.get("/similarity/images?limit=10000").json()["ids"]
    return ids


def _change(stack: Any, first: int) -> None:
    """Removes some images, overwrites some, adds some."""
    for number in range(first, first + 10):
        requests.delete(f"{stack.url}/similarity/images/image-{number}", timeout=60)
    for number in range(first + 10, first + 15):
        path = f"/similarity/add?id=image-{number}&overwrite=true"
        _ok(stack.post(path, picture(10_000 + number)))
    _add(stack, {f"later-{n}": picture(20_000 + n) for n in range(first, first + 20)})


def _add(stack: Any, images: dict[str, bytes], ending: str = ".jpg") -> None:
    files = [("data", (f"{name}{ending}", file)) for name, file in images.items()]
    answer = requests.post(f"{stack.url}/similarity/add_batch", files=files, timeout=600)
    assert {json.loads(line)["status"] for line in answer.text.splitlines()} == {"ok"}, answer.text


def _switch(stack: Any, call: str) -> None:
    stack.finish_well(stack.post(f"/similarity/{call}").json()["task_id"])


def _record(stack: Any, ids: list[str]) -> dict[str, Any]:
    """Records what the service answers, to compare the newer code with."""
    paths = ["/similarity/images?limit=10000", "/similarity/models", "/similarity/stats"]
    tasks = stack.get("/similarity/tasks").json()["tasks"]
    paths += [f"/similarity/status/{task['task_id']}" for task in tasks]
    sample = [*ids[SAMPLE], ORIGINAL]
    for name in sample:
        paths += [f"/similarity/images/{name}", f"/similarity/search?id={name}"]
    thumbnails = {name: _bytes(stack, name, "thumbnail") for name in sample}
    return {
        "answers": {path: _ok(stack.get(path)).json() for path in paths},
        "thumbnails": {name: _sha256(file) for name, file in thumbnails.items()},
        "searches": {name: _search(stack, file) for name, file in thumbnails.items()},
        "original": {ORIGINAL: _sha256(_bytes(stack, ORIGINAL, "original"))},
    }


def _ok(response: requests.Response) -> requests.Response:
    assert response.ok, (response.url, response.text)
    return response


def _bytes(stack: Any, name: str, what: str) -> bytes:
    content: bytes = _ok(stack.get(f"/similarity/images/{name}/{what}")).content
    return content


def _search(stack: Any, file: bytes) -> Any:
    return _ok(stack.post("/similarity/search", file)).json()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _leave(stack: Any) -> dict[str, str]:
    """Requests two tasks, lets the worker begin the first, and kills all."""
    asked = {kind: stack.get(f"/similarity/{kind}").json()["task_id"] for kind in TASKS[:2]}
    stack.start("worker")

    def begun() -> bool:
        task = stack.get(f"/similarity/status/{asked['train']}").json()
        assert task["status"] == "ongoing", task
        return bool(task["phase"] != "waiting")

    stack.wait(begun, "the training runs")
    for name in ("worker", "sidecar", "redis"):
        stack.kill_all(name)
    return {"running": asked["train"], "waiting": asked["update"]}


def _end_lease(catalogue: Path) -> None:
    """Ends the lease of the task that ran, whatever clock a test runs by.

    SQLite would tidy its journal up if the process that writes this ended as it should.
    """
    writing = f"""
import os, sqlite3
connection = sqlite3.connect({str(catalogue)!r})
connection.execute("UPDATE tasks SET lease_until = 1.0 WHERE state = 'running'")
connection.commit()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", writing], check=True)
    with sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True) as connection:
        left = connection.execute("SELECT kind, state FROM tasks WHERE finished_at IS NULL")
        assert sorted(left) == [("train", "running"), ("update", "waiting")]


def _dump(url: str) -> str:
    """Returns a database as statements that any client can run."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    command = [f"{programs}/pg_dump", "--inserts", "--rows-per-insert=200", "--no-owner", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # What begins with a backslash is for psql alone.
    return "".join(line for line in text.splitlines(True) if not line.startswith("\\"))


def _pack(folder: Path, target: Path) -> None:
    """Packs the archive, without logs and files of a run."""
    target.parent.mkdir(parents=True, exist_ok=True)

    def wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return None if entry.name.endswith((".log", "redis.conf", "-shm")) else entry

    with tarfile.open(target, "w:xz", preset=9) as archive:
        for name in ("models", "data", "backup", "postgresql.sql", "known.json"):
            archive.add(folder / name, name, filter=wanted)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
