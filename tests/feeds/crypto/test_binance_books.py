"""Binance through ccxt: the book is the venue's, exactly, at every update id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.feeds.crypto.desk import (
    DEPTH,
    PAIR,
    SYMBOL,
    TRADES,
    feed_of,
    last_book,
    script,
    true_levels,
    venue,
)
from tests.feeds.live.desk import closing, levels, told

from papertape.clock import ManualClock
from papertape.feeds.crypto.choice import CryptoTiming
from papertape.feeds.crypto.venue import CryptoVenue
from papertape.model.market_data import (
    BookSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketData,
    PrintSeen,
)
from papertape.testing.binance_script import Json, Message
from papertape.testing.binance_server import BinanceServer

pytestmark = pytest.mark.slow

CALM = CryptoTiming(audit_s=1e6, silence_s=1e6, first_book_s=10.0)


class Told:
    """What one pass of the whole recording said."""

    items: list[MarketData]
    at_update: dict[int, BookSeen]
    venue: CryptoVenue
    final: tuple[tuple[int, ...], ...]


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> tuple[Json, list[Message]]:
    """Return the whole recording."""
    return script(shared_data)


@pytest.fixture(scope="module")
def whole(recording: tuple[Json, list[Message]]) -> Told:
    """Play the whole recording once through ccxt, as fast as it goes."""
    snapshot, messages = recording
    clock = ManualClock(messages[0].recv_ns)
    found = Told()
    found.at_update = {}
    with BinanceServer(
        snapshot,
        messages,
        before=clock.set_ns,
        taken=lambda: found.venue.messages >= server.sent,
        begins_with=frozenset({DEPTH, TRADES}),
    ) as server:
        made = found.venue = venue(server, CALM)
        emit = made.emit

        def emit_and_note(item: Any) -> None:
            if isinstance(item, BookSeen):
                found.at_update[made.exchange.orderbooks[PAIR]["nonce"]] = item
            emit(item)

        made.emit = emit_and_note  # type: ignore[method-assign]
        feed = feed_of(made, clock=clock)
        with closing(feed):

            def over(items: list[MarketData]) -> bool:
                book = last_book(items[-50:]) if server.done.is_set() else None
                return book is not None and levels(book) == true_levels(server)

            found.items = told(feed, over, timeout_s=60.0)
        found.final = true_levels(server)
    return found


def test_the_book_equals_book_ticker_wherever_both_exist(
    recording: tuple[Json, list[Message]], whole: Told
) -> None:
    """Snapshot and deltas rebuilt through ccxt agree with the venue's own best prices."""
    tops = {m.data["u"]: m.data for m in recording[1] if m.stream.endswith("bookTicker")}
    both = sorted(tops.keys() & whole.at_update.keys())
    assert len(both) > 500, "the recording names hundreds of updates in both streams"
    for update_id in both:
        top, book = tops[update_id], whole.at_update[update_id]
        assert (book.bid_ticks[0], book.bid_lots[0]) == exact(top["b"], top["B"])
        assert (book.ask_ticks[0], book.ask_lots[0]) == exact(top["a"], top["A"])


def exact(price: str, size: str) -> tuple[int, int]:
    """Return Binance's eight-decimal texts in ticks of 0.01 and lots of 0.0001."""
    return int(price.replace(".", "")) // 10**6, int(size.replace(".", "")) // 10**4


def test_every_depth_update_is_told_live_with_both_clocks(
    recording: tuple[Json, list[Message]], whole: Told
) -> None:
    """None is coalesced; each has the time of receipt, and the venue's own beside it."""
    updates = [m for m in recording[1] if m.stream == DEPTH]
    books = [item for item in whole.items if isinstance(item, BookSeen)]
    while books[0].state == "resyncing":  # the snapshot, before the stream fits it
        books.pop(0)
    assert {book.state for book in books} == {"live"}
    assert len(books) >= len(updates) - 60, "the first are part of the snapshot"
    by_venue_time = {m.data["E"]: m.recv_ns for m in updates}
    skews = [book.venue_ts_ns - book.ts_ns for book in books]
    assert all(1.26e9 < skew < 1.28e9 for skew in skews[100:]), "that clock ran 1.27 s behind"
    assert {book.venue_ts_ns // 10**6 for book in books} <= by_venue_time.keys()


def test_prints_come_once_each_with_the_takers_side(
    recording: tuple[Json, list[Message]], whole: Told
) -> None:
    """Every recorded trade is there, exact; m=true means that the taker sold."""
    told_ = [item for item in whole.items if isinstance(item, PrintSeen)]
    trades = [m.data for m in recording[1] if m.stream == TRADES]
    wanted = [(*exact(t["p"], t["q"]), "SELL" if t["m"] else "BUY") for t in trades]
    got = [(one.price_ticks, one.quantity_lots, one.side) for one in told_]
    assert len(got) > 5_000
    assert got == wanted[: len(got)]
    assert len(wanted) - len(got) < 50, "those that were on their way when it ended"


def test_grid_and_fees_come_from_the_venue(whole: Told) -> None:
    """Tick, lot, smallest order and fee are what the venue's metadata says."""
    first = next(item for item in whole.items if isinstance(item, InstrumentSeen))
    one = first.instrument
    assert (one.symbol, one.venue, one.kind) == (SYMBOL, "binance", "spot")
    assert (one.quote_currency, one.tick_nanos, one.lot_nanos) == ("USDT", 10**7, 10**5)
    assert (one.min_lots, one.min_notional_micros) == (1, 5_000_000)
    assert (one.fees.kind, one.fees.taker_ppm, one.fees.maker_ppm) == ("proportional", 1000, 1000)


def test_the_feed_says_that_it_is_live(whole: Told) -> None:
    """It is stale before the first live book, and live from it on."""
    states = [item.state for item in whole.items if isinstance(item, FeedStateSeen)]
    assert states[0] == "stale"
    assert "live" in states
    live = next(
        n for n, i in enumerate(whole.items) if isinstance(i, BookSeen) and i.state == "live"
    )
    before = [i.state for i in whole.items[:live] if isinstance(i, FeedStateSeen)]
    assert before[-1] == "live"
    assert set(before[:-1]) == {"stale"}
    assert levels(last_book(whole.items)) == whole.final  # type: ignore[arg-type]
