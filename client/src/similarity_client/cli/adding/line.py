"""What a line of `add` asks for, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from similarity_client.cli.adding.failures import ErrorFile
from similarity_client.cli.adding.metadata import Metadata
from similarity_client.cli.adding.naming import Naming
from similarity_client.cli.sources import Chosen, Wanted
from similarity_client.upload import Entry, Plan


@dataclass(frozen=True, slots=True)
class Line:
    """The options of a line, by their names."""

    paths: tuple[Path, ...]
    id_from: str
    recursive: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    metadata: Path | None
    overwrite: bool
    unique: bool
    parallel: int
    dry_run: bool
    watch: bool
    task: str | None
    wait: bool
    errors: Path | None
    on_error: str

    def check(self) -> None:
        """Raises click.UsageError: options do not go together."""
        if self.wait and self.task is None:
            raise click.UsageError("--wait is for --train and --update")
        if self.watch and (self.task or self.dry_run):
            raise click.UsageError(
                "--watch never ends: it goes with no --train, --update, --dry-run"
            )
        if self.watch and not all(path.is_dir() for path in self.paths):
            raise click.UsageError("--watch is for folders")
        if sum(str(path) == "-" for path in self.paths) > 1:
            raise click.UsageError("- can be given once")

    def chosen(self) -> Chosen:
        """Returns what is read."""
        return Chosen(self.paths, Wanted(self.include, self.exclude), self.recursive)

    def naming(self) -> Naming:
        """Returns how ids are made. Raises click.BadParameter: --id-from is no rule."""
        try:
            return Naming(self.id_from)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--id-from") from error

    def error_file(self) -> ErrorFile:
        """Opens what failures are written to. Raises click.BadParameter: it can't be written."""
        try:
            return ErrorFile(self.errors)
        except OSError as error:
            raise click.BadParameter(str(error), param_hint="--errors") from error

    def plan(self, naming: Naming) -> Plan:
        """Returns how images are sent. Raises click.BadParameter: --metadata says nothing."""
        try:
            said = None if self.metadata is None else Metadata(self.metadata)
        except (OSError, ValueError) as error:
            raise click.BadParameter(str(error), param_hint="--metadata") from error

        def said_of(entry: Entry, image_id: str) -> Mapping[str, Any] | None:
            return None if said is None else said.of(entry, image_id)

        return Plan(True, self.overwrite, naming.id_of, said_of, self.unique)
