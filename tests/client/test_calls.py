"""Every call of the client against the real stack."""

import dataclasses
import hashlib
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from similarity_client import Example, Similarity, TaskFailed, answers, errors, sha256_of

from local.stack import Stack
from tests.support.archives import tar
from tests.support.calls import jpeg, noise, picture, unused


def test_an_image_is_added_from_whatever_it_comes_in(
    similarity: Similarity, tmp_path: Path
) -> None:
    file = jpeg((200, 10, 10))
    path = tmp_path / "red.jpg"
    path.write_bytes(file)
    with path.open("rb") as opened:
        given: list[Any] = [path, str(path), file, io.BytesIO(file), opened]
        ids = [similarity.add(photo).id for photo in given]
    assert len(set(ids)) == 5
    assert {similarity.get(image_id).sha256 for image_id in ids} == {sha256_of(path)}
    assert sha256_of(path) == hashlib.sha256(file).hexdigest()


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_an_image_of_pillow_is_added_as_it_looks(similarity: Similarity, mode: str) -> None:
    image = Image.linear_gradient("L").convert("RGB").convert(mode)
    added = similarity.add(image)
    stored = Image.open(io.BytesIO(similarity.original(added.id).content))
    assert stored.format == "PNG"
    assert stored.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_the_same_file_again_is_identical_and_another_is_an_error(similarity: Similarity) -> None:
    name = unused()
    assert not similarity.add(picture(1), name).identical
    assert similarity.add(picture(1), name).identical
    with pytest.raises(errors.DuplicateImageId) as raised:
        similarity.add(picture(2), name)
    assert (raised.value.word, raised.value.status) == ("duplicate_image_id", 409)
    assert raised.value.request_id
    assert not similarity.add(picture(2), name, overwrite=True).identical
    assert similarity.get(name).sha256 == sha256_of(picture(2))


def test_every_answer_says_which_request_it_was_and_where_its_time_went(
    similarity: Similarity, served: Stack
) -> None:
    added = similarity.add(picture(3), unused())
    assert added.meta.request_id is not None
    assert added.meta.request_id in served.log("sidecar")
    assert {"decode", "total"} <= set(added.meta.timings)
    assert added.meta.attempts == 1
    found = similarity.search(picture(3))
    served_by = found.meta.model_version, found.meta.generation
    assert served_by == (1, similarity.stats().generation)
    assert found.meta.unindexed is not None


def test_metadata_come_with_an_image_and_are_changed(similarity: Similarity) -> None:
    name = unused()
    long = "x" * 9000  # for which a query has no room
    similarity.add(picture(4), name, metadata={"category": "größe", "long": long})
    assert similarity.metadata(name).metadata == {"category": "größe", "long": long}
    assert similarity.patch_metadata(name, {"long": None, "price": 4.5}).metadata == {
        "category": "größe",
        "price": 4.5,
    }
    assert similarity.put_metadata(name, {"a": True}).metadata == {"a": True}
    assert similarity.metadata(name).id == name


@pytest.mark.parametrize("name", ["tom (1)", "größe & co", 'a"b;c=d', "日本", "a+b", "check"])
def test_an_id_of_any_kind_comes_back(similarity: Similarity, name: str) -> None:
    assert similarity.add(picture(5), name, overwrite=True).id == name
    assert similarity.get(name).id == name
    assert similarity.metadata(name).metadata == {}
    assert similarity.search(id=name, num_results=1).result
    assert similarity.remove(name).id == name
    assert similarity.add_batch({name: picture(5)}).lines[0].id == name
    assert similarity.remove_batch([name]).of("removed") == (name,)


def test_what_is_kept_of_an_image(similarity: Similarity) -> None:
    name = similarity.add(picture(6)).id
    assert similarity.original(name).content == picture(6)
    thumbnail = similarity.thumbnail(name)
    assert thumbnail.kind == "image/jpeg"
    assert thumbnail.etag
    assert Image.open(io.BytesIO(thumbnail.content)).format == "JPEG"
    image = similarity.get(name, top_k=3)
    assert image.versions == (1,)
    assert not image.indexed
    assert len(image.keywords) == 3


