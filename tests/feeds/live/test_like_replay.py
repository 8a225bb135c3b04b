"""A capture served by a local Polymarket leads to the books, decisions and fills of its replay."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.engine.desk import Desk
from tests.feeds.live.desk import (
    CAPTURE,
    PATIENT,
    closing,
    levels,
    live_feed,
    market_of,
    venue_of,
    write_slice,
)

from papertape.clock import ManualClock
from papertape.feeds.importers.imported import import_data
from papertape.feeds.live import LiveFeed
from papertape.feeds.replay import ReplayFeed
from papertape.model.events import OrderFilled, PositionSettled
from papertape.model.market_data import BookSeen, MarketData
from papertape.strategies.mean_reversion import MeanReversion
from papertape.strategies.momentum import Momentum
from papertape.tape.recording import Recording
from papertape.testing.polymarket_script import read_capture
from papertape.testing.polymarket_server import PolymarketServer

FIRST, SECOND = "btc-updown-5m-1776327900", "btc-updown-5m-1776328200"
ROUND_TRIPS = {"window_s": 20, "warm_s": 5, "hold_s": 15, "rest_s": 2}
NOT_COMPARED = {
    "InstrumentListed", "MarketListed", "FeedStateChanged", "MarketStateChanged",
    "VenueClockMeasured",
}  # fmt: skip


def strategies() -> dict[str, Any]:
    """Return strategies that trade much on five-minute markets."""
    return {"momentum": Momentum(**ROUND_TRIPS), "mean_reversion": MeanReversion(**ROUND_TRIPS)}


def label(token: str) -> str:
    """Return the name that the importer of captures gives a token."""
    return "T" + token[:8]


class Watched:
    """A feed that keeps what it said."""

    def __init__(self, feed: Any) -> None:
        self.source = feed.source
        self.items_said: list[MarketData] = []
        self._feed = feed

    def items(self) -> Any:
        for item in self._feed.items():
            self.items_said.append(item)
            yield item

    def stop(self) -> None:
        self._feed.stop()


def run(feed: Any, start_ns: int) -> tuple[list[Any], list[Any], Desk]:
    """Run strategies on a feed; return its books and all that was decided, with times."""
    desk = Desk(strategies(), now_ns=start_ns, risk={"max_open_orders": 50})
    watched = Watched(feed)
    desk.loop.run(watched)
    books = [
        (item.symbol, item.ts_ns, item.venue_ts_ns, item.state, levels(item))
        for item in watched.items_said
        if isinstance(item, BookSeen)
    ]
    records = [
        (record.ts_ns, msgspec.to_builtins(record.event))
        for record in desk.ledger.read(0, 1_000_000)
        if type(record.event).__name__ not in NOT_COMPARED
    ]
    return books, records, desk


def paid_ns(slug: str, frames: list[Any]) -> int:
    """Return when the importer lets a market pay."""
    end_ns = (int(slug.rpartition("-")[2]) + 300) * 10**9
    last_ns = max(frame.recv_ns for frame in frames if frame.slug == slug)
    return max(end_ns + 15 * 10**9, last_ns + 1)


def stop_after(server: PolymarketServer, feed: LiveFeed) -> None:
    """Stop the feed when the script is over and everything of it was taken."""
    server.done.wait(300)
    feed.stop()


@pytest.mark.parametrize(
    "share", [pytest.param(400, id="slice"), pytest.param(None, marks=pytest.mark.slow, id="all")]
)
def test_live_is_its_replay(shared_data: Path, tmp_path: Path, share: int | None) -> None:
    """Receive times are the recorded ones, so nothing at all may differ."""
    both = read_capture(shared_data / CAPTURE, {FIRST, SECOND})
    first = [frame for frame in both if frame.slug == FIRST]
    second = [frame for frame in both if frame.slug == SECOND]
    frames = first + second if share is None else first[-share:] + second[:share]
    frames.sort(key=lambda frame: frame.recv_ns)
    winners = {FIRST: first[0].token, SECOND: second[0].token}
    folder = write_slice(frames, tmp_path / "slice", winners)
    recording = Recording(import_data(folder, tmp_path / "market"))
    start_ns = frames[0].recv_ns
    replayed = run(ReplayFeed(recording, speed="max", clock=ManualClock()), start_ns)

    markets = []
    for slug, part in ((FIRST, first), (SECOND, second)):
        tokens = list(dict.fromkeys(frame.token for frame in part))
        end_s = int(slug.rpartition("-")[2]) + 300
        markets.append(
            market_of(
                part,
                outcomes=[label(token) for token in tokens],
                endDate=datetime.fromtimestamp(end_s, tz=UTC).isoformat(),
                feeSchedule={"rate": 0.072, "exponent": 1, "takerOnly": True, "rebateRate": 0.2},
            )
        )
    clock = ManualClock(start_ns)
    feed: LiveFeed

    def taken() -> bool:
        session = venue_of(feed).session
        return session is not None and session.frames >= server.sent and feed.outbox.is_idle

    with PolymarketServer(
        markets,
        frames,
        before=clock.set_ns,
        taken=taken,
        winners=winners,
        now_s=lambda: clock.now_ns() / 1e9,
        pays_at_ns={slug: paid_ns(slug, frames) for slug in (FIRST, SECOND)},
    ) as server:
        feed = live_feed(server, FIRST, SECOND, clock=clock, timing=PATIENT)
        with closing(feed):
            threading.Thread(target=stop_after, args=(server, feed), daemon=True).start()
            live = run(feed, start_ns)
    assert feed.outbox.coalesced == 0
    assert not venue_of(feed).reader.malformed
    assert live[0] == replayed[0]
    assert live[1] == replayed[1]
    assert live[2].events(OrderFilled)
    assert len(live[2].events(PositionSettled)) == len(replayed[2].events(PositionSettled))
