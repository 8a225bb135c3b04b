"""Leaderboard and analytics in a real browser: whole, live, their state in the address."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import PATIENCE_MS, Dashboard, Opened
from tests.browser.test_index_page import SIZES, THEMES, traded, whole
from tests.dashboard.tapes import YES, Tape

from papertape.dashboard.numbers import NO_VALUE

pytestmark = [pytest.mark.slow, pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

Visit = Callable[..., Opened]
PAGES = ("leaderboard", "analytics")
SMALL = """[...document.querySelectorAll("main a, main button, main select, .rail a")]
.map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
.filter(([, box]) => box.width > 0 && (box.width < 44 || box.height < 44))
.map(([html]) => html)"""


def trips(tape: Tape, strategy: str, gains: list[int]) -> None:
    """Buy at 40 cents and sell some ticks away, again and again."""
    for gain in gains:
        tape.trade("BUY", 1_000, 4_000, strategy=strategy)
        tape.trade("SELL", 1_000, 4_000 + gain, strategy=strategy)
    tape.flush()


@pytest.mark.parametrize("state", ["never", "empty", "live"])
@pytest.mark.parametrize("name", PAGES)
def test_it_is_whole_in_every_state_width_and_theme(
    name: str, state: str, visit: Visit, dashboard: Dashboard, request: pytest.FixtureRequest
) -> None:
    """No console error, no policy report, no sideways scroll; the right words for the state."""
    if state != "never":
        tape: Tape = request.getfixturevalue("tape")
        tape.flush()
        if state == "live":
            traded(tape)
            trips(tape, "momentum", [100, -50, 200] * 4)
    empty = {
        ("leaderboard", "never"): ("ranking", "No strategy yet"),
        ("leaderboard", "empty"): ("curves", "No trade in this period"),
        ("analytics", "never"): ("drawdown", "No equity yet"),
        ("analytics", "empty"): ("figures", "No trade in this range"),
    }
    for width, height in SIZES:
        opened = visit(width, height, path=name)
        for theme in THEMES:
            opened.page.emulate_media(color_scheme=theme)
            whole(opened)
        if state == "live":
            shown = opened.page.locator('.panel[data-state="live"], .panel[data-state="stale"]')
            expect(shown).to_have_count(3 if name == "leaderboard" else 11)
        else:
            panel, words = empty[name, state]
            expect(opened.page.locator(f"#panel-{panel}")).to_contain_text(words)
        opened.page.context.close()


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


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_everything_can_be_touched(name: str, tape: Tape, visit: Visit) -> None:
    traded(tape)
    opened = visit(390, 844, path=name)
    whole(opened)
    assert opened.page.evaluate(SMALL) == []


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(
    name: str, width: int, tape: Tape, dashboard: Dashboard, browser: Browser, root: Path
) -> None:
    """The checks of axe-core that a machine can do, in both themes."""
    axe = root / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    traded(tape)
    trips(tape, "momentum", [100, -50, 200] * 4)
    tape.trade("BUY", 10, 4_000, symbol=YES, strategy="lucky")
    tape.flush()
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(dashboard.url + name)
    expect(page.locator('.panel[data-state="loading"]')).to_have_count(0)
    page.evaluate(axe.read_text(encoding="utf-8"))
    for state in ("live", "stale"):
        if state == "stale":
            tape.board.put([], tape.heartbeat(age_ns=60 * 10**9))
            expect(page.locator('.panel[data-state="live"]')).to_have_count(0)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            found = page.evaluate("axe.run().then((result) => result.violations)")
            told = [(each["id"], each["nodes"][0]["html"]) for each in found]
            assert told == [], state
    context.close()
