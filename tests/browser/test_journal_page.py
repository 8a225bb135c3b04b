"""The journal in a real browser: whole at every size, by keys alone, and no word is ever lost."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import expect
from tests.browser.checks import Visit, settle, traded
from tests.browser.conftest import Dashboard
from tests.dashboard.tapes import NO, Tape

pytestmark = [pytest.mark.slow, pytest.mark.browser]

EVIL = "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1)) [ok](https://a.example)"


def entries(dashboard: Dashboard) -> list[dict[str, object]]:
    with urllib.request.urlopen(dashboard.url + "api/journal/entries", timeout=5) as answer:
        found: list[dict[str, object]] = json.load(answer)["data"]
    return found


def test_a_review_by_keys_alone(tape: Tape, dashboard: Dashboard, visit: Visit) -> None:
    """j and k go through the list, a digit rates, Enter writes, Esc leaves; nothing jumps away."""
    traded(tape, 4)
    opened = visit(path="journal?show=review")
    page = opened.page
    settle(page)
    lines = page.locator(".trade-line")
    expect(lines).to_have_count(4)
    page.keyboard.press("j")
    expect(lines.nth(0)).to_have_attribute("aria-current", "true")
    page.keyboard.press("4")
    expect(lines.nth(0)).to_contain_text("4 of 5")
    page.keyboard.press("j")
    page.keyboard.press("2")
    expect(lines.nth(1)).to_contain_text("2 of 5")
    expect(lines).to_have_count(4)
    page.keyboard.press("Enter")
    expect(page.locator("#lessons")).to_be_focused()
    page.keyboard.type("wait for j and 5")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry-status")).to_contain_text("Saved")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect(lines.nth(0)).to_have_attribute("aria-current", "true")
    expect(page.locator("#lessons")).to_have_value("")
    found = {entry["rating"]: entry["lessons_learned"] for entry in entries(dashboard)}
    assert found == {4: None, 2: "wait for j and 5"}
    page.reload()
    settle(page)
    expect(lines.filter(has_text="to review")).to_have_count(2)
    expect(lines.filter(has_text="of 5")).to_have_count(1)  # the one in hand, which the link names
    assert opened.found() == []


def test_no_half_written_word_is_lost(tape: Tape, dashboard: Dashboard, visit: Visit) -> None:
    """New trades, a reload, another trade looked at, a dashboard that was away: the draft stays."""
    traded(tape, 4)
    opened = visit(path="journal")
    page = opened.page
    settle(page)
    lines = page.locator(".trade-line")
    lines.nth(1).click()
    page.locator("#notes").fill("half a thou")
    tape.trade("BUY", lots=700, ticks=4_000, symbol=NO, strategy="momentum")
    expect(lines).to_have_count(6)  # without a reload
    expect(page.locator("#notes")).to_have_value("half a thou")
    expect(page.locator("#notes")).to_be_focused()
    expect(page.locator(".entry-status")).to_contain_text("Draft")
    lines.nth(0).click()
    expect(page.locator("#notes")).to_have_value("")
    lines.nth(2).click()
    expect(page.locator("#notes")).to_have_value("half a thou")
    page.reload()
    settle(page)
    expect(page.locator("#notes")).to_have_value("half a thou")
    dashboard.stop()
    expect(page.locator("#sign-connection")).not_to_contain_text("Connected")
    page.locator("#notes").fill("a whole thought")
    page.locator('[data-field="save"]').click()
    expect(page.locator('.toast[data-type="error"]')).to_contain_text("Not saved")
    dashboard.start()
    expect(page.locator("#sign-connection")).to_contain_text("Connected")
    page.locator('[data-field="save"]').click()
    expect(page.locator(".entry-status")).to_contain_text("Saved")
    assert [entry["notes"] for entry in entries(dashboard)] == ["a whole thought"]
    page.locator("#notes").fill("second thought")
    page.get_by_role("button", name="Discard draft").click()
    expect(page.locator("#notes")).to_have_value("a whole thought")


def test_a_link_to_a_trade_far_down_opens_it(tape: Tape, visit: Visit) -> None:
    """More trades than a page of the list holds: the oldest is found, and stands once."""
    oldest = tape.trade("BUY", lots=777, ticks=4_000)
    tape.trade("SELL", lots=777, ticks=4_100)
    traded(tape, 60)
    opened = visit(path=f"journal?trade={oldest}")
    page = opened.page
    settle(page)
    expect(page.locator("#entry-facts")).to_contain_text("7.77 for")
    expect(page.locator(".trade-line")).to_have_count(51)
    page.get_by_role("button", name="Older trades").click()
    expect(page.locator(".trade-line")).to_have_count(62)
    assert opened.found() == []


def test_who_was_slower_sees_both_versions(tape: Tape, dashboard: Dashboard, visit: Visit) -> None:
    """What does not collide goes together; what does is for the person to choose."""
    traded(tape, 4)
    first, second = visit(path="journal").page, visit(path="journal").page
    for page in (first, second):
        settle(page)
        page.locator(".trade-line").nth(1).click()
    first.locator("#lessons").fill("from the first")
    first.locator('[data-field="save"]').click()
    expect(first.locator(".entry-status")).to_contain_text("Saved")
    second.locator("#tags").fill("late, news")
    second.locator('[data-field="save"]').click()
    expect(second.locator(".entry-status")).to_contain_text("Saved")
    expect(second.locator("#lessons")).to_have_value("from the first")
    first.locator("#lessons").fill("the first again")
    second.locator("#lessons").fill("from the second")
    second.locator('[data-field="save"]').click()
    expect(second.locator(".entry-status")).to_contain_text("Saved")
    first.locator('[data-field="save"]').click()
    conflict = first.locator(".conflict")
    expect(conflict).to_contain_text("the first again")
    expect(conflict).to_contain_text("from the second")
    first.get_by_role("button", name="Keep mine").click()
    expect(conflict).to_be_hidden()
    expect(first.locator(".entry-status")).to_contain_text("Saved")
    [entry] = entries(dashboard)
    assert (entry["lessons_learned"], entry["tags"]) == ("the first again", ["late", "news"])


def test_notes_are_words_and_never_markup(tape: Tape, visit: Visit) -> None:
    """Markdown is drawn; HTML in it is text, and only the web is linked to."""
    traded(tape, 4)
    opened = visit(path="journal")
    page = opened.page
    settle(page)
    page.locator(".trade-line").first.click()
    page.locator("#notes").fill(EVIL)
    preview = page.locator(".prose")
    expect(preview.locator("strong")).to_have_text("bold")
    expect(preview).to_contain_text("<img src=x onerror=alert(1)>")
    assert preview.locator("img").count() == 0
    expect(preview.locator("a")).to_have_attribute("href", "https://a.example")
    assert opened.found() == []
