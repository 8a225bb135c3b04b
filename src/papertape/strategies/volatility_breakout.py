"""volatility_breakout: buys what leaves the range it has kept, and rides it with a trailing stop.

Idea: a price that has been still for a while and then goes beyond its range by more than its own
noise has met something new, and tends to go on by about the width of the range. Loses money when
the range is left for a moment only (a "false break"): each such entry pays the spread and the fee
twice and the way back into the range. Markets that oscillate widely are the worst.
"""

from __future__ import annotations

from typing import ClassVar

from papertape.strategies.base import Answer, Param
from papertape.strategies.long_only import HALF, NS_PER_S, LongOnly
from papertape.strategies.window import Channel


class VolatilityBreakout(LongOnly):
    """Enter `beyond` deviations above the range of `window_s`; leave on a trailing stop."""

    name: ClassVar[str] = "volatility_breakout"
    summary: ClassVar[str] = "Buys what breaks out of its range; leaves on a trailing stop."
    params: ClassVar[tuple[Param, ...]] = (
        *LongOnly.params,
        Param("beyond", float, 1.5, 0, 20, "deviations", "how far above the range is a break"),
        Param("range_cents", float, 12.0, 0.1, 90, "cents", "widest range that counts as quiet"),
        Param("range_bps", float, 60.0, 0.1, 5000, "bps", "the same for pairs"),
        Param("trail_share", float, 0.8, 0.05, 10, "ranges", "fall from the best that ends it"),
        Param("cost_multiple", float, 1.25, 0, 100, "x", "range over the cost of going in and out"),
    )
    beyond: float
    range_cents: float
    range_bps: float
    trail_share: float
    cost_multiple: float

    def on_start(self) -> None:
        """Forget all ranges."""
        super().on_start()
        self._channels: dict[str, Channel] = {}
        self._trails: dict[str, tuple[int, int]] = {}  # symbol: (best way out, fall that ends it)

    def forget(self, symbol: str) -> None:
        """Let go of an instrument's range and trail."""
        super().forget(symbol)
        self._channels.pop(symbol, None)
        self._trails.pop(symbol, None)

    def look(self, symbol: str, ts_ns: int, mid: int, out: int, spread_ticks: int) -> Answer:
        """Compare with the range so far, then let the price be part of it."""
        window = self.window(symbol)
        channel = self._channels.get(symbol)
        if channel is None:
            channel = self._channels[symbol] = Channel(self.window_s * NS_PER_S)
        held = self.held_lots(symbol)
        answer: Answer = None
        if held:
            answer = self._leave(symbol, ts_ns, out, held)
        elif channel.covers(ts_ns, self.window_s * NS_PER_S) and self.may_enter(symbol, ts_ns):
            answer = self._enter(symbol, ts_ns, mid, spread_ticks, channel)
        window.add(ts_ns, mid)
        channel.add(ts_ns, mid)
        return answer

    def _enter(
        self, symbol: str, ts_ns: int, mid: int, spread_ticks: int, channel: Channel
    ) -> Answer:
        width = channel.high - channel.low
        instrument = self.context.instruments[symbol]
        if mid <= channel.high + self.beyond * self.window(symbol).deviation():
            return None
        if width > self.half_ticks(instrument, self.range_cents, self.range_bps, mid):
            return None
        cost = self.round_trip_cost(instrument, mid // HALF, spread_ticks)
        if width < self.cost_multiple * cost:
            return None
        self._trails[symbol] = (0, max(round(width * self.trail_share), 1))
        gap = instrument.price_text((mid - channel.high) // HALF)
        reason = f"{gap} above the range of {self.window_s} s"
        return self.buy(instrument, ts_ns, mid, reason, confidence_pct=55, edge=float(width - cost))

    def _leave(self, symbol: str, ts_ns: int, out: int, held: int) -> Answer:
        best, fall = self._trails.get(symbol, (0, 0))
        if not fall:  # held from before a restart: the same rule, from the range seen by now
            channel = self._channels[symbol]
            width = channel.high - channel.low if channel.covers(ts_ns, 0) else 0
            fall = max(round(width * self.trail_share), HALF)
        best = max(best, out)
        self._trails[symbol] = (best, fall)
        if out <= best - fall:
            return self.sell(symbol, ts_ns, held, "trailing stop")
        return self.leave_when_over(symbol, ts_ns, out, held, stop=2 * fall)
