"""Kalshi polled: books of bids become two-sided, faults leave them right or stale, results pay."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.feeds.crypto.desk import feed_of, last_book
from tests.feeds.live.desk import closing, levels, told

from papertape.errors import WorldError
from papertape.feeds.kalshi.messages import (
    BadAnswerError,
    BookMessage,
    MarketMessage,
    SeriesMessage,
    TradeMessage,
    _Sides,
    books_of,
    fees_of,
    listing_of,
    payouts_of,
    print_of,
)
from papertape.feeds.kalshi.venue import KalshiChoice, KalshiTiming, KalshiVenue
from papertape.model.instrument import FeeSchedule
from papertape.model.market_data import (
    BookSeen,
    FeedStateSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
)
from papertape.testing.kalshi_server import KalshiServer, RestFaults, Sides

FIXTURES = "fixtures/polymarket_kalshi_pmvl"
GAME = "KXMLBGAME-26AUG092020HOUSD-SD"
YES, NO = f"kalshi:{GAME}:YES", f"kalshi:{GAME}:NO"
SYMBOLS = (YES, NO)
QUICK = KalshiTiming(
    stale_s=0.4, beat_s=0.05, resolve_s=0.02, retry_s=0.05, backoff_first_s=0.01, trades_every=3
)
COUNT = 40


def fixture(shared_data: Path, name: str) -> Any:
    """Return a recorded answer."""
    return json.loads((shared_data / FIXTURES / name).read_text())


@pytest.fixture(scope="module")
def market(shared_data: Path) -> dict[str, Any]:
    """Return the recorded market, far from its end."""
    said: dict[str, Any] = fixture(shared_data, "live20260809_kalshi-market.json")["market"]
    return said | {"close_time": "2099-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def series(shared_data: Path) -> dict[str, Any]:
    """Return a recorded series under the name of the market's."""
    said: dict[str, Any] = fixture(shared_data, "kalshi_series.json")["series"]
    return {"KXMLBGAME": said | {"ticker": "KXMLBGAME"}}


@pytest.fixture(scope="module")
def script(shared_data: Path) -> list[Sides]:
    """Return the recorded book, and books in which it goes on."""
    said = fixture(shared_data, "live20260809_kalshi-orderbook.json")["orderbook_fp"]
    yes, no = said["yes_dollars"], said["no_dollars"]
    return [([*yes[:-1], [yes[-1][0], f"{n + 1}.25"]], no) for n in range(COUNT)]


def venue(server: KalshiServer, **choice: Any) -> KalshiVenue:
    """Return the recorded market on this server."""
    wanted: dict[str, Any] = {"tickers": (GAME,), "requests_per_s": 400.0, "refresh_s": 600.0}
    return KalshiVenue(KalshiChoice(url=server.url, **(wanted | choice)), timing=QUICK)


def sides(said: Sides) -> tuple[tuple[int, ...], ...]:
    """Return a script's book as YES sees it, computed another way than the product does."""
    bids = sorted(
        ((round(float(p) * 1e4), round(float(q) * 100)) for p, q in said[0]), reverse=True
    )
    asks = sorted((10_000 - round(float(p) * 1e4), round(float(q) * 100)) for p, q in said[1])
    return tuple(tuple(each[n] for each in side) for side in (bids, asks) for n in (0, 1))


# --- what the answers mean ---


def test_the_recorded_book_is_two_sided(shared_data: Path) -> None:
    """A bid for NO at p is an ask for YES at 1 - p; the market's own best prices agree."""
    raw = (shared_data / FIXTURES / "live20260809_kalshi-orderbook.json").read_bytes()
    said = fixture(shared_data, "live20260809_kalshi-market.json")["market"]
    yes, no = books_of(msgspec.json.decode(raw, type=BookMessage), SYMBOLS, 7)
    assert yes.bid_ticks[0] == round(float(said["yes_bid_dollars"]) * 10_000)
    assert yes.ask_ticks[0] == round(float(said["yes_ask_dollars"]) * 10_000)
    assert yes.bid_lots[0] == round(float(said["yes_bid_size_fp"]) * 100)
    assert yes.ask_lots[0] == round(float(said["yes_ask_size_fp"]) * 100)
    assert (no.bid_ticks[0], no.ask_ticks[0]) == (
        10_000 - yes.ask_ticks[0], 10_000 - yes.bid_ticks[0],
    )  # fmt: skip
    assert (no.bid_lots, no.ask_lots) == (yes.ask_lots, yes.bid_lots)
    assert yes.state == "live"


