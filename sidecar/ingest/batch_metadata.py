"""The metadata that come with a batch: a file `metadata.jsonl`, a line for each image.

    {"id": "cat", "metadata": {"category": "pets"}}

The lines may come before their images or after them, and those of images that the batch does not
hold are for stored ones.
"""

from collections.abc import Callable, Iterator

from sidecar import fields
from sidecar.catalogue import Metadata
from sidecar.errors import SimilarityError, WrongArguments
from sidecar.images import File, ids

EXAMPLE = '{"id": "cat", "metadata": {"category": "pets"}}'

Came = Callable[[str], bool]  # says whether a batch has had an image with an id
Fault = tuple[str, SimilarityError]  # the place of a line that failed, and why


class BatchMetadata:
    """Holds what the lines of one batch say, until their images come."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._waiting: dict[str, tuple[str, str]] = {}  # place and document, by id

    def of(self, image_id: str | None) -> str | None:
        """Returns the document of an image that comes now, if a line had one."""
        if image_id is None:
            return None
        found = self._waiting.pop(ids.check(image_id), None)
        return None if found is None else found[1]

    def take(self, file: File, came: Came) -> Iterator[Fault]:
        """Takes the lines of a file; yields each that fails.

        Args:
            came: whether an image was added before.
        """
        if isinstance(file.content, Exception):
            raise file.content
        for number, line in enumerate(file.content.split(b"\n"), 1):
            if not line.strip():
                continue
            place = f"{file.name}:{number}"
            try:
                image_id, document = _parsed(line)
                if came(image_id):
                    self._metadata.replace(image_id, document)
                else:
                    self._waiting[image_id] = place, document
            except SimilarityError as error:
                yield place, error

    def finish(self, came: Came) -> Iterator[Fault]:
        """Gives the documents that are left to stored images; yields each line that fails.

        Args:
            came: whether the batch held an image: one that was refused gets none.
        """
        for image_id, (place, document) in self._waiting.items():
            if came(image_id):
                continue
            try:
                self._metadata.replace(image_id, document)
            except SimilarityError as error:
                yield place, error


def _parsed(line: bytes) -> tuple[str, str]:
    """Returns the id and the document of a line."""
    found = fields.parsed(line)
    if not isinstance(found, dict) or found.keys() != {"id", "metadata"}:
        raise WrongArguments(f"a line must be an object such as {EXAMPLE}")
    if not isinstance(found["id"], str):
        raise WrongArguments("id must be a text")
    return ids.check(found["id"]), fields.checked(found["metadata"])
