"""The peer that the service is compared with: what a good programmer writes in an afternoon.

FastAPI, ONNX Runtime in the same process, a flat FAISS index, SQLite. An add is durable when it is
answered, and those that wait share a commit. It keeps the upload and its features; it makes no
canonical JPEG, checks no limits, survives no change of the model, and holds its index in memory.

    uvicorn bench.afternoon:app      MODEL_FILE, DATA_DIR in the environment
"""

import io
import os
import queue
import sqlite3
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import onnxruntime
from fastapi import FastAPI, UploadFile
from numpy.typing import NDArray
from PIL import Image

RESIZE, CROP = 256, 224
AT_ONCE = 256

app = FastAPI()
ids: list[str] = []
lock = threading.Lock()
Row = tuple[str, bytes, bytes]
waiting: "queue.SimpleQueue[tuple[Row, Future[None]]]" = queue.SimpleQueue()

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("THREADS", "1"))
model = onnxruntime.InferenceSession(
    os.environ["MODEL_FILE"], options, providers=["CPUExecutionProvider"]
)
blank = np.zeros((1, CROP, CROP, 3), np.uint8)
index = faiss.IndexFlatL2(model.run(["features"], {"image": blank})[0].shape[1])
running = threading.Semaphore(os.cpu_count() or 1)  # more at once only slow each other down


@app.post("/similarity/add")
def add(id: str, data: UploadFile) -> dict[str, Any]:  # noqa: A002
    """Embeds, stores, and indexes a photo at once."""
    upload = data.file.read()
    features = embed(upload)
    done: Future[None] = Future()
    waiting.put(((id, upload, features.tobytes()), done))
    done.result()
    with lock:
        index.add(features)
        ids.append(id)
    return {"status": "ok", "id": id}


@app.post("/similarity/search")
def search(data: UploadFile) -> dict[str, Any]:
    """Finds the ten nearest."""
    features = embed(data.file.read())
    with lock:
        dist, found = index.search(features, 10)
    result = [ids[at] for at in found[0] if at >= 0]
    return {"dist": dist[0, : len(result)].tolist(), "result": result, "status": "ok"}


def embed(upload: bytes) -> NDArray[np.float32]:
    """Returns a photo's features, float32 [1, D]."""
    with running:
        image = Image.open(io.BytesIO(upload))
        image.draft("RGB", (RESIZE, RESIZE))
        rgb = image.convert("RGB")
        side = min(rgb.size) * CROP / RESIZE
        left, top = (rgb.width - side) / 2, (rgb.height - side) / 2
        box = (left, top, left + side, top + side)
        crop = np.asarray(rgb.resize((CROP, CROP), Image.Resampling.BICUBIC, box=box))
        [features] = model.run(["features"], {"image": crop[None]})
    return np.asarray(features)


def write() -> None:
    """Commits for all that wait, again and again."""
    database = sqlite3.connect(Path(os.environ["DATA_DIR"]) / "afternoon.sqlite")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE images (id TEXT PRIMARY KEY, upload BLOB, features BLOB)")
    while True:
        batch = [waiting.get()]
        while len(batch) < AT_ONCE and not waiting.empty():
            batch.append(waiting.get())
        with database:
            database.executemany("INSERT INTO images VALUES (?, ?, ?)", [row for row, _ in batch])
        for _, done in batch:
            done.set_result(None)


threading.Thread(target=write, daemon=True).start()
