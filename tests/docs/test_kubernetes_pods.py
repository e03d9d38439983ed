"""The pods of deploy/kubernetes may do little, and whatever an object refers to is there."""

from typing import Any

import pytest

from tests.support.kubernetes import built, container, of_kind, templates, walk

POD_RULES = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_RULES = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.mark.parametrize("folder", ["base", "gpu", "example"])
def test_every_pod_may_do_nothing_that_it_need_not(folder: str) -> None:
    """The standard `restricted` of Kubernetes, and a root that is only read."""
    for name, template in templates(folder).items():
        spec = template["spec"]
        assert POD_RULES.items() <= spec["securityContext"].items(), name
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False
        for each in spec["containers"]:
            assert each["securityContext"] == CONTAINER_RULES, name
            assert "memory" in each["resources"]["limits"]
            assert {"cpu", "memory"} <= set(each["resources"]["requests"])


@pytest.mark.parametrize("folder", ["base", "gpu", "example"])
def test_whatever_is_referred_to_is_there(folder: str) -> None:
    pods = templates(folder)
    labels = {name: each["metadata"]["labels"] for name, each in pods.items()}
    claims = set(of_kind(folder, "PersistentVolumeClaim"))
    for name, template in pods.items():
        volumes = {each["name"]: each for each in template["spec"].get("volumes", [])}
        [only] = template["spec"]["containers"]
        mounted = [each["name"] for each in only.get("volumeMounts", [])]
        assert sorted(mounted) == sorted(volumes), name
        named = {each["claimName"] for each in walk(list(volumes.values())) if "claimName" in each}
        assert named <= claims
    for each in built(folder):
        selected = selects(each)
        if selected is not None:
            found = [name for name, given in labels.items() if selected.items() <= given.items()]
            assert found == [each["metadata"]["name"]], each
    for name, service in of_kind(folder, "Service").items():
        [only] = pods[name]["spec"]["containers"]
        ports = {port["name"] for port in only["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def selects(each: dict[str, Any]) -> dict[str, str] | None:
    """The labels by which an object finds pods."""
    spec = each.get("spec", {})
    if each["kind"] == "Service":
        return dict(spec["selector"])
    found = spec.get("podSelector", spec.get("selector", {})).get("matchLabels")
    return found if each["kind"] != "ServiceMonitor" else None


def test_the_overlay_for_gpus_gives_one_to_each_triton_and_changes_nothing_else() -> None:
    changed = {
        each["metadata"]["name"]
        for each, before in zip(built("gpu"), built("base"), strict=True)
        if each != before
    }
    assert changed == {"triton"}
    assert container("gpu", "triton")["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert container("gpu", "triton")["image"] == container("base", "triton")["image"]
