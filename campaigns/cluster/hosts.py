"""A host: a process in a namespace, killed, cut off, brought back, and started again if it ends."""

import http.client
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from os import kill

from campaigns.cluster.network import Link
from local.descendants import below
from local.process import STOP_TIMEOUT_S, Start, stop, tail

LOOK_S = 0.4
PROBE_TIMEOUT_S = 1.0
AGAIN_S = 1.0  # before a process that has ended by itself is started again


class Host(threading.Thread):
    """Runs one process, and looks several times a second whether it answers.

    Attributes:
        up_since: time.monotonic of its first answer since it was started or reached again; None
            while it does not answer.
        ended: how often the process has ended by itself.
    """

    def __init__(self, link: Link, start: Start) -> None:
        super().__init__(name=link.host, daemon=True)
        self.link = link
        self.up_since: float | None = None
        self.ended = 0
        self._what = start
        self._process: subprocess.Popen[bytes] | None = None
        self._epoch = 0  # of troubles
        self._lock = threading.RLock()

    # -- what happens to it

    def begin(self, what: Start | None = None) -> None:
        """Starts the process.

        Args:
            what: from now on, in place of what it was.
        """
        with self._lock:
            self._what = what or self._what
            user = self._what.user
            other = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
            with self._what.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*self.link.inside, *(other if user else ()), *self._what.command],
                    cwd=self._what.cwd,
                    env=self._what.env,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def kill(self) -> None:
        """Kills the process with all that it has started, as a crash of the host does."""
        with self._lock:
            process = self._down()
            for pid in (process.pid, *below(process.pid)):
                with suppress(ProcessLookupError):
                    kill(pid, signal.SIGKILL)
            process.wait(STOP_TIMEOUT_S)

    def end(self) -> None:
        """Asks the process to end, and waits until it has."""
        with self._lock:
            process = self._down()
        stop(process, self._what.stop)

    def unplug(self) -> None:
        """Cuts the host off so that it knows."""
        self.link.unplug()
        self._is_cut()

    def silence(self) -> None:
        """Cuts the host off so that it does not know."""
        self.link.silence()
        self._is_cut()

    def heal(self) -> None:
        """Brings the host back into the network, or starts its process again."""
        self.link.heal()
        with self._lock:
            if self._process is None:
                self.begin()

    def _is_cut(self) -> None:
        with self._lock:
            self._epoch, self.up_since = self._epoch + 1, None

    def _down(self) -> subprocess.Popen[bytes]:
        process, self._process = self._process, None
        assert process is not None, f"{self.name} runs"
        self._epoch += 1
        self.up_since = None
        return process

    # -- how it is

    def run(self) -> None:
        """Looks again and again; ends with the program."""
        while True:
            self._restart()
            epoch, answers = self._epoch, self._what.ready()
            with self._lock:
                if not answers:
                    self.up_since = None
                elif epoch == self._epoch and self.up_since is None:
                    self.up_since = time.monotonic()
            time.sleep(LOOK_S)

    def _restart(self) -> None:
        """Starts the process again where it has ended by itself, as a supervisor does."""
        process = self._process
        if process is None or process.poll() is None:
            return
        time.sleep(AGAIN_S)
        with self._lock:
            if self._process is process:
                self.ended += 1
                print(f"{self.name} has ended by itself\n{tail(self._what.log)}", flush=True)
                self.begin()


def answers(address: str, port: int, path: str) -> bool:
    """Says whether a server answers a GET with 200, soon."""
    server = http.client.HTTPConnection(address, port, timeout=PROBE_TIMEOUT_S)
    try:
        server.request("GET", path)
        return server.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        server.close()


def accepts(address: str, port: int) -> bool:
    """Says whether a server takes connections."""
    try:
        socket.create_connection((address, port), PROBE_TIMEOUT_S).close()
    except OSError:
        return False
    return True
