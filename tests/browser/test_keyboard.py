"""Everything by keyboard: palette, pages, lists, help; and nothing stolen from who writes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.browser.conftest import PATIENCE_MS, Dashboard, free_port
from tests.dashboard.tapes import Tape, busy

from papertape.dashboard.pages import PLACES

pytestmark = [pytest.mark.slow, pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    """Return the bot's end for the whole file, with some trades on its tape."""
    with closing(Tape(tmp_path_factory.mktemp("desk"), ts_ns=time.time_ns())) as tape:
        busy(tape)
        yield tape


@pytest.fixture(scope="module")
def desk(bot: Tape) -> Iterator[Dashboard]:
    """Return one dashboard for the whole file."""
    made = Dashboard(bot.data_dir, bot.data_dir / "dashboard.log", free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(desk: Dashboard, browser: Browser) -> Iterator[Page]:
    """Return the overview, live, in a browser of its own."""
    size: ViewportSize = {"width": 1440, "height": 900}
    context = browser.new_context(viewport=size, color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(desk.url)
    alive(page)
    yield page
    context.close()


def alive(page: Page) -> None:
    """Wait until the page is connected, and with it its keys."""
    expect(page.locator("#sign-connection")).to_contain_text("Connected")


def test_the_palette_goes_to_pages_strategies_and_markets(page: Page) -> None:
    """Ctrl-K, a few letters, Enter; it tells a screen reader what it has."""
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Page, strategy, market or action")
    expect(field).to_be_focused()
    for place in PLACES:
        expect(page.get_by_role("option", name=place.title).first).to_be_attached()
    page.keyboard.type("leadb")
    expect(page.get_by_role("option")).to_have_count(1)
    active = page.locator(f"#{field.get_attribute('aria-activedescendant')}")
    expect(active).to_have_attribute("aria-selected", "true")
    expect(active).to_contain_text("Leaderboard")
    page.keyboard.press("Enter")
    page.wait_for_url("**/leaderboard")
    alive(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("trades mom")
    page.keyboard.press("Enter")
    page.wait_for_url("**/trades?strategy=momentum")
    alive(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("will it rain")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/markets\?market=simulated%3Awill-it-rain"))
    expect(page.locator("#drawer")).to_be_visible()


def test_the_palette_does_things_and_gives_the_focus_back(page: Page, bot: Tape) -> None:
    """Theme by palette; Escape closes; arrows go round; what does not fit is said."""
    page.locator("#bell").focus()
    page.keyboard.press("Control+k")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.type("no such thing anywhere")
    expect(page.locator(".palette-said")).to_have_text("Nothing fits.")
    page.keyboard.press("Escape")
    expect(page.locator("#bell")).to_be_focused()
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.locator("#palette-open").click()
    page.keyboard.type("light")
    page.keyboard.press("Enter")
    shown = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert shown != dark
    bot.board.put([], bot.heartbeat())
    expect(page.locator("#sign-bot")).to_contain_text("Bot running")
    page.keyboard.press("Control+k")
    page.keyboard.type("halt")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Halt all trading?")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_g_and_a_letter_goes_to_every_page(page: Page, desk: Dashboard) -> None:
    """Each page by its letter, and from each page on to the next."""
    for place in (*PLACES[1:], PLACES[0]):
        page.keyboard.press("g")
        page.keyboard.press(place.letter)
        page.wait_for_url(desk.url.rstrip("/") + place.path)
        alive(page)
    assert len({place.letter for place in PLACES}) == len(PLACES)


def test_j_and_k_move_in_lists_and_enter_opens(page: Page, desk: Dashboard) -> None:
    """On the overview, the ranking, the history and the log: rows by key, focus in sight."""
    expect(page.locator("#rows-trades tr")).to_have_count(5)
    page.keyboard.press("j")
    first = page.locator("#rows-trades .row-link").first
    expect(first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("#rows-trades .row-link").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/trades?trade=F4")
    expect(page.locator("#drawer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    for path, row in (("leaderboard", "#rows-ranking > tr"), ("alerts", "#rows-history > li"),
                      ("system", "#rows-log > li")):  # fmt: skip
        page.goto(desk.url + path)
        alive(page)
        expect(page.locator(row).first).to_be_visible()
        page.keyboard.press("j")
        inside = f"document.activeElement.closest({row.split(' ')[0]!r}) !== null"
        assert page.evaluate(inside), path


def test_keys_are_not_stolen_from_who_writes(page: Page, desk: Dashboard) -> None:
    """In a field every letter is a letter; `/` goes to the field, Escape leaves it."""
    for path, field in (("trades", "#filter [name=q]"), ("markets", "#filter [name=q]"),
                        ("journal", "#journal-controls [name=q]"),
                        ("system", "#log-controls [name=q]")):  # fmt: skip
        page.goto(desk.url + path)
        alive(page)
        page.keyboard.press("/")
        expect(page.locator(field)).to_be_focused()
        page.keyboard.type("gtjk?/")
        expect(page.locator(field)).to_have_value("gtjk?/")
        page.keyboard.press("Escape")
        expect(page.locator(field)).not_to_be_focused()
        assert path in page.url


def test_the_help_lists_the_keys_of_the_page(page: Page, desk: Dashboard) -> None:
    """`?` says what there is; a second key only moves on once it is closed."""
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_contain_text("palette: every page")
    expect(sheet.locator("dt", has_text="ge")).to_have_count(1)
    page.keyboard.press("g")
    page.keyboard.press("t")
    assert page.url == desk.url
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.goto(desk.url + "journal")
    alive(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("rate 5")


@pytest.mark.parametrize("opened", ["Control+k", "?"])
def test_axe_has_nothing_to_say(opened: str, browser: Browser, desk: Dashboard, root: Path) -> None:
    """Palette and help, in both themes, at both ends of the widths."""
    axe = root / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    for width in (1440, 390):
        context = browser.new_context(viewport={"width": width, "height": 844}, bypass_csp=True)
        page = context.new_page()
        page.goto(desk.url)
        alive(page)
        page.keyboard.press(opened)
        page.evaluate(axe.read_text(encoding="utf-8"))
        page.emulate_media(color_scheme="dark" if width == 390 else "light")
        found = page.evaluate("axe.run().then((result) => result.violations)")
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        context.close()
