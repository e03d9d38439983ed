"""One campaign: filled, released, troubled, and looked through."""

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.chaos import Client, add_first, at_work, draw_pictures, ids_in, losses
from campaigns.cluster.cluster import SIDECARS, Cluster, running
from campaigns.cluster.levels import Levels, watched
from campaigns.cluster.models import bring_newer
from campaigns.cluster.rolling import checked_out, roll
from campaigns.cluster.traffic import Searcher, Switcher
from campaigns.cluster.trouble import trouble
from campaigns.cluster.verdict import mixed
from local.process import ROOT
from local.stack import Stack


@dataclass(frozen=True)
class Plan:
    """Says what a campaign does.

    Args:
        troubles: how many hosts are killed or cut off.
        seed: of the random moments and victims.
        old: the commit whose code is released from; empty for no release.
        within_s: seconds in which a host has to serve the newest generation.
        settings: of all sidecars and workers, besides.
        clients: how many change images at the same time.
        searchers: how many search.
    """

    troubles: int
    seed: int
    old: str = ""
    within_s: float = 10.0
    settings: Mapping[str, str] = field(default_factory=dict)
    clients: int = 8
    searchers: int = 4


class Campaign:
    """Runs a plan on a cluster; `wrong` has a line for whatever should not have been."""

    def __init__(self, cluster: Cluster, plan: Plan) -> None:
        self.wrong: list[str] = []
        self._cluster, self._plan = cluster, plan
        self._front = cluster.front()
        self._pictures = draw_pictures()
        self._clients = [Client(self._front, n, self._pictures) for n in range(plan.clients)]
        self._searchers = [Searcher(self._front, n, self._pictures) for n in range(plan.searchers)]
        self._switcher = Switcher(self._front)
        self._workers = [*self._clients, *self._searchers, self._switcher]

    def run(self) -> None:
        """Runs all of it."""
        add_first(self._front, self._pictures)
        bring_newer(self._cluster.folder)
        first = ids_in(self._cluster.shared["CATALOGUE_URL"])
        with watched(self._cluster) as levels:
            with at_work(self._workers):
                if self._plan.old:
                    self._release(levels)
                if self._plan.troubles:
                    made = trouble(self._cluster, levels, self._plan.troubles, self._plan.seed)
                    print(f"troubles: {_counts(made)}")
            self._settle(levels)
            self._look_through(first)
        self._report(levels)

    def _release(self, levels: Levels) -> None:
        roll(self._cluster, levels)
        failures = [line for worker in self._workers for line in worker.failures]
        print(f"rolling release: {self._requests()}, {len(failures)} requests failed")
        self.wrong += failures
        for worker in self._workers:
            worker.failures.clear()

    def _settle(self, levels: Levels) -> None:
        ended = [self._front.finish(task_id) for task_id in self._switcher.asked]
        states = Counter(f"{task['kind']} {task['status']}" for task in ended)
        print(f"tasks: {_counts(states)}")
        self._front.run("update")
        levels.wait()

    def _look_through(self, first: set[str]) -> None:
        with self._front.client() as client:
            version = client.models().in_use or 0
        lost = list(losses(self._front, self._clients, self._pictures, first, version))
        answers = [answer for searcher in self._searchers for answer in searcher.answers]
        torn = list(mixed(self._front, self._pictures, answers))
        print(f"{len(lost)} acknowledged changes lost, {len(torn)} answers of mixed versions")
        self.wrong += lost + torn
        for name in SIDECARS:
            self._verify(self._cluster.stack(name), name)

    def _verify(self, stack: Stack, name: str) -> None:
        try:
            print(f"verify on {name}: {stack.command('verify').splitlines()[-1]}")
        except AssertionError as error:
            self.wrong.append(f"verify on {name}: {error}")

    def _report(self, levels: Levels) -> None:
        failed = sum(len(worker.failures) for worker in self._workers)
        print(f"{self._requests()} in all; {failed} requests failed while hosts were away")
        took = levels.took_s
        print(
            f"{len(took)} times a host was behind or back: it served the newest generation after"
            f" {statistics.median(took):.1f} s (median), {took[-1]:.1f} s at most"
        )
        late = [each for each in took if each > self._plan.within_s]
        if late:
            self.wrong.append(f"{len(late)} times a host took longer: {late}")
        again = {host.name: host.ended for host in self._cluster.hosts.values() if host.ended}
        if again:
            print(f"ended by themselves and were started again: {_counts(Counter(again))}")

    def _requests(self) -> str:
        acknowledged = sum(client.acknowledged for client in self._clients)
        searches = sum(len(searcher.answers) for searcher in self._searchers)
        return f"{acknowledged} acknowledged changes and {searches} searches"


def campaign(folder: Path, plan: Plan) -> list[str]:
    """Runs one campaign in the namespaces of this process; returns a line for all that is wrong."""
    code = ROOT
    if plan.old:
        code = folder / "old"
        print(f"the release begins with {checked_out(plan.old, code)}")
    with running(folder, code, plan.settings) as cluster:
        run = Campaign(cluster, plan)
        run.run()
    return run.wrong


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
