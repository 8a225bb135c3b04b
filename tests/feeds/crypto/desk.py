"""A crypto venue on a scripted server, and what it said."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

from papertape.clock import Clock, SystemClock
from papertape.feeds.crypto.choice import CryptoChoice, CryptoTiming
from papertape.feeds.crypto.venue import CryptoVenue
from papertape.feeds.live import LiveFeed
from papertape.model.market_data import BookSeen, MarketData
from papertape.testing.binance_script import Json, Message, read_stream
from papertape.testing.binance_server import BinanceServer

ETH_FILE = "binance_spot_raw/ethusdt_20240808_ws.txt.xz"
PAIR = "ETH/USDT"
SYMBOL = "binance:ETH/USDT"
DEPTH, TRADES, TOPS = "ethusdt@depth@100ms", "ethusdt@trade", "ethusdt@bookTicker"
QUICK = CryptoTiming(
    first_book_s=0.5, silence_s=1.0, audit_s=0.25, again_s=0.1, backoff_first_s=0.02,
    backoff_max_s=0.1, beat_s=0.05, tick_s=0.02, rest_pause_ms=0.1,
)  # fmt: skip


@cache
def script(shared_data: Path, limit: int | None = None) -> tuple[Json, list[Message]]:
    """Return the recorded snapshot and messages."""
    return read_stream(shared_data / ETH_FILE, limit)


def depths(messages: list[Message], count: int) -> list[Message]:
    """Return the first depth updates."""
    return [message for message in messages if message.stream == DEPTH][:count]


def venue(server: BinanceServer, timing: CryptoTiming = QUICK, **choice: Any) -> CryptoVenue:
    """Return the pair of the recording on this server; without bars unless asked for."""
    wanted = {"name": "binance", "pairs": (PAIR,), "urls": server.urls, "bar_interval": ""}
    return CryptoVenue(CryptoChoice(**(wanted | choice)), timing=timing)


def feed_of(*venues: Any, clock: Clock | None = None, retry_s: float = 15.0) -> LiveFeed:
    """Return a live feed of these venues."""
    return LiveFeed(venues, clock=clock or SystemClock(), jitter=random.Random(7), retry_s=retry_s)


def last_book(items: list[MarketData], symbol: str = SYMBOL) -> BookSeen | None:
    """Return the newest book of an instrument."""
    for item in reversed(items):
        if isinstance(item, BookSeen) and item.symbol == symbol:
            return item
    return None


def true_levels(server: BinanceServer, levels: int = 50) -> tuple[tuple[int, ...], ...]:
    """Return the venue's own book in ticks and lots, computed another way than the product does."""
    said = server.book.rest(levels)
    sides = []
    for key in ("bids", "asks"):
        sides.append(tuple(round(float(price) * 100) for price, _ in said[key]))
        sides.append(tuple(round(float(size) * 10_000) for _, size in said[key]))
    return tuple(sides)
