"""The frame of the pages: every screen opens, by keyboard too, and nothing goes wrong in it."""

import pytest
from playwright.sync_api import expect

from tests.browser.stacks import Guarded
from tests.browser.visit import Visit

# What each screen shows when its answers are there.
SCREENS = {
    "search": "Choose an image",
    "images": "images stored",
    "duplicates": "Look-alikes",
    "index": "Recall by NPROB as a table",
    "models": "Version 1",
    "tasks": "All is well.",
    "api": "Find a call",
}


@pytest.mark.long
def test_every_screen_opens_without_a_barrier_at_a_desk_and_on_a_phone(visit: Visit) -> None:
    for is_phone in (False, True):
        if is_phone:
            visit.on_a_phone()
        for screen, shown in SCREENS.items():
            visit.go(screen)
            expect(visit.page.locator("h1")).to_contain_text(screen, ignore_case=True)
            expect(visit.page.get_by_text(shown).first).to_be_visible()
            assert visit.barriers() == [], screen
    visit.go("nowhere?x=1")  # which is the search
    expect(visit.page.get_by_role("link", name="Search")).to_have_attribute("aria-current", "page")


def test_a_wrong_key_is_asked_for_again_and_none_is_said_in_words(
    visit: Visit, guarded: Guarded
) -> None:
    visit.expects("status of 401")
    page = visit.page
    dialog = page.get_by_role("dialog", name="API key")
    guarded.show(visit, "index")
    dialog.get_by_label("Key").fill("wrong")
    visit.button("Use this key").click()
    expect(dialog).to_contain_text("This key is unknown.")
    assert visit.barriers() == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("alert")).to_contain_text("The service asks for an API key.")
    assert visit.barriers() == []
    visit.button("Try again").click()
    dialog.get_by_label("Key").fill(guarded.secrets["admin"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("In the index", exact=True)).to_be_visible()
    expect(visit.button("Train")).to_be_enabled()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.long
def test_a_service_that_is_away_is_waited_for_and_that_is_said(
    visit: Visit, guarded: Guarded
) -> None:
    # Chromium has a dozen names for it, by how far a request had come when its connection broke.
    visit.expects("net::ERR_", "status of 503")
    guarded.show(visit, "index", "read")
    trouble = visit.page.get_by_text("The service does not answer, trying again")
    expect(visit.page.get_by_text("In the index", exact=True)).to_be_visible()
    guarded.stack.kill("sidecar")
    try:
        expect(trouble).to_be_visible()
        assert visit.barriers() == []
    finally:
        guarded.stack.start("sidecar")
        guarded.stack.wait_ready()
    expect(trouble).to_be_hidden()
    expect(visit.page.get_by_text("In the index", exact=True)).to_be_visible()
