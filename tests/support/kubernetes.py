"""The objects of deploy/kubernetes as kubectl builds them, and the schemas that they meet."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from local import kubectl
from local.stack import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
Object = dict[str, Any]
# Kinds that operators bring, and the module that knows them.
OPERATORS = "cloudcoil.models"
KINDS = {
    "ScaledObject": "keda.v1alpha1",
    "ServiceMonitor": "prometheus_operator.v1",
    "PrometheusRule": "prometheus_operator.v1",
}
# Run apart: the classes of the two operators take six seconds, and our environment has no others.
READ = f"""
import importlib, json, sys
kinds = json.loads(sys.argv[1]).items()
classes = {{k: getattr(importlib.import_module("{OPERATORS}." + m), k) for k, m in kinds}}
print(json.dumps({{k: each.model_json_schema(by_alias=True) for k, each in classes.items()}}))
"""


@cache
def built(name: str) -> tuple[Object, ...]:
    """Returns the objects of one of the folders."""
    return tuple(yaml.safe_load_all(kubectl.built(FOLDER / name)))


def of_kind(name: str, kind: str) -> dict[str, Object]:
    """Returns the objects of a kind, by their names."""
    return {each["metadata"]["name"]: each for each in built(name) if each["kind"] == kind}


def templates(name: str) -> dict[str, Object]:
    """Returns what pods are made of, by the names of their Deployments and Jobs."""
    found = of_kind(name, "Deployment") | of_kind(name, "Job")
    return {name: each["spec"]["template"] for name, each in found.items()}


def container(name: str, pod: str) -> Object:
    """Returns the one container of a kind of pod."""
    [only] = templates(name)[pod]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def walk(value: Any) -> Iterator[Object]:
    """Yields every object within one, and itself."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from walk(each)


def problems(each: Object, version: str) -> list[str]:
    """Returns what a Kubernetes of this version would refuse in an object, or not know."""
    if each["kind"] in KINDS:
        validator = Draft202012Validator(_of_operators()[each["kind"]])
    else:
        validator = _of_kubernetes(each["kind"], each["apiVersion"], version)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(each)]


@cache
def _of_kubernetes(kind: str, api: str, version: str) -> Draft202012Validator:
    group = api.partition("/")[0].partition(".")[0] + "-" + api.partition("/")[2]
    file = f"{kind}-{group.removesuffix('-')}.json".lower()
    return Draft202012Validator(
        json.loads((kubectl.schemas(version) / file).read_text()), registry=_definitions(version)
    )


@cache
def _definitions(version: str) -> Any:
    contents = json.loads((kubectl.schemas(version) / "_definitions.json").read_text())
    resource = Resource.from_contents(contents, DRAFT202012)
    return Registry().with_resource("_definitions.json", resource)


@cache
def _of_operators() -> dict[str, Any]:
    command = [sys.executable, "-c", READ, json.dumps(KINDS)]
    env = os.environ | {"PYTHONPATH": str(kubectl.environment())}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    read: dict[str, Any] = json.loads(done.stdout)
    for each in walk(read):
        if isinstance(each.get("properties"), dict) and each.get("type") == "object":
            each.setdefault("additionalProperties", False)
    return read


def copy_of(each: Object) -> Object:
    """Returns a copy that may be changed."""
    copied: Object = json.loads(json.dumps(each))
    return copied
