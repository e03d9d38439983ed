"""The fuzzer's short version; `make fuzz` sends ten thousand."""

from pathlib import Path

import pytest

from campaigns.fuzz import SETTINGS, fuzz
from tests.conftest import Trained

pytestmark = pytest.mark.long

SEED, COUNT = 15, 120


def test_no_request_is_answered_by_500_by_html_or_late(tmp_path: Path, trained: Trained) -> None:
    with trained(tmp_path, **SETTINGS) as stack:
        assert fuzz(stack, SEED, range(COUNT)) == []
