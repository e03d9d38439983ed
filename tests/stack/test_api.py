"""The HTTP API over the real stack: what each call answers, word for word."""

import math
import re
import signal
import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from local.stack import Stack
from sidecar.index.nprob import RECALL_TARGETS
from tests.support.calls import failure, jpeg, unused
from tests.support.image_files import encode
from tests.support.versions import LABELS

CONCURRENT = 48  # requests: fewer than the threads of both processes


def timings(response: requests.Response) -> dict[str, float]:
    """The stages of a request in the order they are told, ms."""
    return {
        name: float(ms)
        for name, ms in re.findall(r"(\w+);dur=([0-9.]+)", response.headers["Server-Timing"])
    }


# -- adding


def test_an_add_answers_with_the_id(stack: Stack) -> None:
    name = unused()
    response = stack.post(f"/similarity/add?id={name}", jpeg())
    assert (response.status_code, response.json()) == (200, {"status": "ok", "id": name})


def test_an_add_tells_where_its_time_went(stack: Stack) -> None:
    response = stack.post(f"/similarity/add?id={unused()}", jpeg())
    stages = ["decode", "queue", "infer", "commit", "total"]
    assert list(timings(response)) == stages
    assert sum(timings(response)[stage] for stage in stages[:-1]) <= timings(response)["total"] + 1


def test_image_id_is_another_spelling_of_id(stack: Stack) -> None:
    name = unused()
    assert stack.post(f"/similarity/add?image_id={name}", jpeg()).json()["id"] == name
    both = stack.post(f"/similarity/add?image_id={name}&id=other", jpeg())
    assert failure(both) == (400, "wrong_arguments_format")


def test_without_an_id_a_random_one_is_drawn(stack: Stack) -> None:
    ids = {stack.post("/similarity/add", jpeg()).json()["id"] for _ in range(5)}
    assert len(ids) == 5
    assert all(re.fullmatch("[0-9]{1,19}", image_id) for image_id in ids)


@pytest.mark.parametrize("name", ["ä-猫:1.2_x", "7", "x" * 255, "a b", "😀"])
def test_ids_may_be_written_in_any_script(stack: Stack, name: str) -> None:
    name = name if len(name) > 200 else name + unused()
    assert stack.post("/similarity/add", jpeg(), params={"id": name}).json()["id"] == name


@pytest.mark.parametrize("name", ["", "a/b", " a", "x" * 256, "é\n", "../etc", "a%00b", ".", "a?b"])
def test_other_ids_are_refused(stack: Stack, name: str) -> None:
    response = stack.post("/similarity/add", jpeg(), params={"id": name})
    assert failure(response) == (400, "wrong_arguments_format")


def test_an_id_in_use_is_refused_and_a_retry_is_recognised(stack: Stack) -> None:
    name = unused()
    stack.post(f"/similarity/add?id={name}", jpeg((1, 2, 3)))
    again = stack.post(f"/similarity/add?id={name}", jpeg((1, 2, 3)))
    assert failure(again) == (409, "duplicate_image_id")
    assert again.json()["identical"] is True
    other = stack.post(f"/similarity/add?id={name}", jpeg((9, 9, 9)))
    assert failure(other) == (409, "duplicate_image_id")
    assert other.json()["identical"] is False


def test_of_one_id_from_fifty_clients_exactly_one_wins(stack: Stack) -> None:
    name = unused()
    with ThreadPoolExecutor(50) as pool:
        codes = list(
            pool.map(
                lambda n: stack.post(f"/similarity/add?id={name}", jpeg((n, n, n))).status_code,
                range(50),
            )
        )
    assert sorted(codes) == [200] + [409] * 49


# -- uploads that are none


@pytest.mark.parametrize("path", ["/similarity/add", "/similarity/search", "/predict/concepts"])
def test_a_missing_image_is_named(stack: Stack, path: str) -> None:
    for response in (
        stack.post(path),
        stack.post(path, b""),
        stack.post(path, data={"data": ""}),
        stack.call("POST", path, files={"image": jpeg()}),
        stack.call("POST", path, data=jpeg()),
    ):
        assert failure(response) == (400, "data_payload_required")


