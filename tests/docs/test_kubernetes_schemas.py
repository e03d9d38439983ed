"""deploy/kubernetes is what a cluster takes: kubectl builds it, and schemas know every field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import kubectl
from local.ports import LaunchRefused
from tests.support.kubernetes import FOLDER, KINDS, Object, built, copy_of, of_kind, problems

pytestmark = pytest.mark.long

WHOLE = ("base", "gpu", "example")  # what stands by itself; the others are components of these
*OLDER, NEWEST = kubectl.VERSIONS


def long(version: str) -> Any:
    return pytest.param(version, marks=pytest.mark.long)


def named(kind: str, name: str) -> Object:
    return copy_of(of_kind("example", kind)[name])


@pytest.mark.parametrize("version", [*map(long, OLDER), NEWEST])
@pytest.mark.parametrize("folder", WHOLE)
def test_every_object_has_the_fields_of_its_kind_and_no_other(folder: str, version: str) -> None:
    objects = built(folder)
    assert len(objects) > 15
    wrong = {
        f"{each['kind']} {each['metadata']['name']}": problems(each, version) for each in objects
    }
    assert {name: found for name, found in wrong.items() if found} == {}


def test_every_folder_is_part_of_what_is_built() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/kustomization.yaml")}
    assert folders == {*WHOLE, "monitoring", "scaling"}
    assert {each["kind"] for each in built("example")} >= {*KINDS, "Job", "PodDisruptionBudget"}


def test_every_file_is_named_by_its_kustomization() -> None:
    for path in FOLDER.glob("*/*"):
        if path.name != "kustomization.yaml":
            assert path.name in (path.parent / "kustomization.yaml").read_text(), path


def test_a_misspelt_field_of_any_object_is_found() -> None:
    for each in built("example"):
        changed = copy_of(each) | {"sepc": {}}
        assert len(problems(changed, NEWEST)) == 1, each["kind"]
        if "spec" in each:
            changed = copy_of(each)
            changed["spec"]["misspelt"] = 1
            assert len(problems(changed, NEWEST)) > 0, each["kind"]


WRONG: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "a probe": (
        "Deployment",
        "sidecar",
        lambda spec: spec["template"]["spec"]["containers"][0].update(readynessProbe={}),
    ),
    "a kind of volume": (
        "Deployment",
        "triton",
        lambda spec: spec["template"]["spec"]["volumes"][0].update(emptydir={}),
    ),
    "a word for a number": (
        "Deployment",
        "sidecar",
        lambda spec: spec.update(replicas="two"),
    ),
    "a budget": (
        "PodDisruptionBudget",
        "sidecar",
        lambda spec: spec.update(minAvailabel=1),
    ),
    "the key of a scrape": (
        "ServiceMonitor",
        "sidecar",
        lambda spec: spec["endpoints"][0].update(authorisation={}),
    ),
    "a trigger without its kind": (
        "ScaledObject",
        "triton",
        lambda spec: spec["triggers"][0].pop("type"),
    ),
    "the pace of scaling": (
        "ScaledObject",
        "triton",
        lambda spec: spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"].update(down={}),
    ),
    "a rule": (
        "PrometheusRule",
        "similarity-alerts",
        lambda spec: spec["groups"][0]["rules"][0].update(expression="1"),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_cluster_would_refuse_or_ignore_is_found(what: str) -> None:
    kind, name, change = WRONG[what]
    each = named(kind, name)
    assert problems(each, NEWEST) == []
    change(each["spec"])
    assert problems(each, NEWEST) != []


def test_a_kustomization_with_an_unknown_field_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resource: [one.yaml]\n")
    with pytest.raises(LaunchRefused, match='unknown field "resource"'):
        kubectl.built(tmp_path)


def test_without_kubectl_the_way_to_get_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_ENV", str(tmp_path))
    with pytest.raises(
        LaunchRefused, match=r"no .*kubectl \(KUBERNETES_ENV\); run: make test-fast"
    ):
        kubectl.built(FOLDER / "base")
