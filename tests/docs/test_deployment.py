"""The files of a deployment by containers say the same: compose, .env.example, the settings.

That they work is proved by `make check-deploy`.
"""

import re
from typing import Any

import pytest
import yaml

from local.stack import ROOT
from sidecar.settings import Settings

EXAMPLE = (ROOT / ".env.example").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
CPU = (ROOT / "docker-compose.cpu.yml").read_text()
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")
# What is another in containers, and why its line in .env.example says so.
CONTAINERS = {"LOG_FORMAT": "json", "TRITON_REPOSITORY_KEY": "repository=not-published"}
# What containers have their own of.
FIXED = {
    "HOST": "0.0.0.0",
    "METRICS_PORT": 9091,
    "DATA_DIR": "/data",
    "MODEL_REPOSITORY": "/models",
    "TRITON_URL": "triton:8001",
    "REDIS_URL": "redis://:${REDIS_PASSWORD}@redis:6379/0",
}


class _Loader(yaml.SafeLoader):
    """YAML with the tags that Compose adds."""


_Loader.add_constructor("!reset", lambda _loader, _node: None)


def read(text: str) -> Any:
    return yaml.load(text, _Loader)


def example() -> dict[str, str]:
    """The variables of .env.example with their values."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.M))


def asked() -> dict[str, set[tuple[str, str]]]:
    """The variables that the compose files read, with what they say for a value that is missing."""
    found: dict[str, set[tuple[str, str]]] = {}
    for name, kind, rest in VARIABLE.findall(COMPOSE + CPU):
        found.setdefault(name, set()).add((kind, rest))
    return found


def settings() -> dict[str, str]:
    fields = Settings.model_fields.items()
    return {name.upper(): "" if f.default is None else str(f.default) for name, f in fields}


def test_every_variable_is_in_the_example_and_no_other() -> None:
    names = re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.M)
    assert sorted(names) == sorted({*asked(), *settings()})


def test_the_example_has_the_defaults_of_the_settings() -> None:
    assert {name: example()[name] for name in settings()} == settings()


def test_the_example_says_of_each_setting_what_the_manual_says() -> None:
    for name, field in Settings.model_fields.items():
        before = EXAMPLE.split(f"\n#{name.upper()}=")[0].splitlines()
        comment = before[-2:]
        assert f"# {field.description}" in comment, name


def test_what_compose_reads_has_the_defaults_of_the_example() -> None:
    for name, uses in asked().items():
        given = {rest for kind, rest in uses if kind == "-"}
        if name in CONTAINERS:
            assert given == {CONTAINERS[name]}, name
        elif name in settings():
            # Empty: the service has the default. Only the port is also needed by Compose.
            assert given == ({example()[name]} if name == "PORT" else {""}), name
        elif name in ("REDIS_PASSWORD", "GRAFANA_PASSWORD"):
            assert any(kind == "?" for kind, _ in uses)
            assert example()[name] == ""
        else:
            assert given == {example()[name]}, name


@pytest.mark.parametrize("service", ["sidecar", "worker"])
def test_every_setting_reaches_the_containers(service: str) -> None:
    environment = read(COMPOSE)["services"][service]["environment"]
    passed = {name for name, value in environment.items() if f"${{{name}:-" in str(value)}
    fixed = {name: environment[name] for name in FIXED}
    assert passed == set(settings()) - set(FIXED) - {"PORT"}
    assert fixed == FIXED
    assert environment["PORT"] == 5000


def test_the_override_for_a_cpu_takes_every_gpu_away() -> None:
    services = read(COMPOSE)["services"]
    override = read(CPU)["services"]
    with_gpu = {name for name, service in services.items() if "deploy" in service}
    assert with_gpu == {"triton", "worker"}
    assert {name for name in override if override[name].get("deploy", "") is None} == with_gpu
    assert "FAISS" in services["sidecar"]["build"]["args"]
    built = {
        name: service["build"]["args"]["FAISS"]
        for name, service in override.items()
        if "build" in service
    }
    assert built == {"sidecar": "faiss-cpu", "worker": "faiss-cpu"}


def test_every_service_is_guarded_limited_and_watched() -> None:
    for name, service in read(COMPOSE)["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not str(service["user"]).startswith("0"), name
        assert service["restart"] == "unless-stopped", name
        assert {"mem_limit", "stop_grace_period", "healthcheck"} <= set(service), name


def test_only_the_service_and_grafana_are_published() -> None:
    services = read(COMPOSE)["services"]
    published = {
        name: service["ports"] for name, service in services.items() if service.get("ports")
    }
    assert set(published) == {"sidecar", "grafana"}
    for [port] in published.values():
        assert port.startswith("${PUBLISH:-127.0.0.1}:")
