"""A short `campaigns.chaos`; `make chaos` runs a long one."""

from pathlib import Path

import pytest

from campaigns.chaos import Plan, campaign
from tests.support.databases import ABOVE, new_database


@pytest.mark.parametrize("database", ABOVE)
def test_nothing_is_lost_when_parts_are_killed_at_random(
    tmp_path: Path, tiny: Path, backup: Path, database: str, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    if database == "postgresql":
        url = new_database(request.getfixturevalue("postgres_server"))
    settings = {"MODEL_REPOSITORY": str(tiny)}
    campaign(tmp_path, Plan(3, 3, url, settings, backup, clients=5))
