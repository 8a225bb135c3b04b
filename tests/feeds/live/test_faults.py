"""What goes wrong on the way: the final book is right and live, or nobody may act on it.

In every case a book that was told as live is one that the venue really had.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from tests.feeds.live.desk import (
    QUICK,
    closing,
    frames_of,
    last_book,
    levels,
    live_feed,
    market_of,
    told,
    true_levels,
    venue_of,
)

from papertape.feeds.live import LiveFeed
from papertape.feeds.polymarket.picker import Choice
from papertape.feeds.polymarket.stream import Timing
from papertape.model.market_data import (
    BookSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
    VenueClockSeen,
)
from papertape.testing.polymarket_script import Faults, Frame, gamma_market
from papertape.testing.polymarket_server import PolymarketServer

SLUG = "btc-updown-5m-1776323400"
UP = f"polymarket:{SLUG}:UP"
COUNT = 120


@pytest.fixture(scope="module")
def frames(shared_data: Path) -> list[Frame]:
    """Return the first books of one market."""
    return frames_of(shared_data, SLUG, COUNT)


FAULTS = {
    "none": Faults(),
    "duplicates": Faults(duplicate=set(range(0, COUNT, 3))),
    "delays": Faults(delay_s={30: 0.1, 60: 0.2}),
    "silent socket": Faults(silent_from=40),
    "mute subscription": Faults(mute_connections=1),
    "disconnect storm": Faults(disconnect={20, 40, 60, 80, 100, COUNT - 1}),
    "429": Faults(too_many=3),
    "5xx": Faults(server_errors=3),
    "truncated": Faults(truncate={30, 70, COUNT - 1}),
    "wrong schema": Faults(wrong_schema={30, 70, COUNT - 1}),
    "tick change": Faults(tick_change={50: "0.001"}),
}


@pytest.mark.parametrize("as_changes", [False, True], ids=["books", "changes"])
@pytest.mark.parametrize("name", FAULTS)
def test_the_final_book_is_right(frames: list[Frame], name: str, as_changes: bool) -> None:
    """Whatever happened, the book ends live and equal to the venue's; no live book was a guess."""
    fault = FAULTS[name]
    faults = Faults(**{key: getattr(fault, key) for key in vars(fault)})
    wanted = true_levels(frames[-1])
    true_books = {true_levels(frame) for frame in frames}
    with PolymarketServer(
        [market_of(frames)], frames, faults=faults, as_changes=as_changes
    ) as server:

        def right(items: list[MarketData]) -> bool:
            book = last_book(items, UP) if server.done.is_set() else None
            return book is not None and book.state == "live" and levels(book) == wanted

        feed = live_feed(server, SLUG)
        with closing(feed):
            items = told(feed, right)
    live = [item for item in items if isinstance(item, BookSeen) and item.state == "live"]
    assert {levels(book) for book in live} <= true_books
    if name in {"truncated", "wrong schema"}:
        assert venue_of(feed).reader.malformed
    if name == "tick change":
        assert [i.instrument.step_ticks for i in items if isinstance(i, InstrumentSeen)][:1] == [10]
    if name == "disconnect storm":
        assert any(isinstance(item, BookSeen) and item.state == "stale" for item in items)
        assert any(isinstance(item, FeedStateSeen) and item.state == "stale" for item in items[9:])


def test_dropped_changes_are_noticed_and_repaired(frames: list[Frame]) -> None:
    """A lost change shows at the top, or at the next look at a quiet book."""
    faults = Faults(drop=set(range(10, COUNT, 7)) | {COUNT - 1})
    wanted = true_levels(frames[-1])
    with PolymarketServer([market_of(frames)], frames, faults=faults, as_changes=True) as server:

        def right(items: list[MarketData]) -> bool:
            book = last_book(items, UP) if server.done.is_set() else None
            return book is not None and book.state == "live" and levels(book) == wanted

        feed = live_feed(server, SLUG)
        with closing(feed):
            items = told(feed, right)
    assert any(isinstance(item, BookSeen) and item.state == "gap" for item in items)
    assert sum(count for reason, count in feed.counts.items() if reason.startswith("gaps:"))


