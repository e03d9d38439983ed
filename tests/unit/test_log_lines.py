"""Whatever Python prints by itself is a line of the log, in its format."""

import json
import subprocess
import sys

import pytest

from local.process import ROOT

PROGRAM = """
import threading, warnings
from sidecar.settings import Settings
from sidecar.telemetry import logs
logs.set_up(Settings(log_format="{format}"))
{code}
"""
BREAKS = "\ndef fail(): raise ValueError('of its own')\n"
CODES = {
    "a warning": "warnings.warn('Palette images\\nwith transparency')",
    "an error in a thread": BREAKS + "one = threading.Thread(target=fail)\none.start()\none.join()",
    "an error in a destructor": BREAKS + "class A:\n    def __del__(self): fail()\nA()",
    "an error that ends the program": BREAKS + "fail()",
}
SHOWN = dict.fromkeys(CODES, "ValueError: of its own") | {"a warning": "Palette images with tr"}


def printed(form: str, code: str) -> str:
    program = [sys.executable, "-c", PROGRAM.format(format=form, code=code)]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("name", CODES)
def test_what_python_prints_is_a_json_object_of_its_own(name: str) -> None:
    [line] = [json.loads(line) for line in printed("json", CODES[name]).splitlines()]
    assert SHOWN[name] in line["message"] + line.get("exc_info", "")
    assert line["level"] == ("WARNING" if name == "a warning" else "ERROR")


def test_a_warning_is_one_line_of_text() -> None:
    [line] = printed("text", CODES["a warning"]).splitlines()
    assert "WARNING py.warnings: UserWarning: Palette images with transparency (<string>:" in line
