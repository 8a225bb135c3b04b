"""What a person does on the overview: asks what a figure is made of, pauses, closes, takes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import PATIENCE_MS, Dashboard, free_port
from tests.dashboard.tapes import YES, Tape, busy

from papertape.tape.command_channel import Command, CommandServer

pytestmark = [pytest.mark.slow, pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    """Return the bot's end for the whole file."""
    with closing(Tape(tmp_path_factory.mktemp("desk"), ts_ns=time.time_ns())) as tape:
        busy(tape)
        yield tape


@pytest.fixture(scope="module")
def page(bot: Tape, browser: Browser) -> Iterator[Page]:
    """Return one page for the whole file."""
    desk = Dashboard(bot.data_dir, bot.data_dir / "dashboard.log", free_port())
    desk.start()
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, base_url=desk.url, bypass_csp=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()
    desk.stop()


def shown(page: Page, path: str = "/") -> None:
    """Open a page and wait until its panels know what they show."""
    page.goto(path)
    expect(page.locator("#sign-connection")).to_contain_text("Connected")
    expect(page.locator('.panel[data-state="loading"]')).to_have_count(0)


@contextmanager
def answering(bot: Tape, *answers: tuple[bool, str]) -> Iterator[list[Command]]:
    """Be the bot's loop for as many commands: take each one and answer it."""
    bot.board.put([], bot.heartbeat())
    heard: list[Command] = []
    server = CommandServer(bot.data_dir)

    def loop() -> None:
        until = time.monotonic() + PATIENCE_MS / 1000
        for ok, message in answers:
            while (pending := server.waiting()) is None and time.monotonic() < until:
                time.sleep(0.01)
                bot.board.put([], bot.heartbeat())
            if pending is not None:
                heard.append(pending.command)
                pending.answer(ok, message)

    thread = Thread(target=loop)
    thread.start()
    try:
        yield heard
    finally:
        thread.join()
        server.close()


def said(heard: list[Command]) -> list[tuple[str, str, str]]:
    """Return what was commanded."""
    return [(each.action, each.target, each.source) for each in heard]


def test_a_figure_says_what_it_is_made_of(page: Page) -> None:
    """Formula, exact inputs that give the value, the rows, the record; then back where one was."""
    shown(page)
    page.locator("#value-cash").focus()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Cash")
    expect(sheet.get_by_role("heading", name="Cash")).to_be_focused()
    expect(sheet).to_contain_text("initial cash + realised P&L \N{MINUS SIGN} fees")
    value, *parts = [
        float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
        for text in [sheet.locator(".figure-exact").inner_text(),
                     *sheet.locator(".figure-inputs dd").all_inner_texts()]
    ]  # fmt: skip
    initial, realized, fees, cost = parts
    assert value == pytest.approx(initial + realized - fees - cost, abs=1e-6)
    expect(sheet).to_contain_text("As of record ")
    page.keyboard.press("Escape")
    expect(page.locator("#value-cash")).to_be_focused()
    shown(page, "/analytics?strategy=momentum")
    page.get_by_role("button", name="Fees", exact=True).click()
    sheet = page.get_by_role("dialog", name="Fees")
    expect(sheet.locator(".figure-inputs")).to_contain_text("fills")
    sheet.get_by_role("link", name="The trades behind it").click()
    page.wait_for_url("**/trades?strategy=momentum")
    shown(page, "/leaderboard")
    page.locator("#rows-ranking .row-link", has_text="momentum").click()
    sheet = page.get_by_role("dialog", name="momentum")
    expect(sheet.locator(".figure-story").nth(8)).to_be_visible()
    expect(sheet.get_by_role("link")).to_have_attribute("href", "/trades?strategy=momentum")


def test_a_strategy_is_paused_and_taken_back(page: Page, bot: Tape) -> None:
    """The switch asks, the bot is told, the toast takes it back."""
    bot.board.put([], bot.heartbeat())
    shown(page)
    switch = page.get_by_role("switch", name="momentum gives signals")
    with answering(bot, (True, "momentum is paused"), (True, "momentum is running")) as heard:
        expect(switch).to_be_enabled()
        switch.click()
        expect(page.get_by_role("dialog")).to_contain_text("Pause momentum?")
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        assert heard == []
        switch.click()
        page.get_by_role("button", name="Confirm").click()
        toast = page.locator(".toast", has_text="momentum is paused")
        toast.get_by_role("button", name="Undo").click()
        expect(page.locator(".toast", has_text="momentum is running")).to_be_visible()
    assert said(heard) == [("pause", "momentum", "dashboard"), ("resume", "momentum", "dashboard")]
    expect(page.locator("#rows-strategies")).to_contain_text("the book is 14 s old")


def test_a_position_is_closed_or_it_is_said_why_not(page: Page, bot: Tape) -> None:
    """The question says what will be sold; a refusal stays until it is read."""
    bot.board.put([], bot.heartbeat())
    shown(page)
    row = page.locator(f'#rows-positions [data-key="{YES}"]')
    expect(row).to_contain_text("Will it rain?")
    with answering(bot, (False, "momentum: not closed, the book is stale"),
                   (True, "momentum: sold 1 for 0.44 after fees")) as heard:  # fmt: skip
        for answer, kind in (("book is stale", "error"), ("sold 1 for 0.44", "success")):
            row.get_by_role("button").click()
            expect(page.get_by_role("dialog")).to_contain_text("Close 1 YES of “Will it rain?”")
            page.get_by_role("button", name="Confirm").click()
            expect(page.locator(f'.toast[data-type="{kind}"]')).to_contain_text(answer)
    assert said(heard) == [("close", YES, "dashboard")] * 2


def test_without_a_bot_nothing_can_be_pressed(page: Page, bot: Tape) -> None:
    """Switches and close buttons say that no bot is running."""
    bot.board.put([], bot.heartbeat(stopped=True))
    shown(page)
    expect(page.locator("#sign-bot")).to_contain_text("Bot off")
    expect(page.get_by_role("switch", name="momentum gives signals")).to_be_disabled()
    close = page.locator(f'#rows-positions [data-key="{YES}"]').get_by_role("button")
    expect(close).to_be_disabled()
    expect(close).to_have_attribute("title", "No bot is running")


def test_axe_has_nothing_to_say(page: Page, root: Path) -> None:
    """A figure's dialog, and a menu, in the other theme."""
    axe = root / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    shown(page)
    page.evaluate(axe.read_text(encoding="utf-8"))
    page.locator("#panel-markets .panel-menu").click()
    found = page.evaluate("axe.run().then((result) => result.violations)")
    page.keyboard.press("Escape")
    page.emulate_media(color_scheme="dark")
    page.locator("#value-equity").click()
    found += page.evaluate("axe.run().then((result) => result.violations)")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
