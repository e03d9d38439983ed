"""What Prometheus scrapes: from all processes of the sidecar together, and from the worker."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from local.stack import Stack
from sidecar.catalogue import UNFINISHED, TaskKind
from tests.support.calls import jpeg

Told = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def stack(tiny_stack: Stack) -> Stack:
    """Nothing here is a matter of the model."""
    return tiny_stack


def read(url: str) -> Told:
    page = requests.get(url, timeout=60)
    assert page.ok, page.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def told(stack: Stack) -> Told:
    return read(f"{stack.url}/metrics")


def value(told: Told, name: str, **labels: str) -> float:
    return told.get((f"similarity_{name}", frozenset(labels.items())), 0.0)


def test_requests_of_all_processes_are_counted_together(stack: Stack) -> None:
    def ask(_: int) -> int:
        # Each on a connection of its own, so that both processes get some.
        return stack.post("/similarity/search?num_results=0", jpeg()).status_code

    of = {"method": "POST", "route": "/similarity/search", "status": "400"}
    before = value(told(stack), "http_requests_total", **of)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(64))) == {400}
    after = told(stack)
    assert value(after, "http_requests_total", **of) - before == 64
    assert value(after, "http_requests_in_hand") == 1  # the one that asks


def test_a_route_is_named_by_its_template_and_the_unknown_by_one_word(stack: Stack) -> None:
    stack.get("/similarity/images/no-such")
    stack.get("/no/such/path")
    requests.request("BREW", f"{stack.url}/similarity/stats", timeout=60)
    after = told(stack)
    template = "/similarity/images/{image_id}"
    assert value(after, "http_requests_total", method="GET", route=template, status="404") > 0
    assert value(after, "http_requests_total", method="GET", route="unknown", status="404") > 0
    labels = {key: text for name, pairs in after for key, text in pairs}
    assert "BREW" not in labels.values()
    assert "no-such" not in labels.values()


def test_stages_and_groups_add_up(stack: Stack) -> None:
    before = told(stack)
    for number in range(3):
        assert stack.post(f"/similarity/add?id=counted-{number}", jpeg((number, 0, 0))).ok
    after = told(stack)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("commit_images_sum") == grown("infer_images_sum") == 3
    assert grown("http_request_duration_seconds_count", route="/similarity/add") == 3
    stages = ("decode", "queue", "infer", "commit")
    assert [grown("stage_duration_seconds_count", stage=name) for name in stages] == [3] * 4
    whole = grown("http_request_duration_seconds_sum", route="/similarity/add")
    parts = sum(grown("stage_duration_seconds_sum", stage=name) for name in stages)
    assert 0 < parts <= whole
    assert grown("images") == grown("images_waiting") == 3
    for number in range(3):
        assert stack.post(f"/similarity/remove?id=counted-{number}").ok


def test_the_gauges_are_those_of_the_calls(stack: Stack) -> None:
    stats, now = stack.get("/similarity/stats").json(), told(stack)
    assert value(now, "images") == stats["images"]
    assert value(now, "images_waiting") == stats["waiting"]
    assert value(now, "removals_waiting") == stats["deleted"]
    assert value(now, "workers") == 1
    parts = [value(now, "part_up", part=name) for name in ("catalogue", "triton", "queue")]
    assert parts == [1, 1, 1]
    [in_use] = [dict(labels) for name, labels in now if name == "similarity_model_info"]
    assert in_use["version"] == str(stats["model_version"])
    assert value(now, "volume_size_bytes") > value(now, "volume_free_bytes") > 0
    states = [dict(labels) for name, labels in now if name == "similarity_tasks"]
    assert len(states) == len(TaskKind) * len(UNFINISHED)


def test_the_worker_tells_how_long_its_tasks_took(stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.env['METRICS_PORT']}/metrics"

    def updates() -> float:
        return value(read(url), "task_duration_seconds_count", kind="update", outcome="ok")

    before = updates()
    stack.run("update")
    stack.wait(lambda: updates() == before + 1, "the worker has counted it")
    assert value(read(url), "workers_lost_total") == 0


@pytest.mark.parametrize("page", ["sidecar", "worker"])
def test_names_keep_to_the_conventions(stack: Stack, page: str) -> None:
    """Source: https://prometheus.io/docs/practices/naming/."""
    port = stack.env["METRICS_PORT"]
    url = {"sidecar": f"{stack.url}/metrics", "worker": f"http://127.0.0.1:{port}/metrics"}[page]
    text = requests.get(url, timeout=60).text
    families = [f for f in text_string_to_metric_families(text) if f.name.startswith("similarity")]
    assert families
    for family in families:
        assert family.documentation.endswith("."), family.name
        names = {sample.name for sample in family.samples}
        if family.type == "counter":
            assert all(name.endswith(("_total", "_created")) for name in names), names
        assert not any(unit in family.name for unit in ("_ms", "milli", "percent")), family.name
