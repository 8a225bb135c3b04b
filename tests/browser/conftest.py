"""A real Chromium on a real dashboard process, whose tape the test writes itself."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.dashboard.tapes import Tape

import papertape.dashboard

STATIC = Path(papertape.dashboard.__file__).parent / "static"
VENDORED = ("chart.js", "lightweight-charts.js", "socket.io.js")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
START_S_MAX = 30.0
PATIENCE_MS = 15_000  # two cores, other tests beside

SERVE = (
    "import sys, pathlib; from papertape.dashboard.server import serve; "
    "serve('127.0.0.1', int(sys.argv[1]), pathlib.Path(sys.argv[2]))"
)
# The browser says what its policy blocked; the page itself never reads this.
WATCH = """
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
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.port), str(self.data_dir)],
                stdout=file,
                stderr=file,
            )
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

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


def free_port() -> int:
    """Return a port that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Debian's Chromium; without it, or without the browser libraries, skip."""
    named = os.environ.get("PAPERTAPE_CHROMIUM")
    path = named or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        pytest.skip("no Chromium (apt-get install chromium, or set PAPERTAPE_CHROMIUM)")
    missing = [name for name in VENDORED if not (STATIC / "vendor" / name).is_file()]
    if missing:
        pytest.skip(f"no browser libraries {missing} in static/vendor (make setup)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


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
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            has_touch=width < 700,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        opened = Opened(page)
        page.add_init_script(WATCH)
        page.on("console", lambda said: _heard(opened, said.type, said.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.goto(dashboard.url + path)
        return opened

    yield go
    for context in contexts:
        context.close()


def _heard(opened: Opened, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        opened.complaints.append(f"{kind}: {text}")
