"""A real Prometheus watches the real stack: its rules against what the parts really export."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from sidecar.http.guards import api_keys as keys
from tests.conftest import Trained
from tests.support.watcher import (
    Prometheus,
    dashboard_expressions,
    metrics_in,
    program_or_skip,
    watching,
)

pytestmark = pytest.mark.long

LOOKS = "2s"  # which is as long as one may take
# Whether these are right depends on the machine that runs the tests.
OF_THE_MACHINE = {"SearchSlow", "TritonQueueLong", "VolumeNearlyFull", "VolumeFillsUp"}
# Not exported here and now. Source of Triton's: its manual, "Metrics".
ONLY_WITH_SEVERAL_TRITONS = {"similarity_triton_servers"}  # see triton/test_several_tritons.py
ONLY_WITH_A_STORE = {"similarity_images_store_up"}  # see test_pictures_store.py
ONLY_WITH_A_GPU = {"nv_gpu_utilization", "nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes"}
ONLY_WHILE_A_TASK_RUNS = {"similarity_task_progress_ratio"}  # test_a_task_shows_its_progress
EVALUATED = "prometheus_rule_group_last_evaluation_timestamp_seconds"


class Watched:
    """A stack, the Prometheus that watches it, and some traffic."""

    def __init__(self, stack: Stack, prometheus: Prometheus, photos: list[bytes]) -> None:
        self.stack = stack
        self.prometheus = prometheus
        self._photos = photos
        self._added = 0

    def traffic(self) -> None:
        """Add an image and look for it."""
        photo = self._photos[self._added % len(self._photos)]
        self._added += 1
        self.stack.post(f"/similarity/add?id=new-{self._added}", photo)
        self.stack.post("/similarity/search", photo)

    def pending(self) -> set[str]:
        """Names of alerts that fire, or will if it goes on, with the job or part they are about."""
        return {
            " ".join([labels["alertname"], labels.get("part", labels.get("job", ""))])
            for labels in (alert["labels"] for alert in self.prometheus.alerts())
            if labels["alertname"] not in OF_THE_MACHINE
        }

    def exported(self) -> set[str]:
        """Every metric that Prometheus has met."""
        return set(self.prometheus.get("label/__name__/values"))


@pytest.fixture(scope="module")
def watched(
    trained: Trained, collection: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    program_or_skip("prometheus")
    with trained(tmp_path_factory.mktemp("watched"), HTTP_PROCESSES="1") as stack:
        stack.command("backup", str(tmp_path_factory.mktemp("backups") / "copy"))
        settings = stack.env | {"PROMETHEUS_INTERVAL": LOOKS}
        with watching(tmp_path_factory.mktemp("prometheus"), settings) as prometheus:
            yield Watched(stack, prometheus, list(collection.values())[:50])


@pytest.fixture(scope="module")
def broken(watched: Watched) -> Watched:
    """The same without Triton, Redis and the worker."""
    for name in ("triton", "worker", "redis"):
        watched.stack.kill_all(name)
    return watched


def test_every_target_is_up(watched: Watched) -> None:
    def jobs() -> list[str]:
        up = watched.prometheus.get("query", query="up == 1")["result"]
        return sorted(each["metric"]["job"] for each in up)

    expected = ["prometheus", "sidecar", "triton", "worker"]
    watched.stack.wait(lambda: jobs() == expected, "every target is up")


def test_every_recording_rule_gives_a_value(watched: Watched) -> None:
    groups = watched.prometheus.groups()
    names = [r["name"] for g in groups for r in g["rules"] if r["type"] == "recording"]
    missing = set(names)

    def all_there() -> bool:
        watched.traffic()
        missing.difference_update([n for n in missing if watched.prometheus.values(n)])
        return not missing

    watched.stack.wait(all_there, "every rule gives a value")


def test_every_alert_is_quiet_while_all_is_well(watched: Watched) -> None:
    watched.stack.run("update")  # or what the traffic added would wait
    updated = time.time()

    def quiet() -> bool:
        evaluated = watched.prometheus.values(f"min({EVALUATED})")[0]
        return evaluated > updated + 5 and watched.pending() == set()

    try:
        watched.stack.wait(quiet, "no alert is on its way")
    finally:
        print(watched.pending())  # which pytest shows where it fails
    groups = watched.prometheus.groups()
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}


def test_a_task_shows_its_progress(watched: Watched) -> None:
    task = ""
    seen: set[str] = set()

    def progress() -> bool:
        nonlocal task
        if not task or watched.stack.get(f"/similarity/status/{task}").json()["status"] == "ok":
            task = watched.stack.get("/similarity/train").json()["task_id"]  # it was too quick
        page = watched.stack.get("/metrics").text
        seen.update(re.findall(r"^similarity_task_progress_ratio{kind=\"(.*)\"}", page, re.M))
        return bool(seen)

    watched.stack.wait(progress, "a task shows its progress")
    assert seen == {"train"}
    assert watched.stack.finish(task)["status"] == "ok"


def test_what_is_down_raises_an_alert(broken: Watched) -> None:
    expected = {
        "PartDown triton",
        "QueueDown queue",
        "RequestsRefused sidecar",
        "TargetDown triton",
        "TargetDown worker",
        "TritonErrors sidecar",
    }

    def told() -> bool:
        broken.traffic()
        return expected <= broken.pending()

    broken.stack.wait(told, f"these alerts are on their way: {expected}")
    texts = [text for a in broken.prometheus.alerts() for text in a["annotations"].values()]
    assert not [text for text in texts if "<" in text]  # as in <no value>, <error expanding>


def test_rules_and_dashboard_read_what_is_really_exported(broken: Watched) -> None:
    groups = broken.prometheus.groups()
    read = {name for g in groups for rule in g["rules"] for name in metrics_in(rule["query"])}
    read |= {name for text in dashboard_expressions().values() for name in metrics_in(text)}
    exported = broken.exported() | ONLY_WITH_A_GPU | ONLY_WHILE_A_TASK_RUNS
    exported |= ONLY_WITH_SEVERAL_TRITONS | ONLY_WITH_A_STORE
    assert read - exported == set()


@pytest.mark.release
@pytest.mark.parametrize("has_key", [True, False])
def test_where_keys_are_set_prometheus_needs_one(has_key: bool, tmp_path: Path) -> None:
    program_or_skip("prometheus")
    secret, key = keys.draw("prometheus", "read")
    (tmp_path / "keys").write_text(f"{key}\n")
    (tmp_path / "secret").write_text(secret)
    stack = Stack(tmp_path, API_KEYS_FILE=str(tmp_path / "keys"))
    settings = stack.env | {"PROMETHEUS_INTERVAL": LOOKS}
    settings |= {"PROMETHEUS_KEY_FILE": str(tmp_path / "secret")} if has_key else {}
    (tmp_path / "watching").mkdir()
    try:
        stack.start("sidecar")
        stack.wait(lambda: stack.get("/health/live").ok, "the sidecar answers")
        with watching(tmp_path / "watching", settings) as prometheus:
            up = 'up{job="sidecar"}'
            stack.wait(lambda: prometheus.values(up) == [has_key], f"{up} is {has_key:d}")
    finally:
        stack.stop()
