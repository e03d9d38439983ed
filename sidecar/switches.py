"""Upgrades, rollbacks and retirements as clients ask for them: whether they make sense now."""

from dataclasses import dataclass
from pathlib import Path

from sidecar import contract as contracts
from sidecar.catalogue import SWITCHES, Catalogue, Task
from sidecar.dispatcher import Dispatcher
from sidecar.errors import (
    FeaturesUnavailable,
    IndexDamaged,
    ModelRefused,
    NoIndex,
    SwitchRefused,
    UnknownVersion,
)
from sidecar.generations import Generations

KINDS = (*SWITCHES, "retire")


@dataclass(frozen=True)
class Switches:
    """Before a task is queued."""

    catalogue: Catalogue
    generations: Generations
    repository: Path
    dispatcher: Dispatcher

    def upgrade(self, version: int) -> Task:
        """Ask for a version to come into use; joins an upgrade to it that is under way.

        Raises:
            UnknownVersion: the repository has none of this number.
            SwitchRefused: it is in use already, under this or another number, or another such task
                is under way.
        """
        return self._under_way("upgrade", version) or self._upgrade(version)

    def rollback(self) -> Task:
        """Ask for the version before to come back into use.

        Raises:
            SwitchRefused: there is none, or it is gone, or another such task is under way.
        """
        version = self._before()
        return self._under_way("rollback", version) or self._queue("rollback", version)

    def retire(self, version: int) -> Task:
        """Ask for a version to be forgotten.

        Raises:
            UnknownVersion: there is none of this number.
            SwitchRefused: it is in use, or another such task is under way.
        """
        running = self._under_way("retire", version)
        if running is not None:
            return running
        record = self.catalogue.models.numbered(version)
        if record is None and version not in contracts.numbers(self.repository):
            raise UnknownVersion(f"there is no version {version}")
        if record is not None and record.sha256 in (self._in_use(), self._searched()):
            raise SwitchRefused(f"version {version} is in use")
        return self._queue("retire", version)

    def cancel(self) -> Task:
        """Stop the upgrade or rollback that waits or runs. Raises SwitchRefused: there is none."""
        task = self.catalogue.tasks.unfinished(SWITCHES)
        if task is None:
            raise SwitchRefused("no upgrade is under way")
        return self.dispatcher.cancel(task.task_id)

    def _upgrade(self, version: int) -> Task:
        if version not in contracts.numbers(self.repository):
            raise UnknownVersion(f"the model repository has no version {version}")
        try:
            sha256 = contracts.read(self.repository, version).sha256
        except (ModelRefused, FeaturesUnavailable):
            return self._queue("upgrade", version)  # the task says what is wrong, and clears up
        same = [each.version for each in self.catalogue.models.all() if each.sha256 == sha256]
        if sha256 == self._in_use():
            which = "" if same == [version] else f", and version {version} is the same"
            raise SwitchRefused(f"version {same[0]} is in use{which}")
        if same and same != [version]:
            raise SwitchRefused(f"version {version} is the same file as version {same[0]}")
        return self._queue("upgrade", version)

    def _before(self) -> int:
        """The version that the last switch came from."""
        last = next(iter(self.catalogue.tasks.finished(SWITCHES)), None)
        version = None if last is None or last.report is None else last.report["previous"]
        if version is None or self.catalogue.models.numbered(version) is None:
            raise SwitchRefused("there is no version to go back to")
        if version not in contracts.numbers(self.repository):
            raise SwitchRefused(f"version {version} is no longer in the model repository")
        return int(version)

    def _under_way(self, kind: str, version: int) -> Task | None:
        task = self.catalogue.tasks.unfinished(KINDS)
        if task is None or (task.kind, task.version) == (kind, version):
            return task
        raise SwitchRefused(
            f"{task.kind} {task.task_id} (version {task.version}) is under way: "
            "wait for it, or cancel it"
        )

    def _queue(self, kind: str, version: int) -> Task:
        task = self.catalogue.tasks.request(kind, version)
        self.dispatcher.deliver()
        return task

    def _in_use(self) -> str | None:
        record = self.catalogue.models.in_use()
        return None if record is None else record.sha256

    def _searched(self) -> str | None:
        try:
            return self.generations.current().meta.sha256
        except (NoIndex, IndexDamaged):
            return None
