"""A browser, a stack that its tests may change, and a page in which nothing may go wrong."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from similarity_client import Similarity

from local.browser import BrowserMissing, Watch, browser
from local.stack import Stack
from sidecar.http.guards import api_keys as keys
from tests.browser.stacks import Guarded
from tests.browser.visit import Visit
from tests.conftest import LIMITS, Trained
from tests.support.calls import unused

MOST_ADDED = 1000  # images by a test
PATIENCE_MS = 60_000  # of what a test waits for; the machine may be busy

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser. Where none is installed only CI insists on it. It leaves with these tests, since
    as long as it is there a loop of asyncio runs in this thread, and no other can."""
    try:
        with browser() as opened:
            yield opened
    except BrowserMissing as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """A trained stack by the tiny model, which tests of the pages may change."""
    with trained(tmp_path_factory.mktemp("shown"), HTTP_PROCESSES="1", **LIMITS) as stack:
        yield stack


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Guarded]:
    """A trained stack that asks for keys; each test leaves it whole again."""
    folder = tmp_path_factory.mktemp("guarded")
    drawn = {
        scope: keys.draw(f"may-{scope}", scopes)
        for scope, scopes in {"read": "read", "admin": "read,write,admin"}.items()
    }
    (folder / "keys").write_text("".join(f"{key}\n" for _, key in drawn.values()))
    for name in ("data", "images"):
        (folder / name).mkdir()
    # A training by it splits the index into lists.
    settings = {"EXACT_SEARCH_MAX": "0", "HTTP_PROCESSES": "1"}
    settings |= {"API_KEYS_FILE": f"{folder}/keys", "PICTURES_STORE": f"{folder}/images"}
    with trained(folder / "data", **settings) as stack:
        yield Guarded(stack, {scope: secret for scope, (secret, _) in drawn.items()})


@pytest.fixture
def similarity(shown: Stack) -> Iterator[Similarity]:
    """A client of it."""
    with Similarity(shown.url) as client:
        yield client


@pytest.fixture
def mark(similarity: Similarity) -> Iterator[str]:
    """What the ids of a test begin with; what it has added of them is removed in the end."""
    mark = unused()
    yield mark
    newest = similarity.images_page(order="newest", limit=MOST_ADDED).images
    similarity.remove_batch(each.id for each in newest if each.id.startswith(mark))


@pytest.fixture
def visit(chromium: Browser, shown: Stack, mark: str) -> Iterator[Visit]:
    """A page of it, in a browser that knows nothing yet; it closes before what the test added goes.
    Anything that goes wrong in it fails the test, but for what it said before (`visit.expects`)."""
    context = chromium.new_context(
        permissions=["clipboard-read", "clipboard-write"], viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(PATIENCE_MS)
    page: Page = context.new_page()
    visit = Visit(page, shown.url, Watch(page))
    yield visit
    context.close()
    assert visit.surprises() == []
