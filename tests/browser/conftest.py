"""A real Chromium on a real dashboard process, whose tape the test writes itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from benchmarks import chromium
from playwright.sync_api import Browser, BrowserContext, Page
from tests.dashboard.tapes import Tape
from tests.served import Served, free_port, served

import papertape.dashboard

STATIC = Path(papertape.dashboard.__file__).parent / "static"
VENDORED = ("chart.js", "lightweight-charts.js", "socket.io.js")
PATIENCE_MS = 15_000  # two cores, other tests beside

# The browser says what its policy blocked; the page itself never reads this.
WATCH = """
delete Navigator.prototype.serviceWorker;  // test_visits.py has it; elsewhere requests are bent
window.blocked = [];
addEventListener("securitypolicyviolation",
  (event) => window.blocked.push(event.violatedDirective + " " + event.blockedURI));
"""


@dataclass
class Dashboard:
    """A dashboard process on one port, which can be stopped and begun again."""

    data_dir: Path
    log: Path
    port: int
    process: Served | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        self.process = served(self.port, self.data_dir, self.log)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass
class Opened:
    """A page with everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def found(self) -> list[str]:
        """Return console errors and warnings, exceptions, and what the policy blocked."""
        return [*self.complaints, *self.page.evaluate("window.blocked")]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Debian's Chromium; without it, or without the browser libraries, skip."""
    if chromium.path() is None:
        pytest.skip("no Chromium (apt-get install chromium, or set PAPERTAPE_CHROMIUM)")
    missing = [name for name in VENDORED if not (STATIC / "vendor" / name).is_file()]
    if missing:
        pytest.skip(f"no browser libraries {missing} in static/vendor (make setup)")
    with chromium.started() as started:
        yield started


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return an empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def tape(data_dir: Path) -> Iterator[Tape]:
    """Return the bot's end of the data folder, at the present time; its run has begun."""
    made = Tape(data_dir, ts_ns=time.time_ns())
    made.quote(3_900, 4_100)
    yield made
    made.close()


@pytest.fixture
def dashboard(data_dir: Path, tmp_path: Path) -> Iterator[Dashboard]:
    """Return a dashboard process on the data folder."""
    made = Dashboard(data_dir, tmp_path / "dashboard.log", free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def visit(browser: Browser, dashboard: Dashboard) -> Iterator[Callable[..., Opened]]:
    """Return a function that opens a page, the overview if none is named, at a width."""
    contexts: list[BrowserContext] = []

    def go(width: int = 1440, height: int = 900, theme: str = "dark", path: str = "") -> Opened:
        opened = open_page(browser, (width, height), theme)
        contexts.append(opened.page.context)
        opened.page.goto(dashboard.url + path)
        return opened

    yield go
    for context in contexts:
        context.close()


def open_page(
    browser: Browser, size: tuple[int, int], theme: str = "dark", script: str = ""
) -> Opened:
    """Return a page in a context of its own, watched from the start; `script` runs on each load."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=size[0] < 700,
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    opened = Opened(page)
    page.add_init_script(WATCH + script)
    page.on("console", lambda said: _heard(opened, said.type, said.text))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    return opened


@pytest.fixture(scope="session")
def axe(root: Path) -> str:
    """Return the source of axe-core."""
    path = root / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    return path.read_text(encoding="utf-8")


def _heard(opened: Opened, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        opened.complaints.append(f"{kind}: {text}")
