"""The screen of the images: all of them, some of them, one, and away with a few."""

from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Locator, expect
from similarity_client import Similarity

from local.stack import Stack
from tests.browser.stacks import Guarded
from tests.browser.visit import Visit
from tests.support.calls import picture

pytestmark = pytest.mark.long

PAGE = 200
SCROLL = """(wanted) => {
  scrollTo(0, document.documentElement.scrollHeight);
  return document.querySelector(wanted);
}"""
PAUSE_MS = 10_000  # in which a removal can be undone


def cells(visit: Visit) -> Locator:
    return visit.page.get_by_role("list", name="Images", exact=True).locator("button")


def cell(visit: Visit, name: str) -> Locator:
    return visit.page.locator(f'button[title="{name}"]')


def stored(similarity: Similarity, names: list[str]) -> list[str]:
    states = similarity.check(dict.fromkeys(names, "")).images
    return [each.id for each in states if each.state != "missing"]


@pytest.fixture
def added(similarity: Similarity, mark: str) -> list[str]:
    """The ids of six images, the newest first."""
    names = [f"{mark}-{number}" for number in range(6)]
    for number, name in enumerate(names):
        similarity.add(picture(number), name, metadata={"shop": mark, "price": number})
    return names[::-1]


def test_all_images_come_by_scrolling_the_newest_first(
    added: list[str], visit: Visit, similarity: Similarity
) -> None:
    visit.go("images")
    for place, name in enumerate(added):
        expect(cells(visit).nth(place)).to_have_attribute("title", name)
    total = similarity.stats().images
    expect(visit.page.get_by_text(f"{total:,} images stored")).to_be_visible()
    visit.page.wait_for_function(SCROLL, arg=f'li[aria-posinset="{total}"] canvas')
    assert cells(visit).count() < PAGE  # of those that are near the screen


def test_an_image_is_opened_by_its_id_and_what_users_said_of_it_is_text(
    visit: Visit, similarity: Similarity, mark: str
) -> None:
    name, hostile = f"{mark}<img src=x onerror=alert(1)>", "<img src=x onerror=alert(2)>"
    similarity.add(picture(1), name, metadata={"<b>": hostile, "tags": ["a", "b"]})
    visit.go("images")
    expect(cell(visit, name)).to_have_text(name)
    visit.page.get_by_label("Id").fill(name)
    visit.page.get_by_label("Id").press("Enter")
    dialog = visit.page.get_by_role("dialog", name=name)
    for text in (hostile, "a, b", similarity.get(name).sha256):
        expect(dialog.get_by_text(text)).to_be_visible()
    expect(dialog.get_by_role("img", name=name)).to_be_visible()
    assert visit.barriers() == []
    search = dialog.get_by_role("link", name="Search by it")
    expect(search).to_have_attribute("href", f"#/search?id={quote_plus(name)}")
    visit.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    similarity.remove(name)
    visit.expects("status of 404")
    visit.go(f"images?id={mark}")
    expect(visit.page.get_by_text(f"no image has the id {mark}")).to_be_visible()


