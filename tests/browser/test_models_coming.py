"""The screen of models where several hosts share them: a version that this host lacks is named."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from local.browser import Watch
from sidecar.catalogue import open_catalogue
from tests.browser.test_models import version
from tests.browser.visit import Visit
from tests.conftest import Trained

pytestmark = pytest.mark.long


def test_a_version_that_is_still_coming_is_shown_with_the_reason(
    chromium: Browser, tmp_path: Path, trained: Trained
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    with trained(tmp_path, INDEX_STORE=f"{store}", HTTP_PROCESSES="1") as stack:
        catalogue = open_catalogue(f"sqlite:///{stack.folder}/catalogue.sqlite", 30.0)
        assert catalogue.shared_versions.publish(9, "d" * 64, "the-other-host", None)
        catalogue.close()
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        visit = Visit(page := context.new_page(), stack.url, Watch(page))
        visit.go("models")
        coming = version(page, 9)
        expect(coming).to_contain_text("coming from another host")
        expect(coming).to_contain_text("which the-other-host has published, is not here yet")
        expect(coming).to_contain_text("the index store lacks versions/000009-")
        expect(coming.get_by_role("button", name="Upgrade…")).to_be_disabled()
        expect(version(page, 1)).to_contain_text("in use")
        expect(version(page, 1)).not_to_contain_text("coming")
        assert visit.barriers() == []
        context.close()
        assert visit.surprises() == []
