"""deploy/kubernetes uses settings, commands and paths of the service that there are."""

import re
from pathlib import Path

import pytest
from falcon import inspect

from sidecar.__main__ import COMMANDS
from sidecar.http.app import create_app
from sidecar.settings import Settings, from_environment
from tests.support.kubernetes import FOLDER, container, of_kind, walk

OURS = ("sidecar", "worker", "migrate")  # made of our image
# Read by the library of the object store, under Amazon's names; and what REDIS_URL is made of.
AMAZONS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"}
OF_OTHERS = {*AMAZONS, "REDIS_PASSWORD"}
KNOWN = {name.upper() for name in Settings.model_fields}
SECRETS = {
    "CATALOGUE_URL": "postgresql+psycopg://similarity:secret@postgres/similarity",
    "REDIS_PASSWORD": "secret",
    "TRITON_REPOSITORY_KEY": "repository=secret",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


def variables(pod: str) -> dict[str, str]:
    """The environment that a pod of ours gets, with secrets of the right form."""
    [settings] = of_kind("example", "ConfigMap").values()
    given: dict[str, str] = dict(settings["data"]) if "envFrom" in container("example", pod) else {}
    for each in container("example", pod)["env"]:
        source = each.get("valueFrom", {})
        if "secretKeyRef" in source:
            given[each["name"]] = SECRETS[source["secretKeyRef"]["key"]]
        elif "configMapKeyRef" in source:
            given[each["name"]] = settings["data"][source["configMapKeyRef"]["key"]]
        else:
            given[each["name"]] = re.sub(r"\$\((\w+)\)", lambda n: given[n[1]], each["value"])
    return given


@pytest.mark.parametrize("pod", OURS)
def test_every_setting_of_a_pod_exists_and_keeps_its_rule(
    pod: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = variables(pod)
    assert set(given) - KNOWN <= OF_OTHERS
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = from_environment()
    assert settings.catalogue_url == SECRETS["CATALOGUE_URL"]
    if pod != "migrate":
        assert settings.index_store.startswith("s3://")
        assert settings.api_keys_file and settings.redis_url == "redis://:secret@redis:6379/0"


def test_a_misspelt_setting_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    [settings] = of_kind("example", "ConfigMap").values()
    monkeypatch.setitem(settings["data"], "NPROBE", "5")
    assert set(variables("sidecar")) - KNOWN - OF_OTHERS == {"NPROBE"}


def test_what_the_example_proposes_exists_too() -> None:
    text = (FOLDER / "example" / "kustomization.yaml").read_text()
    proposed = set(re.findall(r"# - (\w+)=", text))
    assert {"AUTO_UPDATE_S", "AWS_ENDPOINT_URL", "PICTURES_STORE"} == proposed
    assert proposed - KNOWN <= OF_OTHERS


def test_no_pod_starts_without_what_it_would_go_astray_without() -> None:
    """Without CATALOGUE_URL, for one, each pod would have a catalogue of its own, and lose it."""
    for pod in ("sidecar", "worker"):
        given = {each["name"]: each.get("valueFrom", {}) for each in container("base", pod)["env"]}
        for name in ("CATALOGUE_URL", "INDEX_STORE", "TRITON_REPOSITORY_KEY", "REDIS_PASSWORD"):
            [source] = given[name].values()
            assert source["key"] == name
            assert "optional" not in source


def test_each_pod_runs_a_command_of_the_service() -> None:
    commands = {pod: container("base", pod)["args"] for pod in OURS}
    assert commands == {"sidecar": ["serve"], "worker": ["worker"], "migrate": ["migrate"]}
    assert {word for [word] in commands.values()} <= set(COMMANDS)


def test_every_probe_asks_for_something_that_is_there(tmp_path: Path) -> None:
    routes = inspect.inspect_routes(create_app(from_environment(data_dir=tmp_path)))
    paths = {route.path for route in routes}
    for pod in ("sidecar", "worker", "triton", "redis"):
        probes = {n: each for n, each in container("base", pod).items() if n.endswith("Probe")}
        assert {"livenessProbe"} < set(probes), pod
        for probe in probes.values():
            if pod == "sidecar":
                assert probe["httpGet"]["path"] in paths
            if "httpGet" in probe:
                ports = {port["name"] for port in container("base", pod)["ports"]}
                assert probe["httpGet"]["port"] in ports
    # That Triton's are there, the real one shows: triton/test_probes.py.
    worker = walk(container("base", "worker"))
    assert {probe["httpGet"]["path"] for probe in worker if "httpGet" in probe} == {"/metrics"}
