"""The screen of duplicates: looked for, seen side by side, and decided about for good."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from similarity_client import Similarity

from sidecar.images.twins import twin
from tests.browser.stacks import Guarded, held
from tests.browser.visit import Visit
from tests.conftest import Trained
from tests.support.calls import noise
from tests.support.versions import put

pytestmark = pytest.mark.long

PAGE = 20
IDENTICAL = "duplicates?class=identical"
ORIGINAL = "camera-0000"  # one of the collection

Copies = Callable[..., list[list[str]]]


@pytest.fixture
def client(guarded: Guarded) -> Iterator[Similarity]:
    with Similarity(guarded.stack.url, guarded.secrets["admin"]) as client:
        yield client


@pytest.fixture
def copies(client: Similarity, mark: str) -> Iterator[Copies]:
    """Stores as many uploads of the same bytes as is said, has them found, and returns their ids,
    the oldest first."""
    made: list[str] = []

    def store(*numbers: int) -> list[list[str]]:
        groups = [[f"{mark}-{at}-{each}" for each in range(n)] for at, n in enumerate(numbers)]
        for at, group in enumerate(groups):
            for image_id in group:
                client.add(noise(at), image_id)
                made.append(image_id)
        find(client)
        return groups

    yield store
    client.remove_batch(made)
    client.update().wait()


def find(client: Similarity) -> None:
    client.update().wait()
    client.find_duplicates().wait()


def groups(visit: Visit) -> Locator:
    return visit.page.get_by_role("article")


def group(visit: Visit, image_id: str) -> Locator:
    """The group that has an image."""
    return groups(visit).filter(has=visit.page.get_by_role("link", name=image_id, exact=True))


def press(group: Locator, name: str) -> None:
    """Presses a button by the keyboard."""
    group.get_by_role("button", name=name).press("Enter")


def stored(client: Similarity, ids: list[str]) -> list[str]:
    states = client.check(dict.fromkeys(ids, "")).images
    return [each.id for each in states if each.state != "missing"]


@pytest.mark.release
def test_what_has_to_be_done_is_said_and_a_search_is_followed_to_its_end(
    visit: Visit, tiny: Path, trained: Trained, tmp_path: Path
) -> None:
    page, compared = visit.page, visit.page.get_by_text(re.compile(r"[\d,]+ images? compared, "))
    shutil.copytree(tiny, tmp_path / "models")
    put("small-32", 2, tmp_path / "models")
    settings = {"MODEL_REPOSITORY": f"{tmp_path}/models", "HTTP_PROCESSES": "1"}
    with trained(tmp_path / "data", **settings) as stack, stack.client() as client:
        visit.url = stack.url
        visit.go(IDENTICAL)
        expect(page.get_by_text("Nobody has looked for duplicates yet.")).to_be_visible()
        expect(page.get_by_text("Nothing has been found yet.")).to_be_visible()
        assert visit.barriers() == []
        with held(stack):
            visit.button("Find duplicates").click()
            expect(page.get_by_role("progressbar", name="Finding duplicates")).to_be_visible()
            expect(visit.button("Find duplicates")).to_be_disabled()
            expect(page.get_by_text("Nobody has looked")).to_have_count(0)
            assert visit.barriers() == []
        expect(compared).to_contain_text("pairs known: 0 identical")
        expect(page.get_by_text("None were found.")).to_be_visible()

        for name in ("one", "other"):
            client.add(noise(1), name)
        expect(page.get_by_text("2 images wait for an update")).to_be_visible()
        page.get_by_role("link", name="an update").click()
        visit.button("Update").click()
        expect(page.get_by_text("Every image is in the index.")).to_be_visible()
        page.go_back()
        expect(page.get_by_text("The index has changed since")).to_be_visible()
        visit.button("Find duplicates").click()
        expect(group(visit, "one")).to_contain_text("2 images, the same bytes")
        expect(page.get_by_text("The index has changed since")).to_have_count(0)

        client.upgrade(2).wait()
        page.reload()
        expect(page.get_by_text("A new model is in use, by which nobody has")).to_be_visible()
        expect(groups(visit)).to_have_count(0)
        visit.button("Find duplicates").click()
        expect(group(visit, "other")).to_be_visible()
        expect(page.get_by_text("A new model is in use")).to_have_count(0)
        page.close()


def test_only_the_best_stays_once_a_dialog_is_confirmed_and_the_focus_goes_on(
    copies: Copies, client: Similarity, visit: Visit, guarded: Guarded
) -> None:
    page = visit.page
    (best, *others), next_ones = copies(3, 2)
    guarded.show(visit, IDENTICAL, "admin")
    first = group(visit, best)
    expect(first.get_by_role("heading", name="3 images, the same bytes")).to_be_visible()
    expect(first).to_contain_text("Probability 100%")
    about = first.get_by_role("listitem").first
    expect(about).to_contain_text(re.compile(rf"{best}\s+best"))
    expect(about).to_contain_text(re.compile(r"96 . 96, [\d.]+ KiB\s*added .*(ago|now)"))
    expect(first.get_by_text("best", exact=True)).to_have_count(1)
    expect(about.get_by_role("link", name=best)).to_have_attribute("href", f"#/images?id={best}")
    expect(first.locator("img")).to_have_count(3)
    assert visit.barriers() == []

    press(first, "Keep only the best…")
    asked = page.get_by_role("dialog", name="Remove 2 images")
    expect(asked).to_contain_text(f"{best} stays.")
    expect(asked).to_contain_text("can't be undone")
    for image_id in others:
        expect(asked).to_contain_text(image_id)
    assert visit.barriers() == []
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(first.get_by_role("button", name="Keep only the best…")).to_be_focused()
    press(first, "Keep only the best…")
    page.reload()  # the address has the question, too
    visit.on_a_phone()
    expect(asked).to_be_visible()
    assert visit.barriers() == []
    assert stored(client, others) == others
    press(asked, "Remove 2 images")
    expect(first).to_have_count(0)
    expect(asked).to_have_count(0)
    expect(group(visit, next_ones[0])).to_be_focused()
    assert stored(client, [best, *others]) == [best]


def test_decisions_part_the_images_for_good_and_can_be_undone(
    copies: Copies, client: Similarity, visit: Visit, guarded: Guarded
) -> None:
    page = visit.page
    (one, *_), (other, *_) = copies(2, 3)
    guarded.show(visit, IDENTICAL, "admin")
    visit.on_a_phone()
    press(group(visit, one), "They are different")
    expect(group(visit, one)).to_have_count(0)
    expect(group(visit, other)).to_be_focused()
    assert visit.barriers() == []
    visit.button("Undo").press("Enter")
    expect(group(visit, one)).to_be_focused()
    press(group(visit, one), "They are different")
    expect(group(visit, one)).to_have_count(0)
    page.reload()
    expect(groups(visit)).to_have_count(1)
    press(group(visit, other), "Keep all")
    expect(page.get_by_text("Nothing is left to decide here.")).to_be_focused()
    expect(page.get_by_text("3 images kept")).to_be_visible()
    find(client)
    page.reload()
    expect(page.get_by_text("Nothing is left to decide here.")).to_be_visible()
    assert list(client.duplicates(kind="identical").groups) == []


def test_how_probable_the_same_image_is_stands_in_words_and_per_cent(
    copies: Copies,
    client: Similarity,
    collection: dict[str, bytes],
    visit: Visit,
    guarded: Guarded,
    mark: str,
) -> None:
    made = f"{mark}-brightened"
    client.add(twin(collection[ORIGINAL], "brightened"), made)
    copies()
    guarded.show(visit, "duplicates", "read")
    found = group(visit, made)
    sure = re.compile(r"^\d+ images, (almost certainly|very probably) the same$")
    expect(found.get_by_role("heading")).to_have_text(sure)
    expect(found).to_contain_text(re.compile(r"Probability 9\d(\.\d+)?%"))
    kind = visit.page.get_by_role("navigation", name="How alike")
    same, similar = (kind.get_by_role("link", name=name) for name in ("The same", "Look-alikes"))
    expect(same).to_have_attribute("aria-current", "true")
    similar.click()
    expect(visit.page).to_have_url(re.compile("class=similar$"))
    expect(similar).to_be_focused()
    expect(similar).to_have_attribute("aria-current", "true")
    client.remove(made)


def test_groups_come_page_by_page_and_the_address_has_the_page(
    copies: Copies, visit: Visit, guarded: Guarded
) -> None:
    page = visit.page
    *_, last = copies(*[2] * (PAGE + 1))
    guarded.show(visit, IDENTICAL, "admin")
    expect(groups(visit)).to_have_count(PAGE)
    page.get_by_role("link", name="Next page").press("Enter")
    expect(groups(visit)).to_have_count(1)
    expect(group(visit, last[0])).to_be_focused()
    page.reload()
    expect(groups(visit)).to_have_count(1)
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    page.get_by_role("link", name="First page").click()
    expect(groups(visit)).to_have_count(PAGE)
    expect(groups(visit).first).to_be_focused()
    assert visit.barriers() == []


def test_nothing_is_removed_where_the_best_has_gone_meanwhile(
    copies: Copies, client: Similarity, visit: Visit, guarded: Guarded
) -> None:
    [(best, other)] = copies(2)
    visit.expects("status of 404")
    guarded.show(visit, IDENTICAL, "admin")
    press(group(visit, best), "Keep only the best…")
    client.remove(best)
    press(visit.page.get_by_role("dialog"), "Remove 1 image")
    expect(visit.page.get_by_role("alert")).to_contain_text(f"no image has the id {best}")
    assert stored(client, [other]) == [other]


def test_a_key_that_reads_sees_duplicates_and_decides_nothing(
    copies: Copies, visit: Visit, guarded: Guarded
) -> None:
    [(best, _)] = copies(2)
    guarded.show(visit, f"{IDENTICAL}&keep={best}", "read")
    sure = visit.page.get_by_role("dialog").get_by_role("button", name="Remove 1 image")
    expect(sure).to_be_disabled()
    visit.page.keyboard.press("Escape")
    found = group(visit, best)
    for name in ("Keep only the best…", "Keep all", "They are different"):
        expect(found.get_by_role("button", name=name)).to_be_disabled()
    expect(visit.button("Find duplicates")).to_be_disabled()
    assert visit.barriers() == []
