"""Runs the command `similarity`: in this process, as one of its own, or on a terminal."""

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from similarity_client.cli.root import root

from local.stack import ROOT

# A shell may have Ctrl-C ignored for what it runs in the background.
RUN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import runpy; "
RUN += "runpy.run_module('similarity_client.cli', run_name='__main__')"
PIECE = 1 << 16
NOWHERE = Path("/nonexistent")


@dataclass(frozen=True, slots=True)
class Command:
    """The command for a service.

    Args:
        folder: where it keeps what `login` saves.
    """

    url: str
    folder: Path

    def __call__(self, *words: str, given: bytes = b"", **env: str) -> Result:
        """Runs a line in this process, with what it reads on stdin."""
        return CliRunner().invoke(root, words, input=given, env=self.env(**env))

    def json(self, *words: str, code: int = 0, given: bytes = b"") -> list[dict[str, Any]]:
        """Runs a line with --json and returns the objects that it prints."""
        result = self(*words, "--json", given=given)
        assert result.exit_code == code, result.output
        return lines(result)

    def begun(self, *words: str, **env: str) -> "subprocess.Popen[str]":
        """Begins a process of its own."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", RUN, *words],
            cwd=ROOT,
            env=os.environ | self.env(**env),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )

    def on_terminal(self, *words: str, typed: str = "") -> tuple[int, str]:
        """Runs a line on a terminal, on which something was typed; returns its code and output."""
        main, side = pty.openpty()
        os.write(main, typed.encode())
        command = [sys.executable, "-c", RUN, *words]
        env = os.environ | self.env(TERM="xterm", COLUMNS="100")
        process = subprocess.Popen(command, env=env, stdin=side, stdout=side, stderr=side)
        os.close(side)
        shown = b""
        try:
            while piece := os.read(main, PIECE):
                shown += piece
        except OSError:  # the end of it, on Linux
            pass
        finally:
            os.close(main)
        return process.wait(), shown.decode().replace("\r\n", "\n")

    def env(self, **more: str) -> dict[str, str]:
        return {"SIMILARITY_URL": self.url, "XDG_CONFIG_HOME": str(self.folder)} | more


def run_line(url: str, *words: str | Path, stdin: bytes = b"") -> Result:
    """What a line comes to for whoever has never logged in."""
    return Command(url, NOWHERE)(*map(str, words), given=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    """The lines of JSON on stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def states(result: Result) -> dict[str, str]:
    """What has become of the images of `add --json`, by id; by path where one got none."""
    found = [line for line in lines(result) if "path" in line]
    return {line["id"] or line["path"]: line.get("word") or line["state"] for line in found}


def refused(result: Result, code: int, *said: str) -> None:
    """A line must have ended so, with one line on stderr that has all of these words."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert [each for each in said if each not in line] == [], line
