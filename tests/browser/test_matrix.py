"""Every page of the rail in every state, at every width, in both themes: whole, and for everybody.

No console error, no policy report, no violation found by axe-core, no sideways scroll, and on a
phone nothing too small to touch. A new page in the rail is looked at here by itself.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from tests.browser.checks import (
    AXE,
    CONTRAST,
    SIDEWAYS,
    SIZES,
    SMALL,
    THEMES,
    UNSETTLED,
    traded,
    trips,
)
from tests.browser.conftest import Dashboard, open_page
from tests.dashboard.tapes import NO, Tape
from tests.dashboard.test_markets import race
from tests.served import free_port

from papertape.dashboard.pages import PLACES

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PAGES = {place.name: place.path.lstrip("/") for place in PLACES}
Opening = tuple[Callable[[Page], None], Callable[[Page], None]]
RAIN = "simulated:will-it-rain"
LOADING = '.panel[data-state="loading"]'
LIVE = '.panel[data-state="live"]'
FULL = {"leaderboard": 3, "analytics": 11}  # panels that trading fills
FAILED = '.panel[data-state="error"]'
SOCKET = re.compile("socket.io")
# What the browser itself says of an address that fails; nothing of ours may be beside it.
CUT = re.compile("error: (Failed to load resource|WebSocket connection to)")
MINUTE_NS = 60 * 10**9
DAY_NS = 86_400 * 10**9


# What a page says where there is nothing yet.
NEVER = {
    "overview": ("#panel-trades", "No trade yet"),
    "trades": ("#panel-list", "No trade yet"),
    "markets": ("#panel-books", "No market yet"),
    "leaderboard": ("#panel-ranking", "No strategy yet"),
    "analytics": ("#panel-drawdown", "No equity yet"),
    "journal": ("#journal-empty", "No trade yet"),
    "alerts": ("#history-none", "No alert yet"),
}
EMPTY = NEVER | {
    "markets": ("#panel-books", "Will it rain?"),
    "trades": ("#panel-list", "No trade"),
    "leaderboard": ("#panel-curves", "No trade in this period"),
    "analytics": ("#panel-figures", "No trade in this range"),
}


def says(page: Page, expected: tuple[str, str] | None) -> None:
    """Check the words in one place; a page that has none of its own there has nothing to say."""
    if expected is not None:
        expect(page.locator(expected[0])).to_contain_text(expected[1])


# What a page opens over itself: how it is opened, and how it is left.


def _address(path: str, words: str) -> Opening:
    """Return an opening by the address, which is waited for by its words in the drawer."""

    def begin(page: Page) -> None:
        page.goto(page.url.partition("?")[0] + path)
        expect(page.locator("#drawer")).to_contain_text(words)

    def end(page: Page) -> None:
        page.keyboard.press("Escape")
        expect(page.locator("#drawer")).to_be_hidden()

    return begin, end


def _filtered(panel: str) -> Opening:
    """Return the opening of a list by a filter that nothing fits."""

    def begin(page: Page) -> None:
        page.goto(page.url.partition("?")[0] + "?q=snow")
        expect(page.locator(panel)).to_contain_text("fits this filter")

    return begin, lambda page: None


def _begin_rule(page: Page) -> None:
    page.locator("#new-rule").click()
    page.locator("#rule-quiet").check()
    expect(page.locator("#rule-dialog")).to_be_visible()


def _begin_entry(page: Page) -> None:
    page.locator(".trade-line").nth(1).click()
    expect(page.locator("#entry-book tr").first).to_be_visible()
    page.locator("#notes").fill("# one\n\n- two\n\n> three\n\n`four`")


def _begin_versus(page: Page) -> None:
    page.goto(page.url.partition("?")[0] + "?a=momentum&b=mean_reversion")
    expect(page.locator("#rows-versus tr").first).to_be_visible()


def _begin_formula(page: Page) -> None:
    page.get_by_role("button", name="Profit factor").focus()
    expect(page.locator("#formula-profit_factor")).to_be_visible()


def _begin_halt(page: Page) -> None:
    page.locator('[data-action="halt"]').click()
    expect(page.locator("dialog")).to_contain_text("Halt all trading?")


def _more_filters(page: Page) -> None:
    page.locator("#filter-more").evaluate("node => node.click()")  # a button of the phone


def _escape(page: Page) -> None:
    page.keyboard.press("Escape")


OPENINGS: dict[str, dict[str, Opening]] = {
    "trades": {
        "a story": _address("?trade=F2", "Fill F2"),
        "more filters": (_more_filters, _escape),
        "no match": _filtered("#panel-list"),
    },
    "markets": {
        "a market": _address(f"?market={RAIN}", "Our newest trades here"),
        "no match": _filtered("#panel-books"),
    },
    "journal": {"an entry": (_begin_entry, _escape)},
    "alerts": {"a rule": (_begin_rule, _escape)},
    "leaderboard": {"two compared": (_begin_versus, _escape)},
    "analytics": {"a formula": (_begin_formula, _escape)},
    "system": {"a question": (_begin_halt, _escape)},
}


@dataclass
class Scene:
    """A data folder in one state, the bot's end of it, and a dashboard on it."""

    name: str
    dashboard: Dashboard
    tape: Tape | None

    def live_on(self) -> None:
        """Give a sign of life, where the bot of this scene lives."""
        if self.tape is not None and self.name in ("empty", "few", "live"):
            self.tape.board.put([], self.tape.heartbeat())


