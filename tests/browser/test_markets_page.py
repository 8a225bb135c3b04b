"""The markets page in a real browser: books live, groups with their sums, each market explained."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import PATIENCE_MS, Dashboard, Opened
from tests.browser.test_index_page import SIZES, THEMES, settle, traded, whole
from tests.dashboard.tapes import YES, Tape
from tests.dashboard.test_markets import race

pytestmark = [pytest.mark.slow, pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

Visit = Callable[..., Opened]
BOOKS = "#books tbody.book"
RAIN = "simulated:will-it-rain"


def quoted(tape: Tape) -> None:
    """Write trades, a race of two markets and prices of all."""
    traded(tape)
    race(tape)
    prices = {"adler": 4_200, "brandt": 5_500}
    for name, ticks in prices.items():
        tape.quote(ticks - 200, ticks, symbol=f"simulated:{name}:YES")
        tape.quote(9_800 - ticks, 10_000 - ticks, symbol=f"simulated:{name}:NO")
    tape.quote(3_900, 4_100)


@pytest.mark.parametrize("state", ["never", "live", "off", "open", "no match"])
def test_it_is_whole_in_every_state_width_and_theme(
    state: str, visit: Visit, dashboard: Dashboard, request: pytest.FixtureRequest
) -> None:
    """No console error, no policy report, no sideways scroll; the right words for the state."""
    if state != "never":
        tape: Tape = request.getfixturevalue("tape")
        quoted(tape)
        if state == "off":
            tape.board.put([], tape.heartbeat(stopped=True))
    path = {"open": f"markets?market={RAIN}", "no match": "markets?q=snow"}.get(state, "markets")
    words = {"no match": "No market fits this filter", "never": "No market yet"}
    for width, height in SIZES:
        opened = visit(width, height, path=path)
        page = opened.page
        if state == "open":
            expect(page.locator("#drawer")).to_contain_text("Our newest trades here")
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            whole(opened)
        if state in words:
            expect(page.locator("#panel-books")).to_contain_text(words[state])
        else:
            expect(page.locator(BOOKS)).to_have_count(3)
        page.context.close()


def test_prices_move_and_groups_add_up(tape: Tape, visit: Visit) -> None:
    """A quote on the board is on the page without a reload; a race's sum is that of its members."""
    quoted(tape)
    tape.quote(5_300, 5_500, symbol="simulated:brandt:YES")
    opened = visit(path="markets?q=brandt")
    page = opened.page
    settle(page)
    # One of the race is decided and has no book to buy: a sum of the rest would mean nothing.
    expect(page.locator("#books .group-title")).to_have_text("Mayor's race")
    book = page.locator(BOOKS)
    expect(book).to_have_count(1)
    expect(book).to_contain_text("55.0 ¢")
    tape.quote(5_100, 5_234, symbol="simulated:brandt:YES")
    expect(book).to_contain_text("52.34 ¢")
    expect(book.locator(".axis span").first).to_have_attribute(
        "style", re.compile(r"left: 51%; width: 1\.34%")
    )
    assert opened.found() == []


def test_a_market_opens_all_that_is_known_of_it(tape: Tape, visit: Visit) -> None:
    """Keys and address lead there; what is held, traded and not taken is told; the book is live."""
    quoted(tape)
    opened = visit(path="markets?q=rain")
    page = opened.page
    settle(page)
    expect(page.locator(BOOKS)).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    drawer = page.locator("#drawer")
    expect(drawer).to_contain_text("the edge is below the fees")
    assert "market=simulated%3Awill-it-rain" in page.url
    for words in ("Book now", "Held here", "Book stale", "not taken", "arbitrage"):
        expect(drawer).to_contain_text(words)
    tape.quote(3_900, 4_321)
    expect(drawer.locator(".drawer-book")).to_contain_text("43.21 ¢")
    tape.trade("BUY", lots=777, ticks=4_300)
    expect(drawer).to_contain_text("7.77")
    shared = page.url
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.locator("tbody.current .row-link")).to_be_focused()
    page.goto(shared)
    expect(drawer).to_contain_text("Will it rain?")
    page.get_by_role("link", name="All our trades here").click()
    expect(page.locator("#rows-trades tr:not(.spacer)")).to_have_count(14)
    assert opened.found() == []


def test_the_filter_is_in_the_address(tape: Tape, visit: Visit) -> None:
    quoted(tape)
    page = visit(path="markets").page
    settle(page)
    expect(page.locator(BOOKS)).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("rain")
    expect(page.locator(BOOKS)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/markets\?q=rain$"))
    page.locator("#filter [name=q]").fill("")
    page.locator("#filter [name=state]").select_option("settled")
    expect(page.locator(BOOKS)).to_have_count(1)
    expect(page.locator(BOOKS)).to_contain_text("Will Adler win?")
    page.reload()
    expect(page.locator(BOOKS)).to_have_count(1)
    assert page.locator(f'[data-key="{YES}"]').count() == 0


def test_on_a_phone_everything_can_be_touched(tape: Tape, visit: Visit) -> None:
    """At 390 px every button and link is at least 44 px both ways, the drawer's too."""
    quoted(tape)
    page = visit(390, 844, path=f"markets?market={RAIN}").page
    settle(page)
    expect(page.locator("#drawer")).to_contain_text("Our newest trades here")
    small = page.evaluate(
        """[...document.querySelectorAll("main a, main button, main input, main select, .rail a")]
        .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
        .filter(([, box]) => box.width > 1 && (box.width < 44 || box.height < 44))
        .map(([html]) => html)"""
    )
    assert small == []


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_no_violation(
    width: int, tape: Tape, dashboard: Dashboard, browser: Browser, root: Path
) -> None:
    """The checks of axe-core that a machine can do, in both themes, with and without a market."""
    axe = root / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    quoted(tape)
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
    page = context.new_page()
    for path in ("markets", f"markets?market={RAIN}"):
        page.goto(dashboard.url + path)
        settle(page)
        if "market=" in path:
            expect(page.locator("#drawer")).to_contain_text("Our newest trades here")
        page.evaluate(axe.read_text(encoding="utf-8"))
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            found = page.evaluate("axe.run().then((result) => result.violations)")
            assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    context.close()
