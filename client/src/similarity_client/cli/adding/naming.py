"""Which id each image gets, by a rule that is checked before anything is read."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from string import Formatter

from similarity_client.cli.sources.damage import raising
from similarity_client.cli.tables import Table
from similarity_client.errors import DuplicateImageId
from similarity_client.upload import Entry

RULES = {"name": "{stem}", "path": "{path}", "sha256": "{sha256}"}
FIELDS = {
    "name": "of the file, with its ending",
    "stem": "the same without it",
    "suffix": "the ending, without a dot",
    "parent": "the folder or archive that it is in",
    "path": "the folders below the one that was named, and the stem, with colons between",
    "sha256": "of the file; {sha256:.12} is its beginning",
}

MAKE: dict[str, Callable[[Entry, str | None], str]] = {
    "name": lambda entry, _: entry.inner.name,
    "stem": lambda entry, _: entry.inner.stem,
    "suffix": lambda entry, _: entry.inner.suffix[1:],
    "parent": lambda entry, _: entry.path.absolute().parent.name,
    "path": lambda entry, _: ":".join([*entry.inner.parts[:-1], entry.inner.stem]),
    "sha256": lambda _, sha256: sha256 or "",
}


class Naming:
    """A rule for ids.

    Args:
        rule: one of RULES, or a template of FIELDS.
    Raises:
        ValueError: it is none.
    """

    def __init__(self, rule: str) -> None:
        self._template = RULES.get(rule, rule)
        names = _fields(self._template)
        if not names:
            raise ValueError(
                f"{rule!r} has no field, so all images would get one id: give "
                f"{', '.join(RULES)} or a template such as {{parent}}-{{stem}}"
            )
        if unknown := names - set(FIELDS):
            shown = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise ValueError(f"{rule!r} has no such field as {min(unknown)!r}: there are {shown}")
        self._template.format(**dict.fromkeys(FIELDS, "x"))
        self._names = names
        self.reads = "sha256" in names  # the file itself

    def id_of(self, entry: Entry, sha256: str | None) -> str:
        """Returns the id of an entry; `sha256` counts only where `reads` says so."""
        found = {name: MAKE[name](entry, sha256) for name in self._names}
        # As the service compares them: names of a Mac come with their accents apart.
        return unicodedata.normalize("NFC", self._template.format(**found))


def named(entries: Iterable[Entry | None], naming: Naming) -> Iterator[Entry | None]:
    """Yields entries with their ids, as far as their names alone say them. One that would get the
    id of an earlier one fails. None is passed on."""
    paths = Table()
    for entry in entries:
        if entry is None or naming.reads or not entry.inner.name:
            yield entry
            continue
        image_id = naming.id_of(entry, None)
        first = paths.first(image_id, str(entry.path))
        if first == str(entry.path):
            yield replace(entry, id=image_id)
        else:
            detail = f"{first} gets the id {image_id} already"
            error = DuplicateImageId(detail, status=409)
            yield replace(entry, id=image_id, source=raising(error))


def _fields(template: str) -> set[str]:
    """Returns the names of the fields of a template. Raises ValueError: it is none."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{template!r} is no template: {error}") from error
    if any(conversion or "{" in (spec or "") for _, _, spec, conversion in parts):
        raise ValueError(f"{template!r} is no template: a field is {{name}} or {{name:.8}}")
    return {name for _, name, _, _ in parts if name is not None}
