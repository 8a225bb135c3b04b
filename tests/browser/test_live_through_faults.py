"""The live line under fire, and one real bot seen on every page at once."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from tests.browser.checks import Visit, settle
from tests.browser.conftest import Dashboard, free_port, open_page
from tests.dashboard.tapes import Tape
from tests.e2e.bots import bot

UPDATES_MIN = 1_000
CUTS_MIN = 5
SEED = 20_261_123

# The page's own modules once more, so that a test can read what they know.
PROBE = """async () => {
  const { Store } = await import("/static/js/store.js");
  const { Live } = await import("/static/js/live.js");
  const store = new Store();
  window.probe = store;
  new Live(store, { onChange: () => {}, onNotice: () => {} }).start();
}"""
# What does not age: figures of the books, lists, counts and charts.
KNOWN = """() => {
  const { portfolio, trades, strategies, alerts, activity, charts } = window.probe.state;
  return window.probe.waiting ? null
    : JSON.stringify({ portfolio, trades, strategies, alerts, activity, charts });
}"""


class Faults:
    """Stands between server and page: drops, doubles and swaps updates, and cuts the line."""

    def __init__(self, seed: int) -> None:
        """Decide by this seed."""
        self._random = random.Random(seed)
        self.updates = self.cuts = self.dropped = self.doubled = self.swapped = 0
        self.calm = False

    def route(self, line: WebSocketRoute) -> None:
        """Let one line through, with faults."""
        server = line.connect_to_server()
        kept: list[str | bytes] = []

        def told(message: str | bytes) -> None:
            update = isinstance(message, str) and "_update" in message[:60]
            self.updates += update
            chance = self._random.random()
            if self.calm or not update or chance > 0.35:
                line.send(message)
                while kept:
                    line.send(kept.pop())
            elif chance < 0.15:
                self.dropped += 1
            elif chance < 0.25:
                self.doubled += 1
                line.send(message)
                line.send(message)
            elif chance < 0.34:
                self.swapped += 1
                kept.append(message)  # comes after the next one
            else:
                self.cuts += 1
                line.close()
                server.close()

        server.on_message(told)


def test_a_thousand_updates_with_faults_end_in_the_servers_state(
    tape: Tape, dashboard: Dashboard, visit: Visit
) -> None:
    faults = Faults(SEED)
    page = visit().page
    page.route_web_socket(re.compile("socket.io"), faults.route)
    page.reload()
    page.evaluate(PROBE)
    written = 0
    while (faults.updates < UPDATES_MIN or faults.cuts < CUTS_MIN) and written < 20_000:
        for n in range(20):
            side = "SELL" if (written + n) % 2 else "BUY"
            tape.trade(side, lots=100, ticks=4_000 + 10 * (written % 7))
        written += 20
        tape.mark(10_000_000_000 + written)
        page.wait_for_timeout(100)
    assert faults.updates >= UPDATES_MIN
    assert faults.cuts >= CUTS_MIN
    assert min(faults.dropped, faults.doubled, faults.swapped) > 20
    faults.calm = True
    tape.flush()
    clean = visit().page
    settle(clean)
    clean.evaluate(PROBE)
    same = poll_same(page, clean)
    assert same["trades"][0]["id"] == f"F{written}"
    assert len({row["id"] for row in same["trades"]}) == 100
    assert same["portfolio"]["summary"]["trades_count"] == written
    expect(page.locator("#sign-connection")).to_contain_text("Connected")
    first = page.locator("#rows-trades tr").first
    expect(first).to_have_attribute("data-key", f"F{written}")


def poll_same(page: Page, clean: Page) -> dict[str, Any]:
    """Return what both pages know, once it is the same; the last difference is told."""
    shown: tuple[str | None, str | None] = (None, None)
    for _ in range(100):
        shown = (page.evaluate(KNOWN), clean.evaluate(KNOWN))
        if shown[0] is not None and shown[0] == shown[1]:
            found: dict[str, Any] = json.loads(shown[0])
            return found
        page.wait_for_timeout(200)
    mine, server = (json.loads(text or "{}") for text in shown)
    differing = [name for name in server if mine.get(name) != server[name]]
    raise AssertionError(f"after 20 s still different: {differing or shown}")


@pytest.fixture
def real(browser: Browser, tmp_path: Path) -> Iterator[tuple[Dashboard, dict[str, Page]]]:
    """Return a dashboard without a bot, and four of its pages open side by side."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    made = Dashboard(data_dir, tmp_path / "dashboard.log", free_port())
    made.start()
    pages = {}
    for path in ("", "trades", "leaderboard", "journal"):
        opened = open_page(browser, (1440, 900))
        opened.page.goto(made.url + path)
        pages[path] = opened.page
    yield made, pages
    for page in pages.values():
        page.context.close()
    made.stop()


ROWS = {
    "": "#rows-trades tr",
    "trades": "#rows-trades tr:not(.spacer)",
    "leaderboard": "#rows-ranking tr",
    "journal": "#rows-journal li",
}


def test_a_fill_of_a_real_bot_is_on_every_page_without_a_reload(
    real: tuple[Dashboard, dict[str, Page]],
) -> None:
    """Opened before the bot ever ran; then it trades, is killed, and trades again."""
    made, pages = real
    words = ("--speed", "30", "--strategies", "arbitrage", "--seed", "7")
    with bot(*words, data_dir=made.data_dir) as running:
        seen(pages)
        running.kill()
        running.wait(10)
    for page in pages.values():
        expect(page.locator(".topline")).to_contain_text(re.compile("silent|stopped|dead", re.I))
    before = trades_of(pages[""])
    with bot(*words, data_dir=made.data_dir):
        for page in pages.values():
            expect(page.locator(".topline")).to_contain_text("Bot running")
        grown = f"Number(document.querySelector('#rows-trades tr').dataset.key !== {before!r})"
        pages[""].wait_for_function(grown)


def trades_of(page: Page) -> str:
    """Return the key of the newest trade shown."""
    key = page.locator("#rows-trades tr").first.get_attribute("data-key")
    assert key
    return key


def seen(pages: dict[str, Page]) -> None:
    """Wait until a trade of the bot is on each page."""
    for path, page in pages.items():
        expect(page.locator(ROWS[path]).first).to_contain_text("arbitrage", timeout=40_000)
