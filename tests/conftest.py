"""One stack for all tests of the API; those that kill parts of it start their own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import photos
from local.ports import LaunchRefused
from local.postgres import postgres
from local.stack import Stack, add_all, running
from sidecar.catalogue import open_catalogue
from sidecar.catalogue.schema import metadata
from tests.support.databases import KINDS, new_database
from tests.support.house import House

COLLECTION = 1200
# With two files at a time, whoever gets one of these last would work on alone for minutes.
LONGEST_FIRST = ("test_upgrades", "test_chaos", "test_recovery", "test_specification", "test_bench")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin."""
    items.sort(key=lambda item: item.path.stem not in LONGEST_FIRST)


@pytest.fixture(scope="session")
def collection() -> dict[str, bytes]:
    """Photos by id: crops and variations of real ones."""
    return dict(photos.variations(COLLECTION))


@pytest.fixture(scope="session")
def bare_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack that starts out empty."""
    limits = {"MAX_IMAGE_BYTES": str(2 << 20), "MAX_BATCH_BYTES": str(128 << 20)}
    with running(tmp_path_factory.mktemp("stack"), **limits) as stack:
        yield stack


@pytest.fixture(scope="session")
def backup(
    bare_stack: Stack, collection: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A backup of that stack with the collection added and trained: `restored` begins with it."""
    add_all(bare_stack, collection)
    bare_stack.run("train")
    folder = tmp_path_factory.mktemp("backup") / "copy"
    bare_stack.command("backup", str(folder))
    return folder


@pytest.fixture(scope="session")
def stack(bare_stack: Stack, backup: Path) -> Stack:
    """The stack with the collection added and trained."""
    return bare_stack


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL of the tests' own. Where none is installed only CI insists on it."""
    try:
        with postgres(durable=False) as url:
            yield url
    except LaunchRefused as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty database of each kind; what is asked of one is asked of both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('catalogue')}/catalogue.sqlite"
    return new_database(request.getfixturevalue("postgres_server"))


@pytest.fixture(scope="session")
def migrated(postgres_server: str) -> str:
    """The URL of a database with the catalogue's tables, in PostgreSQL; one for many tests, because
    a new one takes a hundred times as long as an emptied one."""
    url = new_database(postgres_server)
    open_catalogue(url, 30.0).database.close()
    return url


@pytest.fixture(params=KINDS)
def catalogue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind for a catalogue; it may have its tables already, empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/catalogue.sqlite"
    url: str = request.getfixturevalue("migrated")
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")
    return url


@pytest.fixture(scope="module", params=KINDS)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The folder and the database of a house as the `build` of the test's module leaves it."""
    folder = tmp_path_factory.mktemp("built")
    url = f"sqlite:///{folder}/catalogue.sqlite"
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_server"))
    house = House(folder, url)
    request.module.build(house)
    house.catalogue.database.close()
    return folder, url


@pytest.fixture
def house(built: tuple[Path, str], tmp_path: Path) -> Iterator[House]:
    """A copy of it, which a test may do with as it likes."""
    folder, url = built
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    if url.startswith("sqlite"):
        house = House(tmp_path)
    else:
        server, _, name = url.rpartition("/")
        house = House(tmp_path, new_database(f"{server}/postgres", template=name))
    yield house
    house.catalogue.database.close()
