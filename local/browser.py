"""A browser without a window, which looks at the pages as a person would. The one Playwright.

It is the system's Chromium: `apt-get install chromium`, or Chrome.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What no page needs: the pages of the address bar's list, which each window draws anew, at four
# times the cost of a page of ours, and a process in reserve.
UNNEEDED = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess")
# What Playwright turns off by itself: of two such lists Chromium reads the last alone.
BY_PLAYWRIGHT = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter"),
    *("PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
)
# Alone: no sandbox, which root can't have, and no word to its maker's servers.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
    f"--disable-features={','.join((*UNNEEDED, *BY_PLAYWRIGHT))}",
)
ABORTED = "net::ERR_ABORTED"  # what a page gave up itself


class BrowserMissing(Exception):
    """There is no Chromium; the text says how to get one."""


def chromium() -> str:
    """Returns the path of the browser. Raises BrowserMissing."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise BrowserMissing("there is no Chromium: apt-get install chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser, and nothing of it afterwards. Raises BrowserMissing."""
    path = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()


class Watch:
    """Notes what goes wrong in a page: errors of its scripts and its console, requests that fail,
    and what its Content-Security-Policy had to stop (the console says that, too)."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("requestfailed", self._on_failed)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            self.complaints.append(f"console: {message.text} {where}")

    def _on_error(self, error: Error) -> None:
        self.complaints.append(f"script: {error}")

    def _on_failed(self, request: Request) -> None:
        if request.failure != ABORTED:
            self.complaints.append(f"request: {request.method} {request.url} {request.failure}")
