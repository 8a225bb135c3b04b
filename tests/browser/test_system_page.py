"""The machine room in a real browser: whole at every size, and its buttons do what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.checks import Visit
from tests.dashboard.tapes import Tape, busy

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def logged(folder: Path) -> None:
    (folder / "logs").mkdir()
    lines = [
        {"timestamp": "2026-01-01T00:00:01Z", "level": "info", "event": "the bot runs"},
        {"timestamp": "2026-01-01T00:00:02Z", "level": "error", "event": "<b>no</b>", "why": "x"},
    ]
    (folder / "logs" / "bot.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


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
