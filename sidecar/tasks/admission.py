"""Whether a task makes sense as things are.

That is checked within the transaction that writes the task, so that of two tasks that exclude each
other one is refused, and again where its work begins and where it is published: catalogue and files
may have changed in between. What depends on files is read just before the transaction.
"""

from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import Task, TaskKind, Transaction
from sidecar.errors import (
    FeaturesUnavailable,
    IndexDamaged,
    ModelRefused,
    NoIndex,
    SwitchRefused,
    UnknownVersion,
)
from sidecar.index import GenerationStore
from sidecar.models import contract as contracts


@dataclass(frozen=True)
class FileFacts:
    """Decides about a version, from what the files say of it and a transaction.

    Args:
        in_repository: the versions in the model repository.
        sha256: of the version's file; None where it has none that can be read.
        searched: the SHA-256 of the model of the generation that is searched, if there is one.
    """

    in_repository: frozenset[int]
    sha256: str | None = None
    searched: str | None = None

    def check(self, transaction: Transaction, task: Task) -> None:
        """Checks that a task for a version still makes sense.

        Raises:
            UnknownVersion, SwitchRefused: it no longer does.
        """
        assert task.version is not None
        if task.kind == TaskKind.UPGRADE:
            self.check_upgrade(transaction, task.version)
        elif task.kind == TaskKind.RETIRE:
            self.check_unused(transaction, task.version)
        elif self.version_before(transaction) != task.version:
            raise SwitchRefused(f"version {task.version} is no longer the one before")

    def check_upgrade(self, transaction: Transaction, version: int) -> None:
        """Checks that a version may come into use.

        Raises:
            UnknownVersion: the repository has none of this number.
            SwitchRefused: it is in use already, or known under another number.
        """
        if version not in self.in_repository:
            raise UnknownVersion(f"the model repository has no version {version}")
        if self.sha256 is None:
            return  # the task reports what is wrong, and clears up
        models = transaction.models
        same = [each.version for each in models.all() if each.sha256 == self.sha256]
        in_use = models.in_use()
        if in_use is not None and in_use.sha256 == self.sha256:
            also = "" if same == [version] else f", and version {version} is the same file"
            raise SwitchRefused(f"version {same[0]} is in use{also}")
        if same and same != [version]:
            raise SwitchRefused(f"version {version} is the same file as version {same[0]}")

    def version_before(self, transaction: Transaction) -> int:
        """Returns the version that a rollback goes back to.

        Raises:
            SwitchRefused: there is none, or it is no longer in the repository.
        """
        before = transaction.models.previous()
        if before is None:
            raise SwitchRefused("there is no version to go back to")
        if before.version not in self.in_repository:
            raise SwitchRefused(f"version {before.version} is no longer in the model repository")
        return before.version

    def check_retirement(self, transaction: Transaction, version: int) -> None:
        """Checks that a version may be retired.

        Raises:
            UnknownVersion: there is none of this number.
            SwitchRefused: it is in use.
        """
        if transaction.models.numbered(version) is None and version not in self.in_repository:
            raise UnknownVersion(f"there is no version {version}")
        self.check_unused(transaction, version)

    def check_unused(self, transaction: Transaction, version: int) -> None:
        """Raises SwitchRefused where a version embeds what is added, or is searched with."""
        record, in_use = transaction.models.numbered(version), transaction.models.in_use()
        if record is not None and (record == in_use or record.sha256 == self.searched):
            raise SwitchRefused(f"version {version} is in use")


@dataclass(frozen=True)
class Admission:
    """Reads from the files what a decision about a task depends on.

    Args:
        repository: the folder of the model repository.
    """

    generations: GenerationStore
    repository: Path

    def check_update(self) -> None:
        """Raises NoIndex where there is no index to work on, and IndexDamaged."""
        self.generations.current()

    def facts(self, kind: TaskKind, version: int | None) -> FileFacts:
        """Reads what a decision about a task of this kind for a version depends on."""
        in_repository = frozenset(contracts.numbers(self.repository))
        if kind == TaskKind.UPGRADE and version is not None:
            return FileFacts(in_repository, sha256=self._sha256(version))
        if kind == TaskKind.RETIRE:
            return FileFacts(in_repository, searched=self._searched())
        return FileFacts(in_repository)

    def _sha256(self, version: int) -> str | None:
        try:
            return contracts.read(self.repository, version).sha256
        except (ModelRefused, FeaturesUnavailable):
            return None

    def _searched(self) -> str | None:
        try:
            return self.generations.current().meta.sha256
        except (NoIndex, IndexDamaged):
            return None
