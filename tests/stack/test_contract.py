"""The short version of what `make fuzz` sends by the document of the API, ten thousand requests."""

from pathlib import Path

from campaigns.fuzz import SETTINGS
from tests.conftest import Trained

SEED, COUNT = 15, 100


def test_every_answer_is_one_that_the_document_has(tmp_path: Path, trained: Trained) -> None:
    from campaigns.contract import contract  # here: schemathesis is nothing for other processes

    with trained(tmp_path, **SETTINGS) as stack:
        assert contract(stack, SEED, COUNT) == []