def test_a_gap_is_repaired_within_five_seconds(frames: list[Frame]) -> None:
    """With the timing of real runs; the book says what failed, that it is asked for, and is live.

    The lost change moves the top, so the next one shows it.
    """
    tops = [(frame.body["bids"][-1]["price"], frame.body["asks"][-1]["price"]) for frame in frames]
    moved = next(
        n for n in range(10, 60) if tops[n] not in {tops[n - 1]} and tops[n + 1] == tops[n]
    )
    faults = Faults(drop={moved})
    with PolymarketServer(
        [market_of(frames)], frames[:80], faults=faults, as_changes=True, speed=20.0
    ) as server:
        wanted = true_levels(frames[79])

        def right(items: list[MarketData]) -> bool:
            book = last_book(items, UP) if server.done.is_set() else None
            return book is not None and book.state == "live" and levels(book) == wanted

        feed = live_feed(server, SLUG, timing=Timing())
        with closing(feed):
            items = told(feed, right)
    books = [item for item in items if isinstance(item, BookSeen) and item.symbol == UP]
    first = next(n for n, book in enumerate(books) if book.state == "gap")
    again = next(book for book in books[first:] if book.state == "live")
    assert books[first].reason == "the venue's best prices are not ours"
    assert "resyncing" in {book.state for book in books[first:]}
    assert again.ts_ns - books[first].ts_ns < 5 * 10**9
    assert not again.reason


def test_the_clock_of_the_venue_is_measured(frames: list[Frame]) -> None:
    """From the Date of its answers: nothing is assumed of either clock."""
    faults = Faults(clock_ahead_s=90.0)
    with PolymarketServer([market_of(frames)], frames[:20], faults=faults) as server:
        feed = live_feed(server, SLUG)
        with closing(feed):
            items = told(feed, lambda items: isinstance(items[-1], VenueClockSeen))
    seen = items[-1]
    assert isinstance(seen, VenueClockSeen)
    assert abs(seen.ahead_ms + 90_000) <= seen.error_ms + 1
    assert seen.error_ms < 1_500


def test_a_late_resolution_is_waited_for(frames: list[Frame]) -> None:
    """The market closes at its end, nothing is paid while it is disputed, and it is paid once."""
    ends = datetime.now(UTC) + timedelta(seconds=2)
    market = market_of(frames, endDate=ends.isoformat())
    with PolymarketServer(
        [market], frames[:20], faults=Faults(late_resolution=5), winners={SLUG: frames[0].token}
    ) as server:
        feed = live_feed(server, SLUG)
        with closing(feed):
            items = told(feed, lambda items: isinstance(items[-1], MarketResolvedSeen))
    states = [item.state for item in items if isinstance(item, MarketStateSeen)]
    assert states == ["trading", "closed"]
    assert [i.payouts_micros for i in items if isinstance(i, MarketResolvedSeen)] == [
        (1_000_000, 0)
    ]
    assert server.faults.late_resolution == 0


def test_markets_are_found_by_words_over_pages(frames: list[Frame]) -> None:
    """Three pages of markets, of which two match; volume and state are held to as well."""
    markets = [
        gamma_market(f"market-{n}", [str(10**20 + n), str(10**21 + n)], question=f"BTC Up/Down {n}")
        for n in range(5)
    ]
    markets[1]["question"] = "Rain?"
    markets[2]["volumeNum"] = 3
    markets[3]["acceptingOrders"] = False
    markets[4] |= {"positionIds": markets[4].pop("clobTokenIds"), "version": "v2"}
    choice = Choice(query="btc updown", volume_usd_min=10)
    with PolymarketServer(markets, frames[:1]) as server:
        feed = live_feed(server, choice=choice)
        with closing(feed):
            items = told(feed, lambda items: len(items) > 8)
    found = [item.market.market_id for item in items if isinstance(item, MarketSeen)]
    assert found == [f"polymarket:market-{n}" for n in (0, 3, 4)]
    assert server.requests["GET /markets"] == 3


def test_tokens_are_spread_over_connections(frames: list[Frame]) -> None:
    """No socket is asked for more tokens than it is said to bear."""
    markets = [gamma_market(f"market-{n}", [str(10**20 + n), str(10**21 + n)]) for n in range(5)]
    slugs = [market["slug"] for market in markets]
    with PolymarketServer(markets, frames[:1]) as server:
        feed = live_feed(server, *slugs, tokens_per_socket=4)
        with closing(feed):
            told(feed, lambda items: len(server.said) >= 3)
    assert sorted(len(wish["assets_ids"]) for wish in server.said[:3]) == [2, 4, 4]
    assert all(wish["custom_feature_enabled"] for wish in server.said[:3])


