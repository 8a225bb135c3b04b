"""The backtests page in a real browser: the list, one run whole, two side by side, a new one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.checks import SIZES, THEMES, settle, whole
from tests.browser.conftest import PATIENCE_MS, Dashboard, Opened
from tests.research.market import Swing, wavy_bars

from papertape import run_backtest

pytestmark = [pytest.mark.slow, pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

Visit = Callable[..., Opened]
ROWS = "#rows-runs tr"


@pytest.fixture
def runs(data_dir: Path, tmp_path: Path) -> list[str]:
    """Return two real backtests, one with a report; what they ran on was imported."""
    bars = wavy_bars(tmp_path / "BTCUSDT_1m.csv")
    first = run_backtest(Swing, bars, data_dir=data_dir)
    second = run_backtest(Swing, bars, params={"high": 101.0}, data_dir=data_dir)
    first.save_report(first.folder / "report.html")
    return [first.run_id, second.run_id]


@pytest.mark.parametrize("state", ["never", "run", "compare"])
def test_it_is_whole_in_every_state_width_and_theme(
    state: str, visit: Visit, dashboard: Dashboard, request: pytest.FixtureRequest
) -> None:
    """No console error, no policy report, no sideways scroll; the right words for the state."""
    path, words = "backtests", "No backtest yet"
    if state != "never":
        first, second = request.getfixturevalue("runs")
        more = {"run": f"?run={first}", "compare": f"?a={first}&b={second}"}
        said = {"run": "swing on BTCUSDT_1m.csv", "compare": "what differs is the strategy"}
        path, words = path + more[state], said[state]
    for width, height in SIZES:
        opened = visit(width, height, path=path)
        page = opened.page
        expect(page.locator("main")).to_contain_text(words)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            whole(opened)
        page.context.close()


def test_runs_are_sorted_opened_compared_and_left_by_back(runs: list[str], visit: Visit) -> None:
    """What a person does with the list keeps its address, so that Back and links work."""
    opened = visit(path="backtests")
    page = opened.page
    settle(page)
    expect(page.locator(ROWS)).to_have_count(2)
    page.get_by_role("button", name="Return").click()
    expect(page).to_have_url(re.compile(r"sort=-total_return_pct"))
    page.locator("#filter-q").fill("nothing like it")
    expect(page.locator("#panel-runs")).to_contain_text("No backtest fits")
    page.locator("#filter-q").fill("")
    expect(page.locator(ROWS)).to_have_count(2)
    page.locator(f'{ROWS}[data-key="{runs[0]}"] .run-link').click()
    expect(page.locator("#run-figures")).to_contain_text("Total return")
    expect(page.locator("#rows-months tr")).to_have_count(1)
    trades = page.locator("#rows-run-trades tr")
    expect(trades.first).to_contain_text("BTC/USDT")
    with page.context.expect_page() as popup:
        page.locator("#run-report").click()
    report = popup.value
    complaints: list[str] = []
    report.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    report.reload()
    expect(report.locator("body")).to_contain_text("Total return")
    expect(report.locator("canvas").first).to_be_visible()  # its own scripts do run
    assert complaints == []
    assert report.evaluate("self.origin") == "null"  # and can reach nothing of the dashboard
    report.close()
    page.go_back()
    expect(page.locator(ROWS).first).to_be_visible()
    for box in page.locator(".c-pick input").all():
        box.check()
    page.get_by_role("button", name="Compare two").click()
    expect(page.locator("#rows-compare")).to_contain_text("Sharpe ratio")
    expect(page.locator("#rows-compare")).to_contain_text("overlap")
    assert opened.found() == []
    gone = visit(path="backtests?run=none").page
    expect(gone.locator("#panel-run-equity")).to_contain_text("There is no such backtest")


def test_one_is_started_from_the_page_and_appears(
    data_dir: Path, tmp_path: Path, visit: Visit
) -> None:
    """The form knows what there is, says what is wrong, and the result joins the list."""
    run_backtest(Swing, wavy_bars(tmp_path / "BTCUSDT_1m.csv"), data_dir=data_dir)
    opened = visit(path="backtests")
    page = opened.page
    settle(page)
    form = page.locator("#start-form")
    form.locator('[name="strategy"]').select_option("momentum")
    expect(form.locator('[name="data"] option')).to_have_count(1)
    window = form.locator('[name="param.window_s"]')
    expect(window).to_have_value("60")
    form.locator('[name="from"]').fill("2031-01-01")
    form.evaluate("node => { node.noValidate = true; }")
    form.get_by_role("button", name="Start").click()
    job = page.locator("#rows-jobs .job").first
    expect(job).to_contain_text("failed: ")
    form.locator('[name="from"]').fill("")
    window.fill("90")
    form.get_by_role("button", name="Start").click()
    expect(page.locator("#rows-jobs .job")).to_have_count(2)
    expect(page.locator("#rows-jobs .job").first).to_contain_text("done")
    expect(page.locator(ROWS)).to_have_count(2)
    expect(window).to_have_value("90")  # what was written stays through refreshes
    page.locator("#rows-jobs .job").first.get_by_role("button", name="Open").click()
    expect(page.locator("#run-facts")).to_contain_text("window_s90")
    assert opened.found() == []