def test_images_of_a_keyword_come_with_their_scores(visit: Visit, similarity: Similarity) -> None:
    keyword = similarity.keywords(limit=1).keywords[0].name
    likeliest = similarity.images_page(keyword=keyword, limit=1).images[0]
    assert likeliest.score is not None
    visit.go("images")
    field = visit.page.get_by_label("Keyword")
    field.press_sequentially(keyword[:2])
    expect(visit.page.locator(f'datalist option[value="{keyword}"]')).to_be_attached()
    field.fill(keyword)
    field.press("Enter")
    expect(cells(visit).first).to_have_text(f"{likeliest.id} {likeliest.score:.2f}")
    assert f"keyword={keyword}" in visit.page.url
    visit.expects("status of 400")
    field.fill("<b>nonsense")
    field.press("Enter")
    expect(visit.page.get_by_role("alert")).to_contain_text("<b>nonsense")
    field.fill("")
    field.press("Enter")
    expect(cells(visit).nth(PAGE // 10)).to_be_visible()


def test_images_are_found_by_their_fields(added: list[str], visit: Visit, mark: str) -> None:
    visit.go(f"images?fields=shop={mark}, price<2")
    expect(cells(visit)).to_have_count(2)
    field = visit.page.get_by_label("Field")
    field.fill(f"shop={mark}, price!=3")
    field.press("Enter")
    expect(cells(visit)).to_have_count(5)
    field.fill(f"shop={mark}, price=77")
    field.press("Enter")
    expect(visit.page.get_by_text("No image is like that.")).to_be_visible()
    field.fill("shoes")
    field.press("Enter")
    expect(visit.page.get_by_role("alert")).to_contain_text("“shoes” can't be read")


def test_images_are_selected_by_click_and_key_and_a_removal_can_be_undone(
    added: list[str], visit: Visit, similarity: Similarity
) -> None:
    visit.page.clock.install()
    visit.go("images")
    visit.button("Select").click()
    cell(visit, added[1]).click()
    cell(visit, added[3]).click(modifiers=["Shift"])
    expect(visit.button("Remove 3")).to_be_visible()
    visit.page.keyboard.press("Tab")  # to the next one
    visit.page.keyboard.press("Shift+Space")
    expect(cell(visit, added[4])).to_have_attribute("aria-pressed", "true")
    visit.page.keyboard.press("Space")
    expect(visit.button("Remove 3")).to_be_visible()
    assert visit.barriers() == []
    visit.button("Remove 3").click()
    for name in added[1:4]:
        expect(cell(visit, name)).to_be_hidden()
    visit.button("Undo").click()
    expect(cell(visit, added[2])).to_be_visible()
    visit.page.clock.fast_forward(PAUSE_MS)
    assert stored(similarity, added) == added
    cell(visit, added[1]).click()
    visit.button("Remove 1").click()
    visit.page.keyboard.press("Control+z")
    expect(cell(visit, added[1])).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(visit.button("End selecting")).to_be_hidden()

    cell(visit, added[0]).click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(cell(visit, added[0])).to_be_hidden()
    with visit.page.expect_response("**/remove_batch"):
        visit.page.clock.fast_forward(PAUSE_MS)
    assert stored(similarity, added) == added[1:]


def test_a_removal_that_waits_is_sent_when_the_page_goes(
    added: list[str], visit: Visit, shown: Stack, similarity: Similarity
) -> None:
    visit.go("images")
    cell(visit, added[5]).click(modifiers=["Control"])
    visit.button("Remove 1").click()
    expect(cell(visit, added[5])).to_be_hidden()
    # Not to another site: a browser ends the page of the one before after half a second, whether or
    # not it has had its last turn on a busy machine.
    visit.page.reload()
    shown.wait(lambda: stored(similarity, added) == added[:5], "it has been removed")


def test_what_fails_to_be_removed_is_there_again(added: list[str], visit: Visit) -> None:
    visit.page.clock.install()
    refusal = {"status": "error", "message": "storage_full", "detail": "the volume is full"}
    visit.page.route("**/remove_batch", lambda route: route.fulfill(status=507, json=refusal))
    visit.expects("status of 507")
    visit.go("images")
    cell(visit, added[0]).click(modifiers=["Control"])
    visit.button("Remove 1").click()
    expect(cell(visit, added[0])).to_be_hidden()
    visit.page.clock.fast_forward(PAUSE_MS)
    expect(visit.page.get_by_text("the volume is full. 1 image was not removed.")).to_be_visible()
    expect(cell(visit, added[0])).to_be_visible()


def test_a_small_dark_screen_has_no_barrier_in_any_state(added: list[str], visit: Visit) -> None:
    visit.on_a_phone()
    visit.go("images")
    expect(cells(visit).first).to_be_visible()
    visit.button("Upload").click()
    visit.button("Select").click()
    cell(visit, added[0]).click()
    assert visit.barriers() == []
    visit.go(f"images?id={added[0]}")
    expect(visit.page.get_by_text("SHA-256")).to_be_visible()
    assert visit.barriers() == []


def test_a_key_that_may_only_read_adds_and_removes_nothing(visit: Visit, guarded: Guarded) -> None:
    visit.expects("status of 403")
    guarded.show(visit, "images", "read")
    expect(cells(visit).first).to_be_visible()
    expect(visit.button("Upload")).to_be_disabled()
    visit.drop("main", "cat.jpg", picture(1))
    expect(visit.page.get_by_role("region", name="Upload")).to_contain_text(
        "requires a key with the scope write. 0 added"
    )
    cells(visit).first.click()
    opened = visit.page.get_by_role("dialog")
    expect(opened.get_by_role("button", name="Remove")).to_be_disabled()
    assert visit.barriers() == []
