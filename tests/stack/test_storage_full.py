"""A full volume: it is reported, the old index serves, and all goes on when there is room."""

from pathlib import Path

import pytest

from local.stack import Stack
from tests.conftest import Trained
from tests.support.calls import failure, jpeg, unused
from tests.support.small_volume import NEEDS_ROOT, filled, small_volume

MEBIBYTE = 1 << 20

pytestmark = NEEDS_ROOT


def found(stack: Stack, file: bytes) -> list[str]:
    answer = stack.post("/similarity/search", file)
    assert answer.status_code == 200, answer.text
    result: list[str] = answer.json()["result"]
    return result


@pytest.mark.long
def test_a_full_volume_of_the_catalogue_refuses_adds_and_nothing_else(
    tmp_path: Path, trained: Trained, collection: dict[str, bytes]
) -> None:
    file = next(iter(collection.values()))
    with (
        small_volume(tmp_path / "volume", 256) as volume,
        trained(tmp_path, DATA_DIR=str(volume), HTTP_PROCESSES="1") as stack,
    ):
        before, known = found(stack, file), stack.get("/similarity/stats").json()["images"]
        kept = []
        with filled(volume, MEBIBYTE):
            refused = 0
            while refused < 20:
                name = unused()
                response = stack.post(f"/similarity/add?id={name}", jpeg())
                if response.status_code == 200:
                    kept.append(name)
                    continue
                assert failure(response) == (507, "storage_full")
                refused += 1
            batch = stack.post("/similarity/add_batch", jpeg())
            assert batch.json()["message"] == "storage_full"
            assert found(stack, file) == before
            assert stack.get("/similarity/stats").json()["images"] == known + len(kept)
            update = stack.get("/similarity/update")
            assert update.status_code == 507 or update.json()["status"] == "ongoing"
        for name in kept:
            assert stack.get(f"/similarity/images/{name}/thumbnail").status_code == 200
        assert stack.post(f"/similarity/add?id={unused()}", jpeg()).status_code == 200
        assert stack.run("update")["images"] == known + len(kept) + 1
        stack.command("verify")


@pytest.mark.release
@pytest.mark.long
def test_a_full_volume_of_the_index_fails_the_task_and_the_old_index_serves(
    tmp_path: Path, trained: Trained, collection: dict[str, bytes]
) -> None:
    file = next(iter(collection.values()))
    with (
        small_volume(tmp_path / "index", 64) as volume,
        trained(tmp_path, HTTP_PROCESSES="1") as stack,
    ):
        before, last = found(stack, file), stack.get("/similarity/stats").json()["generation"]
        stack.post("/similarity/add?id=new", jpeg())
        with filled(volume, 64 * 1024):
            for kind in ("train", "update"):
                task = stack.finish(stack.get(f"/similarity/{kind}").json()["task_id"])
                assert (task["status"], task["message"]) == ("error", "storage_full")
                assert "no room" in task["detail"]
                assert found(stack, file) == before
                assert stack.get("/similarity/stats").json()["generation"] == last
                assert list(volume.glob(".draft-*")) == []
        assert stack.run("update")["generation"] == last + 1
        assert stack.run("train")["generation"] == last + 2
        stack.command("verify")


@pytest.mark.long
def test_a_backup_without_room_leaves_nothing(tmp_path: Path, backup: Path) -> None:
    stack = Stack(tmp_path)
    stack.command("restore", str(backup))
    with (
        small_volume(tmp_path / "small", 4) as volume,
        pytest.raises(AssertionError, match=r"no backup was made|full"),
    ):
        try:
            stack.command("backup", str(volume / "copy"))
        finally:
            assert list(volume.iterdir()) == []
