"""A message about a limit names its size, its unit and its setting; lanes stay apart."""

import io
import zipfile

import pytest

from sidecar.errors import BatchTooLarge, ImageTooLarge
from sidecar.files import in_units
from sidecar.images import BatchRules, archives
from sidecar.models import lanes

KIBIBYTE = 1 << 10


def packed(size_bytes: int) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("large.jpg", bytes(size_bytes))
    packed.seek(0)
    return packed


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1500, "1,500 bytes"),
        (1 << 10, "1 KiB"),
        (3 << 19, "1,536 KiB"),
        (32 << 20, "32 MiB"),
        (16 << 30, "16 GiB"),
        ((32 << 20) + 1, "33,554,433 bytes"),
    ],
)
def test_a_size_is_written_in_the_largest_unit_that_divides_it(size_bytes: int, text: str) -> None:
    assert in_units(size_bytes) == text


def test_an_image_over_the_limit_of_a_batch_is_answered_with_limit_unit_and_setting() -> None:
    [file] = archives.files(packed(3 * KIBIBYTE), BatchRules(2 * KIBIBYTE, 9 * KIBIBYTE, 9))
    assert isinstance(file.content, ImageTooLarge)
    assert str(file.content) == "the image is larger than 2 KiB (MAX_IMAGE_BYTES)"


def test_a_batch_over_its_limit_is_answered_with_limit_unit_and_setting() -> None:
    with pytest.raises(BatchTooLarge, match=r"larger than 1 KiB unpacked \(MAX_BATCH_BYTES\)"):
        list(archives.files(packed(3 * KIBIBYTE), BatchRules(2 * KIBIBYTE, KIBIBYTE, 9)))


def test_lanes_with_the_same_numbers_share_no_calls() -> None:
    another = lanes.Lane(lanes.BATCH.priority, lanes.BATCH.calls)
    assert len({*lanes.ALL, another}) == len(lanes.ALL) + 1
