"""The processes below one, as Linux knows them: counted, timed, and ended.

Source: proc(5), prctl(2).
"""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
POLL_S = 0.05
END_TIMEOUT_S = 10  # of a process that was killed
ENDED, STOPPED = "X", ("T", "X", "Z")  # states of a thread


def adopt_orphans() -> None:
    """Makes what descendants leave behind children of this process, and not of init."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> None:
    """Has the system kill this process when its parent, given by its id, has died."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had died before
        os.kill(os.getpid(), signal.SIGKILL)


def below(pid: int) -> list[int]:
    """Returns the ids of all processes below one."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            for child in map(int, children.read_text().split()):
                found += [child, *below(child)]
    return found


def processor_s(pids: list[int]) -> float:
    """Returns the processor time that processes have taken so far, seconds."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):  # it has ended
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # utime and stime
    return ticks / TICKS_PER_S


def are_stopped(pids: list[int]) -> bool:
    """Says whether every thread of some processes has stopped, or ended."""
    return all(_state(stat) in STOPPED for pid in pids for stat in _threads(pid))


def end_all() -> None:
    """Kills everything below this process, and waits until it is gone."""
    deadline = time.monotonic() + END_TIMEOUT_S
    while (pids := below(os.getpid())) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _reap()
        time.sleep(POLL_S)


def _threads(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").glob("*/stat"))


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except OSError:  # it has ended
        return ENDED


def _reap() -> None:
    """Takes note of the children that have ended, which the system keeps until then."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
