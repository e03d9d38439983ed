"""What the tests of pages do to a stack: ask it for keys, and hold its worker for a while."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from local.stack import Stack
from tests.browser.visit import Visit

GIVEN = "sessionStorage.setItem('similarity.key', {!r})"


class Guarded(NamedTuple):
    """A stack that asks for keys, and a secret of each scope; that of "admin" opens all."""

    stack: Stack
    secrets: dict[str, str]

    def show(self, visit: Visit, place: str, scope: str = "") -> None:
        """Opens a screen of it, with the key of a scope or with none."""
        visit.url = self.stack.url
        if scope:
            visit.page.add_init_script(GIVEN.format(self.secrets[scope]))
        visit.go(place)

    def ask(self, method: str, path: str) -> dict[str, str]:
        """Returns what a call answers to the key that opens all."""
        headers = {"X-API-Key": self.secrets["admin"]}
        answer: dict[str, str] = self.stack.call(method, path, headers=headers).json()
        return answer


@contextmanager
def held(stack: Stack) -> Iterator[None]:
    """No task of a stack begins or goes on within the block."""
    stack.send_all("worker", signal.SIGSTOP)
    try:
        yield
    finally:
        stack.send_all("worker", signal.SIGCONT)
