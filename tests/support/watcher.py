"""Runs a real Prometheus for tests, and reads its rules, alerts and values."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from local.ports import HOST, LaunchRefused, free_ports
from local.process import Start, running
from local.prometheus import program
from local.stack import ROOT

DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "similarity.json"
# Parts of an expression that are no metrics: strings, selectors, ranges, what a keyword lists.
NO_METRICS = r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring|group_\w+) *\([^)]*\)'
WORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan"}


class Prometheus:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: str) -> Any:
        """Returns the data of its API's answer."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=query, timeout=60)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def values(self, expression: str) -> list[float]:
        """Returns the values of an expression now, without those that are no number."""
        found = self.get("query", query=expression)["result"]
        return [float(each["value"][1]) for each in found if each["value"][1] != "NaN"]

    def groups(self) -> list[dict[str, Any]]:
        """Returns the groups of rules as it has read them."""
        groups: list[dict[str, Any]] = self.get("rules")["groups"]
        return groups

    def alerts(self) -> list[dict[str, Any]]:
        """Returns the alerts that fire, and those that will if it goes on."""
        alerts: list[dict[str, Any]] = self.get("alerts")["alerts"]
        return alerts


@contextmanager
def watching(folder: Path, settings: Mapping[str, str]) -> Iterator[Prometheus]:
    """Runs a server that watches the stack with these settings until the block ends."""
    [port] = free_ports(1)
    env = os.environ | settings | {"DATA_DIR": str(folder), "PROMETHEUS_PORT": str(port)}
    command = [sys.executable, "-m", "local.prometheus"]
    url = f"http://{HOST}:{port}"
    with running(Start(command, folder / "prometheus.log", lambda: _ready(url), env)):
        yield Prometheus(url)


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=5).ok
    except requests.ConnectionError:
        return False


def program_or_skip(name: str) -> str:
    """Returns the path of `prometheus` or `promtool`; without one skips the test, but not in CI."""
    try:
        return program(name)
    except LaunchRefused as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def dashboard_expressions() -> dict[str, str]:
    """Returns the dashboard's expressions by their panels, with Grafana's variables filled in."""
    board = json.loads(DASHBOARD.read_text())
    notes = {note["name"]: note["expr"] for note in board["annotations"]["list"]}
    panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in board["panels"]
        for target in panel.get("targets", [])
    }
    return {name: text.replace("$__rate_interval", "5m") for name, text in (panels | notes).items()}


def metrics_in(expression: str) -> set[str]:
    """Returns the metrics that an expression reads."""
    rest = re.sub(NO_METRICS, " ", expression)
    words = re.findall(r"(?<![\w.])([a-zA-Z_:][\w:]*)\b(?! *\()", rest)
    return {word for word in words if word.lower() not in WORDS}
