"""What tests of the export share: a refused export, and labels for a small network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.exporting import export


@pytest.fixture
def refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line of a refused export, which must leave nothing behind."""

    def refuse(*arguments: str) -> str:
        assert export(tmp_path / "r", *arguments) == 2
        assert not (tmp_path / "r").exists()
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return refuse


@pytest.fixture
def labels(tmp_path: Path) -> tuple[str, str]:
    path = tmp_path / "labels.txt"
    path.write_text("cat\ndog\nfox\n")
    return "--labels", str(path)
