"""A page as a test sees it."""

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

from local.browser import Watch

SERIOUS = ("serious", "critical")
# All that axe finds would come over as JSON otherwise, with each element that is as it should be.
AXE = """(colours) => axe
  .run({ resultTypes: ["violations"], rules: { "color-contrast": { enabled: colours } } })
  .then(({ violations }) => violations)
"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What drops a file where a person would: Playwright has no drop of its own.
DROP = """
([selector, name, type, bytes]) => {
  const transfer = new DataTransfer();
  const data = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
  transfer.items.add(new File([data], name, { type }));
  const place = document.querySelector(selector);
  for (const kind of ["dragenter", "dragover", "drop"])
    place.dispatchEvent(
      new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }),
    );
}
"""


@dataclass
class Visit:
    """A page of the service.

    Attributes:
        page: Playwright's.
        url: of the service.
    """

    page: Page
    url: str
    watch: Watch
    _expected: list[str] = field(default_factory=list)

    def go(self, place: str = "") -> None:
        """Opens a screen by the part of its address after `#/`, as "images" or "search?id=cat"."""
        self.page.goto(f"{self.url}/ui/#/{place}")

    def drop(self, selector: str, name: str, content: bytes, kind: str = "image/jpeg") -> None:
        """Drops a file onto an element."""
        self.page.evaluate(DROP, [selector, name, kind, base64.b64encode(content).decode()])

    def expects(self, *patterns: str) -> None:
        """Says what will go wrong in the page on purpose, as regular expressions."""
        self._expected += patterns

    def surprises(self) -> list[str]:
        """Returns what went wrong besides."""
        return [
            complaint
            for complaint in self.watch.complaints
            if not any(re.search(pattern, complaint) for pattern in self._expected)
        ]

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def on_a_phone(self) -> None:
        """The page is on a small dark screen from now on."""
        self.page.set_viewport_size({"width": 320, "height": 700})
        self.page.emulate_media(color_scheme="dark")

    def barriers(self, colours: bool = True) -> list[str]:
        """Returns what keeps people from using the page: what axe finds serious, and that one has
        to scroll sideways, which a small screen must not need (WCAG 1.4.10).

        Args:
            colours: whether each text has to stand out from what is behind it, which is dear to
                find out of thousands.
        """
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(Axe().axe_script)
        violations: Any = self.page.evaluate(AXE, colours)
        found = [
            f"{each['id']}: {node['html']}"
            for each in violations
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]
        wider = self.page.evaluate(WIDER)
        return [*found, f"it scrolls sideways: {wider} pixels"] if wider > 0 else found
