"""What a process of the service does not import: each costs its every start."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from local.stack import ROOT
from sidecar.catalogue import migration, open_catalogue

OPENING = """
import json, sys
from sidecar.http import app
from sidecar.tasks import worker
from sidecar.catalogue import open_catalogue
open_catalogue(sys.argv[1], 30).close()
print(json.dumps([name for name in {names!r} if name in sys.modules]))
"""


@pytest.mark.parametrize(
    "names", [("alembic", "mako", "psycopg", "sqlalchemy.dialects.postgresql", "yaml")]
)
def test_who_opens_a_current_sqlite_catalogue_imports_nothing_that_others_need(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    open_catalogue(url, 30).close()
    command = [sys.executable, "-c", OPENING.format(names=names), url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_newest_revision_is_the_head_of_alembics_chain() -> None:
    script = ScriptDirectory(str(migration.SCRIPTS))
    assert script.get_heads() == [migration.NEWEST]
