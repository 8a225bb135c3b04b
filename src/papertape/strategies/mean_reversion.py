"""mean_reversion: buys what has fallen far below its own average, sells when it has come back.

Idea: quick falls without news are often one impatient order, and the price returns. Loses money
when the fall was news: then the stop ends it. The distance is measured in standard deviations of
the window, with a floor in cents so that a quiet market's noise is not traded.
"""

from __future__ import annotations

from typing import ClassVar

from papertape.model.instrument import Instrument
from papertape.strategies.base import Answer, Param
from papertape.strategies.long_only import HALF, NS_PER_S, LongOnly
from papertape.strategies.window import TimeWindow


class MeanReversion(LongOnly):
    """Buy `entry_z` deviations below the average; leave at the average, the stop or in time."""

    name: ClassVar[str] = "mean_reversion"
    summary: ClassVar[str] = "Buys sudden falls below the recent average; sells the way back."
    params: ClassVar[tuple[Param, ...]] = (
        *LongOnly.params,
        Param("entry_z", float, 3.0, 0.5, 10, "deviations", "distance below the average"),
        Param("floor_cents", float, 8.0, 0.1, 50, "cents", "least distance worth trading"),
        Param("floor_bps", float, 15.0, 0.1, 2000, "bps", "the same for pairs"),
        Param("stop_cents", float, 12.0, 0.1, 50, "cents", "fall from entry that ends it"),
        Param("cost_multiple", float, 1.5, 0, 100, "x", "distance over the cost of in and out"),
        Param("low_cents", int, 10, 0, 99, "cents", "no entry below this price"),
        Param("high_cents", int, 90, 1, 100, "cents", "no entry above this price"),
    )
    entry_z: float
    floor_cents: float
    floor_bps: float
    stop_cents: float
    cost_multiple: float
    low_cents: int
    high_cents: int

    def look(self, symbol: str, ts_ns: int, mid: int, out: int, spread_ticks: int) -> Answer:
        """Enter on a fall below the average so far; leave by the rules."""
        window = self.window(symbol)
        held = self.held_lots(symbol)
        if held:
            answer = self._leave(symbol, ts_ns, out, held, window)
        elif self.may_enter(symbol, ts_ns):
            answer = self._enter(symbol, ts_ns, mid, spread_ticks, window)
        else:
            answer = None
        window.add(ts_ns, mid)
        return answer

    def _enter(
        self, symbol: str, ts_ns: int, mid: int, spread_ticks: int, window: TimeWindow
    ) -> Answer:
        instrument = self.context.instruments[symbol]
        below = window.mean() - mid
        floor = self.half_ticks(instrument, self.floor_cents, self.floor_bps, mid)
        if below < floor or below < self.entry_z * window.deviation():
            return None
        cost = self.round_trip_cost(instrument, mid // HALF, spread_ticks)
        if below < self.cost_multiple * cost or not self._in_range(instrument, mid):
            return None
        gap = instrument.price_text(round(below / HALF))
        reason = f"{gap} below the average of {self.window_s} s"
        return self.buy(instrument, ts_ns, mid, reason, confidence_pct=55)

    def _leave(self, symbol: str, ts_ns: int, out: int, held: int, window: TimeWindow) -> Answer:
        entered_ns, entry = self.entry(symbol, ts_ns, out)
        instrument = self.context.instruments[symbol]
        if window.count and out >= window.mean() and out > entry:
            return self.sell(symbol, ts_ns, held, "back at its average")
        if out <= entry - self.half_ticks(instrument, self.stop_cents, 2 * self.floor_bps, entry):
            return self.sell(symbol, ts_ns, held, "stop: it kept falling")
        if ts_ns - entered_ns >= self.hold_s * NS_PER_S:
            return self.sell(symbol, ts_ns, held, f"held for {self.hold_s} s")
        return None

    def _in_range(self, instrument: Instrument, mid: int) -> bool:
        if instrument.kind != "outcome":
            return True
        cent = instrument.one_ticks * HALF // 100
        return self.low_cents * cent <= mid <= self.high_cents * cent