LADDER = st.dictionaries(st.integers(1, 9_999), st.integers(0, 10**7), max_size=12)


@given(LADDER, LADDER)
def test_books_mirror_and_a_cross_is_a_gap(yes: dict[int, int], no: dict[int, int]) -> None:
    """Whatever the ladders, the two books are one; only bids that meet make it a gap."""

    def texts(ladder: dict[int, int]) -> list[tuple[str, str]]:
        return [(f"0.{t:04d}", f"{q // 100}.{q % 100:02d}") for t, q in ladder.items()]

    message = BookMessage(orderbook_fp=_Sides(yes_dollars=texts(yes), no_dollars=texts(no)))
    one, other = books_of(message, SYMBOLS, 1)
    held = {t: q for t, q in yes.items() if q}, {t: q for t, q in no.items() if q}
    assert dict(zip(one.bid_ticks, one.bid_lots, strict=True)) == held[0]
    assert dict(zip(other.bid_ticks, other.bid_lots, strict=True)) == held[1]
    assert list(one.ask_ticks) == [10_000 - t for t in other.bid_ticks]
    assert list(one.ask_lots) == list(other.bid_lots)
    assert list(one.bid_ticks) == sorted(one.bid_ticks, reverse=True)
    crossed = bool(held[0] and held[1]) and max(held[0]) + max(held[1]) >= 10_000
    assert one.state == other.state == ("gap" if crossed else "live")


@pytest.mark.parametrize("price", ["0.0000", "1.0000", "0.41001", "-0.4", "4e-1", "nan"])
def test_a_price_that_cannot_be_is_refused(price: str) -> None:
    """No book is made of it."""
    message = BookMessage(orderbook_fp=_Sides(yes_dollars=[(price, "1.00")], no_dollars=[]))
    with pytest.raises(BadAnswerError):
        books_of(message, SYMBOLS, 1)


def said_market(market: dict[str, Any], **fields: Any) -> MarketMessage:
    """Return a market message."""
    return msgspec.convert(market | fields, MarketMessage)


def test_a_listing_has_the_grid_that_the_venue_says(market: dict[str, Any]) -> None:
    """Cents, tenths of a cent at the ends, and whole or fractional contracts."""
    listed, (yes, no) = listing_of(said_market(market), FeeSchedule())
    assert (yes.symbol, no.symbol, listed.mirrored) == (YES, NO, True)
    assert (yes.tick_nanos, yes.step_ticks, yes.lot_nanos, yes.min_lots) == (
        100_000, 100, 10_000_000, 1,
    )  # fmt: skip
    tapered = [
        {"start": "0.0000", "end": "0.1000", "step": "0.0010"},
        {"start": "0.1000", "end": "0.9000", "step": "0.0100"},
    ]
    _, (fine, _) = listing_of(
        said_market(market, price_ranges=tapered, fractional_trading_enabled=False), FeeSchedule()
    )
    assert (fine.step_ticks, fine.min_lots) == (10, 100)
    with pytest.raises(BadAnswerError):
        listing_of(said_market(market, market_type="scalar"), FeeSchedule())


@pytest.mark.parametrize(
    ("fields", "paid"),
    [
        ({"status": "active", "result": ""}, (False, None)),
        ({"status": "closed", "result": ""}, (False, None)),
        ({"status": "determined", "result": "yes"}, (False, None)),
        ({"status": "disputed", "result": "yes"}, (False, None)),
        ({"status": "finalized", "result": "yes"}, (True, (1_000_000, 0))),
        ({"status": "settled", "result": "no"}, (True, (0, 1_000_000))),
        ({"status": "settled", "result": "void"}, (True, None)),
        ({"status": "settled", "result": "scalar", "settlement_value_dollars": "0.3500"},
         (True, (350_000, 650_000))),
    ],
)  # fmt: skip
def test_what_a_market_pays(market: dict[str, Any], fields: dict[str, str], paid: Any) -> None:
    """Only what the venue has paid: a determined result may still be disputed."""
    assert payouts_of(said_market(market, **fields)) == paid


