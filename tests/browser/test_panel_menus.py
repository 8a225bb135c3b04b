"""The menu of every panel: files of what is on screen, pictures, full screen, links."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.conftest import PATIENCE_MS, Dashboard, free_port
from tests.dashboard.tapes import Tape, busy

from papertape.dashboard.pages import PLACES

pytestmark = [pytest.mark.slow, pytest.mark.browser]
expect.set_options(timeout=PATIENCE_MS)

EARLIER_PATHS = {"/journal": 2, "/analytics": 10, "/alerts": 3, "/system": 6}  # panels at least


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Page]:
    """Return one page for the whole file, on a dashboard with some trades."""
    with closing(Tape(tmp_path_factory.mktemp("desk"), ts_ns=time.time_ns())) as tape:
        busy(tape)
        desk = Dashboard(tape.data_dir, tape.data_dir / "dashboard.log", free_port())
        desk.start()
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, base_url=desk.url,
            permissions=["clipboard-write"],
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
        context.close()
        desk.stop()


def shown(page: Page, path: str) -> None:
    """Open a page and wait until its panels know what they show."""
    page.goto(path)
    expect(page.locator("#sign-connection")).to_contain_text("Connected")
    expect(page.locator('.panel[data-state="loading"]')).to_have_count(0)


def menu(page: Page, panel: str) -> Locator:
    """Open a panel's menu."""
    page.locator(f"#panel-{panel} .panel-menu").click()
    return page.get_by_role("menu")


def saved(page: Page, panel: str, item: str) -> bytes:
    """Choose an item and return the file that comes of it."""
    with page.expect_download() as download:
        menu(page, panel).get_by_role("menuitem", name=item).click()
    assert download.value.suggested_filename.startswith(f"papertape-{panel}-")
    return Path(download.value.path()).read_bytes()


def test_what_is_on_screen_comes_as_a_file(page: Page) -> None:
    """CSV and JSON of table, list and chart hold the exact values and say the mode."""
    shown(page, "/")
    text = saved(page, "trades", "What is shown, as CSV").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in rows] == ["F5", "F4", "F3", "F2", "F1"]
    assert {row["mode"] for row in rows} == {"SIMULATED"}
    assert rows[3]["realized_pnl"] == "1"
    told = json.loads(saved(page, "strategies", "What is shown, as JSON"))
    assert told["panel"] == "Strategies"
    assert {row["strategy"] for row in told["rows"]} == {"arbitrage", "momentum"}
    told = json.loads(saved(page, "comparison", "What is shown, as JSON"))
    assert {row["label"] for row in told["rows"]} == {"arbitrage", "momentum"}
    shown(page, "/system")
    told = json.loads(saved(page, "tape", "What is shown, as JSON"))
    assert "Records" in {row["name"] for row in told["rows"]}


def test_a_chart_comes_as_a_picture(page: Page) -> None:
    """PNG of both kinds of chart, with ground and room for title and note."""
    shown(page, "/")
    for panel, least in (("pnl", 300), ("cumulative", 600)):
        png = saved(page, panel, "Picture (PNG)")
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", png[16:24])
        assert width >= least, panel
        assert height >= 200, panel


def test_a_link_leads_back_to_the_panel(page: Page) -> None:
    """The copied address opens this view with this panel."""
    shown(page, "/analytics?strategy=momentum")
    menu(page, "by-hour").get_by_role("menuitem", name="Copy link").click()
    expect(page.locator(".toast")).to_contain_text("Link copied")
    page.keyboard.press("Control+k")
    page.keyboard.press("Control+v")  # reading the clipboard is not allowed to our own scripts
    end = re.compile(r"/analytics\?strategy=momentum#panel-by-hour$")
    expect(page.get_by_role("combobox", name="Page, strategy")).to_have_value(end)


def test_the_menu_obeys_the_keyboard(page: Page) -> None:
    """Arrows go round, Escape closes and gives the focus back, a click elsewhere closes."""
    shown(page, "/")
    button = page.locator("#panel-markets .panel-menu")
    button.focus()
    page.keyboard.press("Enter")
    items = page.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    page.locator("#mode-badge").click()
    expect(page.get_by_role("menu")).to_have_count(0)
    menu(page, "trades").get_by_role("menuitem", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement?.id === 'panel-trades'")
    menu(page, "trades").get_by_role("menuitem", name="Leave full screen").click()
    page.wait_for_function("document.fullscreenElement === null")


def test_every_panel_of_every_page_has_one(page: Page) -> None:
    """One way everywhere: title, age, state, menu; and nothing is offered that is not there."""
    for place in PLACES:
        shown(page, place.path)
        panels = page.locator(".panel:not(.figure)")
        count = panels.count()
        assert count >= EARLIER_PATHS.get(place.path, 1), place.path
        for part in (".panel-menu", ".panel-age", ".panel-sign .dot", "h2"):
            assert page.locator(f".panel:not(.figure) .panel-head {part}").count() == count, part
    shown(page, "/trades?q=nothing+of+this+kind")
    expect(page.locator("#panel-list")).to_have_attribute("data-state", "empty")
    names = menu(page, "list").get_by_role("menuitem").all_inner_texts()
    assert names == ["Full screen", "Copy link to this view"]
