"""What a feed says: books, quotes, bars, prints and news about markets, on one clock.

`ts_ns` is when papertape saw it, `venue_ts_ns` what the venue's clock said (0 if it said nothing).
Levels are best first. The level sequences are any sequence of integers (tuple, memoryview).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from papertape.model.instrument import Instrument, Side
from papertape.model.market import EventGroup, Market, MarketState

BookState = Literal["live", "stale", "gap", "unverified", "resyncing"]


class BookSeen(msgspec.Struct, kw_only=True):
    """The whole book of an instrument, replacing what was known before.

    Only a live book is acted on; `reason` says what failed of one that is not.
    """

    symbol: str
    ts_ns: int
    bid_ticks: Sequence[int]
    bid_lots: Sequence[int]
    ask_ticks: Sequence[int]
    ask_lots: Sequence[int]
    venue_ts_ns: int = 0
    state: BookState = "live"
    reason: str = ""

    def mid_half_ticks(self) -> int | None:
        """Return twice the mid price in ticks (so it stays an integer), None if one-sided."""
        if not len(self.bid_ticks) or not len(self.ask_ticks):
            return None
        return self.bid_ticks[0] + self.ask_ticks[0]


class QuoteSeen(msgspec.Struct, kw_only=True):
    """Best bid and ask with sizes; a side with 0 lots is empty."""

    symbol: str
    ts_ns: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    venue_ts_ns: int = 0


class BarSeen(msgspec.Struct, kw_only=True):
    """A closed bar; `ts_ns` is its close, `interval_ns` its length, volume in lots."""

    symbol: str
    ts_ns: int
    interval_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    venue_ts_ns: int = 0


class PrintSeen(msgspec.Struct, kw_only=True):
    """A trade of others; `side` is the taker's."""

    symbol: str
    ts_ns: int
    price_ticks: int
    quantity_lots: int
    side: Side
    venue_ts_ns: int = 0


class InstrumentSeen(msgspec.Struct, kw_only=True):
    """An instrument exists from now on, or its grid or fees changed."""

    ts_ns: int
    instrument: Instrument


class MarketSeen(msgspec.Struct, kw_only=True):
    """A market is listed; its instruments come with it."""

    ts_ns: int
    market: Market
    instruments: tuple[Instrument, ...]


class EventSeen(msgspec.Struct, kw_only=True):
    """A group of markets is known to belong together."""

    ts_ns: int
    group: EventGroup


class MarketStateSeen(msgspec.Struct, kw_only=True):
    """A market began or ceased to trade."""

    ts_ns: int
    market_id: str
    state: MarketState


class MarketResolvedSeen(msgspec.Struct, kw_only=True):
    """A market pays: micros per share in the order of its outcomes; None means void (cost back)."""

    ts_ns: int
    market_id: str
    payouts_micros: tuple[int, ...] | None


def parts_of(source: str) -> tuple[str, ...]:
    """Return the venues of a feed by its name, such as polymarket+binance."""
    return tuple(source.split("+"))


class FeedStateSeen(msgspec.Struct, kw_only=True):
    """A data source came alive, fell silent or ended."""

    ts_ns: int
    source: str
    state: Literal["live", "stale", "ended"]
    reason: str = ""


class VenueClockSeen(msgspec.Struct, kw_only=True):
    """How far our clock runs ahead of a venue's, give or take `error_ms`; negative is behind."""

    ts_ns: int
    source: str
    ahead_ms: int
    error_ms: int


Priced = BookSeen | QuoteSeen | BarSeen | PrintSeen
News = (
    InstrumentSeen
    | MarketSeen
    | EventSeen
    | MarketStateSeen
    | MarketResolvedSeen
    | FeedStateSeen
    | VenueClockSeen
)
MarketData = Priced | News
