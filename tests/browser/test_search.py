"""The screen Search: what is dropped is found, and the address says all of it."""

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect
from similarity_client import Similarity

from tests.browser.visit import Visit
from tests.support.calls import picture

MINUS = "\N{MINUS SIGN}"
CAT, DOG = "chelsea-0034", "rocket-0007"  # two of the collection
PASTE = """
([bytes]) => {
  const transfer = new DataTransfer();
  const data = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
  transfer.items.add(new File([data], "pasted.png", { type: "image/png" }));
  window.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
}
"""
HOSTILE = "<img src=x onerror=alert(1)>"


def results(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^Open "))


def names(page: Page) -> list[str]:
    """Returns the results, nearest first, when the answer to the last question is there."""
    expect(page.locator(".search-results")).to_have_attribute("aria-busy", "false")
    return [str(each.get_attribute("title")) for each in results(page).all()]


def nearest(page: Page, image_id: str) -> None:
    expect(results(page).first).to_have_attribute("title", image_id)


def tab_to(page: Page, place: Locator) -> None:
    for _ in range(40):
        if place.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab does not come there")


@pytest.fixture
def added(similarity: Similarity, mark: str) -> Callable[..., str]:
    """Adds an image with metadata."""

    def add(number: int, name: str, **metadata: str) -> str:
        image_id = f"{mark} {name}"
        similarity.add(picture(number), id=image_id, metadata=metadata)
        return image_id

    return add


def test_what_is_dropped_is_found_and_so_it_is_by_the_address_elsewhere(
    visit: Visit, collection: dict[str, bytes]
) -> None:
    page = visit.page
    visit.go()
    visit.drop("h1", "cat.jpg", collection[CAT])
    nearest(page, CAT)
    assert visit.barriers() == []
    whole = names(page)
    assert len(whole) == 20

    frame = page.locator(".search-frame")
    frame.hover()
    box = frame.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.9)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"box=0\.5%2C0\.5%2C0\.4%2C0\.4"))
    part = names(page)
    assert part != whole

    page.reload()
    expect(page.get_by_text("not in this browser")).to_be_visible()
    assert names(page) == part

    visit.drop("h1", "cat.jpg", collection[CAT])
    nearest(page, CAT)
    page.get_by_text("Search by a part").click()
    page.get_by_label("Left").fill("25")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"box=0\.25%2C0%2C0\.75%2C1"))
    visit.button("Whole image").click()
    expect(page).not_to_have_url(re.compile("box="))
    assert names(page) == whole


def test_what_is_pasted_is_found(visit: Visit, collection: dict[str, bytes]) -> None:
    visit.go(f"search?id={CAT}")
    expect(results(visit.page)).to_have_count(20)
    visit.page.evaluate(PASTE, [base64.b64encode(collection[DOG]).decode()])
    nearest(visit.page, DOG)


def test_the_last_file_counts_and_the_one_before_is_given_up(
    visit: Visit, collection: dict[str, bytes]
) -> None:
    page = visit.page
    held: list[Route] = []
    visit.go()
    page.route("**/predict/features", lambda route: held.append(route), times=1)
    visit.drop("h1", "cat.jpg", collection[CAT])
    expect(page.get_by_text("cat.jpg")).to_be_visible()

    with page.expect_event("requestfailed") as given_up:
        visit.drop("h1", "dog.jpg", collection[DOG])
    gone: Request = given_up.value
    assert gone == held[0].request
    nearest(page, DOG)


def test_features_of_another_version_are_asked_for_again_where_the_file_is_there(
    visit: Visit, collection: dict[str, bytes]
) -> None:
    def by_version_9(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "x-model-version": "9"})

    page = visit.page
    visit.expects("status of 409")
    visit.go()
    page.route("**/predict/features", by_version_9, times=1)
    visit.drop("h1", "cat.jpg", collection[CAT])
    nearest(page, CAT)
    expect(page).to_have_url(re.compile(r"features=1\."))

    page.goto(page.url.replace("features=1.", "features=8."))
    expect(page.get_by_role("alert")).to_contain_text("not by 8")
    expect(page.get_by_role("heading", name="No answer")).to_be_visible()


@pytest.mark.long
def test_examples_lead_the_search_and_can_be_taken_away(
    visit: Visit, collection: dict[str, bytes]
) -> None:
    page = visit.page
    visit.go(f"search?id={CAT}")
    before = names(page)
    visit.button(f"More like {before[3]}").click()
    expect(visit.button(f"Remove + {before[3]}")).to_be_visible()
    after = names(page)
    assert before[3] not in after
    visit.button(f"Less like {after[0]}").click()
    expect(page).to_have_url(re.compile(f"like={before[3]}&unlike={after[0]}$"))
    assert after[0] not in names(page)

    visit.button(f"Remove + {before[3]}").click()
    visit.button(f"Remove {MINUS} {after[0]}").click()
    expect(page).not_to_have_url(re.compile("like="))
    assert names(page) == before

    visit.drop("h1", "cat.jpg", collection[CAT])  # a file beside an example
    nearest(page, CAT)
    visit.button(f"More like {before[3]}").click()
    nearest(page, CAT)
    visit.button(f"Search by {CAT}").click()
    expect(page).to_have_url(re.compile(f"id={CAT}$"))


