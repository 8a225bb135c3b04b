"""news: buys when volume and price jump together, the footprint that news leaves in a market.

Idea: news reaches a prediction market as a burst of orders; the price takes minutes to settle.
Without a source of news, a burst of prints beyond `volume_multiple` times the usual and a jump of
`jump_cents` within `spike_s` stand for it. With one (`NewsSource`), a headline about the instrument
stands in for the burst. Loses money when the burst was one large order and not news, or when the
first print already holds all of it: then the entry is the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import msgspec

from papertape.model.market_data import PrintSeen
from papertape.strategies.base import Answer, Param
from papertape.strategies.long_only import HALF, NS_PER_S, LongOnly
from papertape.strategies.window import Flow, TimeWindow

USUAL_S_MIN = 10  # shortest "usual" that says anything


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of news: when it was out, which instruments it lifts, and what it said."""

    ts_ns: int
    symbols: tuple[str, ...]
    text: str


class NewsSource(Protocol):
    """Where headlines come from. It must not block: return what has arrived, or nothing."""

    def headlines(self, after_ns: int, until_ns: int) -> Sequence[Headline]:
        """Return the headlines with after_ns < ts_ns <= until_ns, oldest first."""
        ...


class News(LongOnly):
    """Follow a jump that came with a burst of volume, or with a headline."""

    name: ClassVar[str] = "news"
    summary: ClassVar[str] = "Follows bursts of volume with a jump in price, as news makes them."
    params: ClassVar[tuple[Param, ...]] = (
        *LongOnly.params,
        Param("spike_s", int, 10, 1, 600, "s", "span of the burst"),
        Param("usual_s", int, 300, USUAL_S_MIN, 86_400, "s", "span that says what is usual"),
        Param("volume_multiple", float, 5.0, 1, 1000, "x", "burst over the usual volume"),
        Param("jump_cents", float, 6.0, 0.1, 50, "cents", "rise within the burst"),
        Param("jump_bps", float, 20.0, 0.1, 2000, "bps", "the same for pairs"),
        Param("stop_cents", float, 8.0, 0.1, 50, "cents", "fall from entry that ends it"),
        Param("target_share", float, 1.0, 0.1, 10, "jumps", "gain from entry that ends it"),
        Param("cost_multiple", float, 1.5, 0, 100, "x", "jump over the cost of going in and out"),
    )
    spike_s: int
    usual_s: int
    volume_multiple: float
    jump_cents: float
    jump_bps: float
    stop_cents: float
    target_share: float
    cost_multiple: float

    source: ClassVar[NewsSource | None] = None
    """Set by a subclass that knows a source; then its headlines stand in for the burst."""

    def on_start(self) -> None:
        """Forget all volumes."""
        super().on_start()
        self._burst: dict[str, Flow] = {}
        self._usual: dict[str, Flow] = {}
        self._recent: dict[str, TimeWindow] = {}
        self._targets: dict[str, int] = {}
        self._read_ns = 0
        self._headlines: dict[str, Headline] = {}

    def forget(self, symbol: str) -> None:
        """Let go of an instrument's volumes."""
        super().forget(symbol)
        for kept in (self._burst, self._usual, self._recent, self._targets, self._headlines):
            kept.pop(symbol, None)

    def on_print(self, seen: PrintSeen) -> Answer:
        """Count the volume; deciding waits for the next book."""
        symbol = seen.symbol
        if symbol not in self._burst:
            self._burst[symbol] = Flow(self.spike_s * NS_PER_S)
            self._usual[symbol] = Flow(self.usual_s * NS_PER_S)
        self._burst[symbol].add(seen.ts_ns, seen.quantity_lots)
        self._usual[symbol].add(seen.ts_ns, seen.quantity_lots)
        return None

    def look(self, symbol: str, ts_ns: int, mid: int, out: int, spread_ticks: int) -> Answer:
        """Enter when price and volume jumped together; leave by the rules."""
        self._read(ts_ns)
        self.window(symbol).add(ts_ns, mid)
        recent = self._recent.get(symbol)
        if recent is None:
            recent = self._recent[symbol] = TimeWindow(self.spike_s * NS_PER_S)
        recent.add(ts_ns, mid)
        held = self.held_lots(symbol)
        if held:
            return self._leave(symbol, ts_ns, out, held)
        instrument = self.context.instruments[symbol]
        jump = mid - recent.first
        if jump < self.half_ticks(instrument, self.jump_cents, self.jump_bps, mid):
            return None
        why = self._why(symbol, ts_ns)
        if not why or not self.may_enter(symbol, ts_ns):
            return None
        cost = self.round_trip_cost(instrument, mid // HALF, spread_ticks)
        gain = self.target_share * jump
        if gain < self.cost_multiple * cost:
            return None
        self._targets[symbol] = round(gain)
        reason = f"rose {instrument.price_text(jump // HALF)} in {self.spike_s} s, {why}"
        return self.buy(instrument, ts_ns, mid, reason, confidence_pct=55, edge=gain - cost)

    def _leave(self, symbol: str, ts_ns: int, out: int, held: int) -> Answer:
        instrument = self.context.instruments[symbol]
        _, entry = self.entry(symbol, ts_ns, out)
        target = self._targets.get(symbol)
        if target is not None and out >= entry + target:
            return self.sell(symbol, ts_ns, held, "target reached")
        stop = self.half_ticks(instrument, self.stop_cents, 2 * self.jump_bps, entry)
        return self.leave_when_over(symbol, ts_ns, out, held, stop)

    def _why(self, symbol: str, ts_ns: int) -> str:
        """Return what made this news, "" if nothing did."""
        headline = self._headlines.get(symbol)
        if headline is not None and ts_ns - headline.ts_ns <= self.spike_s * NS_PER_S:
            return f"headline: {headline.text}"
        if self.source is not None or symbol not in self._burst:
            return ""
        burst, usual = self._burst[symbol], self._usual[symbol]
        burst.turn(ts_ns)
        usual.turn(ts_ns)
        before = usual.total - burst.total
        if before <= 0 or not usual.covers(ts_ns, max(2 * self.spike_s, USUAL_S_MIN) * NS_PER_S):
            return ""
        multiple = burst.total * (self.usual_s - self.spike_s) / (before * self.spike_s)
        if self.usual_s <= self.spike_s or multiple < self.volume_multiple:
            return ""
        return f"on {multiple:.1f} times the usual volume"

    def _read(self, ts_ns: int) -> None:
        if self.source is None or ts_ns <= self._read_ns:
            return
        for headline in self.source.headlines(self._read_ns, ts_ns):
            for symbol in headline.symbols:
                self._headlines[symbol] = headline
        self._read_ns = ts_ns
