"""The table of tasks, whatever happens in whatever order: one runs, and no zombie publishes."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sidecar.catalogue import SHORT, UNFINISHED, Task, TaskKind, open_catalogue
from sidecar.catalogue.task_rows import MOST_ATTEMPTS
from sidecar.errors import CatalogueUnavailable, NoSamples, TaskFinished, TaskLost
from tests.support.databases import new_file

Wanted = tuple[TaskKind, int | None]
ONES: list[Wanted] = [
    (TaskKind.TRAIN, None),
    (TaskKind.UPDATE, None),
    (TaskKind.UPGRADE, 2),
    (TaskKind.UPGRADE, 3),
    (TaskKind.FILL, None),
]
WANTED = st.sampled_from(ONES)
PICKS = st.integers(0, 99)


def rank(kind: TaskKind) -> int:
    """The order of the kinds, where none was overtaken."""
    return 0 if kind in SHORT else 2 if kind == TaskKind.FILL else 1


@dataclass
class Known:
    """What ought to be in the table."""

    kind: TaskKind
    version: int | None
    state: str = "waiting"
    attempt: int = 0
    lost: int = 0
    overtaken: bool = False


class Queue(RuleBasedStateMachine):
    """Requests, workers that live and die, and clients that cancel."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.catalogue = open_catalogue(new_file(self.folder), 3600.0)
        self.tasks = self.catalogue.tasks
        self.known: dict[str, Known] = {}  # by the task's id, the oldest first
        self.claims: list[Task] = []  # every one that was ever made

    def waiting(self) -> list[str]:
        """First who was overtaken, then the short ones, last who fills in; each kind by age."""
        ids = [task_id for task_id, known in self.known.items() if known.state == "waiting"]
        turns = {i: (not self.known[i].overtaken, rank(self.known[i].kind)) for i in ids}
        return sorted(ids, key=lambda task_id: turns[task_id])

    def must_wait(self, known: Known) -> bool:
        """A short one overtakes nobody twice; who fills in overtakes nobody."""
        waiting = [self.known[task_id] for task_id in self.waiting()]
        ahead = any(each.overtaken for each in waiting)
        others = any(each.kind != TaskKind.FILL for each in waiting)
        must = {0: ahead, 1: False, 2: others and not known.overtaken}
        return bool(self.running()) or must[rank(known.kind)]

    def running(self) -> list[str]:
        return [task_id for task_id, known in self.known.items() if known.state == "running"]

    def holds(self, claim: Task) -> bool:
        known = self.known[claim.task_id]
        return (known.state, known.attempt) == ("running", claim.attempt)

    @rule(wanted=WANTED)
    def request(self, wanted: Wanted) -> None:
        same = [i for i in self.waiting() if (self.known[i].kind, self.known[i].version) == wanted]
        task = self.tasks.request(*wanted)
        assert task.task_id in same if same else task.task_id not in self.known
        self.known.setdefault(task.task_id, Known(*wanted))

    @precondition(lambda self: self.known)
    @rule(pick=PICKS)
    def claim(self, pick: int) -> None:
        task_id = list(self.known)[pick % len(self.known)]
        known = self.known[task_id]
        claim = self.tasks.claim(task_id)
        if known.state != "waiting" or self.must_wait(known):
            assert claim is None
            return
        assert claim is not None
        for other in (self.known[i] for i in self.waiting() if known.kind in SHORT):
            other.overtaken = other.overtaken or other.kind not in SHORT
        known.state, known.attempt = "running", known.attempt + 1
        assert (claim.attempt, claim.state) == (known.attempt, "running")
        self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(pick=PICKS, well=st.booleans())
    def end(self, pick: int, well: bool) -> None:
        """By any worker that ever claimed anything, as one does that was thought dead."""
        claim = self.claims[pick % len(self.claims)]
        held = self.holds(claim)
        if not well:
            self.tasks.fail(claim, NoSamples("none"))
        elif held:
            with self.tasks.publishing(claim) as publication:
                publication.record(None, 7, 1)
        else:
            with pytest.raises(TaskLost), self.tasks.publishing(claim):
                pytest.fail("a zombie published")
        if held:
            self.known[claim.task_id].state = "ok" if well else "error"

    @precondition(lambda self: self.claims)
    @rule(pick=PICKS)
    def go_on(self, pick: int) -> None:
        claim = self.claims[pick % len(self.claims)]
        if self.holds(claim):
            self.tasks.renew(claim, "adding", 0.5)
            assert self.tasks.get(claim.task_id).progress == 0.5
        else:
            with pytest.raises(TaskLost):
                self.tasks.renew(claim, "adding", 0.5)

    @precondition(lambda self: self.claims)
    @rule(pick=PICKS)
    def make_way(self, pick: int) -> None:
        claim = self.claims[pick % len(self.claims)]
        first = {0} if claim.kind != TaskKind.FILL else {0, 1}
        others = any(rank(self.known[task_id].kind) in first for task_id in self.waiting())
        assert self.tasks.make_way(claim) == (others and self.holds(claim))
        if others and self.holds(claim):
            self.known[claim.task_id].state = "waiting"
            self.known[claim.task_id].overtaken = False

    @precondition(lambda self: self.claims)
    @rule(pick=PICKS, anew=st.booleans())
    def lose_the_database(self, pick: int, anew: bool) -> None:
        claim = self.claims[pick % len(self.claims)]
        known, held = self.known[claim.task_id], self.holds(claim)
        if held:
            known.lost = 0 if anew else known.lost + 1
            known.state = "error" if known.lost == MOST_ATTEMPTS else "waiting"
        now = self.tasks.start_again(claim, CatalogueUnavailable("away"), anew)
        assert now.state == known.state
        if held and known.state == "error":
            assert now.message == "catalogue_unavailable"

    @precondition(lambda self: self.known)
    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        task_id = list(self.known)[pick % len(self.known)]
        if self.known[task_id].state not in UNFINISHED:
            with pytest.raises(TaskFinished):
                self.tasks.cancel(task_id)
        else:
            self.tasks.cancel(task_id)
            self.known[task_id].state = "cancelled"

    @precondition(lambda self: self.running())
    @rule()
    def lose_the_worker(self) -> None:
        [task_id] = self.running()
        known = self.known[task_id]
        self.tasks.release(task_id)
        known.lost += 1
        known.state = "error" if known.lost == MOST_ATTEMPTS else "waiting"
        self.look()

    @precondition(lambda self: self.running())
    @rule()
    def stop_the_worker(self) -> None:
        [task_id] = self.running()
        self.tasks.give_back(task_id)
        self.known[task_id].state = "waiting"

    @rule()
    def look(self) -> None:
        deliverable = [task.task_id for task in self.tasks.deliverable()]
        assert deliverable == ([] if self.running() else self.waiting())

    @invariant()
    def the_table_is_what_is_known(self) -> None:
        for task_id, known in self.known.items():
            task = self.tasks.get(task_id)
            assert (task.state, task.attempt, task.lost) == (known.state, known.attempt, known.lost)
            assert (task.finished_at is not None) == (known.state not in UNFINISHED)
            assert (task.lease_until is not None) == (known.state == "running")
        assert len(self.running()) <= 1

    def teardown(self) -> None:
        self.catalogue.close()
        shutil.rmtree(self.folder)


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=15, stateful_step_count=30)
