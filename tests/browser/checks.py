"""What holds on every page, whatever it shows, and the small worlds that it is looked at in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import PATIENCE_MS, Opened
from tests.dashboard.tapes import NO, Tape

expect.set_options(timeout=PATIENCE_MS)

Visit = Callable[..., Opened]

SIZES = ((1440, 900), (1024, 768), (390, 844))
PHONE = SIZES[-1]
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TOUCH_PX_MIN = 44
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNSETTLED = '.panel[data-state="loading"], .panel[data-state="error"]'
# An element that is only there for screen readers is a pixel wide; one that is hidden has no box.
SMALL = f"""[...document.querySelectorAll(
  "a, button, select, .input, input:not([type=checkbox], [type=radio]), .stars label > span")]
.filter((node) => !node.closest(".foot, .skip, .prose, [inert]"))
.map((node) => [node.outerHTML.slice(0, 90), node.getBoundingClientRect()])
.filter(([, box]) => box.width > 2 && box.height > 2)
.filter(([, box]) => box.width < {TOUCH_PX_MIN} || box.height < {TOUCH_PX_MIN})
.map(([html, box]) => `${{html}} is ${{box.width}} x ${{box.height}}`)"""
AXE = """axe.run(document, {resultTypes: ["violations"]}).then((result) => result.violations.map(
  (each) => `${each.id}: ${each.nodes[0].html} ${each.nodes[0].failureSummary}`))"""
CONTRAST = AXE.replace("{resultTypes", '{runOnly: ["color-contrast"], resultTypes')


def traded(tape: Tape, count: int = 6) -> None:
    """Write some trades, refusals and equity samples."""
    for i in range(count):
        tape.trade("BUY", lots=1_000, ticks=4_000, strategy="momentum")
        tape.trade("SELL", lots=1_000, ticks=4_100 if i % 2 else 3_800, strategy="momentum")
        tape.mark(10_000_000_000 + 1_000_000 * (i % 3))
    tape.trade("BUY", lots=5_000, ticks=4_000, strategy="arbitrage", symbol=NO)
    tape.refuse()
    tape.quote(3_900, 4_100)
    tape.quote(5_800, 6_000, symbol=NO)
    tape.flush()


def trips(tape: Tape, strategy: str, gains: list[int]) -> None:
    """Buy at 40 cents and sell some ticks away, again and again."""
    for gain in gains:
        tape.trade("BUY", 1_000, 4_000, strategy=strategy)
        tape.trade("SELL", 1_000, 4_000 + gain, strategy=strategy)
    tape.flush()


def settle(page: Page) -> None:
    """Wait until the line lives and every panel knows what it shows."""
    expect(page.locator("#sign-connection")).to_contain_text("Connected")
    expect(page.locator(UNSETTLED)).to_have_count(0)


def whole(opened: Opened) -> None:
    """Check what holds in every state, width and theme."""
    settle(opened.page)
    assert opened.page.evaluate(SIDEWAYS) <= 0
    assert opened.found() == []


def keys_of(rows: Locator) -> list[str]:
    """Return the keys of a list's rows, in their order."""
    found: list[str] = rows.evaluate_all("rows => rows.map(row => row.dataset.key)")
    return found
