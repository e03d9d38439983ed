"""Runs Triton without a container: `python -m local.triton` runs the real server.

    environment (its own, TRITON_ENV) ──► libraries ──► backends ──► ports, model ──► supervision

Everything is checked before the server starts, because its own errors say little. Then this process
watches it: on a busy machine one start in fifteen hung, and a server that is asked to end while it
starts left Python stubs behind.
"""

import filecmp
import http.client
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path

from local.ports import HOST, LaunchRefused, free_port
from local.shared_memory import sweep
from local.supervision import Supervisor, Watched

MODEL = "keywording"
PORTS = {
    "grpc": ("TRITON_URL", 8001),
    "http": ("TRITON_HTTP_PORT", 8000),
    "metrics": ("TRITON_METRICS_PORT", 8002),
}
EXIT_TIMEOUT_S = 10  # for requests in flight, which take no longer
ANSWER_TIMEOUT_S = 2  # of the server, to whether it is ready
GLIBC = (2, 35)
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
BACKEND = Path(__file__).parent / "backends" / "onnxruntime"
LOG_LEVELS = ("error", "warning", "info", "verbose")
# Asks the environment's own Python, which may be another than this one.
QUESTIONS = """
import json, sys, sysconfig
from importlib import metadata
get = sysconfig.get_config_var
found = {item.metadata["Name"].lower(): item.version for item in metadata.distributions()}
folders = [str(get("LIBDIR")), f"{get('LIBDIR')}/{get('MULTIARCH')}", sys.base_prefix + "/lib"]
print(json.dumps({"python": "%d.%d" % sys.version_info[:2], "packages": found,
                  "site": sysconfig.get_path("platlib"), "folders": folders}))
"""


@dataclass(frozen=True)
class Environment:
    """Describes the server's own Python environment.

    Args:
        folder: its root.
        python: "3.11".
        site: its site-packages.
        library: folder of its `libpython3.X.so.1.0`.
    """

    folder: Path
    python: str
    site: Path
    library: Path

    @property
    def server(self) -> Path:
        """Returns the folder of the server in the wheel."""
        return self.site / "pytriton" / "tritonserver"


def main() -> int:
    """Checks everything, then runs the server; with --check only checks."""
    try:
        environment = find_environment(Path(os.environ.get("TRITON_ENV", ".venvs/triton")))
        if sys.argv[1:] == ["--check"]:
            print(f"Triton's environment is complete: {environment.folder}")
            return 0
        if sys.argv[1:]:
            raise LaunchRefused("usage: python -m local.triton [--check]")
        ports = _ports(os.environ)
        command = _command(environment, os.environ, ports)
        sweep()
    except LaunchRefused as error:
        print(f"local.triton: {error}", file=sys.stderr)
        return 1
    is_ready = partial(_is_ready, ports["http"])
    return Supervisor(Watched("local.triton", command, variables(environment), is_ready)).run()


