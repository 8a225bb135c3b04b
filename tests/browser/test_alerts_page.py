"""The alerts page in a real browser: rules by form and by switch, history, bell, every size."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.checks import Visit, settle
from tests.dashboard.tapes import Tape

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def add_fill_rule(page: Page) -> None:
    """Write a rule about fills in the dialog."""
    page.locator("#new-rule").click()
    page.locator("#rule-kind").select_option("fill")
    page.locator("#rule-cooldown_s").fill("0")
    expect(page.locator("#rule-sentence")).to_have_text(
        "When an order of any strategy is filled, warn me."
    )
    page.locator("#rule-save").click()
    expect(page.locator("#rule-dialog")).not_to_be_visible()
    expect(page.locator("#rows-rules li")).to_have_count(1)


def test_a_fill_raises_an_alert_on_every_page_until_it_is_acknowledged(
    tape: Tape, visit: Visit
) -> None:
    """Toast, history and bell at once, without reload; acknowledged here, gone there."""
    other, opened = visit(path="system"), visit(path="alerts")
    page = opened.page
    settle(page)
    settle(other.page)
    add_fill_rule(page)
    tape.trade("BUY", 1_000, 4_000)
    expect(page.locator("#rows-history li")).to_have_count(1)
    expect(page.locator("#rows-history")).to_contain_text("momentum: BUY 10 Will it rain? YES")
    expect(page.locator("#rows-rules")).to_contain_text("last ")
    for each in (page, other.page):
        expect(each.locator(".toast").filter(has_text="BUY 10")).to_be_visible()
        expect(each.locator(".bell-count")).to_have_text("1")
        expect(each.locator("#bell")).to_have_attribute(
            "aria-label", "Alerts: 1 waits to be acknowledged"
        )
    page.get_by_role("button", name="Acknowledge: Fill").click()
    for each in (page, other.page):
        expect(each.locator(".bell-count")).to_be_hidden()
    expect(page.locator("#rows-history")).to_contain_text("acknowledged")
    page.reload()
    settle(page)
    expect(page.locator("#rows-history")).to_contain_text("acknowledged")
    assert opened.found() == []
    assert other.found() == []


def test_a_form_says_what_is_wrong_while_it_is_written(tape: Tape, visit: Visit) -> None:
    """By field, in words; it keeps its content when the page refreshes, and Escape leaves it."""
    opened = visit(path="alerts")
    page = opened.page
    settle(page)
    page.locator("#new-rule").click()
    page.locator("#rule-percent").fill("500")
    expect(page.locator("#error-percent")).to_have_text("More than 0, at most 100.")
    expect(page.locator("#rule-percent")).to_have_attribute("aria-invalid", "true")
    page.locator("#rule-save").click()
    expect(page.locator("#rule-percent")).to_be_focused()
    tape.refuse()
    expect(page.locator("#rows-history li")).to_have_count(1)
    expect(page.locator("#rule-percent")).to_have_value("500")
    page.locator("#rule-quiet").check()
    page.locator("#rule-quiet\\.time_zone").fill("Mars/Station")
    page.locator("#rule-percent").fill("3")
    page.locator("#rule-save").click()
    expect(page.locator("#error-quiet\\.time_zone")).to_contain_text("Europe/Berlin")
    page.keyboard.press("Escape")
    expect(page.locator("#rule-dialog")).not_to_be_visible()
    expect(page.locator("#rows-rules li")).to_have_count(0)
    complaints = [said for said in opened.found() if "422" not in said]  # the server's refusal
    assert complaints == []


def test_ready_rules_switch_test_edit_and_delete(tape: Tape, visit: Visit) -> None:
    """One click adds; the switch turns off; a test arrives; deleting asks first."""
    opened = visit(path="alerts")
    page = opened.page
    settle(page)
    page.get_by_role("button", name="Add: When the bot gives no sign of life").click()
    row = page.locator("#rows-rules li").first
    expect(row).to_contain_text("When the bot gives no sign of life, alarm me")
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    row.get_by_role("button", name="Test").click()
    expect(page.locator("#rows-history")).to_contain_text("Test: The bot is dead")
    page.locator('.toast[data-type="error"] button').click()
    row.get_by_role("button", name="Edit").click()
    page.locator("#rule-severity").select_option("warning")
    page.locator("#rule-save").click()
    expect(row).to_contain_text("warn me")
    expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    row.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#rows-rules li")).to_have_count(0)
    expect(page.locator("#rows-ready li")).to_have_count(3)
    assert opened.found() == []


def test_filters_stand_in_the_address(tape: Tape, visit: Visit) -> None:
    """A filter is asked of the server and survives a reload; snoozed alerts leave the bell."""
    tape.refuse()
    opened = visit(path="alerts")
    page = opened.page
    settle(page)
    page.get_by_role("button", name="Snooze 1 h").click()
    expect(page.locator("#rows-history")).to_contain_text("snoozed until")
    expect(page.locator(".bell-count")).to_be_hidden()
    page.get_by_label("State").select_option("open")
    expect(page.locator("#rows-history li")).to_have_count(0)
    expect(page.locator("#history-none")).to_contain_text("No alert matches")
    page.reload()
    settle(page)
    expect(page.get_by_label("State")).to_have_value("open")
    page.get_by_label("State").select_option("snoozed")
    expect(page.locator("#rows-history li")).to_have_count(1)
    assert opened.found() == []
