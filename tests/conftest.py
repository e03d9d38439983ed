"""What many tests share: photos, models, a stack that is asked, backups that others begin with."""

import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from campaigns import document
from local import photos
from local.milvus import milvus
from local.ports import LaunchRefused
from local.postgres import postgres
from local.s3 import s3
from local.stack import Stack, restored, running
from sidecar import garbage_collection
from sidecar.catalogue import open_catalogue
from sidecar.catalogue.schema import metadata
from sidecar.images import codec as images
from sidecar.images import turbojpeg as jpeg
from sidecar.objects import open_store
from tests.support import engines, stores
from tests.support.databases import ABOVE, KINDS, new_database, new_file
from tests.support.house import House
from tests.support.once import kept, once
from tests.support.versions import put

COLLECTION = 1050
# The process that begins one of these last would work on alone for minutes. The first makes the
# backup, for which those after the next three would wait.
LONGEST_FIRST = (
    *("stack/test_recovery", "catalogue/test_catalogue", "catalogue/test_keyword_search"),
    *("catalogue/test_shared_index", "stack/test_bench", "stack/test_two_hosts"),
    *("browser/test_frame", "stack/test_upgrades", "stack/test_cluster", "stack/test_returns"),
    *("stack/test_old_volume", "catalogue/test_duplicates", "client/test_add_archives"),
    *("triton/test_local_triton", "stack/test_keywords", "stack/test_watched"),
)
ALL_LONG = re.compile(r"^pytestmark = \[?pytest\.mark\.long\b", re.MULTILINE)
LIMITS = {"MAX_IMAGE_BYTES": str(2 << 20), "MAX_BATCH_BYTES": str(128 << 20)}

# Whether an image is found here must not hang on codes, which miss a few: it is searched exactly.
EXACT = {"EXACT_SEARCH_MAX": "100000"}

Trained = Callable[..., AbstractContextManager[Stack]]

# Every answer of a stack is one that the document of the API has.
Stack.observers.append(document.check)

# Tests run beside each other, so threads of one training would only wait for each other's cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A stack compiles what it imports once, not with each of its processes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What the tests import stays, too: looking through it again and again took a fifth."""
    with garbage_collection.loading():
        return (yield)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file of long tests alone is not even read where they are left out: some load torch or the
    library of Milvus, which takes each process seconds."""
    left_out = config.getoption("markexpr") == "not long" and collection_path.suffix == ".py"
    return (left_out and ALL_LONG.search(collection_path.read_text()) is not None) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin."""
    items.sort(key=lambda item: _place(f"{item.path.parent.name}/{item.path.stem}"))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, files that share what takes long to make run in one process."""
    from tests.support.scheduling import Together  # here: without -n there may be no xdist

    return Together(config, log)


def _place(file: str) -> int:
    return LONGEST_FIRST.index(file) if file in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.fixture(scope="session")
def collection() -> dict[str, bytes]:
    """Photos by id: crops and variations of real ones."""

    def draw(folder: Path) -> None:
        for number, (name, file) in enumerate(photos.variations(COLLECTION)):
            (folder / f"{number:04} {name}").write_bytes(file)

    made_of = [Path(str(module.__file__)) for module in (photos, images, jpeg)]
    packages = ("numpy", "pillow", "scikit-image", "simplejpeg")
    folder = kept("photos", [*made_of, f"{COLLECTION}"], packages, draw)
    return {path.name.split()[1]: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose version 1 is quick: for all that is no matter of quality."""

    def make(folder: Path) -> None:
        put("tiny", 1, folder)

    return once(tmp_path_factory, "tiny", make)


@pytest.fixture(scope="session")
def backup(
    tiny: Path, collection: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A backup of the collection, added and trained by the tiny model."""

    def make(folder: Path) -> None:
        (folder / "stack").mkdir()
        settings = EXACT | {"MODEL_REPOSITORY": str(tiny), "HTTP_PROCESSES": "1"}
        with running(folder / "stack", **settings) as stack:
            with stack.client() as client:
                assert not client.add_batch(collection).failed
            stack.run("train")
            stack.command("backup", str(folder / "copy"))

    return once(tmp_path_factory, "backup", make) / "copy"


@pytest.fixture(scope="session")
def trained(tiny: Path, backup: Path) -> Trained:
    """A whole stack of a test's own that begins with that backup: `with trained(folder): …`."""

    def start(folder: Path, **settings: str) -> AbstractContextManager[Stack]:
        return restored(backup, folder, **({"MODEL_REPOSITORY": str(tiny)} | EXACT | settings))

    return start


@pytest.fixture(scope="session")
def tiny_stack(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """A trained stack by the tiny model, for tests that only ask."""
    with trained(tmp_path_factory.mktemp("tiny-stack"), HTTP_PROCESSES="1", **LIMITS) as stack:
        yield stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """One that searches codes, as of far more images, and has two processes to answer."""
    settings = LIMITS | {"EXACT_SEARCH_MAX": "0", "TRITON_TIMEOUT_S": "60"}
    with trained(tmp_path_factory.mktemp("stack"), **settings) as stack:
        stack.run("train")
        yield stack


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


@pytest.fixture(scope="session")
def s3_server() -> Iterator[dict[str, str]]:
    """The settings of an S3 server of the tests' own, with an empty bucket."""
    with s3() as settings:
        with pytest.MonkeyPatch.context() as patched:
            for name, value in settings.items():
                patched.setenv(name, value)
            open_store(settings["INDEX_STORE"]).put("made", b"")  # which makes the bucket
        yield settings


@pytest.fixture(scope="session")
def milvus_server() -> Iterator[dict[str, str]]:
    """The settings by which a Milvus of the tests' own is found."""
    engines.only_when_asked_for()
    with milvus() as settings:
        yield settings


@pytest.fixture(scope="module", params=engines.KINDS)
def index_engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of each engine; what is asked of one is asked of both."""
    return engines.settings_of(request.param, request)


@pytest.fixture(params=stores.KINDS)
def index_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """INDEX_STORE of an empty object store of each kind."""
    settings = stores.new_store(request.param, tmp_path, request)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings["INDEX_STORE"]


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
    open_catalogue(url, 30.0).close()
    return url


@pytest.fixture(params=KINDS)
def catalogue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind with a catalogue's tables, empty."""
    if request.param == "sqlite":
        return new_file(tmp_path)
    url: str = request.getfixturevalue("migrated")
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")
    return url


@pytest.fixture(scope="module", params=ABOVE)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The folder and the database of a house as the `build` of the test's module leaves it."""
    folder = tmp_path_factory.mktemp("built")
    url = new_file(folder)
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgres_server"))
    house = House(folder, url)
    request.module.build(house)
    house.catalogue.close()
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
    house.catalogue.close()
