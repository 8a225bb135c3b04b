"""momentum: buys what has risen fast, and sells when the rise has gone far, fails or grows old.

Idea: news moves prediction prices in steps that take minutes to complete. Loses money in markets
that go back and forth: each entry pays the spread and the fee twice.
"""

from __future__ import annotations

from typing import ClassVar

from papertape.strategies.base import Answer, Param
from papertape.strategies.long_only import HALF, NS_PER_S, LongOnly


class Momentum(LongOnly):
    """Follow a move of `rise_cents` within `window_s`; leave on stop, target or time."""

    name: ClassVar[str] = "momentum"
    summary: ClassVar[str] = "Follows fast rises; leaves at a target, a stop or after a while."
    params: ClassVar[tuple[Param, ...]] = (
        *LongOnly.params,
        Param("rise_cents", float, 8.0, 0.1, 50, "cents", "rise that counts as momentum"),
        Param("rise_bps", float, 25.0, 0.1, 2000, "bps", "the same for pairs"),
        Param("stop_cents", float, 12.0, 0.1, 50, "cents", "fall from entry that ends it"),
        Param("target_cents", float, 30.0, 0.1, 90, "cents", "gain from entry that ends it"),
        Param("cost_multiple", float, 1.5, 0, 100, "x", "rise over the cost of going in and out"),
    )
    rise_cents: float
    rise_bps: float
    stop_cents: float
    target_cents: float
    cost_multiple: float

    def look(self, symbol: str, ts_ns: int, mid: int, out: int, spread_ticks: int) -> Answer:
        """Enter on a rise; leave by the rules."""
        window = self.window(symbol)
        window.add(ts_ns, mid)
        held = self.held_lots(symbol)
        if held:
            return self._leave(symbol, ts_ns, out, held)
        rise = mid - window.first
        if rise <= 0 or not self.may_enter(symbol, ts_ns):
            return None
        instrument = self.context.instruments[symbol]
        needed = self.half_ticks(instrument, self.rise_cents, self.rise_bps, mid)
        if rise < needed:
            return None
        cost = self.round_trip_cost(instrument, mid // HALF, spread_ticks)
        if rise < self.cost_multiple * cost:
            return None
        reason = f"rose {instrument.price_text(rise // HALF)} in {self.window_s} s"
        return self.buy(instrument, ts_ns, mid, reason, confidence_pct=60)

    def _leave(self, symbol: str, ts_ns: int, out: int, held: int) -> Answer:
        entered_ns, entry = self.entry(symbol, ts_ns, out)
        instrument = self.context.instruments[symbol]
        if out <= entry - self.half_ticks(instrument, self.stop_cents, self.rise_bps, entry):
            return self.sell(symbol, ts_ns, held, "stop: it fell")
        target = self.half_ticks(instrument, self.target_cents, 2 * self.rise_bps, entry)
        if out >= entry + target:
            return self.sell(symbol, ts_ns, held, "target reached")
        if ts_ns - entered_ns >= self.hold_s * NS_PER_S:
            return self.sell(symbol, ts_ns, held, f"held for {self.hold_s} s")
        return None
