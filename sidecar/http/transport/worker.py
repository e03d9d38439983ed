"""Hands a request to a thread when it is there, and answers all who connected before a stop.

gunicorn's own worker gives each connection a thread for seconds, whether it sends anything or not,
and reads without a limit: some hundred silent clients stop everybody else.
"""

import errno
import logging
import time
from concurrent.futures import Future
from contextlib import nullcontext
from enum import Enum
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from sidecar.http.transport import malformed
from sidecar.http.transport.body import PATIENCE_S
from sidecar.http.transport.connection import ArrivingRequest, Connection
from sidecar.http.transport.long_requests import LongRequests
from sidecar.http.transport.waiting import Waiting
from sidecar.telemetry import counters

log = logging.getLogger(__name__)

NOBODY_WAITS = (errno.EAGAIN, errno.ECONNABORTED)
NO_FILES = (errno.EMFILE, errno.ENFILE)
STOP_S = 2.0  # for which a stopping process waits for idle clients
LOOK_S = 0.5  # between two looks for who is late
DRAIN_S = 30.0  # for which an answered client may go on sending


class Next(Enum):
    """What becomes of a connection when a thread is done with it."""

    WAIT = "for the rest of its request"
    KEEP = "for another request"
    DRAIN = "the answer is sent, and the client still sends"
    CLOSE = "now"


class TimeoutWorker(ThreadWorker):
    """Gives each request, head and body, `timeout_s` seconds to arrive.

    A request that may take long, such as a batch, must only never pause for as many. A thread takes
    a request when its head is there, and a body of up to `collected_bytes` too; until then it waits
    in the event loop. So a thread waits for a client only while it reads a batch, a body in chunks
    or one too large to wait for; `waits_for_nobody` of its body is false then.
    """

    timeout_s: float  # both set before the first worker is made
    collected_bytes: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: Waiting
        self._long = LongRequests()
        self._looked = 0.0  # for who is late, time.monotonic

    # -- The event loop

    def run(self) -> None:
        self._waiting = Waiting(self.poller, self._readable)
        super().run()

    def accept(self, listener: Any) -> None:
        self._accepts(listener)

    def _accepts(self, listener: Any) -> bool:
        """Accepts a connection, and returns whether one was waiting."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in NO_FILES:
                self._make_room()
            elif error.errno not in NOBODY_WAITS:
                raise
            return False
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        conn = Connection(self.cfg, sock, (client, listener.getsockname()), self.timeout_s)
        self._waiting.add(conn, conn.since + self.timeout_s)
        return True

    def _make_room(self) -> None:
        """Closes the connection that has waited longest without having begun a request's body."""
        oldest = self._waiting.oldest()
        if oldest is not None:
            self._close(oldest, waits=True)

    def _readable(self, conn: Connection) -> None:
        """Takes in what a client has sent; a thread goes on when that is enough."""
        was_idle = conn.is_idle
        try:
            complete = conn.receive()
        except EOFError:
            self._close(conn, waits=True)
            return
        conn.goes_on_at_once = not self._waiting.count(conn)
        if complete or conn.goes_on_at_once:
            self._waiting.remove(conn)
            self.enqueue_req(conn)
        elif was_idle and not conn.is_over:
            self._waiting.set_deadline(conn, conn.since + self.timeout_s)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """Does what `handle` has returned; the event loop calls it."""
        after = Next.CLOSE if fs.cancelled() else fs.result()
        if after is Next.WAIT:
            self._waiting.add(conn, conn.since + self.timeout_s)
        elif after is Next.KEEP and conn.next_request():
            self.enqueue_req(conn)
        elif after is Next.KEEP:
            wait_s = self._shorter_at_a_stop(self.cfg.keepalive) if conn.is_idle else self.timeout_s
            self._waiting.add(conn, time.monotonic() + wait_s)
        elif after is Next.DRAIN:
            self._drain(conn)
        else:
            self._close(conn)

    def _shorter_at_a_stop(self, wait_s: float) -> float:
        return wait_s if self.alive else min(wait_s, STOP_S)

    def _drain(self, conn: Connection) -> None:
        try:
            conn.end_answer()
        except OSError:  # the client is gone
            self._close(conn)
        else:
            self._waiting.add(conn, time.monotonic() + self._shorter_at_a_stop(DRAIN_S))

    def _close(self, conn: Connection, waits: bool = False) -> None:
        if waits:
            self._waiting.remove(conn)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Gives up who is late; gunicorn calls it at least once a second.

        A body that is late goes to a thread, which answers 408; a head that is late to nobody.
        """
        if time.monotonic() < self._looked + LOOK_S:
            return
        self._looked = time.monotonic()
        for conn in self._waiting.late():
            if conn.request is None:
                self._close(conn, waits=True)
            else:
                self._waiting.remove(conn)
                self.enqueue_req(conn)

    def notify(self) -> None:
        """Shows that the process lives; gunicorn calls it about once a second, at a stop too."""
        super().notify()
        if not self.alive:
            app: Any = self.wsgi
            self._long.stop(app.background.stopping)

    def _cap_keepalive(self, deadline: float) -> None:
        self._waiting.hurry(deadline)

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Accepts connections or not; at the end it first accepts all that are already waiting.

        After that the system refuses clients before they have sent anything. gunicorn would leave
        those in the queue waiting, and then hang up.
        """
        super().set_accept_enabled(enabled and self.alive)
        if not self.alive:  # perhaps even before it has begun
            for listener in self.sockets:
                while self._accepts(listener):
                    pass
                listener.close()
            self.sockets = []

    # -- The threads

    def handle(self, conn: Any) -> Any:
        try:
            request = conn.request or conn.parse(self._takes_long)
            if not self._has_come(conn, request):
                return Next.WAIT
            return self._answer(conn, request)
        except OSError as error:
            _note_gone(conn, error)
        except StopIteration:
            log.info("an answer broke off: its connection is closed")
        except Exception as error:
            parsed = conn.request is not None
            malformed.refuse(conn.sock, conn.client[0], error, parsed)
            return Next.DRAIN
        return Next.CLOSE

    def _has_come(self, conn: Connection, request: ArrivingRequest) -> bool:
        """Returns whether a call may begin: its body is there, or is not to be waited for."""
        length = request.body.length
        if length is None or self._takes_long(request.path):
            return True
        if length.missing + length.held > self.collected_bytes:
            return True
        is_late = time.monotonic() > conn.since + self.timeout_s
        return is_late or request.body.collect(PATIENCE_S) or conn.goes_on_at_once

    def _answer(self, conn: Connection, request: ArrivingRequest) -> Next:
        takes_long = self._takes_long(request.path)
        with self._long.answering(conn) if takes_long else nullcontext():
            keep, body = self.handle_request(request, conn), request.body
        if body.trouble:
            counters.request_broken(body.trouble)
        if keep and body.finish():
            return Next.KEEP
        return Next.DRAIN if body.is_left else Next.CLOSE

    def _takes_long(self, path: str | None) -> bool:
        app: Any = self.wsgi
        return bool(app.routes.may_take_long(path or ""))


def _note_gone(conn: Connection, error: OSError) -> None:
    """Counts a client that did not wait for its answer; one that broke off in its body has a line
    already."""
    trouble = conn.request.body.trouble if conn.request else ""
    counters.request_broken(trouble or "gone")
    if not trouble:
        path = conn.request.path if conn.request else ""
        log.info("the client was gone before its answer: %r: %s", path, error)
