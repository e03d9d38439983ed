"""The screen of the API: every call of the document, each to be tried by a form."""

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from sidecar.http import openapi
from tests.browser.stacks import Guarded
from tests.browser.visit import Visit

pytestmark = pytest.mark.long

METHODS = ("get", "post", "put", "patch", "delete")
DOCUMENT = openapi.document()
CALLS = {
    (method.upper(), path): item[method]
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
}


def call(visit: Visit, method: str, path: str) -> Locator:
    """A call of the page, opened."""
    row = visit.page.locator("details").filter(
        has=visit.page.locator("summary")
        .filter(has=visit.page.locator("b", has_text=method))
        .filter(has=visit.page.get_by_text(path, exact=True))
    )
    row.locator("summary").click()
    expect(row.get_by_role("button", name="Send")).to_be_visible()
    return row


def answer(row: Locator, status: int) -> str:
    shown = row.get_by_label("Answer", exact=True)
    expect(shown.get_by_text(f"{status}", exact=True)).to_be_visible()
    return shown.locator("pre").inner_text()


OPEN_ALL = "(rows) => rows.forEach((row) => row.querySelector('summary').click())"
ANSWERS = "(rows) => rows.map((row) => row.querySelectorAll('dt').length)"


def test_every_call_is_shown_and_found_and_opens_with_its_parameters_and_the_words_of_its_errors(
    visit: Visit,
) -> None:
    page = visit.page
    visit.go("api")
    rows = page.locator("details")
    expect(rows).to_have_count(len(CALLS))
    heads = [rows.locator(part).all_inner_texts() for part in ("summary > b", "summary > code")]
    assert {*zip(*heads, strict=True)} == {*CALLS}
    expect(page.get_by_role("heading", level=2)).to_have_count(len(DOCUMENT["tags"]))

    rows.evaluate_all(OPEN_ALL)
    answers = [len(described["responses"]) for described in in_order()]
    expect(rows.locator("dt")).to_have_count(sum(answers))
    assert rows.evaluate_all(ANSWERS) == answers
    words = set(page.locator(".api-word").all_inner_texts())
    assert words > {"wrong_arguments_format", "no index, train first", "duplicate_image_id"}
    search = page.locator("details", has_text="nearest to an upload")
    expect(search.locator("label", has_text="num_results").first).to_contain_text("1 to 1000")
    # Colours are those of the parts, which the tests of one call look at.
    assert visit.barriers(colours=False) == []

    page.get_by_label("Find a call").fill("delete /images")
    expect(rows).to_have_count(2)
    expect(page.get_by_text("2 calls")).to_be_visible()
    page.reload()
    expect(rows).to_have_count(2)

    visit.on_a_phone()
    visit.go("api?q=recommend&call=recommend")
    expect(visit.button("Send")).to_be_visible()
    assert visit.barriers() == []


def in_order() -> list[dict[str, Any]]:
    tags = [each["name"] for each in DOCUMENT["tags"]]
    return sorted(CALLS.values(), key=lambda each: tags.index(each["tags"][0]))


def test_a_call_is_tried_and_copied(visit: Visit, collection: dict[str, bytes]) -> None:
    visit.go("api")
    name, file = next(iter(collection.items()))
    row = call(visit, "GET", "/similarity/stats")
    row.get_by_role("button", name="Send").click()
    assert json.loads(answer(row, 200))["images"] >= len(collection)
    expect(row.get_by_text("x-request-id: ")).to_be_visible()

    row = call(visit, "POST", "/similarity/search")
    assert "call=search" in visit.page.url
    row.get_by_label("num_results").fill("3")
    row.locator("input[type=file]").set_input_files(
        {"name": "it's.jpg", "mimeType": "image/jpeg", "buffer": file}
    )
    row.get_by_role("button", name="Send").click()
    found = json.loads(answer(row, 200))
    assert (found["result"][0], len(found["dist"])) == (name, 3)
    row.get_by_role("button", name="Copy as curl").click()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    url = f"{visit.url}/similarity/search?num_results=3"
    assert copied == f"curl -X POST '{url}' -F 'data=@it'\\''s.jpg'"
    row.get_by_label("Body").select_option("image/*")
    row.locator("input[type=file]").set_input_files(
        {"name": "it.jpg", "mimeType": "image/jpeg", "buffer": file}
    )
    row.get_by_role("button", name="Send").click()
    assert json.loads(answer(row, 200)) == found

    row = call(visit, "POST", "/similarity/search_batch")
    row.get_by_role("textbox", name="JSON").fill(json.dumps([name, "nobody"]))
    row.get_by_role("button", name="Send").click()
    first, second = answer(row, 200).splitlines()
    assert json.loads(first)["id"] == name
    assert json.loads(second)["message"] == "unknown_image_id"

    row = call(visit, "GET", "/similarity/images/{image_id}/thumbnail")
    row.get_by_label("image_id").fill(name)
    row.get_by_role("button", name="Send").click()
    expect(row.get_by_role("img", name="the answer")).to_be_visible()

    visit.expects("status of 400")
    row = call(visit, "GET", "/similarity/images")
    row.get_by_label("limit").fill("none")
    row.get_by_label("limit").press("Enter")
    assert json.loads(answer(row, 400))["message"] == "wrong_arguments_format"
    assert visit.barriers() == []


def test_what_a_key_may_not_do_is_greyed_out(visit: Visit, guarded: Guarded) -> None:
    guarded.show(visit, "api", "read")
    expect(visit.page.get_by_text("may-read")).to_be_visible()
    row = call(visit, "GET", "/similarity/stats")
    row.get_by_role("button", name="Send").click()
    assert "images" in answer(row, 200)
    expect(row.get_by_role("button", name="Copy as curl")).to_be_enabled()
    row = call(visit, "POST", "/similarity/remove")
    expect(row.get_by_role("button", name="Send")).to_be_disabled()
    expect(row.get_by_text("This key has no scope 'write'.")).to_be_visible()
    assert visit.barriers() == []
    visit.go("models")
    expect(visit.page.get_by_role("heading", name="Version 1")).to_be_visible()
    assert visit.barriers() == []
