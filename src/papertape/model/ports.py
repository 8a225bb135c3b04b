"""Ports: what one room needs of another, without knowing who provides it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from papertape.model.events import Event, Record
from papertape.model.market_data import MarketData


class Ledger(Protocol):
    """The durable record. One writer; numbers are given at once, durability follows."""

    def append(self, events: Sequence[Event], *, ts_ns: int, mseq: int) -> list[Record]:
        """Number the events as one unit: all of them become durable together, or none.

        Raises LedgerFailedError if recording is no longer possible; then nothing may be done.
        """
        ...

    def head_seq(self) -> int:
        """Return the last number given (0 on an empty ledger)."""
        ...

    def durable_seq(self) -> int:
        """Return the last number that is on disk."""
        ...

    def flush(self, timeout_s: float = 10.0) -> int:
        """Wait until everything appended is durable and return its number."""
        ...

    def read(self, after_seq: int, limit: int = 1000) -> list[Record]:
        """Return durable records with seq > after_seq, in order, at most `limit`."""
        ...

    def close(self) -> None:
        """Flush and let go of the store; calling it twice is fine."""
        ...


class MarketSink(Protocol):
    """Where market data goes as the engine saw it, before anyone reacts to it."""

    def record(self, item: MarketData) -> int:
        """Keep the item and return its mseq: contiguous from 1 in the run."""
        ...

    def close(self) -> None:
        """Seal what is open."""
        ...


class Feed(Protocol):
    """A source of market data, in the order in which the engine shall see it."""

    source: str

    def items(self) -> Iterator[MarketData]:
        """Yield market data; pacing (real speed, N times, max) is the feed's matter."""
        ...

    def stop(self) -> None:
        """Make `items` end soon; may be called from a signal handler."""
        ...


class Projection(Protocol):
    """A fold of the tape: the same class in the bot, in the dashboard and in `verify`."""

    takes: ClassVar[frozenset[type[Event]]]
    """The kinds of record that change it; it need not be shown any other."""

    def apply(self, record: Record) -> None:
        """Take one record; records come in order, each once."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as JSON-able values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        ...


class BoardQuote(msgspec.Struct, frozen=True, kw_only=True):
    """The newest quote of an instrument as the bot saw it; a side with 0 lots is empty."""

    symbol: str
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    last_ticks: int | None
    ts_ns: int
    venue_ts_ns: int
    state: str
    source: str


class BoardPrint(msgspec.Struct, frozen=True, array_like=True):
    """A trade of others as the bot saw it."""

    ts_ns: int
    price_ticks: int
    quantity_lots: int
    side: str


class BoardDepth(msgspec.Struct, frozen=True, kw_only=True):
    """The best levels of a book and the newest prints, the newest first."""

    symbol: str
    ts_ns: int
    bid_ticks: tuple[int, ...]
    bid_lots: tuple[int, ...]
    ask_ticks: tuple[int, ...]
    ask_lots: tuple[int, ...]
    prints: tuple[BoardPrint, ...] = ()


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The bot's sign of life, once a second; wall time."""

    run_id: str
    pid: int
    wall_ns: int
    started_wall_ns: int
    engine_ts_ns: int
    seq: int
    mseq: int
    events: int
    feed: str
    feed_state: str
    engine_state: str
    stopped: bool = False


class QuoteBoard(Protocol):
    """Newest prices and heartbeat for other processes: lossy by contract, never truth."""

    def put(
        self,
        quotes: Sequence[BoardQuote],
        heartbeat: Heartbeat | None,
        depths: Sequence[BoardDepth] = (),
    ) -> None:
        """Replace what was known of these instruments; failures are counted, never raised."""
        ...

    def quotes(self) -> list[BoardQuote]:
        """Return the newest quote of every instrument."""
        ...

    def heartbeat(self) -> Heartbeat | None:
        """Return the newest sign of life, None if there never was one."""
        ...
