"""One door to each third-party library; import-linter holds what may import what."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Not bench: what it holds the service against must not be the service's own code.
PACKAGES = ("sidecar", "export", "local", "demo", "deploy", "examples", "similarity_client")
FOLDERS = {"similarity_client": ROOT / "client" / "src"}  # of those that do not lie in ROOT

# The one module (or package) that may import each library.
DOORS = {
    "PIL": {"sidecar.images"},
    "pillow_heif": {"sidecar.images.formats.opening"},
    "pillow_jxl": {"sidecar.images.formats.jxl"},
    "falcon": {"sidecar.http"},
    "grpc": {"sidecar.index.milvus.server"},
    "fastapi": {"examples.shop"},
    "faiss": {"sidecar.index.ann"},
    "alembic": {"sidecar.catalogue"},
    "backports": {"sidecar.images.archives.decompression"},
    "click": {"similarity_client.cli"},
    "httpx2": {"similarity_client.wire"},
    "gunicorn": {"sidecar.http.server", "sidecar.http.transport"},
    "obstore": {"sidecar.objects.s3"},
    "onnx": {"export.graph", "export.regions"},
    "onnxruntime": {"export.runtime"},
    "prometheus_client": {"sidecar.telemetry"},
    "pythonjsonlogger": {"sidecar.telemetry.logs"},
    "playwright": {"local.browser"},
    "pymilvus": {"sidecar.index.milvus.server"},
    "psycopg": {"sidecar.catalogue"},
    "pydantic": {"sidecar.settings", "sidecar.models.contract"},
    "redis": {"sidecar.tasks.queue", "sidecar.tasks.worker"},
    "requests": {"local.stack"},
    "rich": {"similarity_client.cli.bar", "similarity_client.cli.talk"},
    "rq": {"sidecar.tasks.queue", "sidecar.tasks.worker"},
    "simplejpeg": {"sidecar.images.turbojpeg"},
    "sqlalchemy": {"sidecar.catalogue"},
    "threadpoolctl": {"sidecar.http.server", "export.projection"},
    "torch": {"export.networks"},
    "tritonclient": {"sidecar.models.triton"},
    "yaml": {"sidecar.http.openapi"},
}
EVERYWHERE = {"numpy"}
# What runs in an environment of its own: inside Triton, or beside a GPU.
APART = {"local.backends", "deploy.gpu.inference"}


def modules(package: str) -> Iterator[tuple[str, Path]]:
    folder = FOLDERS.get(package, ROOT)
    for path in sorted((folder / package).rglob("*.py")):
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(module: str, doors: set[str]) -> bool:
    return any(module == door or module.startswith(f"{door}.") for door in doors)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_library_has_one_door(package: str) -> None:
    strangers = []
    for module, path in modules(package):
        if is_within(module, APART):
            continue
        for imported in {name.split(".")[0] for name in imports(path)}:
            free = imported in {*PACKAGES, *EVERYWHERE, *sys.stdlib_module_names}
            if not free and not is_within(module, DOORS.get(imported, set())):
                strangers.append(f"{module} imports {imported}")
    assert strangers == []


def test_no_door_is_left_unused() -> None:
    used = {
        name.split(".")[0]
        for package in PACKAGES
        for _, path in modules(package)
        for name in imports(path)
    }
    assert set(DOORS) - used == set()


@pytest.mark.parametrize("package", ["sidecar", "local"])
def test_only_export_knows_torch(package: str) -> None:
    for module, path in modules(package):
        assert not {"export", "torch", "onnx"} & {n.split(".")[0] for n in imports(path)}, module
