"""What goes wrong on the way from Binance: the final book is right and live, or nobody acts on it.

In every case a book that was told as live is one that the venue really had.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from pathlib import Path

import msgspec
import psutil
import pytest
from tests.feeds.crypto.desk import (
    QUICK,
    depths,
    feed_of,
    last_book,
    script,
    true_levels,
    venue,
)
from tests.feeds.live.desk import closing, levels, told

from papertape.clock import ManualClock, SystemClock
from papertape.errors import ConfigError
from papertape.feeds.crypto.venue import CryptoVenue
from papertape.model.market_data import BarSeen, BookSeen, FeedStateSeen, MarketData
from papertape.testing.binance_script import Json, Message, TrueBook
from papertape.testing.binance_server import BinanceServer
from papertape.testing.venue_faults import StreamFaults

COUNT = 150
TASKS_ON_THEIR_WAY = 4  # at any moment; a leak would be one for each of 170 reconnects
BLOCKS_MAX = 2_000  # of memory that Python holds, over a hundred reconnects
HASTY = msgspec.structs.replace(
    QUICK, backoff_first_s=0.001, backoff_max_s=0.005, tick_s=0.005, again_s=0.01
)
SPEED = 30.0  # 100 ms between updates become 3 ms

FAULTS = {
    "none": StreamFaults(),
    "drops": StreamFaults(drop={40, 41, 90}),
    "drop of the last": StreamFaults(drop={COUNT - 1}),
    "duplicates": StreamFaults(duplicate=set(range(5, COUNT, 4))),
    "reordering": StreamFaults(swap={50, 100}),
    "delays": StreamFaults(delay_s={30: 0.1, 60: 0.2}),
    "bursts": StreamFaults(burst=25),
    "silent socket": StreamFaults(silent_from=60),
    "mute subscription": StreamFaults(mute_connections=1),
    "half-open socket": StreamFaults(half_open_at=60),
    "disconnect storm": StreamFaults(disconnect={30, 50, 70, 90, COUNT - 1}),
    "429": StreamFaults(too_many=3),
    "5xx": StreamFaults(server_errors=3),
    "truncated answer": StreamFaults(truncated_answers=2),
    "truncated frames": StreamFaults(truncate={40, 90, COUNT - 1}),
    "wrong schema": StreamFaults(wrong_schema={40, 90, COUNT - 1}),
    "clock skew": StreamFaults(skew_ms=-90_000),
}
REPAIRED = {"drops", "drop of the last", "silent socket", "half-open socket", "disconnect storm",
            "truncated frames", "wrong schema"}  # fmt: skip


@pytest.fixture(scope="module")
def updates(shared_data: Path) -> tuple[Json, list[Message]]:
    """Return the snapshot and the first depth updates of the recording."""
    snapshot, messages = script(shared_data, 12_000)
    return snapshot, depths(messages, COUNT)


@pytest.fixture(scope="module")
def true_tops(updates: tuple[Json, list[Message]]) -> set[tuple[tuple[int, ...], ...]]:
    """Return every book that the venue had, ten levels deep."""
    snapshot, messages = updates
    book = TrueBook(snapshot)
    known = {tops(book.rest(10))}
    for message in messages:
        book.apply(message.data)
        known.add(tops(book.rest(10)))
    return known


def tops(said: Json) -> tuple[tuple[int, ...], ...]:
    """Return ten levels a side in ticks and lots."""
    return tuple(
        tuple(round(float(level[n]) * scale) for level in said[key][:10])
        for key in ("bids", "asks")
        for n, scale in ((0, 100), (1, 10_000))
    )


@pytest.mark.parametrize("name", FAULTS)
def test_the_final_book_is_right(
    updates: tuple[Json, list[Message]],
    true_tops: set[tuple[tuple[int, ...], ...]],
    name: str,
) -> None:
    """Whatever happened, the book ends live and equal to the venue's; no live book was a guess."""
    snapshot, messages = updates
    fault = FAULTS[name]
    faults = StreamFaults(
        **{key: set(v) if isinstance(v, set) else v for key, v in vars(fault).items()}
    )
    with BinanceServer(snapshot, messages, faults=faults, speed=SPEED) as server:
        made = venue(server)
        feed = feed_of(made)

        def right(items: list[MarketData]) -> bool:
            book = last_book(items) if server.done.is_set() else None
            return book is not None and book.state == "live" and levels(book) == true_levels(server)

        with closing(feed):
            items = told(feed, right)
    books = [item for item in items if isinstance(item, BookSeen)]
    live = {tuple(side[:10] for side in levels(book)) for book in books if book.state == "live"}
    assert live <= true_tops
    if name in REPAIRED:
        assert any(book.state in {"gap", "stale"} for book in books), "the break was told"
        assert feed.counts
    if name == "none":
        assert not feed.counts
        assert made.losses == 0


def test_a_venue_that_is_gone_leaves_a_stale_book(updates: tuple[Json, list[Message]]) -> None:
    """Where nothing can be repaired the book is not live, and the venue says that it is stale."""
    snapshot, messages = updates
    with BinanceServer(snapshot, messages[:40], speed=SPEED) as server:
        feed = feed_of(venue(server))

        def gone(items: list[MarketData]) -> bool:
            if server.done.is_set() and not server.faults.server_errors:
                server.faults.server_errors = 10**6
                server.faults.mute_connections = 10**6
                server.cut()
            beats = [i for i in items[-20:] if isinstance(i, FeedStateSeen) and i.state == "stale"]
            return server.faults.server_errors > 0 and len(beats) > 5

        with closing(feed):
            items = told(feed, gone)
    book = last_book(items)
    assert book is not None
    assert book.state == "stale"
    assert len(book.bid_ticks) > 10, "its last prices stay, to mark positions with"


