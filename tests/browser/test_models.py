"""The screen of models: another version into use and back, seen before it is confirmed."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from similarity_client import Similarity

from local.browser import Watch
from local.stack import Stack
from sidecar.http.guards import api_keys as keys
from tests.browser.stacks import held
from tests.browser.visit import Visit
from tests.conftest import LIMITS, Trained
from tests.support.versions import put

pytestmark = pytest.mark.long

SAMPLE = 256  # of the images, which both versions are seen to answer out of
LEFT = SAMPLE + 20
SECONDS = 60_000  # in which an upgrade of so few images by a tiny network ends


@dataclass
class Plant:
    """A stack with versions to come, and the secrets of its keys by name."""

    stack: Stack
    models: Path
    secrets: dict[str, str]

    def put(self, version: int, spoil: bool = False) -> None:
        """A version into the repository, as an export does it: in whole."""
        made = put("small-32", version, self.models.parent / "coming")
        if spoil:
            (made / "model.onnx").write_bytes(b"no model")
        made.rename(self.models / "keywording" / f"{version}")


@pytest.fixture(scope="module")
def plant(
    tmp_path_factory: pytest.TempPathFactory,
    tiny: Path,
    trained: Trained,
    collection: dict[str, bytes],
) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("models-shown")
    shutil.copytree(tiny, folder / "models")
    drawn = {name: keys.draw(name, scope) for name, scope in SCOPES.items()}
    (folder / "keys").write_text("".join(f"{line}\n" for _, line in drawn.values()))
    settings = {"MODEL_REPOSITORY": f"{folder}/models", "HTTP_PROCESSES": "1", **LIMITS}
    (folder / "data").mkdir()
    with trained(folder / "data", API_KEYS_FILE=f"{folder}/keys", **settings) as stack:
        secrets = {name: secret for name, (secret, _) in drawn.items()}
        with Similarity(stack.url, secrets["chief"]) as client:
            client.remove_batch([*collection][LEFT:])
        yield Plant(stack, folder / "models", secrets)


SCOPES = {"chief": "read,write,admin", "reader": "read"}


@pytest.fixture
def models(chromium: Browser, plant: Plant) -> Iterator[Visit]:
    """The screen, as the chief sees it."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    visit = Visit(page := context.new_page(), plant.stack.url, Watch(page))
    visit.expects("status of 401")
    enter(visit, plant.secrets["chief"])
    yield visit
    context.close()
    assert visit.surprises() == []


def enter(visit: Visit, secret: str) -> None:
    visit.go("models")
    visit.page.get_by_role("textbox", name="Key").fill(secret)
    visit.button("Use this key").click()
    expect(version(visit.page, 1)).to_be_visible()


def version(page: Page, number: int) -> Locator:
    """The card of a version."""
    return page.get_by_role("listitem").filter(
        has=page.get_by_role("heading", name=f"Version {number} ")
    )


def dialog(visit: Visit, name: str) -> Locator:
    return visit.page.get_by_role("dialog", name=name)


def restart_triton(plant: Plant) -> None:
    plant.stack.kill("triton")
    plant.stack.start("triton")
    plant.stack.wait(lambda: plant.stack.get("/health/ready").status_code == 200, "Triton is back")


