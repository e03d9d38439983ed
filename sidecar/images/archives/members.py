"""A file of a batch, the limits of a batch, and the errors of what is over them."""

from dataclasses import dataclass

from sidecar.errors import BatchTooLarge, ImageTooLarge
from sidecar.files import in_units


@dataclass(frozen=True)
class File:
    """A file of a batch under the client's name: its bytes, or the error that keeps them away."""

    name: str
    content: bytes | Exception


@dataclass(frozen=True)
class BatchRules:
    """Limits the size of a batch.

    Args:
        max_image_bytes: of each image.
        max_batch_bytes: of the whole batch, as it comes and unpacked.
        max_files: of the whole batch, folders and files that are passed over among them.
    """

    max_image_bytes: int
    max_batch_bytes: int
    max_files: int


class Unpacked:
    """Counts what the files of an archive unpack to. A tar of holes, or a zip whose sizes lie, can
    hold more than it has."""

    def __init__(self, rules: BatchRules) -> None:
        self._rules = rules
        self._left = rules.max_batch_bytes

    def add(self, size_bytes: int) -> None:
        """Counts a file. Raises BatchTooLarge."""
        self._left -= size_bytes
        if self._left < 0:
            limit = in_units(self._rules.max_batch_bytes)
            raise BatchTooLarge(f"the batch is larger than {limit} unpacked (MAX_BATCH_BYTES)")


def image_too_large(rules: BatchRules) -> ImageTooLarge:
    """Returns the error of a file that is over the limit of an image."""
    return ImageTooLarge(
        f"the image is larger than {in_units(rules.max_image_bytes)} (MAX_IMAGE_BYTES)"
    )


def too_many_files(rules: BatchRules) -> BatchTooLarge:
    """Returns the error of a batch with too many files."""
    return BatchTooLarge(f"the batch has more than {rules.max_files:,} files (MAX_BATCH_FILES)")
