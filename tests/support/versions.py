"""Exports versions of the model for tests and keeps them: an export takes seconds."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

from local import photos
from local.stack import ROOT
from sidecar.images import codec as images
from sidecar.images import turbojpeg as jpeg
from sidecar.models import contract
from tests.support import exporting
from tests.support.once import kept

LABELS = {"tiny": ("sea", "sky", "sand")}
OTHER_LABELS = ("cat", "dog", "fox")
NETWORKS = ROOT / "campaigns" / "networks.py"
SIZE_32 = ("--resize", "40", "--crop", "32")
SIZE_64 = ("--resize", "80", "--crop", "64")
FP32 = ("--precision", "fp32")
WORDS = {
    "lite0-int8": ("--arch", "efficientnet-lite0", "--precision", "int8"),
    "lite0-fp32": ("--arch", "efficientnet-lite0", *FP32),
    "tiny": ("--module", "campaigns.networks:tiny", *SIZE_32, *FP32),
    "small-32": ("--module", "campaigns.networks:small", *SIZE_32, *FP32),
    "small-explained": ("--module", "campaigns.networks:small", *SIZE_32, *FP32, "--explain"),
    "small-64": ("--module", "campaigns.networks:small", *SIZE_64, *FP32),
    "signed-one": ("--module", "campaigns.networks:signed_one", *SIZE_32, *FP32),
    "signed-two": ("--module", "campaigns.networks:signed_two", *SIZE_32, *FP32),
}
SOURCES = [
    *sorted(path for path in (ROOT / "export").iterdir() if path.is_file()),
    *(Path(str(module.__file__)) for module in (photos, contract, images, jpeg)),
    NETWORKS,
]
PACKAGES = ("torch", "onnx", "onnxruntime", "efficientnet-lite-pytorch", "scikit-image", "pillow")


def put(name: str, version: int, repository: Path) -> Path:
    """Copies one of `WORDS` into a repository under a number; the first brings its config.pbtxt.

    The small ones get a single instance: Triton takes more than a second to end each.

    Returns:
        the folder of the version.
    """
    made = kept(name, [*SOURCES, *WORDS[name]], PACKAGES, lambda folder: _export(name, folder))
    target = contract.folder(repository, version)
    shutil.copytree(contract.folder(made, 1), target)
    contract.write(target, replace(contract.read(made, 1), version=version))
    if not (target.parent / "config.pbtxt").exists():
        config = (made / contract.MODEL / "config.pbtxt").read_text()
        if "--module" in WORDS[name]:
            config = re.sub(r"count: \d+", "count: 1", config)
        (target.parent / "config.pbtxt").write_text(config)
    return target


def _export(name: str, folder: Path) -> None:
    labels = LABELS.get(name, OTHER_LABELS)
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    given = ("--labels", f"{folder}/labels.txt") if "--module" in WORDS[name] else ()
    assert exporting.run([*WORDS[name], *given, "--version", "1", "--repository", f"{folder}"]) == 0
