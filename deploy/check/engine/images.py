"""Builds our image by its Dockerfile, and stand-ins with the others' names and a tag apart."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.check.engine.base import make_base
from deploy.check.engine.packages import Home
from deploy.check.engines import Engine
from deploy.check.progress import say

FOLDER = Path(__file__).parents[1] / "stand_ins"
TAG = "stand-in"  # an engine may have the real ones, too
TAGS = {f"{name}_TAG": TAG for name in ("TRITON", "REDIS", "PROMETHEUS", "GRAFANA")}
PYTHON = f"3.11-{TAG}"  # what Debian 12 has
LABEL = "similarity.check"
BASE = "stand-in:base"
PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STAND_INS = {"triton": "tritonserver", "redis": "redis", "prometheus": "prometheus"}
STAND_INS |= {"grafana": "grafana"}
AT_ONCE = 2  # builds: they wait for registries most of the time


@dataclass(frozen=True)
class Builder:
    """Builds all images that Compose needs.

    Args:
        home: the folder of the check.
        project: a copy of the repository.
        engine: where they are built.
    """

    home: Home
    project: Path
    engine: Engine

    def build(self, named: dict[str, str]) -> None:
        """Builds the images of the compose file; `named` is their names by service."""
        self._import_base()
        context = self._context()
        work = {
            named[service]: context / f"{name}.Dockerfile" for service, name in STAND_INS.items()
        }
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ours = pool.submit(self._build_ours, context, named["sidecar"])
            done = [pool.submit(self._build, file, context, tag) for tag, file in work.items()]
            for each in (ours, *done):
                each.result()
        # The images that had these names before.
        self.engine.call("image", "prune", "--force", "--filter", f"label={LABEL}")

    def _import_base(self) -> None:
        if not self.engine.call("images", "--quiet", BASE):
            make_base(self.home)
            self.engine.call("import", "-c", PATH, str(self.home.base), BASE)
            self.home.base.unlink()
            say("a root file system for the stand-ins, as an image")

    def _context(self) -> Path:
        """Returns a folder with all that goes into the stand-ins."""
        context = self.home.folder / "context"
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(FOLDER, context)
        shutil.copytree(self.project / "local", context / "local")
        shutil.copy2(self.home.root / "usr/bin/prometheus", context)
        return context

    def _build_ours(self, context: Path, tag: str) -> None:
        for name in ("python", "python-slim"):
            stood_for = name.replace("python", f"python:{PYTHON}")
            self._build(context / f"{name}.Dockerfile", context, stood_for)
        file = self.project / "Dockerfile.sidecar"
        arguments = {"PYTHON": PYTHON, "FAISS": "faiss-cpu"}
        self._build(file, self.project, tag, arguments)

    def _build(
        self, file: Path, context: Path, tag: str, arguments: dict[str, str] | None = None
    ) -> None:
        given = [f"--build-arg={key}={value}" for key, value in (arguments or {}).items()]
        words = ["build", "--network=host", f"--label={LABEL}", *given]
        self.engine.call(*words, "-t", tag, "-f", str(file), str(context))
        say(f"built {tag}")
