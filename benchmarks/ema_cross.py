"""The Python strategies of the loop's benchmarks and of the tests that hold the forms together."""

from __future__ import annotations

from typing import Any, ClassVar

from papertape import Leg, Signal, Strategy
from papertape.model.market_data import BarSeen, QuoteSeen
from papertape.strategies.base import Param


class EmaCrossStrategy(Strategy):
    """Hold `lots` while the fast average is above the slow one; `core.loop_rules.EmaCross`.

    For one instrument. Signals are made once and answered again.
    """

    name: ClassVar[str] = "ema_cross"
    params: ClassVar[tuple[Param, ...]] = (
        Param("fast", int, 10, 1, 100_000, "events", "span of the fast average"),
        Param("slow", int, 30, 1, 100_000, "events", "span of the slow average"),
        Param("lots", int, 100_000, 1, 10**12, "lots", "size to hold"),
    )
    fast: int
    slow: int
    lots: int

    def on_start(self) -> None:
        """Forget everything."""
        self._seen = self._long = False
        self._quick = self._slack = 0.0
        self._signals: dict[tuple[str, str, int], Signal] = {}
        self._fast_weight = 2.0 / (self.fast + 1)
        self._slow_weight = 2.0 / (self.slow + 1)

    def on_bar(self, bar: BarSeen) -> Signal | None:
        """Judge a closed bar."""
        price = bar.close_ticks
        if not self._seen:
            return self.begin(price)
        fast, slow = self._quick, self._slack
        self._quick = fast = fast + self._fast_weight * (price - fast)
        self._slack = slow = slow + self._slow_weight * (price - slow)
        if (fast > slow) is self._long:
            return None
        return self.turn(bar.symbol)

    def on_quote(self, quote: QuoteSeen) -> Signal | None:
        """Judge a quote's mid, in half ticks."""
        if not quote.bid_lots or not quote.ask_lots:
            return None
        price = quote.bid_ticks + quote.ask_ticks
        if not self._seen:
            return self.begin(price)
        fast, slow = self._quick, self._slack
        self._quick = fast = fast + self._fast_weight * (price - fast)
        self._slack = slow = slow + self._slow_weight * (price - slow)
        if (fast > slow) is self._long:
            return None
        return self.turn(quote.symbol)

    def begin(self, price: int) -> None:
        """Let both averages begin at the first price."""
        self._seen = True
        self._quick = self._slack = price

    def turn(self, symbol: str) -> Signal | None:
        """Trade at a cross."""
        self._long = not self._long
        held = self.held_lots(symbol)
        lots = self.lots - held if self._long else held
        if not lots:
            return None
        return self.signal(symbol, "BUY" if self._long else "SELL", lots)

    def signal(self, symbol: str, side: Any, lots: int) -> Signal:
        """Return a market order, the same object for the same order."""
        key = (symbol, side, lots)
        found = self._signals.get(key)
        if found is None:
            leg = Leg(symbol=symbol, side=side, quantity_lots=lots)
            found = self._signals[key] = Signal(legs=(leg,))
        return found


class QuoteCount(Strategy):
    """Counts quotes."""

    name: ClassVar[str] = "quote_count"

    def on_start(self) -> None:
        """Begin at 0."""
        self.count = 0

    def on_quote(self, quote: QuoteSeen) -> None:
        """Count one."""
        self.count += 1
