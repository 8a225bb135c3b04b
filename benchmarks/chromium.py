"""The browser of the pictures, the benchmarks and the tests: Debian's Chromium, by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def path() -> str | None:
    """Return where Chromium is: $PAPERTAPE_CHROMIUM, or the first one on the path."""
    return os.environ.get("PAPERTAPE_CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), None
    )


@contextmanager
def started(*arguments: str) -> Iterator[Browser]:
    """Run Chromium without a window; raises RuntimeError where there is none."""
    found = path()
    if found is None:
        raise RuntimeError("no Chromium (apt-get install chromium, or set PAPERTAPE_CHROMIUM)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", *arguments]
        )
        yield browser
        browser.close()
