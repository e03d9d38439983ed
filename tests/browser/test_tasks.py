"""The screen of tasks and health: what is away, what goes on, and who may stop it."""

import re
import time
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local.stack import Stack
from sidecar.catalogue import BackupMade, open_catalogue
from tests.browser.stacks import Guarded, held
from tests.browser.visit import Visit

pytestmark = pytest.mark.long

DAY_S = 86_400


def test_the_screen_says_what_serves_and_how_tasks_ended(visit: Visit, shown: Stack) -> None:
    page = visit.page
    visit.go("tasks")
    for text in ("All is well.", shown.get("/similarity/version").json()["version"]):
        expect(page.get_by_text(text, exact=True)).to_be_visible()
    expect(page.locator("dl").get_by_text(re.compile(r"^of .*iB$"))).to_be_visible()
    first = shown.get("/similarity/tasks").json()["tasks"][-1]
    entry = page.get_by_role("listitem").filter(has_text=first["task_id"])
    expect(entry).to_contain_text(f"Generation {first['generation']} with 1,050 images")
    visit.on_a_phone()
    assert visit.barriers() == []


def test_a_task_shows_the_request_that_asked_for_it_and_a_click_takes_its_id(
    visit: Visit, shown: Stack, mark: str
) -> None:
    page, asked = visit.page, f"{mark} <img src=x onerror=alert(1)>"
    answer = shown.post("/similarity/update", headers={"X-Request-Id": asked})
    visit.go("tasks")
    entry = page.get_by_role("listitem").filter(has_text=answer.json()["task_id"])
    request = entry.get_by_text(asked, exact=True)
    request.click()
    assert page.evaluate("getSelection().toString()") == asked
    shown.finish_well(answer.json()["task_id"])


def test_the_last_backup_is_shown_and_how_to_make_one_where_none_is_recent(
    visit: Visit, shown: Stack, tmp_path: Path
) -> None:
    page = visit.page
    health = page.get_by_role("region", name="Health")
    how = health.get_by_text("python -m sidecar backup FOLDER")
    visit.go("tasks")
    expect(health.get_by_text("There has been no backup.")).to_be_visible()
    expect(how).to_be_visible()
    expect(health).to_contain_text("meanwhile: python -m sidecar backup FOLDER")
    assert visit.barriers() == []
    shown.command("backup", str(tmp_path / "copy"))
    page.reload()
    images = shown.get("/similarity/stats").json()["images"]
    expect(health).to_contain_text(re.compile(rf"Last backup: .* (ago|now), {images:,} images"))
    expect(how).to_have_count(0)
    with closing(open_catalogue(f"sqlite:///{shown.folder}/catalogue.sqlite", 30.0)) as catalogue:
        catalogue.note_backup(BackupMade(time.time() - 8 * DAY_S, 1))
    page.reload()
    expect(health).to_contain_text(re.compile("Last backup: 8 days ago, 1 image +old"))
    expect(how).to_be_visible()
    assert visit.barriers() == []


def test_a_task_is_cancelled_by_a_key_that_may_and_by_no_other(
    visit: Visit, guarded: Guarded
) -> None:
    page = visit.page
    with held(guarded.stack):
        task_id = guarded.ask("POST", "/similarity/train")["task_id"]
        guarded.show(visit, "tasks", "read")
        entry = page.get_by_role("listitem").filter(has_text=task_id)
        expect(entry.get_by_role("progressbar", name="Training: progress")).to_be_visible()
        expect(entry.get_by_role("button", name="Cancel")).to_be_disabled()
        assert visit.barriers() == []
        visit.go("index")
        for name in ("Train", "Update", "Cancel: Training"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
        assert visit.barriers() == []
        guarded.show(visit, "tasks", "admin")
        page.reload()  # keys are kept until then
        entry.get_by_role("button", name="Cancel").click()
        expect(entry).to_contain_text("cancelled")
        expect(entry.get_by_role("button")).to_have_count(0)


def test_a_store_of_images_that_is_away_is_said(visit: Visit, guarded: Guarded) -> None:
    store = Path(guarded.stack.env["PICTURES_STORE"])
    health = visit.page.get_by_role("region", name="Health")
    guarded.show(visit, "tasks", "read")
    expect(health).to_contain_text("All is well.")
    aside = store.rename(store.with_name("aside"))
    store.touch()
    try:
        expect(health.get_by_role("status")).to_contain_text("Image store answers in part.")
        expect(health).to_contain_text("PICTURES_STORE: ")
        assert visit.barriers() == []
    finally:
        store.unlink()
        aside.rename(store)
    expect(health.get_by_role("status")).to_contain_text("All is well.")


def test_triton_away_is_said_and_its_return_too(visit: Visit, guarded: Guarded) -> None:
    visit.expects("status of 503")
    health = visit.page.get_by_role("region", name="Health")
    guarded.show(visit, "tasks", "read")
    expect(health).to_contain_text("All is well.")
    guarded.stack.kill("triton")
    try:
        expect(health.get_by_role("status")).to_contain_text("Triton is away")
        expect(health).to_contain_text("Other searches go on.")
        assert visit.barriers() == []
    finally:
        guarded.stack.start("triton")
        guarded.stack.wait_ready()
    expect(health.get_by_role("status")).to_contain_text("All is well.")
    expect(health.get_by_text("away")).to_have_count(0)
