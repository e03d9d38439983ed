"""A request is followed by its id: in the sidecar, in the lines of its task, in Triton."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from local.stack import Stack
from sidecar.settings import from_environment
from sidecar.telemetry import logs, request_ids
from tests.support.calls import jpeg


@pytest.fixture
def stack(tiny_stack: Stack) -> Stack:
    """Nothing here is a matter of the model."""
    return tiny_stack


def lines(stack: Stack, name: str, request_id: str) -> list[str]:
    return [line for line in stack.log(name).splitlines() if request_id in line]


def test_a_request_is_one_line_whatever_its_path(stack: Stack) -> None:
    headers = {"X-Request-Id": "one-line"}
    stack.get("/similarity/images/a%0A2026-01-01%20ERROR%20forged", headers=headers)
    [line] = lines(stack, "sidecar", "one-line")
    assert "a\\n2026-01-01 ERROR forged 4" in line


def test_the_workers_lines_have_the_id_of_the_request_that_asked(stack: Stack) -> None:
    headers = {"X-Request-Id": "asked-for-an-update"}
    task_id = stack.get("/similarity/update", headers=headers).json()["task_id"]
    assert stack.finish_well(task_id)["request_id"] == headers["X-Request-Id"]
    newest = stack.get("/similarity/tasks?limit=1").json()["tasks"][0]
    assert (newest["task_id"], newest["request_id"]) == (task_id, headers["X-Request-Id"])

    def said(what: str) -> bool:
        found = lines(stack, "worker", headers["X-Request-Id"])
        return any(what in line and task_id in line for line in found)

    assert said("starts, attempt 1")
    stack.wait(lambda: said("published generation"), "the worker has said so, too")


@contextmanager
def talkative(stack: Stack) -> Iterator[None]:
    """Triton logs each request. Source: its logging extension."""
    url = f"http://127.0.0.1:{stack.env['TRITON_HTTP_PORT']}/v2/logging"
    try:
        requests.post(url, json={"log_verbose_level": 1}, timeout=60).raise_for_status()
        yield
    finally:
        requests.post(url, json={"log_verbose_level": 0}, timeout=60).raise_for_status()


@pytest.mark.parametrize("path", ["/similarity/search", "/similarity/add?id=traced"])
def test_triton_knows_the_id_of_the_request(stack: Stack, path: str) -> None:
    request_id = f"traced-to-triton-{path.count('add')}"
    with talkative(stack):
        assert stack.post(path, jpeg(), headers={"X-Request-Id": request_id}).ok
        stack.wait(lambda: lines(stack, "triton", request_id), "Triton has logged it")
    stack.post("/similarity/remove?id=traced")


def test_a_line_of_json_has_what_was_said_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.set_up(from_environment(log_format="json"))
    request_ids.begin("mine")
    try:
        logging.getLogger("tests").info("said %d\nthings", 2, extra={"status": 200})
    finally:
        request_ids.begin("")
        root.handlers[:], level = before
        root.setLevel(level)
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told.pop("time")
    assert told == {
        "level": "INFO",
        "logger": "tests",
        "message": "said 2\nthings",
        "status": 200,
        "request_id": "mine",
    }