def test_a_silent_venue_is_heard_of_and_stops_soon(frames: list[Frame]) -> None:
    """The engine's loop is never left waiting, and `stop` acts within 100 ms."""
    with PolymarketServer([market_of(frames)], []) as server:
        feed = live_feed(server, SLUG)
        with closing(feed):
            items: list[MarketData] = []
            stopped_s: list[float] = []

            def stop() -> None:
                stopped_s.append(time.monotonic())
                feed.stop()

            threading.Timer(0.6, stop).start()
            items = list(feed.items())
            assert time.monotonic() - stopped_s[0] < 0.1
    beats = [item for item in items if isinstance(item, FeedStateSeen)]
    assert len(beats) >= 3
    assert {beat.state for beat in beats} == {"stale"}


def test_reconnects_leave_nothing_behind(frames: list[Frame]) -> None:
    """After many lost connections there are as many tasks, threads and sockets as after few."""
    process = psutil.Process()
    threads_before = threading.active_count()
    sizes: list[tuple[int, int]] = []
    with PolymarketServer([market_of(frames)], frames[:5]) as server:
        feed = live_feed(server, SLUG)

        def enough(items: list[MarketData]) -> bool:
            lost = feed.counts["connections lost"]
            session = venue_of(feed).session
            if session is not None and any(one.proven for one in session.shards):
                if lost in {5, 30} and len(sizes) < (1 if lost == 5 else 2):
                    sizes.append((_tasks(feed), process.num_fds()))
                for socket in list(server.open_sockets):
                    socket.transport.abort()
            return lost > 30

        with closing(feed):
            told(feed, enough)
    assert len(sizes) == 2
    assert sizes[1][0] <= sizes[0][0]
    assert sizes[1][1] <= sizes[0][1] + 4
    assert threading.active_count() <= threads_before


def _tasks(feed: LiveFeed) -> int:
    session = venue_of(feed).session
    assert session is not None
    task = session.shards[0].task
    assert task is not None
    return len(asyncio.all_tasks(task.get_loop()))


def test_prints_and_listings_come_through(frames: list[Frame]) -> None:
    """A trade of others is told with the taker's side; a repeated resolution pays once."""
    trade = {
        "market": "0x1", "asset_id": frames[0].token, "price": "0.585", "size": "2.469",
        "fee_rate_bps": "0", "side": "SELL", "timestamp": "1786728467101",
        "event_type": "last_trade_price",
    }  # fmt: skip
    paid = {
        "event_type": "market_resolved", "market": "0x1",
        "assets_ids": market_tokens(frames), "winning_asset_id": frames[0].token,
    }  # fmt: skip
    with PolymarketServer([market_of(frames)], frames[:5]) as server:
        feed = live_feed(server, SLUG, timing=QUICK)
        sent: list[bool] = []

        def talk(items: list[MarketData]) -> bool:
            if server.done.is_set() and not sent:
                sent.append(True)
                for message in (trade, paid, paid):
                    server.tell(message)
            return sum(isinstance(item, MarketResolvedSeen) for item in items) > 0

        with closing(feed):
            items = told(feed, talk)
    prints = [item for item in items if isinstance(item, PrintSeen)]
    assert [(one.price_ticks, one.quantity_lots, one.side) for one in prints] == [
        (5_850, 246, "SELL")
    ]
    assert prints[0].venue_ts_ns == 1786728467101 * 10**6


def test_a_market_we_hold_is_followed_to_its_payout(frames: list[Frame]) -> None:
    """It ended while the bot was off and is not asked for any more: it still pays."""
    over = gamma_market(
        "over", [str(10**20), str(10**21)], closed=True, acceptingOrders=False,
        outcomePrices='["0", "1"]', umaResolutionStatus="resolved",
    )  # fmt: skip
    choice = Choice(slugs=(SLUG, "over"), held=("over",))
    with PolymarketServer([market_of(frames), over], frames[:3]) as server:
        feed = live_feed(server, choice=choice)
        with closing(feed):
            items = told(feed, lambda items: last_book(items, UP) is not None)
    paid = [item for item in items if isinstance(item, MarketResolvedSeen)]
    assert [(one.market_id, one.payouts_micros) for one in paid] == [
        ("polymarket:over", (0, 1_000_000))
    ]
    assert all(str(10**20) not in wish["assets_ids"] for wish in server.said)


def market_tokens(frames: list[Frame]) -> list[str]:
    """Return the tokens of these frames' market, as `market_of` gives them."""
    tokens: list[str] = json.loads(market_of(frames)["clobTokenIds"])
    return tokens
