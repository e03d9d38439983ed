"""Ports for servers of one's own: nobody else is given one between its choice and its use."""

import subprocess
import sys

from local.ports import OURS, free_ports
from local.process import ROOT

COUNT = 1500  # of 12,000: three that chose by chance alone would hardly all differ
ASKING = f"""
import sys
from local.ports import free_ports
print(*free_ports({COUNT}), flush=True)
sys.stdin.read()
"""


def test_processes_at_work_at_once_are_given_different_ports() -> None:
    command = [sys.executable, "-c", ASKING]
    pipe = subprocess.PIPE
    asking = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) for _ in range(3)]
    given: list[int] = []
    for process in asking:
        assert process.stdout is not None
        given += map(int, process.stdout.readline().split())
    for process in asking:
        process.communicate(b"")
    assert len(given) == len(set(given)) == 3 * COUNT
    assert set(given) <= set(OURS)


def test_a_process_is_never_given_a_port_twice() -> None:
    given = [port for _ in range(20) for port in free_ports(3)]
    assert len(set(given)) == 60
