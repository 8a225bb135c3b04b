"""A live feed on a scripted server, and what it said."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from papertape.clock import Clock, SystemClock
from papertape.feeds.live import LiveFeed
from papertape.feeds.polymarket.picker import Choice
from papertape.feeds.polymarket.session import Places
from papertape.feeds.polymarket.stream import Timing
from papertape.feeds.polymarket.venue import PolymarketVenue
from papertape.model.market_data import BookSeen, MarketData
from papertape.testing.polymarket_script import Frame, gamma_market, read_capture
from papertape.testing.polymarket_server import PolymarketServer

CAPTURE = "polymarket_l2_btc5m/book_ws_20260416_0710_1020.jsonl.xz"
OTHER = "9" * 77  # the second token of a market of which the capture holds one
QUICK = Timing(
    ping_s=0.05, silence_s=0.4, backoff_first_s=0.02, backoff_max_s=0.1, snapshot_s=0.1,
    repair_s=0.05, suspect_s=0.1, audit_s=0.15, beat_s=0.05, tick_s=0.02, resolve_s=0.05,
)  # fmt: skip
PATIENT = Timing(
    ping_s=5.0, silence_s=60.0, snapshot_s=600.0, audit_s=1e9, beat_s=600.0, tick_s=0.02,
    resolve_s=0.05,
)  # fmt: skip


def frames_of(shared_data: Path, slug: str, limit: int) -> list[Frame]:
    """Return the first books of a market of the capture."""
    return read_capture(shared_data / CAPTURE, {slug}, limit)


def market_of(frames: list[Frame], **fields: Any) -> dict[str, Any]:
    """Return Gamma's object for the market of these frames; far from its end."""
    tokens = list(dict.fromkeys(frame.token for frame in frames))
    tokens = [*tokens, OTHER][:2]
    return gamma_market(frames[0].slug, tokens, **{"endDate": "2099-01-01T00:00:00Z", **fields})


def live_feed(
    server: PolymarketServer,
    *slugs: str,
    clock: Clock | None = None,
    timing: Timing = QUICK,
    tokens_per_socket: int = 200,
    refresh_s: float = 600.0,
    choice: Choice | None = None,
    **more: Any,
) -> LiveFeed:
    """Return a feed that asks this server."""
    places = Places(
        gamma_url=server.gamma_url,
        clob_url=server.clob_url,
        ws_url=server.ws_url,
        tokens_per_socket=tokens_per_socket,
        refresh_s=refresh_s,
    )
    venue = PolymarketVenue(places, choice or Choice(slugs=slugs), timing=timing)
    return LiveFeed([venue], clock=clock or SystemClock(), jitter=random.Random(7), **more)


def venue_of(feed: LiveFeed) -> PolymarketVenue:
    """Return the one venue of such a feed."""
    venue = feed.venues[0]
    assert isinstance(venue, PolymarketVenue)
    return venue


@contextmanager
def closing(feed: LiveFeed) -> Iterator[LiveFeed]:
    """Close the feed whatever happens; it must leave nothing behind."""
    try:
        yield feed
    finally:
        assert feed.close(10.0), "the feed's thread did not end"


def told(
    feed: LiveFeed, until: Callable[[list[MarketData]], bool], timeout_s: float = 20.0
) -> list[MarketData]:
    """Return what the feed says until that is enough; then it is stopped."""
    items: list[MarketData] = []
    end = time.monotonic() + timeout_s
    for item in feed.items():
        items.append(item)
        if until(items):
            feed.stop()
        elif time.monotonic() > end:
            feed.stop()
            raise AssertionError(f"not within {timeout_s:g} s; newest: {items[-3:]}")
    return items


def last_book(items: list[MarketData], symbol: str) -> BookSeen | None:
    """Return the newest book of an instrument."""
    books = [item for item in items if isinstance(item, BookSeen) and item.symbol == symbol]
    return books[-1] if books else None


def levels(book: BookSeen) -> tuple[tuple[int, ...], ...]:
    """Return a book's levels as plain values."""
    return tuple(
        tuple(getattr(book, name)) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
    )


def true_levels(frame: Frame) -> tuple[tuple[int, ...], ...]:
    """Return what a recorded book says, computed another way than the product does."""
    sides = []
    for key in ("bids", "asks"):
        rows = [
            (round(float(one["price"]) * 10_000), int(round(float(one["size"]) * 100, 6)))
            for one in frame.body[key]
        ]
        rows.sort(reverse=key == "bids")
        sides += [tuple(price for price, _ in rows), tuple(size for _, size in rows)]
    return tuple(sides)


def write_slice(frames: list[Frame], folder: Path, winners: dict[str, str]) -> Path:
    """Write frames as the capture they came from, for the replay feed."""
    folder.mkdir()
    with (folder / "slice.jsonl").open("w") as out:
        for frame in frames:
            seconds, rest = divmod(frame.recv_ns, 10**9)
            line = {
                "slug": frame.slug,
                "tick": frame.body["tick_size"],
                "ltp": frame.body["last_trade_price"],
                "msg": frame.message,
            }
            text = json.dumps(line, separators=(",", ":"))
            out.write(f'{{"recv":{seconds}.{rest:09d},{text[1:]}\n')
    rows = ["asset_id,payout_inferred_from_final_book"]
    rows += [f"{token},1" for token in winners.values()]
    (folder / "markets.csv").write_text("\n".join(rows) + "\n")
    return folder
