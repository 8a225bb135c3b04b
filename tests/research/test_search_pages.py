"""The reports of searches in a browser: everything is drawn, in both themes, on a phone too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.research.chromium import chromium
from tests.research.market import Swing, wavy_bars

from papertape import run_sweep, walk_forward
from papertape.research.report import STATIC
from papertape.research.sweep_report import write_sweep_report
from papertape.research.walk_forward import Scheme
from papertape.research.walk_report import write_walk_report

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SPACE = {"low": "95..98:1", "high": "102..105:1"}
PAGES = ("sweep", "front", "walk", "folds")
BLANK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return !data.some((value) => value !== 0);
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a report of each kind, all from one store."""
    if not (STATIC / "vendor" / "chart.js").is_file():
        pytest.skip("no chart libraries in static/vendor (make setup)")
    made = tmp_path_factory.mktemp("pages")
    bars, data = wavy_bars(made / "BTCUSDT_1m.csv", 900), made / "data"
    one = run_sweep(Swing, bars, SPACE, data_dir=data, jobs=1)
    write_sweep_report(made / "sweep.html", one)
    goals = ["sharpe", "-max_drawdown"]
    write_sweep_report(
        made / "front.html", run_sweep(Swing, bars, SPACE, objectives=goals, data_dir=data, jobs=1)
    )
    for name, scheme in (
        ("walk", Scheme(train_s=4 * 3_600, test_s=2 * 3_600)),
        ("folds", Scheme(folds=4, judged=2)),
    ):
        study = walk_forward(Swing, bars, {"low": "95,97"}, scheme=scheme, data_dir=data, jobs=1)
        write_walk_report(made / f"{name}.html", study)
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium; skip without it."""
    with chromium() as started:
        yield started


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_everything_is_drawn(browser: Browser, pages: Path, width: int, theme: str) -> None:
    """No complaint, no address asked for, no blank canvas, nothing wider than the screen."""
    page = browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
    )
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("request", lambda asked: said.append(asked.url) if "://" in asked.url[5:] else None)
    for name in PAGES:
        said.clear()
        page.goto((pages / f"{name}.html").as_uri())
        page.wait_for_function("document.querySelectorAll('canvas').length >= 2")
        assert not [url for url in said if not url.startswith("file:")], (name, said)
        for canvas in page.query_selector_all("section canvas[id]"):
            assert not canvas.evaluate(BLANK), (name, canvas.get_attribute("id"))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.locator("section.verdict h2").inner_text().endswith(".")
        if name in ("sweep", "front"):
            assert page.locator("#map rect.cell").count() == 16
            assert page.locator("#parallel polyline").count() == 16
            page.locator("#map rect.cell").first.hover()
            assert "low 95" in page.locator("#map .said").inner_text()
    page.close()
