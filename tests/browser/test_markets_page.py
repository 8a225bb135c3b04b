"""The markets page in a real browser: books live, groups with their sums, each market explained."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.browser.checks import Visit, settle, traded
from tests.dashboard.tapes import YES, Tape
from tests.dashboard.test_markets import race

pytestmark = [pytest.mark.slow, pytest.mark.browser]
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


def test_depth_and_prints_of_an_open_market_follow_the_board(tape: Tape, visit: Visit) -> None:
    """Levels with what they add up to, in words too; a new print joins without a reload."""
    quoted(tape)
    tape.depth()
    opened = visit(path=f"markets?market={RAIN}")
    depth = opened.page.locator(".drawer-depth")
    expect(depth).to_contain_text("600 bid over 3 levels to 38.0 ¢")
    expect(depth.locator("table.depth tbody tr")).to_have_count(3)
    expect(depth.locator("section").last).to_contain_text("40.0 ¢")
    tape.depth(best_ticks=4_300)
    expect(depth).to_contain_text("600 bid over 3 levels to 41.0 ¢")
    expect(depth.locator("section").last).to_contain_text("43.0 ¢")
    assert opened.found() == []


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
