"""The async client, whose calls are those of the sync one: what differs is how it waits."""

import asyncio
import threading
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from itertools import repeat
from pathlib import Path
from typing import Any, TypeVar

import pytest
from similarity_client import (
    AsyncSimilarity,
    NewerService,
    Progress,
    Retries,
    ServiceAway,
    Similarity,
    TaskFailed,
    UploadStopped,
    errors,
)

from local.stack import Stack
from tests.client.peer import DROPPED, Answer, Asked, error, in_turn, ok, peer
from tests.support.calls import jpeg, picture, unused

QUICK = Retries(first_s=0.01, longest_s=0.02)
T = TypeVar("T")


def run(url: str, use: Callable[[AsyncSimilarity], Awaitable[T]]) -> T:
    """What an async block makes of a client."""

    async def block() -> T:
        async with AsyncSimilarity(url, retries=QUICK, check_version=False) as similarity:
            return await use(similarity)

    return asyncio.run(block())


def test_an_image_goes_all_the_way(served: Stack, similarity: Similarity, tmp_path: Path) -> None:
    name = unused()
    path = tmp_path / "cat.jpg"
    path.write_bytes(picture(70))

    async def use(client: AsyncSimilarity) -> None:
        added = await client.add(path, name, metadata={"long": "x" * 9000})  # a form, in pieces
        assert (added.id, added.identical) == (name, False)
        assert (await client.get(name)).sha256 == similarity.get(name).sha256
        found = await client.search(path, num_results=3)
        assert found.result == similarity.search(path, num_results=3).result
        batch = await client.add_batch({unused(): path, unused(): picture(71)})
        assert batch.failed == ()
        assert (await client.remove(name)).id == name
        with pytest.raises(errors.UnknownImageId):
            await client.get(name)

    run(served.url, use)


def test_images_are_gone_through_and_a_task_is_waited_for(
    served: Stack, similarity: Similarity
) -> None:
    async def use(client: AsyncSimilarity) -> None:
        ids = [each.id async for each in client.images(limit=300)]
        assert ids == [each.id for each in similarity.images()]
        seen: list[Any] = []
        task = await client.update()
        ended = await task.wait(progress=seen.append, timeout=120)
        assert ended == seen[-1] == await client.wait(ended.task_id) or ended.status == "ok"
        assert (await task.status()).ended
        with pytest.raises(errors.TaskFinished):
            await task.cancel()

    run(served.url, use)


def test_a_task_that_ends_badly_has_failed() -> None:
    script = in_turn(
        ok(task_id="1", message="training"),
        Answer(200, {"status": "ongoing", "task_id": "1", "message": "training"}),
        Answer(200, {"status": "error", "task_id": "1", "message": "worker_lost", "detail": "d"}),
    )

    async def use(client: AsyncSimilarity) -> None:
        task = await client.train()
        with pytest.raises(TaskFailed, match="worker_lost") as raised:
            await task.wait()
        assert raised.value.task.detail == "d"

    with peer(script) as served:
        run(served.url, use)
    assert [each.path.partition("?")[2] for each in served.asked] == ["", "wait=0", "wait=30"]


def test_a_call_is_tried_again_and_others_go_on_meanwhile() -> None:
    script = in_turn(Answer(DROPPED), error(503, "too_busy"), ok(id="cat"))

    async def use(client: AsyncSimilarity) -> None:
        added = await client.add(jpeg(), "cat")
        assert added.meta.attempts == 3
        names = [f"{number}" for number in range(8)]
        together = await asyncio.gather(*(client.add(jpeg(), name) for name in names))
        assert [each.meta.attempts for each in together] == [1] * 8

    with peer(script) as served:
        run(served.url, use)
    assert len(served.asked) == 11

    async def away(client: AsyncSimilarity) -> None:
        with pytest.raises(ServiceAway):
            await client.stats()

    run(served.url, away)


def test_a_newer_service_gives_one_warning() -> None:
    def script(asked: Asked) -> Answer:
        if asked.path == "/similarity/version":
            return ok(version="9.0.0", api=1, model=None, features={})
        return ok(name=None, scopes=[])

    async def use(url: str) -> None:
        async with AsyncSimilarity(url) as client:
            await client.me()
            await client.me()

    with peer(script) as served, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(use(served.url))
    assert [each.category for each in caught] == [NewerService]


def test_files_are_uploaded_while_the_loop_goes_on(
    served: Stack, similarity: Similarity, tmp_path: Path
) -> None:
    mark = unused()
    paths = [tmp_path / f"{mark}-{n}.jpg" for n in range(6)]
    for n, path in enumerate(paths[:-1]):
        path.write_bytes(picture(n))
    loops = set()
    seen: list[Progress] = []

    def on_file(progress: Progress) -> None:
        loops.add(asyncio.get_running_loop())
        seen.append(progress)
        assert threading.current_thread() is threading.main_thread()

    async def use(client: AsyncSimilarity) -> None:
        report = await client.upload(paths, parallel=3, progress=on_file)
        assert (report.added, report.same) == (5, 0)
        assert [path for path, _ in report.failed] == [paths[-1]]
        assert [each.done for each in seen] == [1, 2, 3, 4, 5, 6]
        assert (await client.upload(paths)).same == 5

    run(served.url, use)
    assert len(loops) == 1


def test_a_cancelled_upload_begins_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(jpeg())

    async def use(client: AsyncSimilarity) -> None:
        paths = repeat(path)  # without end
        ten = asyncio.Event()

        def on_file(progress: Progress) -> None:
            if progress.done == 10:
                ten.set()

        going: Coroutine[Any, Any, Any] = client.upload(paths, progress=on_file, resume=False)
        task = asyncio.ensure_future(going)
        await ten.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        before = len(served.asked)
        await asyncio.sleep(0.2)
        assert len(served.asked) == before

    with peer(in_turn(ok(id="cat"))) as served:
        run(served.url, use)


def test_an_upload_stops_where_no_file_can_be_taken(tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(jpeg())

    async def use(client: AsyncSimilarity) -> None:
        with pytest.raises(UploadStopped, match="storage_full"):
            await client.upload([path], resume=False)

    with peer(in_turn(error(507, "storage_full"))) as served:
        run(served.url, use)