@pytest.mark.parametrize("path", ["/similarity/add", "/similarity/search", "/predict/concepts"])
@pytest.mark.parametrize("file", [b"no image", jpeg()[:200], b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_what_is_no_image_is_refused(stack: Stack, path: str, file: bytes) -> None:
    assert failure(stack.post(path, file)) == (400, "image_reading_error")


def test_nothing_is_stored_of_an_image_that_was_refused(stack: Stack) -> None:
    name = unused()
    stack.post(f"/similarity/add?id={name}", b"no image")
    assert stack.post(f"/similarity/add?id={name}", jpeg()).status_code == 200


@pytest.mark.parametrize("size", [(2 << 20) + 1, 5 << 20, 40 << 20])
def test_too_many_bytes_are_refused(stack: Stack, size: int) -> None:
    assert failure(stack.post("/similarity/add", bytes(size))) == (413, "image_too_large")


def test_too_many_pixels_are_refused(stack: Stack) -> None:
    file = encode(Image.new("1", (20_000, 6_000)), "PNG")
    assert failure(stack.post("/similarity/add", file)) == (413, "image_too_large")


def test_two_images_in_one_request_are_refused(stack: Stack) -> None:
    files = [("data", jpeg()), ("data", jpeg())]
    response = stack.call("POST", "/similarity/add", files=files)
    assert failure(response) == (400, "wrong_arguments_format")


def test_other_fields_are_passed_over(stack: Stack) -> None:
    files = [("note", b"x" * 1000), ("data", jpeg())]
    assert stack.call("POST", "/similarity/add", files=files).status_code == 200


def test_a_chunked_upload_is_read(stack: Stack) -> None:
    """As curl sends a file from a pipe: without a Content-Length."""
    head = b'--b\r\nContent-Disposition: form-data; name="data"; filename="-"\r\n\r\n'

    def pieces(image: bytes) -> Iterator[bytes]:
        yield head
        yield from (image[i : i + 100] for i in range(0, len(image), 100))
        yield b"\r\n--b--\r\n"

    def send(image: bytes) -> requests.Response:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        return stack.call("POST", "/similarity/add", data=pieces(image), headers=headers)

    assert send(jpeg()).json()["status"] == "ok"
    assert failure(send(bytes(3 << 20))) == (413, "image_too_large")


@pytest.mark.parametrize(
    "body", [b"", b"--b", b"--b\r\n\r\n", b"rubbish", b"--b\r\nContent-Disposition: x\r\n\r\n--b--"]
)
def test_rubbish_for_a_form_is_refused(stack: Stack, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = stack.call("POST", "/similarity/add", data=body, headers=headers)
    assert failure(response)[0] == 400


def test_a_client_that_hangs_up_half_way_does_no_harm(stack: Stack) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", int(stack.env["PORT"]))) as client:
            client.sendall(
                b"POST /similarity/add?id=halfway HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Length: 9999\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
            )
    assert stack.get("/health/live").json() == {"status": "ok"}


# -- searching


def search(stack: Stack, file: bytes, query: str = "") -> dict[str, Any]:
    response = stack.post(f"/similarity/search{query}", file)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_search_answers_exactly_three_fields(stack: Stack, collection: dict[str, bytes]) -> None:
    name, file = next(iter(collection.items()))
    response = stack.post("/similarity/search", file)
    assert re.fullmatch(
        r'\{"dist": \[[^\]]+\], "result": \[("[^"]+"(, )?)+\], "status": "ok"\}', response.text
    )
    answer = response.json()
    assert len(answer["dist"]) == len(answer["result"]) == 10
    assert answer["dist"] == sorted(answer["dist"])
    assert 0 <= min(answer["dist"]) <= max(answer["dist"]) <= 4
    assert answer["result"][0] == name
    assert response.headers["X-Model-Version"] == "1"
    assert int(response.headers["X-Generation"]) >= 1
    stages = ["decode", "queue", "infer", "recent", "search", "total"]
    assert list(timings(response)) == stages
    assert sum(timings(response)[stage] for stage in stages[:-1]) <= timings(response)["total"] + 1


def test_every_image_finds_itself_first(stack: Stack, collection: dict[str, bytes]) -> None:
    asked = dict(list(collection.items())[::12])

    def own(item: tuple[str, bytes]) -> bool:
        answer = search(stack, item[1])
        return bool(answer["result"][0] == item[0] and answer["dist"][0] < 1e-3)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(own, asked.items()))


def test_results_can_be_counted_and_cut(stack: Stack, collection: dict[str, bytes]) -> None:
    file = [*collection.values()][613]  # none that a test adds again
    ten = search(stack, file)
    assert search(stack, file, "?num_results=3")["result"] == ten["result"][:3]
    assert len(search(stack, file, "?num_results=500&nprob=100")["result"]) == 500
    limit = (ten["dist"][3] + ten["dist"][4]) / 2
    cut = search(stack, file, f"?max_dist={limit}")
    assert cut == {"dist": ten["dist"][:4], "result": ten["result"][:4], "status": "ok"}
    assert search(stack, file, f"?nprob=100&max_dist={math.inf}")["result"][0] == ten["result"][0]


@pytest.mark.parametrize(
    "query",
    [
        *("num_results=0", "num_results=1001", "num_results=x", "num_results=1.5"),
        *("nprob=0", "nprob=101", "nprob=", "max_dist=-1", "max_dist=nan", "max_dist=x"),
    ],
)
def test_parameters_out_of_range_are_refused(stack: Stack, query: str) -> None:
    response = stack.post(f"/similarity/search?{query}", jpeg())
    assert failure(response) == (400, "wrong_arguments_format")
    assert query.split("=")[0] in response.json()["detail"]


def test_a_failed_search_has_empty_lists(stack: Stack) -> None:
    answer = stack.post("/similarity/search", b"no image").json()
    assert (answer["dist"], answer["result"], answer["status"]) == ([], [], "error")


# -- how well the index does


def test_the_measured_recall_is_in_stats_and_in_metrics(stack: Stack) -> None:
    stats = stack.get("/similarity/stats").json()
    assert [mark["nprob"] for mark in stats["recall"]] == list(RECALL_TARGETS)
    assert stats["queries"] >= 500
    assert [each["share"] for each in stats["filtered_recall"]] == [0.5, 0.1, 0.01]
    assert all(each["recall"] >= RECALL_TARGETS[5] for each in stats["filtered_recall"])
    assert stats["warnings"] == stats["training_due"] == []
    response = stack.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    told = {
        (family.name, sample.labels.get("nprob")): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    for mark in stats["recall"]:
        nprob = str(mark["nprob"])
        assert told["similarity_index_recall_ratio", nprob] == mark["recall"]
        assert told["similarity_index_recall_lower_bound_ratio", nprob] == mark["at_least"]
        assert (
            told["similarity_index_recall_promised_ratio", nprob] == RECALL_TARGETS[mark["nprob"]]
        )
        assert mark["at_least"] <= mark["recall"] <= 1
        assert mark["recall"] >= RECALL_TARGETS[mark["nprob"]]
    assert told["similarity_index_generation", None] == stats["generation"]
    assert told["similarity_index_images", None] == stats["indexed"] + stats["deleted"]
    assert told["similarity_index_training_due", None] == 0


# -- keywords


def test_concepts_are_the_likeliest_labels(stack: Stack, collection: dict[str, bytes]) -> None:
    """What the shipped model sees in a cat is test_up.py's."""
    file = next(iter(collection.values()))
    response = stack.post("/predict/concepts?top_k=3", file)
    concepts = response.json()["concepts"]
    scores = [concept["score"] for concept in concepts]
    assert response.json()["status"] == "ok"
    assert {concept["name"] for concept in concepts} == {*LABELS["tiny"]}
    assert scores == sorted(scores, reverse=True)
    least = scores[1]
    few = stack.post(f"/predict/concepts?keyword_threshold={least}", file).json()
    assert few["concepts"] == concepts[:2]
    assert stack.post("/predict/concepts?top_k=1", file).json()["concepts"] == concepts[:1]


@pytest.mark.parametrize("query", ["top_k=0", "top_k=1001", "keyword_threshold=x"])
def test_concepts_refuse_parameters_out_of_range(stack: Stack, query: str) -> None:
    response = stack.post(f"/predict/concepts?{query}", jpeg())
    assert failure(response) == (400, "wrong_arguments_format")


# -- tasks


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("kind", "message"), [("train", "training"), ("update", "updating")])
def test_a_task_is_requested_and_reports_its_progress(
    stack: Stack, collection: dict[str, bytes], method: str, kind: str, message: str
) -> None:
    answer = stack.call(method, f"/similarity/{kind}").json()
    assert answer == {"status": "ongoing", "message": message, "task_id": answer["task_id"]}
    assert uuid.UUID(answer["task_id"]).version == 4
    done = stack.finish(answer["task_id"])
    assert (done["status"], done["progress"], done["kind"]) == ("ok", 1.0, kind)
    assert done["images"] >= len(collection)
    assert stack.get(f"/status/{answer['task_id']}").json() == done
    listed = stack.get("/similarity/tasks").json()["tasks"]
    assert done in listed


def test_what_was_added_before_an_update_is_found_after_it(stack: Stack) -> None:
    for colour in ((250, 10, 200), (3, 200, 250)):
        name = unused()
        stack.post(f"/similarity/add?id={name}", jpeg(colour, (300, 100)))
        stack.run("update")
        answer = search(stack, jpeg(colour, (300, 100)))
        assert answer["dist"][0] < 1e-3
        assert name in answer["result"]


def test_requests_at_once_share_tasks(stack: Stack) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: stack.get("/similarity/update").json(), range(16)))
    tasks = {answer["task_id"] for answer in answers}
    assert len(tasks) < 16
    assert {stack.finish(task)["status"] for task in tasks} == {"ok"}


