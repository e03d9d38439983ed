"""Draws requests of the document of the API, and looks whether each answer is one that it has.

Some keep the document, some break it in one place, and some go along its links, from an answer to
the next call: add, look at, search with it, change it, remove it. No answer may be a 500, nor of a
status, a type, a header or a schema that the document does not declare. In the end the service is
alive, and `verify` finds nothing wrong.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import GenerationMode
from schemathesis.generation.stateful.state_machine import APIStateMachine

from campaigns.chaos import add_first, draw_pictures
from campaigns.contract_requests import drawn
from campaigns.document import fault_of
from campaigns.fuzz import SETTINGS, after
from local.stack import ANSWER_TIMEOUT_S, Stack, running
from sidecar.http import openapi

STEPS = 8  # of a way along links
SHARES = {"whole": 0.3, "broken": 0.3}  # of all requests; the others go along links
# Where ways go: from the first of each. Together they would begin at a list more often than not.
ADDED = ["add", "image", "thumbnail", "metadata", "change_metadata", "search_by_id", "delete"]
WAYS = [
    (ADDED, 0.6),
    (["search", "images", "image"], 0.2),
    (["update", "task", "cancel_task"], 0.2),
]
MOST_SHOWN = 300  # bytes of a body


@dataclass
class Seen:
    """What was answered, and what of it was wrong."""

    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many answers there were."""
        return sum(self.ends.values())

    def look(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        """Looks at an answer; a hook of a session."""
        self.ends[f"{answer.status_code}"] += 1
        fault = fault_of(answer)
        if answer.status_code == 500:
            fault = f"500: {answer.text[:MOST_SHOWN]}"
        if fault is not None:
            request = answer.request
            body = request.body or b""
            shown = body[:MOST_SHOWN] if isinstance(body, bytes | str) else body
            self.wrong.append(f"{request.method} {request.url}: {fault}\n    {shown!r}")
            print(self.wrong[-1], flush=True)


def settings(count: int) -> hypothesis.settings:
    """Returns how so many examples are drawn: none is kept, none made smaller."""
    return hypothesis.settings(
        max_examples=count,
        phases=[hypothesis.Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        stateful_step_count=STEPS,
    )


def contract(stack: Stack, seed: int, count: int) -> list[str]:
    """Sends some `count` requests, and returns what was wrong."""
    schema = schemathesis.openapi.from_dict(drawn(openapi.document()))
    seen = Seen()
    with requests.Session() as session:
        session.hooks["response"].append(seen.look)

        def call(case: Any) -> Any:
            return case.call(base_url=stack.url, session=session, timeout=ANSWER_TIMEOUT_S)

        for name, mode in (("whole", GenerationMode.POSITIVE), ("broken", GenerationMode.NEGATIVE)):
            draw(schema.as_strategy(mode), call, seed, round(SHARES[name] * count))
        left = count - seen.count
        for names, share in WAYS:
            along_links(schema.include(operation_id=names), call, seed, seen, round(share * left))
    print(f"{seen.count} requests of seed {seed}: {dict(sorted(seen.ends.items()))}")
    trouble = list(after(stack))
    print(*trouble, sep="\n", end="\n" if trouble else "")
    return seen.wrong + trouble


def draw(cases: Any, call: Callable[[Any], Any], seed: int, count: int) -> None:
    """Sends requests, each by itself."""

    @hypothesis.seed(seed)
    @settings(count)
    @hypothesis.given(cases)
    def send(case: Any) -> None:
        call(case)

    send()


def along_links(schema: Any, call: Callable[[Any], Any], seed: int, seen: Seen, count: int) -> None:
    """Sends requests that go from an answer to the next call."""
    machine: type[APIStateMachine] = schema.as_state_machine()

    class Ways(machine):  # type: ignore[misc, valid-type]
        def call(self, case: Any, **_: Any) -> Any:
            return call(case)

        def validate_response(self, *_: Any, **__: Any) -> None:
            """The session's hook has looked at it."""

    enough = seen.count + count
    while seen.count < enough:
        ways = max(1, (enough - seen.count) // STEPS)
        # Where a way goes hangs on what is stored, so the same draws may lead elsewhere later:
        # there the generator gives up, and others are drawn.
        with suppress(FlakyStrategyDefinition):
            hypothesis.seed(seed)(Ways)
            Ways.run(settings=settings(ways))
        seed += 1


def main() -> int:
    """Runs a campaign on a stack of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.contract",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=10_000, help="of requests, about")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with ExitStack() as parts:
        folder = parts.enter_context(tempfile.TemporaryDirectory(prefix="contract-"))
        stack = parts.enter_context(running(Path(folder), **SETTINGS))
        add_first(stack, draw_pictures())
        wrong = contract(stack, arguments.seed, arguments.count)
    print(f"{len(wrong)} findings" if wrong else "nothing was wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
