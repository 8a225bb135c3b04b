"""The simulated feed: markets that do not exist, as a pure function of (seed, time).

It needs no network and no key. Two runs over the same seed and time say the same, and a run that
starts later joins the very same markets, so a restarted bot finds its positions again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from papertape.clock import Clock
from papertape.feeds.base import Pacer, Sleep, Speed
from papertape.feeds.simulation.events import EventSeries
from papertape.feeds.simulation.grid import STEP_NS, STEPS_PER_MINUTE
from papertape.feeds.simulation.neg_risk import NegRiskSeries
from papertape.feeds.simulation.pairs import Pair
from papertape.feeds.simulation.series import Series
from papertape.feeds.simulation.up_down import UpDown
from papertape.feeds.simulation.walks import Walk
from papertape.model.market_data import FeedStateSeen, InstrumentSeen, MarketData

BTC_BASE = 64_000.0  # USDT; the simulated pairs wander within about a fifth of these
ETH_BASE = 3_200.0
SOL_BASE = 150.0  # no pair of its own: only its five-minute markets are listed
CANDIDATES = ("adler", "brandt", "corvo", "dunn")
BOATS = ("albatross", "brisk", "cormorant", "dolphin")


class SimulatedFeed:
    """Simulated markets from `start_ns` on (implements `ports.Feed`).

    seed: which world. speed: multiple of real time, or "max". duration_ns: market time after which
    the feed ends by itself. resumed_from_ns: engine time of the last run; markets that were listed
    then and resolved since are told first, so that positions in them settle. Such a resolution may
    be told a second time if the last run ended within the step that told it.
    """

    source = "simulated"

    def __init__(
        self,
        *,
        seed: int,
        start_ns: int,
        speed: Speed,
        clock: Clock,
        duration_ns: int | None = None,
        resumed_from_ns: int | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        """Make the world of `seed`; nothing is computed before `items` is asked."""
        self._start_ns = start_ns
        self._end_ns = None if duration_ns is None else start_ns + duration_ns
        self._resumed_from_ns = resumed_from_ns
        self._pacer = Pacer(speed, clock=clock, sleep=sleep)
        btc = Walk(seed, "BTC", base=BTC_BASE, median_lots=2_000)
        eth = Walk(seed, "ETH", base=ETH_BASE, median_lots=30_000)
        sol = Walk(seed, "SOL", base=SOL_BASE, median_lots=500_000)
        self._pairs = [
            Pair(seed, "BTC/USDT", btc, median_lots=2_000),
            Pair(seed, "ETH/USDT", eth, median_lots=30_000),
        ]
        self._series: list[Series] = [
            UpDown(seed, "btc", btc, offset_s=0, impatient=True),
            UpDown(seed, "eth", eth, offset_s=100, impatient=True),
            UpDown(seed, "sol", sol, offset_s=200, impatient=False),
            EventSeries(
                seed, "harbour-bridge", "harbour bridge open by {end} UTC?", hours=2, offset_s=900
            ),
            EventSeries(
                seed, "council-vote", "council passes the budget by {end} UTC?", hours=3, offset_s=0
            ),
            EventSeries(
                seed, "storm-landfall", "storm makes landfall by {end} UTC?", hours=6, offset_s=2700
            ),
            # two events, half a window apart: one of them is always young enough to have gaps
            NegRiskSeries(seed, "mayor", "the mayor's race", CANDIDATES, offset_s=150),
            NegRiskSeries(seed, "regatta", "the regatta", BOATS, offset_s=750),
        ]

    def stop(self) -> None:
        """Make `items` end within 100 ms; safe in a signal handler."""
        self._pacer.stop()

    def items(self) -> Iterator[MarketData]:
        """Yield what exists at the start, then step by step what happens."""
        start_ns = self._start_ns
        step = -(-start_ns // STEP_NS)
        yield FeedStateSeen(ts_ns=start_ns, source=self.source, state="live")
        yield from self._missed(start_ns)
        yield from self._present(step, start_ns)
        is_first = True
        ts_ns = start_ns
        while self._end_ns is None or step * STEP_NS <= self._end_ns:
            if not self._pacer.wait_until(step * STEP_NS):
                break
            ts_ns = step * STEP_NS
            yield from self._happening(step, ts_ns, is_first)
            is_first = False
            step += 1
        reason = "stopped" if self._pacer.stopped else "end of the simulated time"
        yield FeedStateSeen(ts_ns=ts_ns, source=self.source, state="ended", reason=reason)

    def _missed(self, start_ns: int) -> Iterator[MarketData]:
        """Yield resolutions between the last run's end and now, of markets it can have held."""
        since_ns = self._resumed_from_ns
        if since_ns is None or since_ns >= start_ns:
            return
        last_seen = since_ns // STEP_NS
        for series in self._series:
            newest = series.window(last_seen)
            for window in (newest - 1, newest):
                resolved_ns = series.resolves_step(window) * STEP_NS
                if since_ns <= resolved_ns < start_ns:
                    yield from series.listing(window, start_ns)
                    yield from series.resolution(window, start_ns)

    def _present(self, step: int, start_ns: int) -> Iterator[MarketData]:
        """Yield the instruments and markets that exist just before the first step."""
        for pair in self._pairs:
            yield InstrumentSeen(ts_ns=start_ns, instrument=pair.instrument)
        for series in self._series:
            window = series.window(step)
            if series.resolves_step(window - 1) >= step:
                yield from series.listing(window - 1, start_ns)
                if series.end_step(window - 1) < step:
                    yield from series.closing(window - 1, start_ns)
            if series.start_step(window) < step:
                yield from series.listing(window, start_ns)
                yield from series.opening(window, start_ns)

    def _happening(self, step: int, ts_ns: int, is_first: bool) -> list[MarketData]:
        """Return news, bars, prints and books of one step; the first step quotes everything."""
        out: list[MarketData] = []
        for series in self._series:
            inside = (step - series.offset_steps) % series.period_steps
            if not inside:
                window = series.window(step)
                out += series.closing(window - 1, ts_ns)
                out += series.listing(window, ts_ns)
                out += series.opening(window, ts_ns)
            if inside == series.resolve_steps:
                out += series.resolution(series.window(step) - 1, ts_ns)
        for pair in self._pairs:
            if not step % STEPS_PER_MINUTE and (bar := pair.bar(step)) is not None:
                out.append(bar)
            pair.emit(step, ts_ns, out)
        for series in self._series:
            if is_first or not step % series.every_steps:
                series.emit(step, ts_ns, out)
        return out