def test_unknown_tasks_are_unknown(stack: Stack) -> None:
    for path in (f"/similarity/status/{uuid.uuid4()}", "/status/nonsense"):
        assert failure(stack.get(path)) == (404, "unknown_task_id")
    gone = stack.post(f"/similarity/tasks/{uuid.uuid4()}/cancel")
    assert failure(gone) == (404, "unknown_task_id")


def test_a_finished_task_cannot_be_cancelled(stack: Stack) -> None:
    task = stack.run("update")
    response = stack.post(f"/similarity/tasks/{task['task_id']}/cancel")
    assert failure(response) == (409, "task_finished")


# -- the rest


def test_health_names_its_parts(stack: Stack) -> None:
    assert stack.get("/health/live").json() == {"status": "ok"}
    number = stack.get("/similarity/stats").json()["generation"]
    assert number is not None
    ready = {
        "status": "ok",
        "parts": {"catalogue": "ok", "triton": "ok", "queue": "ok"},
        "index": {"generation": number, "current": number},
    }
    stack.wait(lambda: stack.get("/health/ready").json() == ready, f"it is {ready}", 60)


def test_unknown_paths_and_methods_are_answered_in_json(stack: Stack) -> None:
    assert failure(stack.get("/nowhere")) == (404, "unknown_path")
    assert failure(stack.get("/similarity/add")) == (405, "method_not_allowed")
    assert stack.get("/similarity/add").headers["Allow"].startswith("POST")
    assert failure(stack.call("DELETE", "/similarity/train"))[0] == 405


