"""Takes the steps of a call one after the other, and waits itself."""

import time
from collections.abc import Callable
from typing import TypeVar

from similarity_client.exchange import Outcome, Send, Steps

T = TypeVar("T")


def drive(steps: Steps[T], send: Callable[[Send], Outcome]) -> T:
    """Returns what comes of the steps of a call; raises what they raise."""
    outcome: Outcome | None = None
    while True:
        try:
            step = steps.send(outcome)
        except StopIteration as end:
            answer: T = end.value
            return answer
        outcome = None
        if isinstance(step, Send):
            outcome = send(step)
        else:
            time.sleep(step.seconds)
