"""The screen of the API: every call of the document, each to be tried by a form."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, expect

from local.browser import Watch
from sidecar.http import api_keys as keys
from sidecar.http import openapi
from tests.browser.visit import Visit
from tests.conftest import LIMITS, Trained

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


def test_every_call_of_the_document_is_shown_and_found(visit: Visit) -> None:
    visit.go("api")
    rows = visit.page.locator("summary")
    expect(rows).to_have_count(len(CALLS))
    shown = {
        (row.locator("b").inner_text(), row.locator("code").first.inner_text())
        for row in rows.all()
    }
    assert shown == {*CALLS}
    expect(visit.page.get_by_role("heading", level=2)).to_have_count(len(DOCUMENT["tags"]))
    visit.page.get_by_label("Find a call").fill("delete /images")
    expect(rows).to_have_count(2)
    expect(visit.page.get_by_text("2 calls")).to_be_visible()
    visit.page.reload()
    expect(rows).to_have_count(2)


def test_every_call_opens_with_its_parameters_and_the_words_of_its_errors(visit: Visit) -> None:
    visit.go("api")
    rows = visit.page.locator("details")
    expect(rows).to_have_count(len(CALLS))
    for number, described in enumerate(in_order()):
        row = rows.nth(number)
        row.locator("summary").click()
        expect(row.locator("dt")).to_have_count(len(described["responses"]))
    words = set(visit.page.locator(".api-word").all_inner_texts())
    assert words > {"wrong_arguments_format", "no index, train first", "duplicate_image_id"}
    search = visit.page.locator("details", has_text="nearest to an upload")
    expect(search.locator("label", has_text="num_results").first).to_contain_text("1 to 1000")
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


def test_it_is_read_in_the_dark_on_a_phone(visit: Visit) -> None:
    visit.on_a_phone()
    visit.go("api?q=recommend&call=recommend")
    expect(visit.page.get_by_role("button", name="Send")).to_be_visible()
    assert visit.barriers() == []


def test_what_a_key_may_not_do_is_greyed_out(
    chromium: Browser, trained: Trained, tmp_path: Path
) -> None:
    secret, line = keys.draw("reader", "read")
    (tmp_path / "keys").write_text(f"{line}\n")
    (tmp_path / "data").mkdir()
    settings = {"API_KEYS_FILE": f"{tmp_path}/keys", "HTTP_PROCESSES": "1", **LIMITS}
    context = chromium.new_context()
    with trained(tmp_path / "data", **settings) as stack:
        page = context.new_page()
        visit = Visit(page, stack.url, Watch(page))
        visit.expects("status of 401")
        look_with(visit, secret)
        assert visit.surprises() == []
    context.close()


def look_with(visit: Visit, secret: str) -> None:
    visit.go("api")
    visit.page.get_by_role("textbox", name="Key").fill(secret)
    visit.button("Use this key").click()
    expect(visit.page.get_by_text("reader")).to_be_visible()
    row = call(visit, "GET", "/similarity/stats")
    row.get_by_role("button", name="Send").click()
    assert "images" in answer(row, 200)
    row.get_by_role("button", name="Copy as curl").wait_for()
    row = call(visit, "POST", "/similarity/remove")
    expect(row.get_by_role("button", name="Send")).to_be_disabled()
    expect(row.get_by_text("This key has no scope 'write'.")).to_be_visible()
    assert visit.barriers() == []
    visit.go("models")
    expect(visit.page.get_by_role("heading", name="Version 1")).to_be_visible()
    assert visit.barriers() == []
