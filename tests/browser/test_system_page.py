"""The machine room in a real browser: whole at every size, and its buttons do what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import PATIENCE_MS, Dashboard, Opened
from tests.dashboard.tapes import Tape, busy

pytestmark = [pytest.mark.slow, pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

Visit = Callable[..., Opened]

SIZES = ((1440, 900), (1024, 768), (390, 844))
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNSETTLED = '.panel[data-state="loading"], .panel[data-state="error"]'
SMALL = """[...document.querySelectorAll("main a, main button, main select, main input")]
.map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
.filter(([, box]) => box.width > 0 && (box.width < 44 || box.height < 44)).map(([html]) => html)"""


def logged(folder: Path) -> None:
    (folder / "logs").mkdir()
    lines = [
        {"timestamp": "2026-01-01T00:00:01Z", "level": "info", "event": "the bot runs"},
        {"timestamp": "2026-01-01T00:00:02Z", "level": "error", "event": "<b>no</b>", "why": "x"},
    ]
    (folder / "logs" / "bot.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


@pytest.mark.parametrize("state", ["never", "live"])
def test_it_is_whole_in_every_state_width_and_theme(
    state: str, visit: Visit, data_dir: Path, request: pytest.FixtureRequest
) -> None:
    """No console error, no policy report, no sideways scroll, nothing too small to touch."""
    if state == "live":
        busy(request.getfixturevalue("tape"))
        logged(data_dir)
    for width, height in SIZES:
        opened = visit(width, height, path="system")
        page = opened.page
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            expect(page.locator("#sign-connection")).to_contain_text("Connected")
            expect(page.locator(UNSETTLED)).to_have_count(0)
            assert page.evaluate(SIDEWAYS) <= 0
            assert opened.found() == []
        if width < 700:
            assert page.evaluate(SMALL) == []
        page.context.close()


def test_verify_now_says_what_it_found(tape: Tape, visit: Visit) -> None:
    """The button starts a process, waits for it without a reload, and shows its verdict."""
    busy(tape)
    opened = visit(path="system")
    page = opened.page
    page.locator("#verify-now").click()
    expect(page.locator("#verdict")).to_contain_text("Nothing differs")
    expect(page.locator("#verdict")).to_contain_text(f"{tape.ledger.head_seq()} records")
    expect(page.locator("#verify-now")).to_be_enabled()
    assert opened.found() == []


def test_the_log_is_filtered_and_shows_text_as_text(
    tape: Tape, visit: Visit, data_dir: Path
) -> None:
    """Levels and words are asked of the server; markup in a line is no markup."""
    logged(data_dir)
    opened = visit(path="system")
    page = opened.page
    rows = page.locator("#rows-log li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("<b>no</b>")
    page.get_by_label("Level").select_option("error")
    expect(rows).to_have_count(1)
    page.get_by_label("Level").select_option("")
    page.get_by_label("Search the log").fill("runs BOT")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("the bot runs")
    page.get_by_label("Search the log").fill("nothing of the kind")
    expect(rows.first).to_contain_text("No line matches")
    assert opened.found() == []


def test_a_halt_is_asked_about_first(tape: Tape, visit: Visit) -> None:
    """Cancel does nothing; without a bot the command comes back as a clear error."""
    tape.quote(3_900, 4_100)
    page = visit(path="system").page
    tape.quote(3_900, 4_100)  # a sign of life while the page opened
    halt = page.locator('[data-action="halt"]')
    expect(halt).to_be_enabled()
    expect(page.locator('[data-action="resume"]')).to_be_disabled()
    halt.click()
    expect(page.locator("dialog")).to_contain_text("Halt all trading?")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    tape.quote(3_900, 4_100)
    expect(halt).to_be_enabled()
    halt.click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator('.toast[data-type="error"]')).to_contain_text(re.compile("Not done"))


def test_axe_finds_no_violation(
    tape: Tape, dashboard: Dashboard, browser: Browser, root: Path, data_dir: Path
) -> None:
    """The checks of axe-core that a machine can do, in both themes."""
    axe = root / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    busy(tape)
    logged(data_dir)
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(dashboard.url + "system")
    expect(page.locator("#sign-connection")).to_contain_text("Connected")
    expect(page.locator(UNSETTLED)).to_have_count(0)
    page.evaluate(axe.read_text(encoding="utf-8"))
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found = page.evaluate("axe.run().then((result) => result.violations)")
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    context.close()
