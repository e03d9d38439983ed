"""docs/kubernetes.md, held against deploy/kubernetes: what it names is there, and builds."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import kubectl
from local.stack import ROOT
from tests.support.kubernetes import FOLDER, Object, built, container, of_kind, templates, walk

PAGE = (ROOT / "docs" / "kubernetes.md").read_text()
COMMANDS = re.findall(r"^    (\S.*)$", PAGE, re.M)
TEXT = " \n".join(COMMANDS)


def words(pattern: str) -> set[Any]:
    """What a pattern finds in the commands: words, or tuples of words."""
    return set(re.findall(pattern, TEXT))


def test_what_the_page_copies_builds_from_its_new_place(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "deploy" / "kubernetes")
    [(source, target)] = words(r"cp -r (\S+) (\S+)")
    shutil.copytree(ROOT / source, tmp_path / target)
    assert words(r"apply -k (\S+)") == {target}
    assert kubectl.built(tmp_path / target) == kubectl.built(FOLDER / "example")


@pytest.mark.parametrize("scaling", [True, False])
def test_it_builds_with_gpus_and_without_the_components(tmp_path: Path, scaling: bool) -> None:
    """As the page says that one may change it."""
    shutil.copytree(FOLDER, tmp_path / "kubernetes")
    path = tmp_path / "kubernetes" / "example" / "kustomization.yaml"
    ours = yaml.safe_load(path.read_text())
    ours["resources"] = ["../gpu"]
    ours["replicas"] = [{"name": "sidecar", "count": 5}]
    ours["components"] = ["../scaling"] if scaling else []
    path.write_text(yaml.safe_dump(ours))
    objects = list(yaml.safe_load_all(kubectl.built(path.parent)))
    kinds = {each["kind"] for each in objects}
    assert ("ScaledObject" in kinds) is scaling
    assert "ServiceMonitor" not in kinds
    [sidecar] = [each for each in objects if name_of(each) == ("Deployment", "sidecar")]
    assert sidecar["spec"]["replicas"] == 5


def name_of(each: Object) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


def test_every_object_that_a_command_names_is_there() -> None:
    kinds = {"deploy": "Deployment", "job": "Job", "service": "Service"}
    named = words(r" (deploy|job|service)/([a-z]+)(?= |$)") - {("deploy", "kubernetes")}
    assert len(named) > 4
    for kind, name in named:
        assert name in of_kind("example", kinds[kind]), name
    [(label, value)] = words(r" -l (\S+)=(\S+)")
    labels = [(each, each["metadata"].get("labels", {})) for each in built("example")]
    labelled = [each for each, given in labels if given.get(label) == value]
    assert [name_of(each) for each in labelled] == [("Job", "migrate")]


def test_what_the_job_needs_is_there_before_the_rest() -> None:
    """It is applied alone: it may ask for the page's secrets, and for nothing else."""
    refs = [key for each in walk(templates("example")["migrate"]) for key in each if "Ref" in key]
    assert set(refs) == {"secretKeyRef"}
    assert "volumes" not in templates("example")["migrate"]["spec"]


def test_the_page_makes_the_secrets_that_pods_ask_for() -> None:
    asked: dict[str, set[str]] = {}
    for each in walk(list(templates("example").values())):
        if "secretKeyRef" in each:
            ref = each["secretKeyRef"]
            asked.setdefault(ref["name"], set()).add(ref["key"])
        if "secretName" in each:
            asked.setdefault(each["secretName"], set())
    assert set(asked) == words(r"create secret generic (\S+)")
    paragraph = PAGE.split("The secrets. ")[1].split("\n\n")[0]
    assert asked["similarity"] <= set(re.findall(r"`(\w+)`", paragraph))
    files = words(r"--from-file=(\S+)")
    assert files == {"api-keys", "prometheus"}
    [settings] = of_kind("example", "ConfigMap").values()
    assert settings["data"]["API_KEYS_FILE"] == "/keys/api-keys"
    [monitor] = [
        each for name, each in of_kind("example", "ServiceMonitor").items() if name == "sidecar"
    ]
    assert monitor["spec"]["endpoints"][0]["authorization"]["credentials"]["key"] in files


def test_the_image_is_built_and_named_as_the_example_has_it() -> None:
    [image] = {container("example", pod)["image"] for pod in ("sidecar", "worker", "migrate")}
    assert words(r"(registry\S+:\S+)") == {image}
    [(argument, value)] = words(r"--build-arg (\w+)=(\S+)")
    dockerfile = (ROOT / "Dockerfile.sidecar").read_text()
    assert f"ARG {argument}=" in dockerfile
    assert value.removeprefix("faiss-") in ("cpu", "gpu")


def test_the_model_goes_where_the_worker_may_write() -> None:
    assert words(r"tar -x -C (\S+)") == {"/models"}
    mounts = {each["name"]: each for each in container("base", "worker")["volumeMounts"]}
    assert mounts["models"] == {"name": "models", "mountPath": "/models"}
    for pod in ("sidecar", "triton"):
        mounts = {each["name"]: each for each in container("base", pod)["volumeMounts"]}
        assert mounts["models"]["readOnly"] is True


def test_every_folder_has_its_row_and_figures_are_those_of_the_objects() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
    assert rows == {path.name for path in FOLDER.iterdir()}
    sidecar = templates("base")["sidecar"]["spec"]
    [data] = [each for each in sidecar["volumes"] if each["name"] == "data"]
    assert data["emptyDir"]["sizeLimit"] == "40Gi"
    assert "40 GiB" in PAGE
    slept = int(container("base", "sidecar")["lifecycle"]["preStop"]["exec"]["command"][1])
    assert (slept, sidecar["terminationGracePeriodSeconds"] - slept) == (10, 40)
    assert "for ten seconds, then it has 40" in PAGE
    [scaled] = of_kind("example", "ScaledObject").values()
    spec = scaled["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 4)
    assert spec["triggers"][0]["metadata"]["threshold"] == "2"
    for version in kubectl.VERSIONS:
        assert version.removeprefix("v").removesuffix(".0") in PAGE