def full(tape: Tape) -> None:
    """Write days of trading by several strategies, a race, refusals, a log."""
    race(tape)
    for day in range(5):
        tape.ts_ns = time.time_ns() - (5 - day) * DAY_NS
        traded(tape, 4)
        trips(tape, "mean_reversion", [100, -50, 200, -30] * 4)
        trips(tape, "a_strategy_with_a_rather_long_name", [3_000, -2_000])
        tape.refuse()
    tape.ts_ns = time.time_ns()
    for name, ticks in {"adler": 4_200, "brandt": 5_500}.items():
        tape.quote(ticks - 200, ticks, symbol=f"simulated:{name}:YES")
        tape.quote(9_800 - ticks, 10_000 - ticks, symbol=f"simulated:{name}:NO")
    tape.quote(3_900, 4_100)
    tape.quote(5_800, 6_000, symbol=NO)
    tape.mark(10_012_340_000)
    tape.flush()
    logs = tape.data_dir / "logs"
    logs.mkdir(exist_ok=True)
    lines = [
        {"timestamp": "2026-01-01T00:00:01Z", "level": "info", "event": "the bot runs"},
        {"timestamp": "2026-01-01T00:00:02Z", "level": "error", "event": "<b>no</b>", "why": "x"},
    ]
    (logs / "bot.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


@pytest.fixture(scope="module")
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Return a scene by its name; the tests of one scene share it."""
    folder = tmp_path_factory.mktemp(request.param)
    tape = None
    if request.param != "never":
        tape = Tape(folder / "data", ts_ns=time.time_ns())
        tape.quote(3_900, 4_100)
        if request.param == "live":
            full(tape)
        elif request.param != "empty":
            traded(tape, 1)
    dashboard = Dashboard(folder / "data", folder / "dashboard.log", free_port())
    dashboard.start()
    yield Scene(request.param, dashboard, tape)
    dashboard.stop()
    if tape is not None:
        tape.close()


class Looked:
    """A page that is looked at from all sides."""

    def __init__(self, scene: Scene, name: str, browser: Browser, axe: str) -> None:
        """Open the page at the desk's width."""
        self.scene, self.name = scene, name
        self.opened = open_page(browser, SIZES[0], script=axe)
        self.page = self.opened.page
        self.broken = False

    def load(self) -> None:
        """Load the page and wait for what it has to show."""
        self.scene.live_on()
        self.page.goto(self.scene.dashboard.url + PAGES[self.name])
        expect(self.page.locator("#sign-connection")).to_contain_text("Connected")
        expect(self.page.locator(LOADING)).to_have_count(0)

    def around(self, state: str) -> None:
        """Look at every width in both themes; the machine's checks whole at one theme of each."""
        for number, (width, height) in enumerate(SIZES):
            self.page.set_viewport_size({"width": width, "height": height})
            for theme in THEMES:
                where = f"{self.name}, {state}, {width} px, {theme}"
                self.scene.live_on()
                self.page.emulate_media(color_scheme=theme)
                # Themes differ in colours, and widths in everything else: what axe finds beside
                # contrasts it finds in either theme.
                found = self.page.evaluate(AXE if theme == THEMES[number % 2] else CONTRAST)
                assert found == [], where
                assert self.page.evaluate(SIDEWAYS) <= 0, where
                complaints = [c for c in self.opened.found() if not self.broken or not CUT.match(c)]
                assert complaints == [], where
            if width < 700:
                assert self.page.evaluate(SMALL) == [], f"{self.name}, {state}"
            if not self.broken:
                expect(self.page.locator(UNSETTLED)).to_have_count(0)


@pytest.fixture
def look(scene: Scene, browser: Browser, axe: str) -> Iterator[Callable[[str], Looked]]:
    """Return a function that opens a page of the scene to look at it."""
    opened: list[Looked] = []

    def go(name: str) -> Looked:
        opened.append(Looked(scene, name, browser, axe))
        return opened[-1]

    yield go
    for looked in opened:
        looked.page.context.close()


Look = Callable[[str], Looked]
every_page = pytest.mark.parametrize("name", PAGES)


@pytest.mark.parametrize("scene", ["never"], indirect=True)
@every_page
def test_before_any_bot(look: Look, name: str) -> None:
    """A first visit: nothing is broken, and the page says that there was no bot yet."""
    looked = look(name)
    looked.load()
    expect(looked.page.locator("#notice")).to_contain_text("has not run yet")
    says(looked.page, NEVER.get(name))
    looked.around("never started")


@pytest.mark.parametrize("scene", ["empty"], indirect=True)
@every_page
def test_before_any_trade(look: Look, name: str) -> None:
    """A bot that has not traded: its mode stands in the frame and in the title."""
    looked = look(name)
    looked.load()
    expect(looked.page.locator("#notice")).to_be_hidden()
    expect(looked.page.locator("#mode-badge")).to_have_text("SIMULATED")
    expect(looked.page).to_have_title(re.compile("SIMULATED · papertape$"))
    says(looked.page, EMPTY.get(name))
    looked.around("empty")


@pytest.mark.parametrize("scene", ["few"], indirect=True)
@every_page
def test_few_trades_and_then_no_bot(look: Look, scene: Scene, name: str) -> None:
    """Little data; then the bot says goodbye, and the page says so by itself."""
    looked = look(name)
    looked.load()
    looked.around("little data")
    scene.tape.board.put([], scene.tape.heartbeat(age_ns=MINUTE_NS, stopped=True))
    expect(looked.page.locator("#notice")).to_contain_text("is not running since")
    if name == "overview":  # its figures are of then; other pages list what was
        expect(looked.page.locator(LIVE)).to_have_count(0)
    looked.scene = replace(scene, tape=None)  # it stays dead
    looked.around("bot off")


@pytest.mark.parametrize("scene", ["live"], indirect=True)
@every_page
def test_live_and_opened_and_cut_off(look: Look, name: str) -> None:
    """Days of trading; what lies over the page; and the dashboard out of reach."""
    looked = look(name)
    wires: list[WebSocketRoute] = []
    looked.page.route_web_socket(SOCKET, lambda wire: wires.append(wire.connect_to_server()))
    looked.load()
    if name in FULL:
        expect(looked.page.locator(LIVE)).to_have_count(FULL[name])
    looked.around("live")
    for what, (opening, closing) in OPENINGS.get(name, {}).items():
        opening(looked.page)
        looked.around(what)
        closing(looked.page)
    looked.broken = True
    looked.page.route("**/*", lambda route: route.abort())
    looked.page.route_web_socket(SOCKET, lambda wire: wire.close())
    for wire in wires:
        wire.close()
    expect(looked.page.locator("#notice")).to_contain_text("Connection lost")
    looked.around("cut off")


@pytest.mark.parametrize("scene", ["live"], indirect=True)
@every_page
def test_a_server_that_fails(look: Look, name: str) -> None:
    """Every answer is an error from the start: panels say so, or have all from the live line."""
    looked = look(name)
    looked.broken = True
    refusal = json.dumps({"ok": False, "error": {"code": "world", "message": "disk is full"}})
    looked.page.route(
        "**/api/**",
        lambda route: route.fulfill(status=503, content_type="application/json", body=refusal),
    )
    looked.load()
    looked.around("error")
    if looked.page.locator(FAILED).count():
        expect(looked.page.locator(FAILED).first).to_contain_text("disk is full")