def test_a_settlement_without_a_result_is_refused(market: dict[str, Any]) -> None:
    """Nothing is guessed."""
    with pytest.raises(BadAnswerError):
        payouts_of(said_market(market, status="settled", result=""))


@pytest.mark.parametrize(
    ("kind", "multiplier", "taker", "maker"),
    [("quadratic", 1, 70_000, 0), ("quadratic", 0.5, 35_000, 0), ("quadratic", 0, 0, 0),
     ("quadratic_with_maker_fees", 1, 70_000, 17_500)],
)  # fmt: skip
def test_fees_follow_the_series(kind: str, multiplier: float, taker: int, maker: int) -> None:
    """Taker 0.07 and maker 0.0175 times the multiplier; makers pay only where the series says."""
    found = fees_of(SeriesMessage("KX", kind, multiplier), "2026-11-22")
    assert (found.taker_ppm, found.maker_ppm) == (taker, maker)
    with pytest.raises(BadAnswerError):
        fees_of(SeriesMessage("KX", "flat", 1), "2026-11-22")


def test_recorded_trades_are_prints_of_what_the_taker_bought(shared_data: Path) -> None:
    """Fractional contracts and both clocks come through."""
    raw = fixture(shared_data, "kalshi_trades.json")["trades"]
    seen = print_of(msgspec.convert(raw[0], TradeMessage), SYMBOLS, 5)
    assert (seen.symbol, seen.side, seen.price_ticks, seen.quantity_lots) == (
        YES, "BUY", 3_800, 1_261,
    )  # fmt: skip
    assert seen.venue_ts_ns == 1_784_958_699_544_670_000
    other = print_of(msgspec.convert(raw[0] | {"taker_side": "no"}, TradeMessage), SYMBOLS, 5)
    assert (other.symbol, other.price_ticks) == (NO, 6_200)
    with pytest.raises(BadAnswerError):
        print_of(msgspec.convert(raw[0] | {"no_price_dollars": "0.5"}, TradeMessage), SYMBOLS, 5)


# --- the feed ---

