"""What strategies share that buy one instrument, hold it for a while, and sell it again."""

from __future__ import annotations

from typing import ClassVar

from papertape.model.instrument import Instrument
from papertape.model.market_data import BarSeen, BookSeen
from papertape.model.signal import Leg, Signal
from papertape.strategies.base import Answer, Param, Strategy
from papertape.strategies.sizing import edge_micros, lots_for_micros, taker_fee_ticks
from papertape.strategies.window import TimeWindow

NS_PER_S = 1_000_000_000
MICROS = 1_000_000
NANOS = 1_000_000_000
HALF = 2
"""Mids are counted in half ticks, so that they stay whole."""


class LongOnly(Strategy):
    """Keeps a time window per instrument, the entries, and a pause after leaving.

    Subclasses implement `look`, which sees mid and way-out price in half ticks. Instruments with a
    book are judged by the book, those with bars only by closed bars.
    """

    params: ClassVar[tuple[Param, ...]] = (
        Param("window_s", int, 60, 1, 3600, "s", "span of the window"),
        Param("warm_s", int, 5, 0, 3600, "s", "least span of data before an entry"),
        Param("hold_s", int, 180, 1, 86_400, "s", "longest time in a position"),
        Param("rest_s", int, 60, 0, 86_400, "s", "pause after leaving an instrument"),
        Param("order_usd", float, 10.0, 1, 1_000_000, "USD", "size of an entry"),
    )
    window_s: int
    warm_s: int
    hold_s: int
    rest_s: int
    order_usd: float

    def on_start(self) -> None:
        """Forget all windows and entries."""
        self._windows: dict[str, TimeWindow] = {}
        self._entries: dict[str, tuple[int, int]] = {}
        self._left_ns: dict[str, int] = {}

    def on_book(self, book: BookSeen) -> Answer:
        """Judge the book; a one-sided one is left while anybody bids."""
        mid = book.mid_half_ticks()
        if mid is not None:
            spread = book.ask_ticks[0] - book.bid_ticks[0]
            return self.look(book.symbol, book.ts_ns, mid, book.bid_ticks[0] * HALF, spread)
        held = self.held_lots(book.symbol)
        if not held or not len(book.bid_ticks):
            return None  # nobody bids: what is held waits for the resolution
        return self.sell(book.symbol, book.ts_ns, held, "nobody asks any more")

    def on_bar(self, bar: BarSeen) -> Answer:
        """Judge a closed bar of an instrument that has no book."""
        if self.context.book(bar.symbol) is not None:
            return None
        close = bar.close_ticks * HALF
        return self.look(bar.symbol, bar.ts_ns, close, close, 0)

    def look(self, symbol: str, ts_ns: int, mid: int, out: int, spread_ticks: int) -> Answer:
        """Decide on an instrument: `mid` and `out` (what a sale would get) in half ticks."""
        raise NotImplementedError

    def forget(self, symbol: str) -> None:
        """Let go of an instrument's window and entry."""
        for kept in (self._windows, self._entries, self._left_ns):
            kept.pop(symbol, None)

    # --- parts ----------------------------------------------------------------------------------

    def window(self, symbol: str) -> TimeWindow:
        """Return the instrument's window."""
        window = self._windows.get(symbol)
        if window is None:
            for old in [old for old in self._windows if self._is_over(old)]:
                for kept in (self._windows, self._entries, self._left_ns):
                    kept.pop(old, None)
            window = self._windows[symbol] = TimeWindow(self.window_s * NS_PER_S)
        return window

    def _is_over(self, symbol: str) -> bool:
        """Return whether an instrument needs no memory any more; markets come and go."""
        return not self.context.tradable(symbol) and not self.held_lots(symbol)

    def may_enter(self, symbol: str, ts_ns: int) -> bool:
        """Return whether there is enough data, the pause is over and the market open."""
        rested = ts_ns - self._left_ns.get(symbol, 0) >= self.rest_s * NS_PER_S
        warm = self.window(symbol).covers(ts_ns, self.warm_s * NS_PER_S)
        return rested and warm and self.context.tradable(symbol)

    def round_trip_cost(self, instrument: Instrument, price_ticks: int, spread_ticks: int) -> int:
        """Return what going in and out costs per share, in half ticks: the spread and two fees."""
        return (spread_ticks + 2 * taker_fee_ticks(instrument, price_ticks)) * HALF

    def entry(self, symbol: str, ts_ns: int, out: int) -> tuple[int, int]:
        """Return (time, half ticks) of the entry; after a restart the first look counts."""
        return self._entries.setdefault(symbol, (ts_ns, out))

    def buy(
        self,
        instrument: Instrument,
        ts_ns: int,
        mid: int,
        reason: str,
        confidence_pct: int,
        *,
        edge: float | None = None,
    ) -> Answer:
        """Return the entry, at no more than the ask that is seen.

        edge: what a share is expected to earn after all costs, in half ticks.
        """
        symbol = instrument.symbol
        book = self.context.book(symbol)
        price = book.ask_ticks[0] if book is not None else mid // HALF
        lots = lots_for_micros(instrument, price, round(self.order_usd * MICROS))
        if not lots:
            return None
        self._entries[symbol] = (ts_ns, mid)
        self._left_ns[symbol] = ts_ns  # also when it is refused: not asked again on every book
        limit = price if book is not None else None
        leg = Leg(symbol=symbol, side="BUY", quantity_lots=lots, limit_ticks=limit)
        return Signal(
            legs=(leg,),
            reason=reason,
            confidence_pct=confidence_pct,
            expected_edge_micros=None if edge is None else edge_micros(instrument, edge, lots),
        )

    def sell(self, symbol: str, ts_ns: int, held: int, reason: str) -> Answer:
        """Return the way out, at whatever is bid."""
        if not self.context.tradable(symbol):
            return None
        self._left_ns[symbol] = ts_ns
        leg = Leg(symbol=symbol, side="SELL", quantity_lots=held)
        return Signal(legs=(leg,), reason=reason)

    def leave_when_over(self, symbol: str, ts_ns: int, out: int, held: int, stop: int) -> Answer:
        """Return the way out once the price is `stop` half ticks below the entry, or it is late."""
        entered_ns, entry = self.entry(symbol, ts_ns, out)
        if out <= entry - stop:
            return self.sell(symbol, ts_ns, held, "stop: it went against us")
        if ts_ns - entered_ns >= self.hold_s * NS_PER_S:
            return self.sell(symbol, ts_ns, held, f"held for {self.hold_s} s")
        return None

    @staticmethod
    def half_ticks(instrument: Instrument, cents: float, bps: float, price: int) -> int:
        """Return a distance in half ticks: cents of probability, or basis points of a pair."""
        if instrument.kind == "outcome":
            return round(cents * instrument.one_ticks * HALF / 100)
        return round(price * bps / 10_000)
