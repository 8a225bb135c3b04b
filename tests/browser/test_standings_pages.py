"""Leaderboard and analytics in a real browser: whole, live, their state in the address."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.browser.checks import Visit, traded, trips, whole
from tests.dashboard.tapes import Tape

from papertape.dashboard.numbers import NO_VALUE

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_fill_reaches_the_ranking_without_reload(tape: Tape, visit: Visit) -> None:
    """A round trip that ends counts at once, and the tenth of them gives a rank."""
    trips(tape, "momentum", [100, 110, 90, 100, 105, 95, 100, 101, 99])
    opened = visit(path="leaderboard")
    page = opened.page
    row = page.locator('#rows-ranking tr[data-key="momentum"]')
    expect(row).to_contain_text("too few to tell")
    expect(row.locator(".r-round_trips")).to_have_text("9")
    expect(row.locator(".r-rank")).to_have_text(NO_VALUE)
    page.evaluate("window.neverReloaded = true")
    trips(tape, "momentum", [100])
    expect(row.locator(".r-round_trips")).to_have_text("10")
    expect(row.locator(".r-rank")).to_have_text("1")
    expect(row).to_contain_text("earns")
    assert page.evaluate("window.neverReloaded") is True
    whole(opened)


def test_a_lucky_strategy_stands_below_a_steady_one(tape: Tape, visit: Visit) -> None:
    """Five great trades have no rank, in whatever order the table is; the comparison says so."""
    trips(tape, "lucky", [3_000] * 5)
    trips(tape, "momentum", [90, 100, 110] * 5)
    page = visit(path="leaderboard?a=lucky&b=momentum").page
    keys = "[...document.querySelectorAll('#rows-ranking tr')].map(row => row.dataset.key)"
    expect(page.locator("#rows-ranking tr").first).to_have_attribute("data-key", "momentum")
    expect(page.locator("#versus-note")).to_have_text("lucky: too few to tell.")
    expect(page.locator(".grid-versus .better")).to_have_count(0)
    page.get_by_role("button", name="Net P&L", exact=True).click()
    expect(page.locator("#rows-ranking tr").first).to_have_attribute("data-key", "lucky")
    expect(page.locator('[data-key="lucky"] .r-rank')).to_have_text(NO_VALUE)
    assert "sort=-net_pnl" in page.url
    assert page.evaluate(keys)[:2] == ["lucky", "momentum"]
    page.locator("#versus-b").select_option("arbitrage")
    expect(page).to_have_url(re.compile(r"a=lucky&b=arbitrage"))
    page.reload()
    expect(page.locator("#rows-ranking tr").first).to_have_attribute("data-key", "lucky")
    expect(page.locator("#versus-b")).to_have_value("arbitrage")


def test_filters_of_the_analytics_stand_in_the_address(tape: Tape, visit: Visit) -> None:
    """Strategy and period narrow every figure; the address and the exports say the same."""
    traded(tape)
    trips(tape, "lucky", [100, 100])
    opened = visit(path="analytics")
    page = opened.page
    net = page.locator('#figures [data-key="round_trips"] dd').nth(1)
    expect(net).to_have_text("8")
    page.locator("#filter-strategy").select_option("lucky")
    expect(net).to_have_text("2")
    page.get_by_role("button", name="24 h").click()
    expect(page).to_have_url(re.compile(r"analytics\?period=24h&strategy=lucky$"))
    expect(page.locator("#period-note")).to_contain_text("Since 20")
    export = page.locator("#export-csv").get_attribute("href") or ""
    assert "strategy=lucky" in export
    assert "period=24h" in export
    page.reload()
    expect(page.locator("#filter-strategy")).to_have_value("lucky")
    expect(net).to_have_text("2")
    page.locator("#filter-clear").click()
    expect(net).to_have_text("8")
    whole(opened)


def test_every_figure_shows_its_formula(tape: Tape, visit: Visit) -> None:
    """Hover, or the keyboard, opens it; another figure closes it."""
    traded(tape)
    page = visit(path="analytics").page
    name = page.get_by_role("button", name="Profit factor")
    formula = page.locator("#formula-profit_factor")
    expect(formula).to_be_hidden()
    name.hover()
    expect(formula).to_have_text("sum of gains / sum of losses, after fees")
    page.mouse.move(0, 0)
    expect(formula).to_be_hidden()
    name.focus()
    expect(formula).to_be_visible()
    expect(name).to_have_accessible_description("sum of gains / sum of losses, after fees")
    page.keyboard.press("Escape")
    expect(formula).to_be_hidden()
