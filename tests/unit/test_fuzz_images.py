"""A short run of `make fuzz-images`, and what it would see."""

import re
import subprocess
import sys

import pytest

from campaigns.damage import damaged
from campaigns.fuzz_images import Run, fuzz
from campaigns.small_images import MADE, files
from local.stack import ROOT
from sidecar.images import ImageRules, canonical, formats

RULES = ImageRules(canonical_size=64, max_pixels=1_000_000)


def test_damaged_files_end_in_an_image_or_in_an_error_of_ours() -> None:
    result = fuzz(Run(first=0, end=150, seconds=120, seed=1))
    assert result.wrong == ()
    assert result.decoded == 150
    assert 15 < result.images < 135


def test_every_format_is_fuzzed_from_a_sound_file() -> None:
    assert {kind for kind, _ in MADE.values()} >= set(formats.NAMES)
    for file in files().values():
        assert canonical(file, RULES).startswith(b"\xff\xd8")


def test_a_seed_and_a_number_give_the_same_file() -> None:
    whole = list(files().values())
    assert damaged(whole, 1, 5) == damaged(whole, 1, 5)
    assert len({damaged(whole, 1, number) for number in range(50)}) > 40


BREAKING = """
import os, sys
from campaigns import fuzz_images
from sidecar.images import canonical
calls = 0

def breaking(upload, rules):
    global calls
    calls += 1
    {what}
    return canonical(upload, rules)

fuzz_images.files = lambda: {{}}
fuzz_images.damaged = lambda *_: b""
fuzz_images.canonical = breaking
sys.exit(fuzz_images.main())
"""


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        ("os.abort()", "file 3: the process ended by SIGABRT"),
        ("raise ValueError('nobody knows')", "file 3: ValueError: nobody knows"),
        ("os.write(2, b'LZWDecode: short')", "file 3: a decoder wrote to stderr"),
        ("hoard = b'x' * (200 << 20)", "file 3: 0.. s, 2.. MiB"),
    ],
)
def test_what_goes_wrong_is_seen(what: str, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = BREAKING.format(what=what)
    run = subprocess.run

    def in_broken_process(command: list[str], **options: object) -> object:
        return run([sys.executable, "-c", code, *command[3:]], cwd=ROOT, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", in_broken_process)
    (wrong,) = fuzz(Run(first=3, end=4, seconds=120, seed=1)).wrong
    assert re.fullmatch(seen, wrong), wrong
