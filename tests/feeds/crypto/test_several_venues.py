"""Polymarket and a crypto venue in one run: each is told, recorded and trusted on its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.e2e.bots import papertape, summary_of
from tests.engine.desk import Desk, outcome, spot
from tests.feeds.crypto.desk import PAIR, SYMBOL, depths, feed_of, script, venue
from tests.feeds.live.desk import QUICK, closing, frames_of, last_book, market_of, told
from tests.feeds.live.test_run import SLUG, addresses, events

from papertape.feeds.polymarket.picker import Choice
from papertape.feeds.polymarket.session import Places
from papertape.feeds.polymarket.venue import PolymarketVenue
from papertape.model.events import FeedStateChanged, InstrumentListed, RunStarted
from papertape.model.market_data import BookSeen, FeedStateSeen, InstrumentSeen, MarketData
from papertape.services.feed_parts import whole_state
from papertape.tape.recording import Recording
from papertape.testing.binance_server import BinanceServer
from papertape.testing.kalshi_server import KalshiServer
from papertape.testing.polymarket_server import PolymarketServer

FIXTURES = "fixtures/polymarket_kalshi_pmvl"
GAME = "KXMLBGAME-26AUG092020HOUSD-SD"
UP = f"polymarket:{SLUG}:UP"


def test_a_dead_venue_stops_nobody_but_itself() -> None:
    """Signals on it are refused and say why; on the other they fill; it comes back alone."""
    desk = Desk(source="polymarket+binance")
    for instrument in (outcome("polymarket:rain:YES"), spot_of("binance")):
        desk.step(InstrumentSeen(ts_ns=0, instrument=instrument))
        desk.book(instrument.symbol, asks=[(5_000, 1_000)])
    for source in ("polymarket", "binance"):
        desk.step(FeedStateSeen(ts_ns=0, source=source, state="live"))
    desk.step(FeedStateSeen(ts_ns=0, source="binance", state="stale", reason="gone"))
    refused = desk.send("BUY", 1, symbol="binance:BTC/USDT")
    assert (refused.code, "feed of binance is not live" in refused.reason) == ("feed_stale", True)
    assert desk.send("BUY", 1, symbol="polymarket:rain:YES").status == "filled"
    assert whole_state(desk.view.feed_states, "polymarket+binance") == ("stale", "binance: gone")
    desk.step(FeedStateSeen(ts_ns=0, source="binance", state="live"))
    desk.book("binance:BTC/USDT", asks=[(5_000, 1_000)])
    assert desk.send("BUY", 1, symbol="binance:BTC/USDT").status == "filled"
    assert whole_state(desk.view.feed_states, "polymarket+binance") == ("live", "")


def spot_of(venue_: str) -> Any:
    """Return a pair of a venue."""
    return msgspec.structs.replace(spot(f"{venue_}:BTC/USDT"), venue=venue_)


@pytest.mark.slow
def test_one_venue_dies_and_the_other_goes_on(shared_data: Path) -> None:
    """The books of the dead one are stale, of the living one live; time never runs back."""
    frames = frames_of(shared_data, SLUG, 400)
    snapshot, messages = script(shared_data, 12_000)
    with (
        PolymarketServer([market_of(frames)], frames, speed=30.0) as polymarket,
        BinanceServer(snapshot, depths(messages, 150), speed=20.0) as binance,
    ):
        places = Places(
            gamma_url=polymarket.gamma_url, clob_url=polymarket.clob_url,
            ws_url=polymarket.ws_url, refresh_s=600.0,
        )  # fmt: skip
        feed = feed_of(PolymarketVenue(places, Choice(slugs=(SLUG,)), timing=QUICK), venue(binance))
        dead_at: list[int] = []

        def died(items: list[MarketData]) -> bool:
            both = last_book(items, SYMBOL), last_book(items, UP)
            if not dead_at and all(book is not None and book.state == "live" for book in both):
                dead_at.append(len(items))
                binance.faults.server_errors = binance.faults.mute_connections = 10**6
                binance.cut()
            return bool(dead_at) and len(items) > dead_at[0] + 60

        with closing(feed):
            items = told(feed, died, timeout_s=20.0)
    after = items[dead_at[0] :]
    assert last_book(after, SYMBOL).state == "stale"  # type: ignore[union-attr]
    assert sum(isinstance(i, BookSeen) and i.symbol == UP and i.state == "live" for i in after) > 20
    states = {i.source: i.state for i in items if isinstance(i, FeedStateSeen)}
    assert states == {"polymarket": "live", "binance": "stale"}
    times = [item.ts_ns for item in items]
    assert times == sorted(times)
    assert feed.source == "polymarket+binance"


@pytest.mark.slow
def test_a_run_with_three_venues(shared_data: Path, tmp_path: Path) -> None:
    """One command, three venues on the tape; it verifies and replays."""
    fixtures = shared_data / FIXTURES
    market = json.loads((fixtures / "live20260809_kalshi-market.json").read_text())["market"]
    series = json.loads((fixtures / "kalshi_series.json").read_text())["series"]
    book = json.loads((fixtures / "live20260809_kalshi-orderbook.json").read_text())["orderbook_fp"]
    sides = (book["yes_dollars"], book["no_dollars"])
    market |= {"close_time": "2099-01-01T00:00:00Z"}
    frames = frames_of(shared_data, SLUG, 400)
    snapshot, messages = script(shared_data, 12_000)
    data_dir = tmp_path / "data"
    with (
        PolymarketServer([market_of(frames)], frames, speed=50.0) as polymarket,
        BinanceServer(snapshot, depths(messages, 400), speed=20.0) as binance,
        KalshiServer([market], {GAME: [sides]}, series={"KXMLBGAME": series}) as kalshi,
    ):
        settings = {
            "crypto": {"bar_interval": "", "urls": {"binance": binance.urls}},
            "kalshi": {"url": kalshi.url, "tickers": [GAME]},
        }
        (tmp_path / "config.yaml").write_text(json.dumps(settings))
        summary = summary_of(
            "--feed", "live", "--markets", SLUG, "--symbols", f"binance:{PAIR}",
            "--strategies", "momentum", "--duration", "4s",
            data_dir=data_dir, **addresses(polymarket),
        )  # fmt: skip
    assert summary["mode"] == "PAPER"
    tape = events(data_dir)
    started = next(event for event in tape if isinstance(event, RunStarted))
    assert started.feed == "polymarket+binance+kalshi"
    listed = {e.instrument.venue for e in tape if isinstance(e, InstrumentListed)}
    assert listed == {"polymarket", "binance", "kalshi"}
    states = {(e.source, e.state) for e in tape if isinstance(e, FeedStateChanged)}
    assert {(name, state) for name in listed for state in ("live", "ended")} <= states
    recording = Recording(data_dir / "market" / started.market_data)
    books = [item for _, item in recording.items() if isinstance(item, BookSeen)]
    assert {book.symbol.partition(":")[0] for book in books} == listed
    for words in (("verify",), ("replay", "last")):
        done = papertape(*words, data_dir=data_dir)
        assert done.returncode == 0, done.stdout + done.stderr
