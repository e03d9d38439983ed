"""The screen of the index: what waits, what to press, and what searches find."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from similarity_client import Similarity

from local.stack import Stack
from sidecar.http.pages import FOLDER
from sidecar.index.nprob import RECALL_TARGETS
from sidecar.tasks.samples import FEWEST_SAMPLES
from tests.browser.stacks import held
from tests.browser.visit import Visit
from tests.support.calls import picture

pytestmark = pytest.mark.long


def rows(table: Locator) -> list[list[str]]:
    """Returns what stands in the rows of a table, without its head."""
    return [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]


def percents(texts: list[str]) -> list[float]:
    return [float(text.removesuffix("%")) for text in texts]


def test_a_training_is_followed_to_its_end_and_its_recall_drawn(visit: Visit, shown: Stack) -> None:
    page = visit.page
    visit.go("index")
    with held(shown):
        visit.button("Train").click()
        expect(page.get_by_role("progressbar", name="Training: progress")).to_be_visible()
        expect(page.get_by_text("Its turn has yet to come.")).to_be_visible()
        assert visit.barriers() == []
    expect(page.get_by_role("progressbar")).to_have_count(0)
    generation = shown.get("/similarity/stats").json()["generation"]
    ended = page.get_by_role("status").filter(has_text=f"Generation {generation} with")
    expect(ended).to_contain_text("at least")

    expect(page.get_by_role("img", name="Recall by NPROB")).to_be_visible()
    page.get_by_text("Recall by NPROB as a table").click()
    table = rows(page.get_by_role("table").filter(has_text="Promised"))
    assert [int(row[0]) for row in table] == [*RECALL_TARGETS]
    for target, (promised, measured, at_least) in zip(
        RECALL_TARGETS.values(), (percents(row[1:]) for row in table), strict=True
    ):
        assert promised == 100 * target
        assert at_least <= measured <= 100
    page.get_by_text("Recall by generation as a table").click()
    history = rows(page.get_by_role("table").filter(has_text="Generation"))
    assert history[0][0] == str(generation)
    assert len(history) >= 2
    expect(page.get_by_role("img", name="Recall by generation")).to_be_visible()

    visit.on_a_phone()
    assert visit.barriers() == []


def test_what_waits_is_said_and_an_update_takes_it_in(
    visit: Visit, similarity: Similarity, mark: str
) -> None:
    page = visit.page
    for number in range(2):
        similarity.add(picture(number), f"{mark}-{number}")
    visit.go("index")
    waits = page.get_by_text(re.compile("waiting for an update. Searches find them already"))
    expect(waits).to_be_visible()
    visit.button("Update").click()
    expect(waits).to_have_count(0)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert similarity.stats().waiting == 0
    similarity.remove_batch([f"{mark}-{number}" for number in range(2)])
    expect(page.get_by_text("removed images gone from every search")).to_be_visible()
    assert visit.barriers() == []


def test_a_task_under_way_is_seen_by_a_page_opened_then(visit: Visit, shown: Stack) -> None:
    bar = visit.page.get_by_role("progressbar", name="Update: progress")
    with held(shown):
        shown.get("/similarity/update")
        visit.go("index")
        expect(bar).to_be_visible()
    expect(bar).to_have_count(0)
    expect(visit.page.locator(".task").first).to_contain_text(re.compile("Update.*done"))


def test_before_the_first_training_the_screens_say_what_to_do(visit: Visit, tmp_path: Path) -> None:
    visit.expects("status of 409")
    empty = Stack(tmp_path, HTTP_PROCESSES="1")
    try:
        empty.start("redis", "sidecar")  # the others have nothing to do yet
        empty.wait(lambda: empty.get("/health/live").ok, "it answers")
        visit.url = empty.url
        visit.go("index")
        expect(visit.page.get_by_text("A training needs 1,000 more images.")).to_be_visible()
        expect(visit.button("Update")).to_be_disabled()
        visit.button("Train").click()
        expect(visit.page.get_by_text("nothing has been added yet").first).to_be_visible()
        assert visit.barriers() == []
        visit.go("duplicates")
        expect(visit.page.get_by_text("There is no index yet: train it first.")).to_be_visible()
        expect(visit.button("Find duplicates")).to_be_disabled()
        assert visit.barriers() == []
        visit.page.close()
    finally:
        empty.stop()


def test_the_advice_knows_how_many_images_a_training_needs() -> None:
    advice = (FOLDER / "screens/index/advice.js").read_text()
    assert f"const FEWEST = {FEWEST_SAMPLES};" in advice