def test_a_batch_has_a_line_for_each_file(similarity: Similarity, tmp_path: Path) -> None:
    one, other = unused(), unused()
    said = {one: {"category": "shoes"}}
    batch = similarity.add_batch({one: picture(7), other: b"no image"}, metadata=said)
    assert [(line.id, line.identical) for line in batch.lines] == [(one, False), (None, False)]
    [failed] = batch.failed
    assert isinstance(failed.error, errors.ImageReadingError)
    assert similarity.metadata(one).metadata == {"category": "shoes"}
    [again] = similarity.add_batch({one: picture(7)}).lines
    assert (again.id, again.identical, again.error) == (one, True, None)
    archive = tmp_path / "photos.tar"
    third, fourth = unused(), unused()
    archive.write_bytes(tar({f"a/{third}.jpg": picture(8)}))
    (tmp_path / f"{fourth}.jpg").write_bytes(picture(9))
    batch = similarity.add_batch([archive, tmp_path / f"{fourth}.jpg"])
    assert [line.id for line in batch.lines] == [third, fourth]
    with pytest.raises(ValueError, match="need ids"):
        similarity.add_batch([picture(1)])


def test_images_are_asked_for_and_removed(similarity: Similarity) -> None:
    name, other = unused(), unused()
    similarity.add(picture(10), name)
    states = similarity.check({name: sha256_of(picture(10)), other: "77aa"})
    assert [(each.id, each.state) for each in states.images] == [(name, "same"), (other, "missing")]
    assert similarity.remove_batch([name, other]).of("removed") == (name,)
    with pytest.raises(errors.UnknownImageId):
        similarity.remove(name)


def test_a_search_by_upload_id_and_vector(
    similarity: Similarity, collection: dict[str, bytes]
) -> None:
    name = next(iter(collection))
    found = similarity.search(collection[name], num_results=3, nprob=100)
    assert found.result[0] == name
    assert list(found.pairs()) == list(zip(found.dist, found.result, strict=True))
    assert found.matches is None
    by_id = similarity.search(id=name, num_results=2)
    assert name not in by_id.result
    features = similarity.features(collection[name])
    assert math.isclose(sum(each * each for each in features.features), 1, abs_tol=1e-3)
    by_vector = similarity.search(vector=features, num_results=3, nprob=100)
    assert by_vector.result == found.result
    numbers, version = list(features.features), features.meta.model_version
    assert similarity.search(vector=numbers, model_version=version).result[0] == name
    with pytest.raises(errors.OtherModel):
        similarity.search(vector=numbers, model_version=9)
    with pytest.raises(TypeError, match="one of"):
        similarity.search(collection[name], id=name)
    with pytest.raises(errors.WrongArgumentsFormat, match="num_results"):
        similarity.search(id=name, num_results=0)