def find_environment(folder: Path) -> Environment:
    """Finds the server's environment and checks that it can run here.

    Raises:
        LaunchRefused: something is missing or has a wrong version.
    """
    _check_machine()
    executable = folder / "bin" / "python"
    if not executable.exists():
        raise LaunchRefused(f"no Triton environment in {folder} (TRITON_ENV); run: make setup")
    answer = subprocess.run(
        [executable, "-I", "-c", QUESTIONS], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise LaunchRefused(f"{executable} doesn't run: {answer.stderr.strip()[-200:]}")
    facts = json.loads(answer.stdout)
    _check_packages(folder, facts["packages"])
    library = _library(facts["python"], [Path(path) for path in facts["folders"]])
    environment = Environment(folder, facts["python"], Path(facts["site"]), library)
    _stub(environment)
    return environment


def _check_machine() -> None:
    library, version = platform.libc_ver()
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if platform.machine() != "x86_64" or library != "glibc" or numbers < GLIBC:
        raise LaunchRefused(
            "the Triton wheel needs Linux on x86-64 with glibc 2.35 or later; this is"
            f" {platform.machine()} with {library or 'no glibc'} {version}"
        )


def _check_packages(folder: Path, found: dict[str, str]) -> None:
    """Compares the environment with the pins: another numpy gives empty answers, not errors."""
    pins = re.findall(r"^([\w-]+)==([\w.]+)$", REQUIREMENTS.read_text(), re.MULTILINE)
    for name, version in pins:
        if found.get(name) != version:
            raise LaunchRefused(
                f"{folder} has {name} {found.get(name, 'not at all')}, it must be {version};"
                " run: make setup"
            )


def _library(python: str, folders: list[Path]) -> Path:
    """Returns the folder of the libpython that the server's Python stub is linked with."""
    name = f"libpython{python}.so.1.0"
    for folder in folders:
        if (folder / name).exists():
            return folder
    raise LaunchRefused(f"{name} is missing; on Debian and Ubuntu: apt install libpython{python}")


def _stub(environment: Environment) -> Path:
    """Returns the path of the server's stub for the environment's Python."""
    stubs = environment.server / "python_backend_stubs"
    stub = stubs / environment.python / "triton_python_backend_stub"
    if not stub.exists():
        known = ", ".join(sorted(path.name for path in stubs.glob("3.*"))) or "none"
        raise LaunchRefused(
            f"the Triton wheel has no part for Python {environment.python}, only for: {known}"
        )
    return stub


def _is_ready(port: int) -> bool:
    """Says whether the server is ready, by the standard library: images run this without more."""
    server = http.client.HTTPConnection(HOST, port, timeout=ANSWER_TIMEOUT_S)
    try:
        server.request("GET", "/v2/health/ready")
        return server.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        server.close()


def _ports(settings: Mapping[str, str]) -> dict[str, int]:
    """Returns the server's ports by their protocol; all are free."""
    return {
        name: free_port(variable, settings.get(variable, str(default)), default)
        for name, (variable, default) in PORTS.items()
    }


def _command(
    environment: Environment, settings: Mapping[str, str], ports: dict[str, int]
) -> list[str]:
    """Returns the server's command line for these settings."""
    repository = Path(settings.get("MODEL_REPOSITORY", "model_repository"))
    _check_model(repository)
    return [
        str(environment.server / "bin" / "tritonserver"),
        f"--model-repository={repository.resolve()}",
        f"--backend-directory={assemble(environment)}",
        "--model-control-mode=explicit",
        f"--load-model={MODEL}",
        "--disable-auto-complete-config",  # config.pbtxt is complete; saves a start of the stub
        "--allow-gpu-metrics=false",
        f"--exit-timeout-secs={EXIT_TIMEOUT_S}",
        "--pinned-memory-pool-byte-size=0",  # of a GPU; without one it only warns
        *(f"--{name}-address={HOST}" for name in ports),
        *(f"--{name}-port={port}" for name, port in ports.items()),
        *_access_options(settings.get("TRITON_REPOSITORY_KEY", "")),
        *_log_options(settings.get("TRITON_LOG", "warning")),
    ]


def _check_model(repository: Path) -> None:
    versions = repository / MODEL
    if not (versions / "config.pbtxt").exists() or not any(versions.glob("[1-9]*/model.onnx")):
        raise LaunchRefused(
            f"no exported model in {repository} (MODEL_REPOSITORY); run:"
            " python -m export --arch efficientnet-lite0 --precision int8 --version 1"
        )


def _access_options(key: str) -> list[str]:
    """Returns options that let only clients with the key, `name=value`, load and unload models."""
    protocols = ("--grpc-restricted-protocol", "--http-restricted-api")
    return [f"{option}=model-repository:{key}" for option in protocols] if key else []


def _log_options(level: str) -> list[str]:
    if level not in LOG_LEVELS:
        raise LaunchRefused(f"TRITON_LOG={level} is none of {', '.join(LOG_LEVELS)}")
    depth = LOG_LEVELS.index(level)
    return [
        f"--log-warning={str(depth >= 1).lower()}",
        f"--log-info={str(depth >= 2).lower()}",
        f"--log-verbose={int(depth >= 3)}",
    ]


def assemble(environment: Environment) -> Path:
    """Copies the wheel's parts and our backend into the layout that the server expects.

    The server refuses links that lead out of the folder. Each file is put in place in one step,
    because another server may be starting from here.
    """
    folder = environment.folder.resolve() / "backends"
    wheel = environment.server / "backends" / "python"
    parts = {"python": [*wheel.iterdir(), _stub(environment)], "onnxruntime": BACKEND.iterdir()}
    for name, sources in parts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for source in (path for path in sources if path.is_file()):
            target = folder / name / source.name
            if not target.exists() or not filecmp.cmp(source, target):
                fresh = target.with_name(f".{source.name}-{os.getpid()}")
                shutil.copy2(source, fresh)
                fresh.rename(target)
    return folder


def variables(environment: Environment) -> dict[str, str]:
    """Returns the server's variables: its libraries, and the packages for its Python stub.

    The stub runs Python in isolated mode, which ignores PYTHONPATH: it takes the packages of the
    environment whose `python3` comes first on PATH.
    """
    libraries = [environment.site / "nvidia_pytriton.libs", environment.library]
    inherited = [path for path in [os.environ.get("LD_LIBRARY_PATH")] if path]
    return {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join([*(str(path.resolve()) for path in libraries), *inherited]),
        "PATH": f"{environment.folder.resolve() / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


if __name__ == "__main__":
    sys.exit(main())
