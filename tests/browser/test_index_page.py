"""The overview in a real browser: it is whole, it is live, and it says when it is not."""

from __future__ import annotations

import json
import re
import time
import urllib.request

import pytest
from playwright.sync_api import WebSocketRoute, expect
from tests.browser.checks import Visit, settle, traded, whole
from tests.browser.conftest import PATIENCE_MS, Dashboard
from tests.dashboard.tapes import YES, Tape

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_fill_on_the_ledger_appears_without_reload(
    tape: Tape, dashboard: Dashboard, visit: Visit
) -> None:
    """The new trade is the first row, told by a toast, and the figures are the ledger's."""
    traded(tape)
    opened = visit()
    page = opened.page
    settle(page)
    page.evaluate("window.neverReloaded = true")
    began = time.monotonic()
    tape.trade("BUY", lots=12_345, ticks=4_200, strategy="momentum")
    first = page.locator("#rows-trades tr").first
    expect(first).to_contain_text("123.45")
    assert time.monotonic() - began < PATIENCE_MS / 1000
    expect(first).to_contain_text("42.0 ¢")
    expect(page.locator(".toast").first).to_contain_text("Buy 123.45 Will it rain? YES at 42.0 ¢")
    expect(page.locator("#rows-trades tr")).to_have_count(14)
    with urllib.request.urlopen(dashboard.url + "api/portfolio", timeout=5) as answer:
        summary = json.load(answer)["data"]["summary"]
    cash = page.locator('#figure-cash [data-field="value"]')
    expect(cash).to_have_text(f"{summary['cash']:,.2f}")
    assert page.evaluate("window.neverReloaded") is True
    whole(opened)


def test_a_burst_of_trades_is_one_toast(tape: Tape, visit: Visit) -> None:
    """The first trade is told at once, the others together; every one of them is in the table."""
    opened = visit()
    page = opened.page
    settle(page)
    for _ in range(15):
        tape.trade("BUY", lots=100, ticks=4_000)
    expect(page.locator("#rows-trades tr")).to_have_count(15)
    expect(page.locator(".toast").filter(has_text="new trades").first).to_be_visible()
    assert page.locator(".toast").count() <= 4
    ids = page.evaluate("[...document.querySelectorAll('#rows-trades tr')].map(r => r.dataset.key)")
    assert ids == [f"F{n}" for n in range(15, 0, -1)]


def test_it_says_when_the_bot_stops_and_comes_alive_by_itself(tape: Tape, visit: Visit) -> None:
    """Bot off: since when, and that the numbers are of then; no reload brings it back."""
    traded(tape, 2)
    opened = visit()
    page = opened.page
    settle(page)
    expect(page.locator("#sign-bot")).to_contain_text("Bot running")
    tape.board.put([], tape.heartbeat(stopped=True))
    expect(page.locator("#notice")).to_contain_text("These are the numbers as of then.")
    expect(page.locator("#sign-bot")).to_contain_text("Bot off")
    tape.board.put([], tape.heartbeat())
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#sign-bot")).to_contain_text("Bot running")
    assert opened.found() == []


def test_after_a_dropped_connection_nothing_is_missed_or_doubled(
    tape: Tape, dashboard: Dashboard, visit: Visit
) -> None:
    """The dashboard dies and comes back; the page says so, and shows each trade once."""
    traded(tape, 2)
    page = visit().page
    settle(page)
    dashboard.stop()
    expect(page.locator("#sign-connection")).to_contain_text("Connection lost")
    expect(page.locator("#notice")).to_contain_text("Connection lost. These are the numbers as of")
    for _ in range(3):
        tape.trade("BUY", lots=100, ticks=4_000)
    tape.flush()
    tape.quote(3_900, 4_100)
    dashboard.start()
    expect(page.locator("#sign-connection")).to_contain_text("Connected")
    expect(page.locator("#rows-trades tr")).to_have_count(8)
    tape.trade("SELL", lots=100, ticks=4_100)
    expect(page.locator("#rows-trades tr")).to_have_count(9)
    ids = page.evaluate("[...document.querySelectorAll('#rows-trades tr')].map(r => r.dataset.key)")
    assert ids == [f"F{n}" for n in (10, 9, 8, 7, 5, 4, 3, 2, 1)]


def test_without_a_socket_it_asks_by_http(tape: Tape, visit: Visit) -> None:
    """Where no WebSocket gets through, the same numbers come every 5 s, and the page says so."""
    traded(tape, 2)
    page = visit().page
    settle(page)

    def shut(socket: WebSocketRoute) -> None:
        socket.close()

    page.route_web_socket(re.compile("socket.io"), shut)
    page.reload()
    expect(page.locator("#sign-connection")).to_contain_text("Polling")
    expect(page.locator("#rows-trades tr")).to_have_count(5)
    tape.trade("BUY", lots=100, ticks=4_000)
    expect(page.locator("#rows-trades tr")).to_have_count(6)


def test_the_theme_is_switched_and_remembered(tape: Tape, visit: Visit) -> None:
    """A choice of the person goes before the browser's own, also after a reload."""
    opened = visit(theme="dark")
    page = opened.page
    settle(page)
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.locator("#theme-switch").click()
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert dark != light
    page.reload()
    settle(page)
    again = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert again == light
    assert opened.found() == []


def test_the_promised_functions_work_from_the_console(tape: Tape, visit: Visit) -> None:
    """Charts, toasts and the confirm dialog under the names and manners of the contract."""
    traded(tape)
    opened = visit()
    page = opened.page
    settle(page)
    for name in ("pnl", "strategies"):
        page.evaluate("(name) => updateChart(name, {labels: ['a'], values: [1]})", name)
    page.evaluate("showSuccess('saved'); showError('failed')")
    expect(page.locator('.toast[data-type="success"]')).to_have_text("saved")
    expect(page.locator('.toast[data-type="success"]')).to_have_count(0)  # it leaves by itself
    expect(page.locator('.toast[data-type="error"]')).to_have_text("failed")  # it stays
    page.locator('.toast[data-type="error"] button').click()
    expect(page.locator(".toast")).to_have_count(0)
    ask = "confirmAction('Sure?', () => document.body.id = 'yes', () => document.body.id = 'no')"
    page.evaluate(ask)
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("body")).to_have_id("yes")
    page.evaluate(ask)
    page.keyboard.press("Escape")
    expect(page.locator("body")).to_have_id("no")
    assert opened.found() == []


def test_charts_and_tables_have_words_beside_them(tape: Tape, visit: Visit) -> None:
    """Who cannot see a chart is told what it shows; the market strip names its prices."""
    traded(tape)
    page = visit().page
    settle(page)
    expect(page.locator("#text-cumulative")).to_contain_text("Equity from 10,000.00")
    expect(page.locator("#text-allocation")).to_contain_text("Cash")
    expect(page.locator("#text-distribution")).to_contain_text("lost")
    expect(page.locator("#rows-markets li")).to_have_count(1)
    expect(page.locator("#rows-markets")).to_contain_text("Will it rain?")
    expect(page.locator("#rows-refusals")).to_contain_text("Book stale")
    assert page.locator(f'[data-key="{YES}"]').count() == 1
    for landmark in ("main", "nav", "header.topline", "footer"):
        assert page.locator(landmark).first.is_visible()
