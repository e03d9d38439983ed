"""deploy/kubernetes has the images, limits, ports and times of docker-compose.yml."""

import re
from typing import Any

import pytest
import yaml

from local.stack import ROOT
from tests.docs.test_deployment import COMPOSE, VARIABLE, read
from tests.support.kubernetes import container, of_kind, templates

SERVICES = read(COMPOSE)["services"]
OURS = ("sidecar", "worker", "migrate")  # made of our image
WITH_COMPOSE = ("sidecar", "worker", "triton", "redis")


def composed(text: Any) -> str:
    """What compose makes of a value with its defaults, `$$` being its `$`."""
    return VARIABLE.sub(lambda found: found[3] or "", str(text)).replace("$$", "$")


def test_images_are_those_of_compose_and_ours_has_the_version_that_compose_gives_it() -> None:
    for pod in ("triton", "redis"):
        assert container("base", pod)["image"] == composed(SERVICES[pod]["image"])
    version = SERVICES["sidecar"]["build"]["args"]["VERSION"]
    for pod in OURS:
        assert container("base", pod)["image"] == f"similarity:{version}"
        assert container("example", pod)["image"] == f"registry.example.org/similarity:{version}"


def test_triton_and_redis_are_started_as_in_compose() -> None:
    wanted = re.sub(
        r"\$\{TRITON_REPOSITORY_KEY:-[^}]*\}",
        "$(TRITON_REPOSITORY_KEY)",
        "\n".join(SERVICES["triton"]["command"]),
    )
    assert container("base", "triton")["args"] == wanted.split("\n")
    command = [composed(word) for word in SERVICES["redis"]["command"]]
    assert container("base", "redis")["command"] == command
    [*_, test] = SERVICES["redis"]["healthcheck"]["test"]
    assert container("base", "redis")["livenessProbe"]["exec"]["command"][-1] == composed(test)


@pytest.mark.parametrize("pod", WITH_COMPOSE)
def test_memory_users_and_the_time_to_stop_are_those_of_compose(pod: str) -> None:
    spec, service = templates("base")[pod]["spec"], SERVICES[pod]
    limit = composed(service["mem_limit"])
    assert container("base", pod)["resources"]["limits"]["memory"] == limit.upper() + "i"
    context = spec["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == composed(service["user"])
    first = container("base", pod).get("lifecycle", {}).get("preStop", {}).get("exec", {})
    slept = int(first["command"][1]) if first else 0
    stop = int(service["stop_grace_period"].removesuffix("s"))
    assert spec["terminationGracePeriodSeconds"] == stop + slept


def test_triton_has_as_long_to_start_as_in_compose() -> None:
    probe = container("base", "triton")["startupProbe"]
    minutes = int(SERVICES["triton"]["healthcheck"]["start_period"].removesuffix("m"))
    assert probe["periodSeconds"] * probe["failureThreshold"] == 60 * minutes


def test_shared_memory_is_as_large_as_in_compose() -> None:
    for pod in ("sidecar", "worker", "triton"):
        volumes = {each["name"]: each for each in templates("base")[pod]["spec"]["volumes"]}
        size = composed(SERVICES[pod]["shm_size"]).upper() + "i"
        assert volumes["shm"]["emptyDir"] == {"medium": "Memory", "sizeLimit": size}


def test_ports_are_those_that_the_others_look_for() -> None:
    fixed = SERVICES["sidecar"]["environment"]
    ports = {
        pod: {port["name"]: port["containerPort"] for port in container("base", pod)["ports"]}
        for pod in WITH_COMPOSE
    }
    assert ports["sidecar"] == {"http": fixed["PORT"]}
    assert ports["worker"] == {"metrics": fixed["METRICS_PORT"]}
    given = of_kind("example", "ConfigMap").popitem()[1]["data"]
    assert ports["redis"] == {"redis": 6379}
    assert given["TRITON_URL"] == f"dns:///triton:{ports['triton']['grpc']}"
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in scraped["scrape_configs"]
    }
    assert targets["sidecar"] == [f"sidecar:{ports['sidecar']['http']}"]
    assert targets["worker"] == [f"worker:{ports['worker']['metrics']}"]
    assert targets["triton"] == [f"triton:{ports['triton']['metrics']}"]