def test_a_chip_narrows_until_it_is_pressed_again(visit: Visit, added: Callable[..., str]) -> None:
    one = added(1, "one", colour="red")
    two = added(1, "two", colour="red")
    three = added(1, "three", colour="blue")
    visit.go(f"search?id={one}")
    expect(results(visit.page)).to_have_count(20)
    chip = visit.button("colour: red")
    chip.click()
    expect(results(visit.page)).to_have_count(1)
    assert names(visit.page) == [two]
    expect(chip).to_have_attribute("aria-pressed", "true")
    visit.page.reload()
    expect(chip).to_have_attribute("aria-pressed", "true")
    chip.click()
    expect(visit.button(f"Open {three}")).to_be_visible()


def test_sliders_say_how_many_how_far_and_how_accurate(visit: Visit) -> None:
    page = visit.page
    visit.go(f"search?id={CAT}")
    expect(results(page)).to_have_count(20)
    page.get_by_label("How many").press("Home")
    page.get_by_label("How many").press("ArrowRight")
    expect(results(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("num_results=2(&|$)"))
    visit.button("Show more").click()
    expect(results(page)).to_have_count(4)

    page.get_by_label("Accuracy").press("End")
    expect(page.get_by_text("% of the nearest, measured")).to_be_visible()
    expect(page).to_have_url(re.compile("nprob=100"))
    page.get_by_label("How far").press("Home")
    expect(page).to_have_url(re.compile("max_dist=0"))
    expect(page.get_by_text("No image meets this")).to_be_visible()


def test_scrolling_brings_further_images(visit: Visit) -> None:
    page = visit.page
    visit.go(f"search?id={CAT}&num_results=40")
    expect(page.get_by_text("40 images")).to_be_visible()
    page.mouse.move(800, 600)
    page.mouse.wheel(0, 400)
    expect(page.get_by_text("80 images")).to_be_visible()


def test_the_keyboard_alone_leads_from_the_empty_page_to_an_image(
    visit: Visit, collection: dict[str, bytes]
) -> None:
    page = visit.page
    # Asked for only when the key is pressed, the browser now and then opens it and does not say so.
    page.on("filechooser", lambda _: None)
    visit.go()
    assert visit.barriers() == []
    tab_to(page, visit.button("Choose an image"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    cat = {"name": "cat.jpg", "mimeType": "image/jpeg", "buffer": collection[CAT]}
    chooser.value.set_files(cat)  # type: ignore[arg-type]
    nearest(page, CAT)
    tab_to(page, results(page).first)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=CAT)
    expect(dialog.get_by_role("img", name=CAT)).to_be_visible()
    assert visit.barriers() == []
    dialog.get_by_role("button", name="Copy as curl").press("Enter")
    expect(page.get_by_text("Copied as curl")).to_be_visible()
    assert f"id={CAT}" in page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(results(page).first).to_be_focused()


def test_what_is_not_an_image_gets_the_services_sentence_and_the_page_stays_usable(
    visit: Visit, collection: dict[str, bytes]
) -> None:
    visit.expects("status of 400")
    visit.go()
    visit.drop("h1", "note.txt", b"just words", "text/plain")
    expect(visit.page.get_by_role("alert")).to_contain_text("image")
    visit.drop("h1", "cut.jpg", collection[CAT][:300])
    expect(visit.page.get_by_role("alert")).to_be_visible()
    visit.drop("h1", "cat.jpg", collection[CAT])
    nearest(visit.page, CAT)
    expect(visit.page.get_by_role("alert")).to_be_hidden()


@pytest.mark.long
def test_what_would_be_markup_is_text_also_on_a_small_dark_screen(
    visit: Visit, added: Callable[..., str]
) -> None:
    page = visit.page
    visit.on_a_phone()
    one = added(2, "<b onclick=alert(1)>", note=HOSTILE)
    two = added(2, "<img src=x onerror=alert(1)>", note=HOSTILE)
    visit.go("search?id=" + one.replace(" ", "+").replace("=", "%3D"))
    expect(visit.button(f"note: {HOSTILE}")).to_be_visible()
    assert visit.barriers() == []
    visit.button(f"Open {two}").click()
    dialog = page.get_by_role("dialog", name=two)
    expect(dialog.get_by_text(HOSTILE, exact=True)).to_be_visible()
    assert visit.barriers() == []
    assert page.locator("img[src=x], b[onclick]").count() == 0
    dialog.get_by_role("button", name="Close").click()
    assert visit.barriers() == []
