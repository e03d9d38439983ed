"""Prometheus' configuration and rules, and Grafana's dashboard, by Prometheus' own tools."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.ports import HOST, LaunchRefused
from local.prometheus import DEPLOYED, RULES, TARGETS, configure, fetch, program
from local.stack import ROOT
from tests.support.watcher import (
    DASHBOARD,
    dashboard_expressions,
    metrics_in,
    program_or_skip,
    watching,
)

Rule = dict[str, Any]
SEVERITIES = {"critical", "warning", "info"}


@pytest.fixture(scope="module")
def promtool() -> Callable[..., str]:
    """Run it; its output if it is content, else its output in the failure."""
    tool = program_or_skip("promtool")

    def run(*words: object, content: bool = True) -> str:
        command = [tool, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
        assert (done.returncode == 0) == content, text
        return text

    return run


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """The rules as a real Prometheus reads them; what it watches need not be there."""
    program_or_skip("prometheus")
    with watching(tmp_path_factory.mktemp("rules"), {}) as prometheus:
        yield prometheus.groups()


@pytest.fixture(scope="module")
def alerts(groups: list[dict[str, Any]]) -> list[Rule]:
    return [rule for group in groups for rule in group["rules"] if rule["type"] == "alerting"]


@pytest.fixture(scope="module")
def records(groups: list[dict[str, Any]]) -> list[Rule]:
    return [rule for group in groups for rule in group["rules"] if rule["type"] == "recording"]


def test_the_configuration_is_valid(promtool: Callable[..., str], tmp_path: Path) -> None:
    promtool("check", "config", "--syntax-only", DEPLOYED / "prometheus.yml")
    promtool("check", "config", configure(tmp_path, {}))


def test_a_local_configuration_has_the_ports_and_the_key_of_the_stack(tmp_path: Path) -> None:
    deployed = (DEPLOYED / "prometheus.yml").read_text()
    assert all(deployed.count(f'"{name}"') == 1 for name in TARGETS)
    key = tmp_path / "key"
    settings = {variable: f"{4000 + n}" for n, (variable, _) in enumerate(TARGETS.values())}
    settings |= {"PROMETHEUS_KEY_FILE": str(key), "PROMETHEUS_INTERVAL": "2s"}
    read = yaml.safe_load(configure(tmp_path, settings).read_text())
    jobs = read["scrape_configs"]
    targets = [one for job in jobs for each in job["static_configs"] for one in each["targets"]]
    assert targets == [f"127.0.0.1:{4000 + n}" for n in range(4)]
    assert {read["global"][f"{name}_interval"] for name in ("scrape", "evaluation")} == {"2s"}
    keys = [job["authorization"]["credentials_file"] for job in jobs if "authorization" in job]
    assert keys == [str(key)]


@pytest.mark.long
def test_every_rule_does_what_its_test_says(promtool: Callable[..., str]) -> None:
    promtool("check", "rules", *(DEPLOYED / name for name in RULES))
    promtool("test", "rules", *sorted((DEPLOYED / "tests").glob("*.yml")))


@pytest.mark.release
@pytest.mark.long
def test_an_alert_that_always_fires_as_another_fails_tests_that_want_it_and_tests_that_do_not(
    promtool: Callable[..., str],
    groups: list[dict[str, Any]],
    alerts: list[Rule],
    tmp_path: Path,
) -> None:
    """It is not what a test waits for, and it is there where a test waits for none."""
    _change(groups, "alerting", "vector(1)", tmp_path)
    tests = sorted(set((tmp_path / "tests").glob("*.yml")) - {tmp_path / "tests" / "recording.yml"})
    told = promtool("test", "rules", *tests, content=False)
    failed = re.findall(r"alertname: (\w+), time: \w+, \n\s+exp:\[(\]?)", told)
    names = {alert["name"] for alert in alerts}
    assert {name for name, none in failed if not none} == names
    assert {name for name, none in failed if none} == names


def test_a_changed_recording_rule_fails_its_test(
    promtool: Callable[..., str],
    groups: list[dict[str, Any]],
    records: list[Rule],
    tmp_path: Path,
) -> None:
    _change(groups, "recording", "-1 - abs({})", tmp_path)
    told = promtool("test", "rules", tmp_path / "tests" / "recording.yml", content=False)
    expressions = " ".join(re.findall(r'expr: "(.*)", time:', told))
    assert metrics_in(expressions) == {record["name"] for record in records}


def _change(groups: list[dict[str, Any]], kind: str, changed: str, folder: Path) -> None:
    """Copy tests and the rules of a kind into a folder; all get another expression."""
    written: dict[str, list[dict[str, Any]]] = {name: [] for name in RULES}
    for group in groups:
        rules = [
            _as_written(rule, changed.format(rule["query"]))
            for rule in group["rules"]
            if rule["type"] == kind
        ]
        written[Path(group["file"]).name].append({"name": group["name"], "rules": rules})
    for name, content in written.items():  # JSON is YAML
        (folder / name).write_text(json.dumps({"groups": content}))
    shutil.copytree(DEPLOYED / "tests", folder / "tests")


def _as_written(rule: Rule, expression: str) -> dict[str, Any]:
    """A rule as it stands in a file; an alert says nothing, which takes promtool long."""
    if rule["type"] == "recording":
        return {"record": rule["name"], "expr": expression}
    duration = f"{rule['duration']:.0f}s"
    return {"alert": rule["name"], "expr": expression, "for": duration, "labels": rule["labels"]}


def test_every_alert_says_how_bad_it_is_and_what_to_do(alerts: list[Rule]) -> None:
    for alert in alerts:
        name, notes = alert["name"], alert["annotations"]
        severities = set(re.findall("|".join(SEVERITIES), alert["labels"]["severity"]))
        assert severities, name
        assert set(notes) == {"summary", "description", "runbook_url"}, name
        assert notes["runbook_url"] == f"docs/operations.md#{name.lower()}"


def test_every_expression_of_the_dashboard_is_understood(
    promtool: Callable[..., str], tmp_path: Path
) -> None:
    texts = dashboard_expressions().values()
    rules = [{"record": f"panel_{n}", "expr": text} for n, text in enumerate(texts)]
    panels = {"groups": [{"name": "panels", "rules": rules}]}
    (tmp_path / "panels.yml").write_text(json.dumps(panels))
    assert f"{len(rules)} rules found" in promtool("check", "rules", tmp_path / "panels.yml")


def test_the_dashboard_reads_recorded_figures_that_exist(records: list[Rule]) -> None:
    read = {name for text in dashboard_expressions().values() for name in metrics_in(text)}
    assert {name for name in read if ":" in name} <= {record["name"] for record in records}


def test_the_dashboard_can_be_drawn() -> None:
    board = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_metrics_are_found_in_expressions() -> None:
    text = 'sum by (job) (rate(a_total{b="c d"}[5m] offset 1h)) / on (x) group_left (y) (z:e > 1e6)'
    assert metrics_in(text) == {"a_total", "z:e"}


def test_what_is_not_there_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PROMETHEUS_ENV", str(tmp_path))
    with pytest.raises(LaunchRefused, match=r"no promtool on PATH nor .*; run: make prometheus"):
        program("promtool")
    with pytest.raises(LaunchRefused, match="no Debian packages here"):
        fetch()


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    program_or_skip("prometheus")
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        env = os.environ | {"PROMETHEUS_PORT": f"{port}", "DATA_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "local.prometheus"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        f"local.prometheus: port {port} is taken; set PROMETHEUS_PORT to another\n"
    )
