"""Images in a store of their own, over HTTP: while it is away, what needs no image goes on."""

from pathlib import Path

import pytest

from tests.conftest import Trained
from tests.support.calls import failure, jpeg, unused

pytestmark = pytest.mark.long

AWAY = (503, "pictures_store_unavailable")


def test_while_the_store_is_away_nothing_is_added_and_searches_go_on(
    tmp_path: Path, trained: Trained, collection: dict[str, bytes]
) -> None:
    old, file = next(iter(collection.items()))
    store, away = tmp_path / "store", tmp_path / "away"
    settings = {"PICTURES_STORE": str(store), "HTTP_PROCESSES": "1", "KEEP_ORIGINALS": "1"}
    upload = jpeg(size=(900, 600))  # larger than what is kept of it
    with trained(tmp_path, **settings) as stack:
        assert stack.post("/similarity/add?id=new", upload).status_code == 200
        assert len([*store.glob("*/pictures/*/*")]) == len([*store.glob("*/originals/*/*")]) == 1
        thumbnail = stack.get("/similarity/images/new/thumbnail")
        assert "store" in thumbnail.headers["Server-Timing"]
        assert stack.get("/similarity/images/new/original").content == upload

        store.rename(away)
        store.touch()
        images = stack.get("/similarity/stats").json()["images"]
        assert failure(stack.post(f"/similarity/add?id={unused()}", jpeg())) == AWAY
        batch = stack.post("/similarity/add_batch", jpeg())
        assert batch.json()["message"] == AWAY[1]
        for path in ("thumbnail", "original"):
            assert failure(stack.get(f"/similarity/images/new/{path}")) == AWAY
        ready = stack.get("/health/ready")
        assert (ready.status_code, {*ready.json()["degraded"]}) == (200, {"images"})
        assert ready.json()["degraded"]["images"].startswith(f"{AWAY[1]}: PICTURES_STORE")
        assert "similarity_images_store_up 0.0" in stack.get("/metrics").text
        assert stack.get("/similarity/search?id=new").status_code == 200
        found = stack.post("/similarity/search", file)
        assert found.json()["result"][0] == old
        assert stack.get(f"/similarity/images/{old}/thumbnail").status_code == 200  # in its row
        assert stack.get("/similarity/stats").json()["images"] == images

        store.unlink()
        away.rename(store)
        again = stack.get("/similarity/images/new/thumbnail")
        assert again.content == thumbnail.content
        assert stack.post(f"/similarity/add?id={unused()}", jpeg()).status_code == 200
        assert "degraded" not in stack.get("/health/ready").json()
        assert "similarity_images_store_up 1.0" in stack.get("/metrics").text
        stack.command("move-images")
        assert len([*store.glob("*/pictures/*/*")]) == images + 1
        stack.command("verify")
