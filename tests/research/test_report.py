"""The report: one file that needs nothing else, safe whatever the names, right in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.research.chromium import chromium
from tests.research.market import Fails, Swing, wavy_bars

from papertape import run_backtest
from papertape.errors import WorldError
from papertape.research.charts import distribution, even_steps
from papertape.research.report import STATIC, month_table, render
from papertape.research.words import duration, metric_text, number

VOID = {"meta", "link", "br", "img", "input", "hr", "rect"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with out.html of a run and failed.html of one that failed."""
    if not (STATIC / "vendor" / "lightweight-charts.js").is_file():
        pytest.skip("no chart libraries in static/vendor (make setup)")
    made = tmp_path_factory.mktemp("report")
    bars = wavy_bars(made / "BTCUSDT_1m.csv", 2_500)
    run_backtest(Swing, bars, data_dir=made / "data").save_report(made / "out.html")
    run_backtest(Fails, bars, data_dir=made / "data").save_report(made / "failed.html")
    return made


class _Nesting(HTMLParser):
    """Holds that every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, (tag, self.getpos())


def data_of(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_report_stands_alone(folder: Path) -> None:
    """No address is loaded, every element closes, the data is JSON."""
    text = (folder / "out.html").read_text(encoding="utf-8")
    page = _Nesting()
    page.feed(text)
    assert not page.open
    assert not page.links
    data = data_of(text)
    assert len(data["equity"]) > 1_000
    assert data["price"]["symbol"] == "binance:BTC/USDT"
    assert data["price"]["fills"]
    assert sum(one["count"] for one in data["distribution"]) == len(data["trips"]) > 5


def test_names_of_others_stay_text(folder: Path) -> None:
    """A strategy, a file or a reason with markup in it is shown, not run."""
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    document = json.loads(next((folder / "data" / "backtests").glob("*/result.json")).read_text())
    document |= {"strategy": hostile, "data": hostile, "failure": hostile, "ended": hostile}
    document["refused"] = {hostile: 3}
    document["params"] = {hostile: hostile}
    document["charts"]["price"] = {"symbol": hostile, "what": hostile, "points": [], "fills": []}
    text = render(document, [], [])
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "<img" not in text
    assert data_of(text)["price"]["symbol"] == hostile


def test_a_report_that_cannot_be_written_says_so(folder: Path) -> None:
    """With its path."""
    bars = folder / "BTCUSDT_1m.csv"
    result = run_backtest(Swing, bars, data_dir=folder / "data", end="2025-01-01T02:00")
    with pytest.raises(WorldError, match="the report cannot be written"):
        result.save_report(folder / "no such folder" / "out.html")


def test_months_are_chained_to_years() -> None:
    """Twelve cells and the year's own."""
    months = [("2024-12", 10.0), ("2025-01", 10.0), ("2025-03", -50.0)]
    table = month_table([{"month": m, "return_pct": r} for m, r in months])
    assert list(table) == ["2024", "2025"]
    assert table["2024"][11] == 10.0
    assert table["2025"][0:3] == [10.0, None, -50.0]
    assert table["2025"][12] == pytest.approx(-45.0)


def test_bins_are_round_have_an_edge_at_zero_and_hold_everything() -> None:
    """Also for one value, for equal values and for outliers."""
    for nets in ([5.0], [-0.001] * 9, [0.0], [float(i) for i in range(-50, 200)] + [1e6]):
        bins = distribution(nets)
        assert sum(one["count"] for one in bins) == len(nets)
        assert all(a["to"] == pytest.approx(b["from"]) for a, b in pairwise(bins))
        assert any(0.0 in (one["from"], one["to"]) for one in bins)
        assert len(bins) <= 33
    assert distribution([]) == []


def test_a_curve_at_even_steps_keeps_ends_and_extremes() -> None:
    """Steps are even, gaps are carried, the highest and the lowest value are there."""
    samples = [(0, 5.0), (27, 9.0), (28, 6.0), (500, 1.0), (501, 4.0), (1_000, 5.5)]
    rows = even_steps(samples, 100)
    assert {b[0] - a[0] for a, b in pairwise(rows)} == {10}
    values = [value for _, value in rows]
    assert (values[0], values[-1]) == (5.0, 5.5)
    assert (values[-1], max(values), min(values)) == (5.5, 9.0, 1.0)
    assert even_steps([], 10) == []
    assert even_steps([(3, 1.0)], 10) == [(3, 1.0)]


def test_figures_in_words() -> None:
    """Separators, a true minus, small numbers that still say something."""
    assert number(1234.5) == "1,234.50"
    assert number(-0.05641) == "\N{MINUS SIGN}0.0564"
    assert number(-0.0000000001) == "0.000000"
    assert metric_text("win_rate_pct", 31.868) == "31.87 %"
    assert metric_text("sharpe", None) == "-"
    assert metric_text("sharpe", 1e9) == "over 10,000"
    assert metric_text("skill_probability_pct", 1e-9) == "under 0.01 %"
    assert [duration(s) for s in (0.5, 75, 3_700, 200_000)] == [
        "0.5 s", "1 min 15 s", "1 h 1 min", "2 d 7 h",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium; skip without it."""
    with chromium() as started:
        yield started


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (1440, "light"), (390, "dark")])
def test_a_browser_draws_it_without_a_complaint(
    browser: Browser, folder: Path, width: int, theme: str
) -> None:
    """No console error, no request, no sideways scrolling; charts have pixels, formulas show."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda asked: heard.append(asked.url) if "file:" not in asked.url else None)
    page.goto((folder / "out.html").as_uri())
    page.wait_for_selector("#equity canvas")
    page.wait_for_selector("#price canvas")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for chart in ("pnl", "distribution"):
        drawn = page.evaluate(
            "(id) => { const c = document.getElementById(id); return c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data.some((x) => x); }",
            chart,
        )
        assert drawn, chart
    term = page.locator(".metrics .term").nth(2)
    term.focus()
    assert "mean(r) / s(r)" in term.locator(".tip").inner_text()
    page.emulate_media(color_scheme="light" if theme == "dark" else "dark")
    page.wait_for_selector("#equity canvas")
    page.goto((folder / "failed.html").as_uri())
    assert "fails failed at market record" in page.locator(".notice.alarm").inner_text()
    assert not heard
    context.close()