def test_reconnects_leave_nothing_behind(updates: tuple[Json, list[Message]]) -> None:
    """After 200 lost connections there are as many tasks, threads and sockets as after 20."""
    snapshot, messages = updates
    process = psutil.Process()
    threads_before = threading.active_count()
    sizes: list[tuple[int, int, int]] = []
    with BinanceServer(snapshot, messages[:3]) as server:
        made = venue(server, HASTY)
        feed = feed_of(made)
        cut_at: dict[int, float] = {-1: 0.0}

        def enough(items: list[MarketData]) -> bool:
            book = last_book(items[-1:])
            overdue = time.monotonic() - max(cut_at.values()) > 0.5
            is_live = book is not None and book.state == "live"
            if is_live and (made.losses not in cut_at or overdue):
                if made.losses >= (20, 100, 190, 10**9)[len(sizes)]:
                    gc.collect()
                    sizes.append((_tasks(made), process.num_fds(), sys.getallocatedblocks()))
                cut_at[made.losses] = time.monotonic()
                server.cut()
            del items[:-5]
            return made.losses > 200

        with closing(feed):
            told(feed, enough, timeout_s=60.0)
    early, middle, late = sizes
    assert late[0] <= early[0] + TASKS_ON_THEIR_WAY
    assert late[1] <= early[1] + 6
    assert late[2] - middle[2] < BLOCKS_MAX, "objects over a hundred reconnects"
    assert threading.active_count() <= threads_before


def _tasks(made: CryptoVenue) -> int:
    return len(asyncio.all_tasks(made.exchange.asyncio_loop))


def test_retry_after_is_obeyed(updates: tuple[Json, list[Message]]) -> None:
    """A busy venue that asks for a second is not asked again before it is over."""
    snapshot, messages = updates
    faults = StreamFaults(too_many=1, retry_after_s=1)
    with BinanceServer(snapshot, messages[:5], faults=faults) as server:
        feed = feed_of(venue(server))
        clock = SystemClock()
        began_ns = clock.now_ns()
        with closing(feed):
            items = told(feed, lambda items: last_book(items[-1:]) is not None)
    assert items[-1].ts_ns - began_ns >= 10**9


def test_a_pair_that_is_not_there_is_named(updates: tuple[Json, list[Message]]) -> None:
    """A misspelt pair ends the run at once, with the nearest one."""
    with BinanceServer(*updates) as server:
        feed = feed_of(venue(server, pairs=("ETH/USD",)))
        with closing(feed), pytest.raises(ConfigError, match="did you mean 'ETH/USDT'"):
            list(feed.items())


def test_a_book_without_proof_is_shown_and_not_live(updates: tuple[Json, list[Message]]) -> None:
    """Where nothing would show a missing change, the engine is not to act."""
    with BinanceServer(*updates, speed=SPEED) as server:
        made = venue(server)
        made._proven = False  # a venue of which ccxt checks nothing
        feed = feed_of(made)
        with closing(feed):
            items = told(feed, lambda items: sum(isinstance(i, BookSeen) for i in items) > 5)
    states = {item.state for item in items if isinstance(item, BookSeen)}
    assert states - {"resyncing"} == {"unverified"}
    assert {i.state for i in items if isinstance(i, FeedStateSeen)} == {"stale"}


def test_closed_bars_come_once_from_stream_or_history(
    updates: tuple[Json, list[Message]],
) -> None:
    """A bar is told when the next one has begun; what an absence swallowed is fetched."""
    snapshot, messages = updates
    minute = 1_723_161_240_000
    history = [kline(minute + n * 60_000, 2_680 + n) for n in range(6)]
    spoken = [
        Message(messages[n].recv_ns, "ethusdt@kline_1m", stream_kline(history[k], k in closed))
        for n, (k, closed) in enumerate([(1, ()), (1, (1,)), (2, ()), (2, (2,)), (5, ())])
    ]
    clock = ManualClock(minute * 10**6 + 70 * 10**9)
    script_ = sorted(messages[:20] + spoken, key=lambda m: m.recv_ns)
    with BinanceServer(
        snapshot, script_, speed=SPEED, klines=history,
        begins_with=frozenset({"ethusdt@kline_1m"}),
    ) as server:  # fmt: skip
        feed = feed_of(venue(server, bar_interval="1m"), clock=clock)
        with closing(feed):
            items = told(feed, lambda items: sum(isinstance(i, BarSeen) for i in items) >= 4)
    bars = [item for item in items if isinstance(item, BarSeen)]
    assert [bar.venue_ts_ns // 10**6 for bar in bars] == [minute + n * 60_000 for n in (2, 3, 4, 5)]
    assert [bar.open_ticks for bar in bars] == [268_100, 268_200, 268_300, 268_400]
    assert bars[0].volume_lots == 125_000
    assert server.requests["GET /api/v3/klines"] == 1


def kline(open_ms: int, price: int) -> list[object]:
    """Return a row of GET /api/v3/klines."""
    return [open_ms, f"{price}.00", f"{price + 2}.50", f"{price - 1}.00", f"{price + 1}.00",
            "12.50000000", open_ms + 59_999, "0", 10, "0", "0", "0"]  # fmt: skip


def stream_kline(row: list[object], closed: bool) -> Json:
    """Return the kline message of a row."""
    return {
        "e": "kline", "E": row[0], "s": "ETHUSDT",
        "k": {"t": row[0], "T": row[6], "s": "ETHUSDT", "i": "1m", "o": row[1], "h": row[2],
              "l": row[3], "c": row[4], "v": row[5], "n": 10, "x": closed},
    }  # fmt: skip
