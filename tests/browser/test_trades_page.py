"""The trades page in a real browser: long, live, filtered by its address, each trade explained."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import Page, expect
from tests.browser.checks import Visit, settle, traded
from tests.browser.conftest import Dashboard
from tests.dashboard.tapes import NO, Tape

pytestmark = [pytest.mark.slow, pytest.mark.browser]
ROWS = "#rows-trades tr:not(.spacer)"
IDS = f"[...document.querySelectorAll('{ROWS}')].map(row => row.dataset.key)"


def story_open(page: Page, trade_id: str) -> None:
    """Wait until the story of a trade is told."""
    expect(page.locator("#drawer")).to_be_visible()
    expect(page.locator("#drawer")).to_contain_text(f"Fill {trade_id}")
    assert f"trade={trade_id}" in page.url


def test_a_row_opens_its_story_and_the_address_says_which(tape: Tape, visit: Visit) -> None:
    """Click, back, Escape and a copied address all lead where they say."""
    traded(tape)
    opened = visit(path="trades")
    page = opened.page
    settle(page)
    page.locator(ROWS).filter(has_text="Sell").first.click()
    story_open(page, "F12")
    drawer = page.locator("#drawer")
    for words in ("Level used", "Seen on that level", "price rises", "Passed", "Change of cash"):
        expect(drawer).to_contain_text(words)
    expect(drawer.locator(".story-seq").first).to_have_text(re.compile(r"^seq \d+$"))
    shared = page.url
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    assert "trade=" not in page.url
    page.go_back()
    story_open(page, "F12")
    page.goto(shared)
    story_open(page, "F12")
    page.locator(".drawer-close").click()
    expect(drawer).to_be_hidden()
    assert opened.found() == []


def test_an_address_of_no_trade_says_so(tape: Tape, visit: Visit) -> None:
    traded(tape)
    page = visit(path="trades?trade=F999").page
    expect(page.locator("#drawer")).to_contain_text("There is no trade F999")


def test_keys_reach_every_trade(tape: Tape, visit: Visit) -> None:
    """`/` to the filter, `j` and `k` through the rows, Enter opens, Escape comes back."""
    traded(tape)
    page = visit(path="trades").page
    settle(page)
    expect(page.locator(ROWS)).to_have_count(13)
    page.keyboard.press("/")
    expect(page.locator("#filter [name=q]")).to_be_focused()
    page.keyboard.type("rain jk/")
    expect(page.locator("#panel-list")).to_contain_text("No trade fits")
    page.locator("#filter-clear").click()
    expect(page.locator(ROWS)).to_have_count(13)
    page.keyboard.press("Escape")
    for key in "jjk":
        page.keyboard.press(key)
    expect(page.locator("tr.current")).to_have_attribute("data-key", "F13")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    story_open(page, "F12")
    page.keyboard.press("Escape")
    expect(page.locator("tr.current .row-link")).to_be_focused()


def test_the_filter_is_in_the_address_and_in_the_export(
    tape: Tape, dashboard: Dashboard, visit: Visit
) -> None:
    """What is typed is asked of the server, kept by a reload, and exported as it is shown."""
    traded(tape)
    opened = visit(path="trades")
    page = opened.page
    settle(page)
    page.locator("#filter [name=strategy]").select_option("arbitrage")
    expect(page.locator(ROWS)).to_have_count(1)
    page.locator("#filter [name=q]").fill("rain no")
    expect(page).to_have_url(re.compile(r"trades\?q=rain\+no&strategy=arbitrage$"))
    page.reload()
    settle(page)
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator("#filter [name=q]")).to_have_value("rain no")
    href = page.locator('[data-format="json"]').get_attribute("href")
    assert href is not None
    with urllib.request.urlopen(dashboard.url + href.lstrip("/"), timeout=5) as answer:
        assert [row["id"] for row in json.load(answer)["trades"]] == ["F13"]
    tape.trade("BUY", lots=100, ticks=4_000, strategy="momentum")  # does not fit
    tape.trade("BUY", lots=777, ticks=4_000, strategy="arbitrage", symbol=NO)
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator(ROWS).first).to_contain_text("7.77")
    assert opened.found() == []


def test_a_thousand_trades_few_rows_none_missed_none_twice(tape: Tape, visit: Visit) -> None:
    """Only what is in view is drawn; scrolling shows every trade once; news waits in a pill."""
    for _ in range(600):
        tape.trade("BUY", lots=100, ticks=4_000)
    tape.flush()
    tape.quote(3_900, 4_100)
    opened = visit(path="trades")
    page = opened.page
    settle(page)
    expect(page.locator(ROWS).first).to_have_attribute("data-key", "F600")
    seen: set[str] = set()
    scroll = page.locator("#trades-scroll")
    for _ in range(200):
        ids = page.evaluate(IDS)
        assert len(ids) < 80
        assert ids == sorted(ids, key=lambda each: -int(each[1:]))
        seen.update(ids)
        if "F1" in seen:
            break
        scroll.evaluate("node => node.scrollBy(0, 700)")
        page.wait_for_timeout(30)
    assert seen == {f"F{n}" for n in range(1, 601)}
    expect(page.locator("#list-foot")).to_have_text("600 trades, all")
    place = scroll.evaluate("node => node.scrollTop")
    for _ in range(3):
        tape.trade("BUY", lots=100, ticks=4_000)
    expect(page.locator("#new-trades")).to_have_text("3 new trades ↑")
    assert scroll.evaluate("node => node.scrollTop") == place
    page.locator("#new-trades").click()
    expect(page.locator(ROWS).first).to_have_attribute("data-key", "F603")
    expect(page.locator("#new-trades")).to_be_hidden()
    tape.trade("SELL", lots=100, ticks=4_000)
    expect(page.locator(ROWS).first).to_have_attribute("data-key", "F604")
    page.locator("#sort-time").click()
    expect(page.locator(ROWS).first).to_have_attribute("data-key", "F1")
    assert opened.found() == []


def test_after_a_dropped_connection_the_list_is_whole(
    tape: Tape, dashboard: Dashboard, visit: Visit
) -> None:
    traded(tape, 2)
    page = visit(path="trades").page
    settle(page)
    dashboard.stop()
    expect(page.locator("#sign-connection")).to_contain_text("Connection lost")
    for _ in range(3):
        tape.trade("BUY", lots=100, ticks=4_000)
    tape.flush()
    dashboard.start()
    expect(page.locator(ROWS)).to_have_count(8)
    assert page.evaluate(IDS) == [f"F{n}" for n in (9, 8, 7, 5, 4, 3, 2, 1)]


def test_a_phone_sorts_without_a_table_head(tape: Tape, visit: Visit) -> None:
    traded(tape)
    page = visit(390, 844, path="trades").page
    settle(page)
    page.locator("#filter-more").click()
    page.locator("#filter [name=sort]").select_option("time")
    expect(page.locator(ROWS).first).to_have_attribute("data-key", "F1")
