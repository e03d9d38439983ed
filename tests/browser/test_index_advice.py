"""The screen of the index where not all is well: the state is real, and so is what mends it."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import expect
from similarity_client import Similarity

from local.stack import Stack
from tests.browser.stacks import Guarded
from tests.browser.visit import Visit
from tests.support.calls import noise, picture

pytestmark = [pytest.mark.long, pytest.mark.release]

ADDED = 20  # over a hundredth of the images, so that their distance counts
ALL_WELL = "Every image is in the index. There is nothing to do."


@pytest.fixture(scope="module")
def lists(guarded: Guarded) -> Iterator[Similarity]:
    """A client that may all, of a stack whose index is split into lists; each test leaves it
    trained, and all in it."""
    with Similarity(guarded.stack.url, guarded.secrets["admin"]) as client:
        client.train().wait()
        yield client


@contextmanager
def put_back(stack: Stack) -> Iterator[None]:
    """The catalogue is as it was, when the block ends; the index is not."""
    file, copy = stack.folder / "catalogue.sqlite", stack.folder / "copy"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    yield
    for name in ("sidecar", "worker"):
        stack.kill_all(name)
    for left in stack.folder.glob(f"{file.name}-*"):
        left.unlink()
    shutil.move(copy, file)
    stack.start("worker", "sidecar")
    stack.wait_ready()


def test_images_unlike_those_of_the_training_make_one_due_and_it_mends_that(
    visit: Visit, guarded: Guarded, lists: Similarity
) -> None:
    page = visit.page
    guarded.show(visit, "index", "admin")
    expect(page.get_by_text(ALL_WELL)).to_be_visible()
    for number in range(ADDED):
        lists.add(noise(number), f"noise-{number}")
    expect(page.get_by_text(f"{ADDED} images waiting for an update.")).to_be_visible()
    expect(visit.button("Update")).to_have_class("primary")
    visit.button("Update").click()
    due = page.get_by_text("A training is due: new images lie")
    expect(due).to_contain_text("from the centres of their lists")
    expect(visit.button("Train")).to_have_class("primary")
    assert visit.barriers() == []
    visit.button("Train").click()
    expect(due).to_have_count(0)
    expect(page.get_by_text(ALL_WELL)).to_be_visible()


def test_a_catalogue_that_went_back_is_said_and_an_update_keeps_it(
    visit: Visit, guarded: Guarded, lists: Similarity
) -> None:
    page = visit.page
    before = lists.stats()
    with put_back(guarded.stack):
        lists.add(picture(1), "lost")
        ahead = lists.update().wait().generation
        assert ahead
    guarded.show(visit, "index", "admin")
    back = page.get_by_text("The catalogue went back to an older copy")
    expect(back).to_contain_text(f"(generation {ahead}). Bring the right database back")
    expect(back).to_contain_text("add what is lost and press Update.")
    generation = page.locator("dl > div").filter(has_text="Generation").locator("dd")
    expect(generation).to_have_text(f"{before.generation}")
    assert visit.barriers() == []
    visit.on_a_phone()
    assert visit.barriers() == []
    visit.button("Update").click()
    expect(back).to_have_count(0)
    expect(page.get_by_text(ALL_WELL)).to_be_visible()
    expect(generation).to_have_text(f"{ahead + 1}")
    assert lists.stats().images == before.images