FAULTS = {
    "none": RestFaults(),
    "429": RestFaults(too_many=4),
    "5xx": RestFaults(server_errors=4),
    "truncated": RestFaults(truncated=5),
    "wrong schema": RestFaults(wrong_schema=5),
    "crossed": RestFaults(crossed=5),
    "clock skew": RestFaults(skew_s=-90.0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_final_book_is_right(
    market: dict[str, Any], series: dict[str, Any], script: list[Sides], name: str
) -> None:
    """Whatever happened, both books end live and right; every live book is one of the venue's."""
    faults = RestFaults(**vars(FAULTS[name]))
    with KalshiServer([market], {GAME: script}, series=series, faults=faults) as server:

        def right(items: list[MarketData]) -> bool:
            book = last_book(items[-8:], YES) if server.done(GAME) else None
            return book is not None and levels(book) == sides(server.final(GAME))

        feed = feed_of(venue(server))
        with closing(feed):
            items = told(feed, right)
    known = {sides(each) for each in script}
    books = [i for i in items if isinstance(i, BookSeen) and i.symbol == YES]
    assert {levels(book) for book in books if book.state == "live"} <= known
    assert books[-1].state == "live"
    states = {book.state for book in books}
    if name in {"truncated", "wrong schema"}:
        assert any("cannot be read" in what for what in feed.counts)
    if name == "crossed":
        assert "gap" in states
    if name == "none":
        assert states == {"live"}
        assert not feed.counts
    assert {"live"} <= {i.state for i in items if isinstance(i, FeedStateSeen)}


def test_a_venue_that_is_away_leaves_stale_books_and_comes_back(
    market: dict[str, Any], series: dict[str, Any], script: list[Sides]
) -> None:
    """Its last prices stay, nobody acts on them; when it answers again they are live."""
    with KalshiServer([market], {GAME: script}, series=series) as server:
        phases: list[str] = []

        def story(items: list[MarketData]) -> bool:
            book = last_book(items[-8:], YES)
            if book is None:
                return False
            if not phases and book.state == "live":
                phases.append("away")
                server.faults.away = True
            elif phases == ["away"] and book.state == "stale":
                assert book.bid_ticks
                phases.append("back")
                server.faults.away = False
            return phases == ["away", "back"] and book.state == "live"

        feed = feed_of(venue(server))
        with closing(feed):
            items = told(feed, story)
    feeds = [i.state for i in items if isinstance(i, FeedStateSeen)]
    first_live = feeds.index("live")
    assert "stale" in feeds[first_live:]
    assert feeds[-1] == "live"


def test_it_keeps_to_the_limit(
    market: dict[str, Any], series: dict[str, Any], script: list[Sides]
) -> None:
    """Never more requests in a second than it was allowed, whatever they are for."""
    with KalshiServer([market], {GAME: script}, series=series) as server:
        feed = feed_of(venue(server, requests_per_s=50.0))
        with closing(feed):
            told(feed, lambda items: len(server.times) > 40)
        times = server.times
    assert all(late - early > 0.19 for early, late in zip(times, times[11:], strict=False))


def test_trades_come_once_and_results_pay(
    market: dict[str, Any], series: dict[str, Any], script: list[Sides], shared_data: Path
) -> None:
    """A market closes, is disputed, is paid; a trade that two answers hold is told once."""
    raw = fixture(shared_data, "kalshi_trades.json")["trades"]
    trades = [t | {"ticker": GAME, "_at": 4e9} for t in raw]
    with KalshiServer([market], {GAME: script}, series=series, trades=trades) as server:

        def story(items: list[MarketData]) -> bool:
            if isinstance(items[-1], PrintSeen):
                server.markets[GAME] = market | {"status": "disputed", "result": "yes"}
            over = any(isinstance(i, MarketStateSeen) and i.state == "closed" for i in items)
            if over and server.requests[f"GET /markets/{GAME}"] > 6:
                server.markets[GAME] = market | {"status": "finalized", "result": "no"}
            return isinstance(items[-1], MarketResolvedSeen)

        feed = feed_of(venue(server, refresh_s=0.1))
        with closing(feed):
            items = told(feed, story)
    prints = [i for i in items if isinstance(i, PrintSeen)]
    assert len(prints) == 3
    assert {one.side for one in prints} == {"BUY"}
    assert items[-1].payouts_micros == (0, 1_000_000)  # type: ignore[union-attr]
    states = [i.state for i in items if isinstance(i, MarketStateSeen)]
    assert states == ["trading", "closed"]


def test_markets_of_a_series_are_found_over_pages(
    market: dict[str, Any], series: dict[str, Any], script: list[Sides]
) -> None:
    """All open ones, up to the number that was asked for."""
    names = [f"KXMLBGAME-26AUG09-{n}" for n in range(5)]
    markets = [market | {"ticker": name} for name in names]
    markets[3]["status"] = "settled"
    books = dict.fromkeys(names, script)
    with KalshiServer(markets, books, series=series) as server:
        feed = feed_of(venue(server, tickers=(), series=("KXMLBGAME",)))
        with closing(feed):
            items = told(feed, lambda items: sum(isinstance(i, BookSeen) for i in items) > 10)
    found = [i.market.market_id for i in items if isinstance(i, MarketSeen)]
    assert found == [f"kalshi:{name}" for n, name in enumerate(names) if n != 3]


def test_a_market_that_is_not_there_is_named(series: dict[str, Any]) -> None:
    """A misspelt ticker ends a run of Kalshi alone, with the reason."""
    with KalshiServer([], {}, series=series) as server:
        feed = feed_of(venue(server, tickers=("NO-SUCH",)))
        with closing(feed), pytest.raises(WorldError, match="no open market matches NO-SUCH"):
            list(feed.items())


def test_many_failed_connections_leave_nothing_behind(
    market: dict[str, Any], series: dict[str, Any], script: list[Sides]
) -> None:
    """Each answer is a connection of its own here: no more sockets late than early."""
    process = psutil.Process()
    threads_before = threading.active_count()
    sizes: list[int] = []
    with KalshiServer([market], {GAME: script}, series=series) as server:

        def enough(items: list[MarketData]) -> bool:
            asked = len(server.times)
            server.faults.server_errors = asked % 3
            if asked > (30, 150, 260)[len(sizes)]:
                sizes.append(process.num_fds())
            return len(sizes) == 3

        feed = feed_of(venue(server, requests_per_s=2_000.0))
        with closing(feed):
            told(feed, enough)
    assert sizes[2] <= sizes[0] + 6
    assert threading.active_count() <= threads_before