@pytest.mark.release
def test_a_version_is_seen_upgraded_to_left_and_retired(models: Visit, plant: Plant) -> None:
    page = models.page
    plant.put(2)
    page.reload()
    expect(version(page, 1)).to_contain_text("in use")
    expect(version(page, 2)).to_contain_text("in the repository, not loaded")
    version(page, 2).get_by_role("button", name="Upgrade…").click()
    asked = dialog(models, "Upgrade to version 2")
    expect(asked.get_by_text("Triton has not loaded version 2").last).to_be_visible()
    expect(asked.get_by_text("You can compare while the upgrade embeds")).to_be_visible()
    assert models.barriers() == []
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)

    restart_triton(plant)
    page.reload()
    expect(version(page, 2)).to_contain_text("loaded")
    version(page, 2).get_by_role("button", name="Upgrade…").click()
    expect(asked.get_by_text(f"{LEFT} images")).to_be_visible()
    expect(asked.get_by_role("heading", level=4)).to_have_count(12)
    expect(asked.get_by_text(f"out of the same sample of {SAMPLE} images")).to_be_visible()
    for number in (1, 2):
        expect(asked.get_by_role("list", name=f"Version {number}")).to_have_count(12)
    expect(asked.get_by_role("img").nth(10)).to_be_visible()
    headings = asked.get_by_role("heading", level=4)
    first = headings.all_inner_texts()
    with page.expect_response("**/upgrade/preview?*"):
        asked.get_by_role("button", name="Draw other images").click()
    expect(headings).to_have_count(12)
    assert headings.all_inner_texts() != first  # twelve of hundreds: never the same
    assert models.barriers() == []

    change = page.get_by_role("region", name="The last change")
    with held(plant.stack):
        asked.get_by_role("button", name="Upgrade to version 2").click()
        expect(asked).to_have_count(0)
        expect(change.get_by_role("progressbar")).to_be_visible()
        expect(version(page, 2).get_by_role("button", name="Upgrade…")).to_be_disabled()
        change.get_by_role("button", name="Compare the versions…").click()
        expect(dialog(models, "Compare with version 2").get_by_role("img").first).to_be_visible()
        page.reload()  # what runs is found again, and the dialog stands in the address
        expect(dialog(models, "Compare with version 2")).to_be_visible()
        page.keyboard.press("Escape")
        expect(change.get_by_role("progressbar")).to_be_visible()
    expect(change).to_contain_text("version 2 is in use", timeout=SECONDS)
    expect(version(page, 2)).to_contain_text("in use")
    expect(version(page, 1)).to_contain_text("% with version 2")
    assert models.barriers() == []

    models.button("Roll back…").click()
    dialog(models, "Back to version 1").get_by_role("button", name="Back to version 1").click()
    expect(change).to_contain_text("version 1 is in use", timeout=SECONDS)

    version(page, 2).get_by_role("button", name="Retire…").click()
    asked = dialog(models, "Retire version 2")
    sure = asked.get_by_role("button", name="Retire version 2")
    asked.get_by_role("textbox").fill("1")
    expect(sure).to_be_disabled()
    assert models.barriers() == []
    asked.get_by_role("textbox").fill("2")
    sure.click()
    expect(change).to_contain_text(f"features of {LEFT} images freed", timeout=SECONDS)
    expect(version(page, 2)).to_have_count(0)


def test_an_upgrade_is_cancelled_and_what_is_refused_is_said(models: Visit, plant: Plant) -> None:
    page = models.page
    plant.put(3)
    page.reload()
    version(page, 3).get_by_role("button", name="Upgrade…").click()
    asked = dialog(models, "Upgrade to version 3")
    sure = asked.get_by_role("button", name="Upgrade to version 3")
    expect(sure).to_be_enabled()
    plant.put(4, spoil=True)  # a version beside it keeps Triton from loading, and is put away
    sure.click()
    change = page.get_by_role("region", name="The last change")
    change.get_by_role("button", name="Cancel").click()
    expect(change).to_contain_text("cancelled", timeout=SECONDS)

    models.expects("status of 409", "status of 404")
    models.go("models?upgrade=1")
    refused = dialog(models, "Upgrade to version 1")
    expect(refused.get_by_role("alert")).to_contain_text("version 1 is in use")
    expect(refused.get_by_role("button", name="Upgrade to version 1")).to_be_disabled()
    assert models.barriers() == []


def test_a_version_that_fails_is_shown_as_rejected(models: Visit, plant: Plant) -> None:
    page = models.page
    plant.put(5, spoil=True)
    page.reload()
    version(page, 5).get_by_role("button", name="Upgrade…").click()
    models.button("Upgrade to version 5").click()
    expect(version(page, 5)).to_contain_text("rejected", timeout=SECONDS)
    expect(version(page, 5).get_by_role("button")).to_have_count(0)
    models.on_a_phone()
    assert models.barriers() == []


def test_a_key_that_reads_sees_the_versions_and_changes_none(
    chromium: Browser, plant: Plant
) -> None:
    context = chromium.new_context(viewport={"width": 320, "height": 700})
    visit = Visit(page := context.new_page(), plant.stack.url, Watch(page))
    visit.expects("status of 401", "status of 403")
    plant.put(6)
    enter(visit, plant.secrets["reader"])
    expect(version(page, 6).get_by_role("button", name="Upgrade…")).to_be_disabled()
    expect(version(page, 6).get_by_role("button", name="Retire…")).to_be_disabled()
    visit.go("models?upgrade=6")
    asked = dialog(visit, "Upgrade to version 6")
    expect(asked.get_by_role("alert")).to_contain_text("admin")
    expect(asked.get_by_role("button", name="Upgrade to version 6")).to_be_disabled()
    assert visit.barriers() == []
    context.close()
    assert visit.surprises() == []
