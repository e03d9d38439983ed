"""What `make release` holds a release against, and what the public repository's CI calls."""

import re
import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.release import contents, versions
from local.stack import ROOT

WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
SDIST_TOP = "similarity-1.2.3"


def made() -> set[str]:
    """The targets of the Makefile that have a recipe."""
    return set(re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(), re.M))


def test_the_versions_of_the_project_agree() -> None:
    assert versions.disagreements(ROOT) == []


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("pyproject.toml", 'version = "', 'version = "9'),
        ("CHANGELOG.md", "## 0.", "## 7."),
        ("docker-compose.yml", 'VERSION: "', 'VERSION: "8'),
        ("docker-compose.yml", "VERSION:", "OTHER:"),
        ("README.md", "# Similarity\n", "# Similarity\n\n    docker pull similarity:7.7.7\n"),
    ],
)
def test_a_file_with_another_version_is_named(
    tmp_path: Path, file: str, before: str, after: str
) -> None:
    for name in {"pyproject.toml", "CHANGELOG.md", *versions.NAMING}:
        shutil.copy(ROOT / name, tmp_path)
    changed = (tmp_path / file).read_text().replace(before, after, 1)
    assert changed != (tmp_path / file).read_text()
    (tmp_path / file).write_text(changed)
    found = versions.disagreements(tmp_path)
    assert found
    assert all(file in sentence for sentence in found)


def git(folder: Path, *words: str) -> None:
    owner = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *owner, *words], cwd=folder, check=True, capture_output=True)


def test_a_tree_that_is_not_clean_and_a_tag_that_is_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text("## Unreleased\n\n## 1.2.3, 2026-01-01\n- All of it.\n")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "all")
    assert versions.unready(tmp_path, "1.2.3") == []
    (tmp_path / "CHANGELOG.md").write_text("## Unreleased\n- More.\n\n## 1.2.3, 2026-01-01\n")
    git(tmp_path, "tag", "v1.2.3")
    dirty, tagged, unreleased = versions.unready(tmp_path, "1.2.3")
    assert "M CHANGELOG.md" in dirty
    assert "v1.2.3 is there already" in tagged
    assert "under Unreleased" in unreleased


def wheel(folder: Path, names: set[str]) -> Path:
    path = folder / "similarity-1.2.3-py3-none-any.whl"
    licences = {f"similarity-1.2.3.dist-info/licenses/{name}" for name in ("LICENSE", "NOTICE")}
    with zipfile.ZipFile(path, "w") as archive:
        for name in names | licences:
            archive.writestr(name, "")
    return path


def test_a_wheel_without_a_migration_or_with_a_test_is_refused(tmp_path: Path) -> None:
    whole = contents.sources(ROOT)
    [first] = [name for name in whole if name.endswith("/0001_first.py")]
    assert contents.of_wheel(wheel(tmp_path, whole), ROOT) == []
    lacking, more = contents.of_wheel(
        wheel(tmp_path, whole - {first} | {"tests/test_api.py"}), ROOT
    )
    assert lacking.endswith(f"lacks {first}")
    assert more.endswith("has tests/test_api.py")


def test_a_wheel_of_the_client_without_its_types_or_licence_is_refused(tmp_path: Path) -> None:
    whole = contents.sources(ROOT / contents.CLIENT_FOLDER, contents.CLIENT)
    assert "similarity_client/py.typed" in whole
    assert contents.of_client(wheel(tmp_path, whole), ROOT) == []
    path = tmp_path / "client.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in whole - {"similarity_client/py.typed"} | {"sidecar/errors.py"}:
            archive.writestr(name, "")
    lacking, more, licence = contents.of_client(path, ROOT)
    assert lacking.endswith("lacks similarity_client/py.typed")
    assert more.endswith("has sidecar/errors.py")
    assert licence.endswith("lacks LICENSE")


def test_an_sdist_without_its_licence_or_with_a_test_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "similarity-1.2.3.tar.gz"
    names = contents.sources(ROOT) | {*contents.BESIDE, "tests/test_api.py"}
    with tarfile.open(path, "w:gz") as archive:
        for name in names - {"LICENSE"}:
            archive.addfile(tarfile.TarInfo(f"{SDIST_TOP}/{name}"))
    lacking, more = contents.of_sdist(path, ROOT)
    assert lacking.endswith("lacks LICENSE")
    assert more.endswith("has tests/test_api.py")


def test_every_package_that_exists_is_packed() -> None:
    assert PROJECT["tool"]["setuptools"]["packages"] == {"find": {"include": ["sidecar*"]}}
    folders = {path.parent for path in (ROOT / "sidecar").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []
    data = PROJECT["tool"]["setuptools"]["package-data"]
    packed = {
        path
        for package, patterns in data.items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
        if path.is_file()
    }
    beside = {ROOT / name for name in contents.sources(ROOT) if not name.endswith(".py")}
    assert packed == beside


def test_the_workflow_calls_targets_of_the_makefile() -> None:
    called = set()
    for job in JOBS.values():
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step), step
            called |= set(re.findall(r"\bmake ([a-z-]+)", step.get("run", "")))
    assert {"check", "test", "wheel"} <= called
    assert called - made() == set()


@pytest.mark.parametrize("job", JOBS)
def test_every_job_runs_on_every_python_that_the_project_supports(job: str) -> None:
    supported = [f"3.{n}" for n in range(11, 13)]
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.13"
    assert JOBS[job]["strategy"]["matrix"]["python"] == supported
    assert JOBS[job]["env"]["PYTHON"] == "python${{ matrix.python }}"


def test_the_workflow_may_only_read_and_ends() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 60 for job in JOBS.values())


def test_dependabot_looks_at_all_that_is_pinned() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    looked_at = {
        (each["package-ecosystem"], folder)
        for each in updates
        for folder in each.get("directories", [each.get("directory")])
    }
    pins = {path.parent.relative_to(ROOT) for path in ROOT.glob("local/requirements.txt")}
    pins |= {path.parent.relative_to(ROOT) for path in ROOT.glob("deploy/*/requirements.txt")}
    assert {("pip", f"/{folder}") for folder in pins} <= looked_at
    assert {("pip", "/"), ("github-actions", "/"), ("docker", "/")} <= looked_at


def test_the_templates_are_forms_that_github_takes() -> None:
    for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text())
        if path.name == "config.yml":
            continue
        assert {"name", "description", "body"} <= set(form), path.name
        ids = [each["id"] for each in form["body"] if each["type"] != "markdown"]
        assert len(ids) == len(set(ids)), path.name
