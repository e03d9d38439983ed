"""The frame of the pages: every screen opens, by keyboard too, and nothing goes wrong in it."""

import pytest
from playwright.sync_api import expect

from tests.browser.visit import Visit

SCREENS = ("search", "images", "index", "models", "tasks", "api")


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_opens_without_a_barrier(visit: Visit, screen: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 800})
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        visit.go(screen)
        expect(visit.page.locator("h1")).to_be_visible()
        visit.page.wait_for_load_state("networkidle")
        assert visit.barriers() == []
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visit.page.evaluate(wider) <= 0, "it scrolls sideways"


def test_an_unknown_place_is_the_search(visit: Visit) -> None:
    visit.go("nowhere?x=1")
    expect(visit.page.get_by_role("link", name="Search")).to_have_attribute("aria-current", "page")
