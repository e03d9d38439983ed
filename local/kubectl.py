"""Builds kustomizations with kubectl, which needs no cluster for that.

The program comes in a wheel that also has Helm, for Amazon's Lambda: `make test` installs that into
KUBERNETES_ENV and runs `python -m local.kubectl`, which keeps kubectl alone. Beside it are the
schemas of what is built, of the oldest and the newest Kubernetes in `VERSIONS`.
"""

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

from local.ports import LaunchRefused
from local.process import ROOT

SCHEMAS = "kubernetes_validate/kubernetes-json-schema"
VERSIONS = ("v1.31.0", "v1.37.0")
LAYER = "aws_cdk"  # of the wheel; in it an npm package, in which a zip has the program
ZIP = "package/lib/layer.zip"
PROGRAM = "kubectl/kubectl"


def environment() -> Path:
    """Returns the folder of the program and the schemas."""
    return ROOT / os.environ.get("KUBERNETES_ENV", ".venvs/kubernetes")


def schemas(version: str) -> Path:
    """Returns the folder of the schemas of one of `VERSIONS`, which know no field but their own."""
    return environment() / SCHEMAS / f"{version}-local-strict"


def built(folder: Path) -> str:
    """Builds the kustomization in a folder, and returns its objects, as documents of YAML.

    Raises:
        LaunchRefused: there is no kubectl, or it refuses: the text has its words.
    """
    program = environment() / "bin/kubectl"
    if not program.exists():
        raise LaunchRefused(f"no {program} (KUBERNETES_ENV); run: make test-fast")
    command = [str(program), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LaunchRefused(done.stderr.strip())
    return done.stdout


def unpack(target: Path) -> None:
    """Puts kubectl into `target/bin`, and removes what nobody needs of the packages."""
    [package] = (target / LAYER).glob("*/_jsii/*.tgz")
    with tarfile.open(package) as outer:
        layer = outer.extractfile(ZIP)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            program = inner.read(PROGRAM)
    path = target / "bin/kubectl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(program)
    path.chmod(0o755)
    kept = {schemas(version) for version in VERSIONS}
    for folder in {target / LAYER, *(target / SCHEMAS).iterdir()} - kept:
        shutil.rmtree(folder)


if __name__ == "__main__":
    unpack(environment())
