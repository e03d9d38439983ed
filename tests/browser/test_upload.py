"""Uploads by the pages: many files, broken ones, and what comes again."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect
from similarity_client import Similarity

from tests.browser.visit import Visit
from tests.support.calls import picture

pytestmark = pytest.mark.long

COUNT = 110  # files: they are asked for in blocks of fifty, one ahead of another
HALF = 55
BROKEN = 3


@pytest.fixture
def folder(tmp_path: Path, mark: str) -> Path:
    """A folder whose name, and those of all files in it, begin with the mark."""
    folder = tmp_path / mark
    folder.mkdir()
    return folder


def choose(visit: Visit, path: Path | list[Path]) -> None:
    """Chooses a folder, or some files."""
    is_folder = isinstance(path, Path)
    kind = "[webkitdirectory]" if is_folder else ":not([webkitdirectory])"
    visit.page.locator(f'input[type="file"]{kind}').set_input_files(path)


def card(visit: Visit) -> Locator:
    return visit.page.get_by_role("region", name="Upload")


def says(visit: Visit, words: str) -> None:
    expect(card(visit).get_by_role("status").last).to_have_text(words)


def begin(visit: Visit) -> None:
    visit.go("images")
    visit.button("Upload").click()


def test_an_upload_that_a_reload_cut_off_goes_on_and_names_what_is_broken(
    folder: Path, visit: Visit, similarity: Similarity, mark: str
) -> None:
    hostile = f"{mark}<img src=x onerror=alert(1)>"
    names = [f"{mark}-{number}" for number in range(COUNT - BROKEN - 1)] + [hostile]
    for number, name in enumerate(names):
        (folder / f"{name}.jpg").write_bytes(picture(number))
    broken = {
        f"{mark}-text.jpg": (b"no image at all", "image"),
        f"{mark}-cut.jpg": (picture(1)[:400], "image"),
        f"{mark} 50%<b>.jpg": (picture(3), "an id is 1 to 255 letters"),
    }
    for name, (content, _) in broken.items():
        (folder / name).write_bytes(content)
    taken: list[Route] = []

    def half(route: Route) -> None:
        taken.append(route)
        if len(taken) <= HALF:
            route.continue_()

    visit.page.route("**/similarity/add?*", half)
    visit.expects("status of 400")
    begin(visit)
    choose(visit, folder)
    expect(card(visit).get_by_role("progressbar")).to_be_visible()
    visit.page.wait_for_function(DONE, arg=HALF)
    assert visit.barriers() == []
    visit.page.reload()
    visit.page.unroute("**/similarity/add?*")
    expect(card(visit)).to_contain_text(f"An upload of {COUNT} files was cut off")
    choose(visit, folder)
    expect(card(visit).get_by_role("status")).to_contain_text(f"{BROKEN} failed.")
    expect(card(visit)).not_to_contain_text("was cut off")
    added, before = counts(visit)
    assert (added + before, before >= HALF - BROKEN) == (COUNT - BROKEN, True)
    for _ in range(2):
        rows = card(visit).get_by_role("row")
        expect(rows).to_have_count(1 + BROKEN)
        for name, (_, why) in broken.items():
            expect(rows.filter(has_text=name)).to_contain_text(why)
        visit.button("Try again").click()
        says(visit, f"{added} added, {before} there before, {BROKEN} failed.")
    assert visit.barriers() == []
    listed = [each.id for each in similarity.images_page(order="newest", limit=2 * COUNT).images]
    assert sorted(each for each in listed if each.startswith(mark)) == sorted(names)
    newest = visit.page.get_by_role("list", name="Images", exact=True).locator("button").first
    expect(newest).to_have_attribute("title", listed[0])
    visit.button("Close").click()
    expect(card(visit)).to_be_hidden()
    visit.page.reload()
    expect(newest).to_be_visible()
    expect(card(visit)).to_be_hidden()


DONE = """(wanted) => {
  const [, done] = document.querySelector(".images-upload")?.innerText.match(/(\\d+) of /) ?? [];
  return Number(done) >= wanted;
}"""


def counts(visit: Visit) -> tuple[int, int]:
    words = card(visit).get_by_role("status").inner_text().split()
    return int(words[0]), int(words[2])


def test_a_dropped_file_shows_at_once_and_another_of_its_name_replaces_it_if_that_is_wanted(
    folder: Path, visit: Visit, similarity: Similarity, mark: str
) -> None:
    visit.go("images")
    expect(visit.button("Upload")).to_be_enabled()
    visit.drop("main", f"{mark}.jpg", picture(1))
    says(visit, "1 added, 0 there before, 0 failed.")
    expect(visit.page.locator(f'button[title="{mark}"] canvas')).to_be_visible()
    visit.drop("main", f"{mark}.jpg", picture(1))
    says(visit, "0 added, 1 there before, 0 failed.")
    first = similarity.get(mark).sha256
    visit.expects("status of 409")
    visit.drop("main", f"{mark}.jpg", picture(9))
    says(visit, "0 added, 0 there before, 1 failed.")
    expect(card(visit).get_by_role("row").last).to_contain_text(mark)
    visit.page.get_by_label("Replace").check()
    visit.drop("main", f"{mark}.jpg", picture(9))
    says(visit, "1 added, 0 there before, 0 failed.")
    assert similarity.get(mark).sha256 != first


def test_a_cancelled_upload_goes_on_and_folders_can_be_part_of_the_ids(
    folder: Path, visit: Visit, similarity: Similarity, mark: str
) -> None:
    for number in range(12):
        (folder / f"{number}.jpg").write_bytes(picture(number))
    for clutter in (".DS_Store", "._1.jpg", "Thumbs.db"):
        (folder / clutter).write_bytes(b"clutter")
    visit.page.route("**/similarity/add?*", lambda route: None)
    begin(visit)
    visit.page.get_by_label("Folders are part of the id").check()
    choose(visit, folder)
    expect(card(visit)).to_contain_text("0 of 12")
    visit.button("Cancel").click()
    says(visit, "Cancelled. 0 added, 0 there before, 0 failed.")
    visit.page.unroute("**/similarity/add?*")
    visit.page.get_by_role("link", name="Tasks").click()  # an upload goes on whatever is shown
    visit.page.get_by_role("link", name="Images", exact=True).click()
    visit.button("Go on").click()
    says(visit, "12 added, 0 there before, 0 failed.")
    ids = [f"{mark}:{number}" for number in range(12)]
    states = similarity.check(dict.fromkeys(ids, "")).images
    assert {each.state for each in states} == {"other"}