def test_a_request_id_is_given_back(stack: Stack) -> None:
    given = stack.get("/health/live", headers={"X-Request-Id": "mine-1"})
    assert given.headers["X-Request-Id"] == "mine-1"
    drawn = stack.get("/health/live").headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", drawn)
    assert f" {drawn}" in stack.log("sidecar")


def in_flight(stack: Stack) -> float:
    """The requests that all processes work on, but for the one that asks."""
    page = stack.get("/metrics").text
    return (
        sum(float(v) for v in re.findall(r"^similarity_http_requests_in_hand (\S+)$", page, re.M))
        - 1
    )


def test_triton_batches_concurrent_adds(stack: Stack, collection: dict[str, bytes]) -> None:
    """What comes while Triton is busy shares its next batches."""
    files = list(collection.values())[:CONCURRENT]
    before = stack.inferences()
    stack.send_all(
        "triton", signal.SIGSTOP
    )  # as long as the last of them is under way: however busy the machine is
    try:
        with ThreadPoolExecutor(CONCURRENT) as pool:
            answers = [pool.submit(stack.post, "/similarity/add", file) for file in files]
            stack.wait(lambda: in_flight(stack) >= CONCURRENT, "all adds are in flight")
            stack.send_all("triton", signal.SIGCONT)
    finally:
        stack.send_all("triton", signal.SIGCONT)
    assert {answer.result().status_code for answer in answers} == {200}
    # Triton counts after it has answered.
    wanted = before[0] + CONCURRENT
    stack.wait(lambda: stack.inferences()[0] >= wanted, "Triton has counted them all")
    count, executions = (b - a for a, b in zip(before, stack.inferences(), strict=True))
    assert count == CONCURRENT
    assert count / executions > 4