def test_a_search_by_fields_pages_groups_and_parts(similarity: Similarity) -> None:
    group = unused()
    names = [f"{group}-{number}" for number in range(4)]
    for number, name in enumerate(names):
        said = {"group": group, "half": number // 2}
        similarity.add(picture(20 + number), name, metadata=said)
    wanted = {"group": group}
    found = similarity.search(picture(20), filter=wanted, fields=True)
    assert set(found.result) == set(names)
    assert found.matches is not None
    assert found.matches[0].metadata == {"group": group, "half": 0}
    assert [match.id for match in found.matches] == list(found.result)
    second = similarity.search(picture(20), filter=wanted, offset=2, num_results=2)
    assert second.result == found.result[2:]
    groups = similarity.search(
        picture(20), filter=wanted, group_by="half", group_size=2, num_results=1
    )
    assert set(groups.result) == set(names[:2])
    box = (0.1, 0.1, 0.5, 0.5)
    assert similarity.search(picture(20), box=box).dist != found.dist
    many = {"$id": [unused() for _ in range(300)]}  # for which a query has no room
    assert similarity.search(picture(20), filter=many).result == ()


def test_many_searches_in_one_call(similarity: Similarity, collection: dict[str, bytes]) -> None:
    one, other = list(collection)[:2]
    batch = similarity.search_batch([one, "nobody", other], num_results=2)
    assert [line.query for line in batch.lines] == [one, "nobody", other]
    assert batch.lines[0].result == similarity.search(id=one, num_results=2).result
    assert isinstance(batch.lines[1].error, errors.UnknownImageId)
    photos = {"a": collection[one], "b": collection[other]}
    by_files = similarity.search_batch(photos=photos, num_results=1, nprob=100)
    assert [line.result for line in by_files.lines] == [(one,), (other,)]
    with pytest.raises(TypeError):
        similarity.search_batch("cat")


def test_images_are_recommended_by_ids_and_files(
    similarity: Similarity, collection: dict[str, bytes], tmp_path: Path
) -> None:
    one, other, third = list(collection)[:3]
    (tmp_path / "third.jpg").write_bytes(collection[third])
    liked: list[Any] = [one, Example(other, weight=2, box=(0, 0, 0.5, 1))]
    by_ids = similarity.recommend(liked, [third], num_results=5)
    assert len(by_ids.result) == 5
    assert not {one, other, third} & set(by_ids.result)
    by_files = similarity.recommend(
        [Example(collection[other], 2, (0, 0, 0.5, 1)), one],
        [tmp_path / "third.jpg"],
        unlike_weight=0.1,
        num_results=5,
        fields=True,
    )
    assert len(by_files.result) == 5
    assert by_files.matches is not None
    alone = similarity.recommend([Example(collection[other], 1)], num_results=3, nprob=100)
    assert alone.result == similarity.search(collection[other], num_results=3, nprob=100).result


def test_two_images_are_compared(similarity: Similarity, collection: dict[str, bytes]) -> None:
    one, other = list(collection)[:2]
    stored = similarity.compare(one, other, keyword_threshold=0)
    assert stored.dist > 0
    assert stored.keywords_shared[0].score >= stored.keywords_shared[-1].score
    sent = similarity.compare(collection[one], other, keyword_threshold=0)
    assert math.isclose(stored.dist, sent.dist, abs_tol=1e-3)
    same = similarity.compare(collection[one], collection[one])
    assert same.dist < 1e-5
    parts = similarity.compare(one, one, box=(0, 0, 0.5, 1), other_box=(0.5, 0, 0.5, 1))
    assert parts.dist > 0


def test_the_model_says_what_it_makes_of_an_image(
    similarity: Similarity, collection: dict[str, bytes]
) -> None:
    photo = next(iter(collection.values()))
    concepts = similarity.concepts(photo, top_k=3).concepts
    assert [each.score for each in concepts] == sorted((c.score for c in concepts), reverse=True)
    assert len(concepts) == 3
    part = similarity.concepts(photo, top_k=3, box=(0, 0, 0.3, 0.3)).concepts
    assert part != concepts
    assert similarity.features(photo, box=(0, 0, 0.3, 0.3)) != similarity.features(photo)


def test_all_pages_of_images_are_gone_through(similarity: Similarity, served: Stack) -> None:
    count = similarity.stats().images
    all_of_them = [each.id for each in similarity.images(limit=400)]
    assert len(all_of_them) == len(set(all_of_them)) == count
    page = similarity.images_page(limit=2)
    assert [each.id for each in page.images] == all_of_them[:2]
    assert page.next is not None
    following = similarity.images_page(limit=2, after=page.next)
    assert [each.id for each in following.images] == all_of_them[2:4]
    backwards = [each.id for each in similarity.images(order="newest", limit=400)]
    assert backwards == all_of_them[::-1]
    name = unused()
    similarity.add(picture(30), name)
    keyword = similarity.get(name).keywords[0].name
    shown = served.get("/similarity/images", params={"keyword": keyword, "limit": 10_000}).json()
    of_keyword = list(similarity.images(keyword=keyword, min_score=0, limit=7))
    assert [each.id for each in of_keyword] == shown["ids"]
    assert [each.score for each in of_keyword] == shown["scores"]


def test_keywords_are_counted(similarity: Similarity, served: Stack) -> None:
    counts = similarity.keywords(limit=5)
    shown = served.get("/similarity/keywords?limit=5").json()
    assert [dataclasses.asdict(each) for each in counts.keywords] == shown["keywords"]
    assert counts.unlabelled == shown["unlabelled"]


def test_a_task_is_waited_for(similarity: Similarity) -> None:
    similarity.add(picture(40), unused())
    seen: list[answers.TaskState] = []
    task = similarity.update()
    ended = task.wait(progress=seen.append, timeout=120)
    assert (ended.status, ended.kind, ended.progress) == ("ok", "update", 1.0)
    assert ended.generation
    assert "recall_at_10" in ended.report
    assert seen[-1] == ended
    assert task.status().ended
    assert similarity.wait(task.task_id).task_id == task.task_id
    [newest] = similarity.tasks(limit=1).tasks
    assert (newest.task_id, newest.request_id) == (task.task_id, task.state.meta.request_id)
    with pytest.raises(errors.TaskFinished):
        task.cancel()


def test_a_task_that_was_cancelled_has_failed(similarity: Similarity, served: Stack) -> None:
    served.kill("worker")
    try:
        task = similarity.train()
        with pytest.raises(TimeoutError, match=task.task_id):
            task.wait(timeout=0)
        assert task.cancel().task_id == task.task_id
        with pytest.raises(TaskFailed, match="cancelled") as raised:
            task.wait()
        assert raised.value.task.task_id == task.task_id
    finally:
        served.start("worker")


def test_switches_of_the_model_are_refused_by_their_words(similarity: Similarity) -> None:
    with pytest.raises(errors.UnknownVersion):
        similarity.upgrade(9)
    with pytest.raises(errors.UnknownVersion):
        similarity.upgrade_estimate(9)
    with pytest.raises(errors.SwitchRefused):
        similarity.upgrade_estimate(1)
    with pytest.raises(errors.UnknownVersion):
        similarity.upgrade_preview(9)
    with pytest.raises(errors.UnknownVersion):
        similarity.retire(9)
    with pytest.raises(errors.SwitchRefused):
        similarity.rollback()
    with pytest.raises(errors.SwitchRefused):
        similarity.cancel_upgrade()
    with pytest.raises(errors.UnknownTaskId):
        similarity.cancel("none")
    with pytest.raises(errors.UnknownTaskId):
        similarity.status("no ne")
    assert similarity.fill().wait(timeout=60).kind == "fill"


def test_what_the_service_says_of_itself(similarity: Similarity, served: Stack) -> None:
    models = similarity.models()
    assert models.in_use == 1
    assert [each.in_use for each in models.models] == [True]
    assert similarity.me().scopes == ("read", "write", "admin")
    version = similarity.version()
    assert version.features["live_search"] is True
    assert version.model is not None
    assert version.model.sha256 == models.models[0].sha256
    assert similarity.live().meta.request_id
    ready = similarity.ready()
    assert ready.ok
    assert set(ready.parts.values()) == {"ok"}
    assert "similarity_" in similarity.metrics().text
    assert similarity.stats().last_task is not None


def test_the_answers_have_all_that_the_service_says(similarity: Similarity, served: Stack) -> None:
    """Field by field, so that a new one of the service is missed here."""
    name = unused()
    similarity.add(picture(50), name)
    shown: dict[str, Any] = {
        "/similarity/stats": similarity.stats(),
        "/similarity/version": similarity.version(),
        "/similarity/me": similarity.me(),
        "/similarity/models": similarity.models(),
        f"/similarity/images/{name}": similarity.get(name),
        f"/similarity/images/{name}/metadata": similarity.metadata(name),
        "/similarity/keywords": similarity.keywords(),
        "/similarity/tasks": similarity.tasks(),
    }
    for path, answer in shown.items():
        raw = served.get(path).json()
        raw.pop("status")
        ours = json.loads(json.dumps(dataclasses.asdict(answer)))
        ours.pop("meta")
        assert set(ours) == set(raw), path
        if path == "/similarity/models":
            assert ours == raw


def test_a_part_that_is_away_is_an_answer_of_ready(similarity: Similarity, served: Stack) -> None:
    served.kill("redis")
    try:
        served.wait(lambda: not similarity.ready().ok, "the queue is missed")
        ready = similarity.ready()
        assert ready.parts["queue"] != "ok"
        assert ready.parts["catalogue"] == "ok"
    finally:
        served.start("redis")
        served.wait_ready()


def test_duplicates_are_found_listed_and_decided(similarity: Similarity) -> None:
    one, other, file = unused(), unused(), picture(90)
    for name in (one, other):
        similarity.add(file, name)
    assert similarity.duplicates(kind="identical", limit=5).meta.request_id
    similarity.update().wait(timeout=60)
    assert similarity.find_duplicates().wait(timeout=60).report["identical"] >= 1

    def pairs() -> list[set[str]]:
        groups = similarity.duplicate_lines().groups
        return [{image.id for image in group.images} for group in groups if group.best == one]

    assert {one, other} in pairs()
    figures = similarity.stats().duplicates
    assert figures is not None
    assert figures.identical >= 1
    assert similarity.decide_duplicates({(one, other): "different"}).decisions == 1
    assert {one, other} not in pairs()
    with pytest.raises(errors.UnknownImageId):
        similarity.decide_duplicates({(one, "nobody"): "same"})
    found = similarity.search(file, num_results=2, probability=True)
    assert found.probability is not None
    assert len(found.probability) == 2
    similarity.remove_batch([one, other])


def test_an_add_answers_what_is_near_and_refuses_what_is_there(similarity: Similarity) -> None:
    photo, name, again = noise(77), unused(), unused()
    first = similarity.add(photo, name, report_similar=2)
    assert first.similar is not None
    assert len(first.similar) == 2
    assert first.similar[0].dist <= first.similar[1].dist
    assert similarity.add(photo, unused()).similar is None
    with pytest.raises(errors.SimilarImage) as raised:
        similarity.add(photo, again, unique="same")
    assert raised.value.answer["similar_to"].keys() == {"id", "dist", "probability"}
    assert similarity.check({again: "5b8f"}).of("missing") == (again,)
    report = similarity.add(photo, name, unique="same")  # as after a lost answer
    assert report.identical
