"""The first visit, and the visit when nobody answers: tour, app, last state labelled as old."""

from __future__ import annotations

import re
import struct
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.checks import AXE, TOUCH_PX_MIN, settle
from tests.browser.conftest import PATIENCE_MS, Dashboard, free_port
from tests.dashboard.tapes import Tape, busy

pytestmark = [pytest.mark.slow, pytest.mark.browser]

STALE = "export const broken = 'an older build';"
PUT_STALE = """async (text) => {
  const [name] = (await caches.keys()).filter((key) => key.startsWith("papertape-pages-"));
  const type = { headers: { "Content-Type": "text/javascript" } };
  await (await caches.open(name)).put("/static/js/fuzzy.js", new Response(text, type));
  await caches.open("papertape-pages-of-an-older-build");
}"""
ALL_KEPT = """async () => {
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const files = loaded.filter((name) => name.includes("/static/"));
  const found = ["/last-state", "/", ...files].map((name) => caches.match(name));
  return (await Promise.all(found)).every(Boolean);
}"""
KEPT_FUZZY = """caches.match("/static/js/fuzzy.js").then((answer) => answer.text())"""


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    """Return the bot's end for the whole file."""
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
    """Return a page of a browser that was never here, service workers allowed."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=desk.url)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


def test_the_tour_is_offered_once_and_found_again(page: Page, axe: str) -> None:
    """Offered, walked by keyboard, skipped for good; the palette still has it."""
    page.goto("/")
    settle(page)
    offer = page.get_by_role("region", name="First visit")
    offer.get_by_role("button", name="Start the tour").click()
    card = page.locator("dialog.tour")
    expect(card.get_by_role("heading", name="Is it alive?")).to_be_focused()
    expect(card).to_contain_text("1 of 8")
    for _ in range(3):
        card.get_by_role("button", name="Next").focus()
        page.keyboard.press("Enter")
    expect(card.get_by_role("heading", name="What happens now?")).to_be_focused()
    expect(page.locator("#panel-trades")).to_have_class(re.compile("toured"))
    expect(card).to_be_in_viewport(ratio=1)
    page.evaluate(axe)  # the debugger is not bound by the page's policy
    assert page.evaluate(AXE) == []
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(offer).to_be_visible()
    expect(page.locator(".toured")).to_have_count(0)
    offer.get_by_role("button", name="No, never").click()
    page.reload()
    settle(page)
    expect(page.locator("#welcome")).to_be_hidden()
    page.goto("/alerts")
    settle(page)
    page.keyboard.press("Control+k")
    page.keyboard.type("tour")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/$"))
    for _ in range(7):
        page.locator("dialog.tour").get_by_role("button", name="Next").click()
    page.locator("dialog.tour").get_by_role("button", name="Done").click()
    expect(page.locator("dialog.tour")).to_have_count(0)


def test_on_a_phone_the_card_stays_on_the_screen(page: Page) -> None:
    """Every step's card is whole and its buttons can be touched."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(reduced_motion="reduce")
    page.goto("/#tour")
    card = page.locator("dialog.tour")
    for step in range(1, 9):
        expect(card).to_contain_text(f"{step} of 8")
        expect(card).to_be_in_viewport(ratio=1)
        for button in card.get_by_role("button").all():
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= TOUCH_PX_MIN
        card.locator("[data-primary]").click()


def test_the_manifest_names_icons_that_are_there(page: Page, desk: Dashboard) -> None:
    """Name, start, scope and icons of the sizes that browsers ask for."""
    page.goto("/")
    with urllib.request.urlopen(desk.url + "manifest.webmanifest", timeout=5) as answer:
        assert answer.headers["Content-Type"] == "application/manifest+json"
    manifest = page.evaluate("""fetch(document.querySelector("link[rel=manifest]").href)
      .then((answer) => answer.json())""")
    assert (manifest["start_url"], manifest["scope"]) == ("/", "/")
    assert manifest["display"] == "standalone"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        with urllib.request.urlopen(desk.url + icon["src"].lstrip("/"), timeout=5) as answer:
            png = answer.read()
        width, height = struct.unpack(">II", png[16:24])
        assert f"{width}x{height}" == icon["sizes"]


def until(page: Page, script: str) -> None:
    """Ask until it is true; the page's policy forbids the browser to poll by itself."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(script):
        assert time.monotonic() < end, script
        time.sleep(0.1)


def kept(page: Page) -> None:
    """Wait until the service worker has the page and its newest state."""
    until(page, "navigator.serviceWorker.controller !== null")
    until(page, ALL_KEPT)


def test_when_nobody_answers_the_last_state_is_shown_as_old(page: Page, desk: Dashboard) -> None:
    """Reloaded without a server: the numbers of then with their age, never as live; then back."""
    page.goto("/")
    settle(page)
    kept(page)
    cash = page.locator("#value-cash").inner_text()
    desk.stop()
    page.reload()
    expect(page.locator("#notice")).to_contain_text("These are the numbers as of")
    expect(page.locator("#value-cash")).to_have_text(cash)
    expect(page.locator("#sign-connection")).to_contain_text("Connection lost")
    expect(page.locator('#sign-bot .dot[data-state="live"]')).to_have_count(0)
    expect(page.locator("#rows-trades tr")).to_have_count(5)
    page.goto("/system")
    expect(page.get_by_role("heading")).to_have_text("The dashboard does not answer")
    desk.start()
    settle(page)
    expect(page.get_by_role("heading", name="System")).to_be_attached()


def test_a_new_build_leaves_nothing_of_the_old_one(page: Page) -> None:
    """What an older build kept is not used while the server answers, and is thrown away."""
    page.goto("/")
    settle(page)
    kept(page)
    page.evaluate(PUT_STALE, STALE)
    page.reload()
    settle(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate(KEPT_FUZZY) != STALE
    page.evaluate("""navigator.serviceWorker.getRegistration()
      .then((registration) => registration.unregister())""")
    page.reload()
    settle(page)
    until(
        page,
        """caches.keys()
      .then((names) => !names.includes("papertape-pages-of-an-older-build"))""",
    )
