"""What takes long is made once: not again by another process, again when its sources change."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import ROOT
from tests.support import once as module
from tests.support.once import kept

MAKING = """
import sys, time
from pathlib import Path
from tests.support import once
def make(folder):
    with open(sys.argv[1], "a") as log:
        log.write("made\\n")
    time.sleep(0.5)
    (folder / "file").write_text("whole")
once.CACHE = Path(sys.argv[2])
print((once.kept("thing", ["of this"], [], make) / "file").read_text())
"""


def test_of_processes_at_once_one_makes_it_and_all_find_it_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKING, f"{tmp_path}/log", f"{tmp_path}/cache"]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate()[0] for process in processes] == [b"whole\n"] * 3
    assert (tmp_path / "log").read_text() == "made\n"


def test_it_is_made_again_when_a_source_a_word_or_a_package_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    source, made = tmp_path / "source", list[Path]()
    source.write_text("one")

    def make(folder: Path) -> None:
        made.append(folder)

    first = kept("thing", [source, "word"], ["pytest"], make)
    assert kept("thing", [source, "word"], ["pytest"], make) == first
    assert len(made) == 1
    source.write_text("two")
    second = kept("thing", [source, "word"], ["pytest"], make)
    kept("thing", [source, "words"], ["pytest"], make)
    third = kept("thing", [source, "words"], ["pytest", "numpy"], make)
    assert len(made) == 4
    assert not first.exists()
    assert not second.exists()
    assert third.exists()


def test_what_was_left_half_made_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHE", tmp_path)

    def killed(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept("thing", [], [], killed)
    folder = kept("thing", [], [], lambda folder: (folder / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
