"""Collector: what a backtest must remember of its run, taken while it runs, in bounded memory."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from papertape.clock import NS_PER_S
from papertape.core.arithmetic import notional_micros
from papertape.engine.market_watch import MarketWatch
from papertape.model.events import (
    EquityMarked,
    Event,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    PositionSettled,
    Record,
    SetsConverted,
    SetsMerged,
)
from papertape.model.instrument import Instrument
from papertape.research.trips import Trips
from papertape.services.equity_curve import day_of, hour_of
from papertape.services.series import BoundedSeries
from papertape.tape.ledger import SqliteLedger

PERIODS_S = (86_400, 3_600, 300, 60, 10, 1)  # of returns: the longest that gives enough of them
PERIODS_MIN = 30  # fewer returns make no statistics
BARS_SHOWN_MAX = 400  # days or hours in the P&L chart
SHORT_RUN_NS = 3 * 86_400 * NS_PER_S  # below it P&L is shown by the hour


def period_ns(span_ns: int) -> int:
    """Return how long a return's period is for a run of this span, in nanoseconds."""
    for seconds in PERIODS_S:
        if span_ns >= PERIODS_MIN * seconds * NS_PER_S:
            return seconds * NS_PER_S
    return PERIODS_S[-1] * NS_PER_S


class Collector:
    """Takes the run's events as they are written; sums, a grid of equity, and round trips."""

    def __init__(self, initial_micros: int, start_ns: int, span_ns: int, step_ns: int = 0) -> None:
        """Expect a run from `start_ns` over `span_ns`; step_ns: a return's period, 0 chooses it."""
        self.initial_micros = initial_micros
        self.start_ns = self.last_ns = start_ns
        self.period_ns = step_ns or period_ns(span_ns)
        self._due_ns = start_ns + self.period_ns
        self.grid = array("q", [initial_micros])
        self.curve = BoundedSeries()
        self.curve.add(start_ns, initial_micros, initial_micros)
        self.month_ends: dict[str, int] = {}
        self.net_by: dict[str, int] = {}
        self._stamp = hour_of if span_ns < SHORT_RUN_NS else day_of
        self.trips = Trips()
        self.equity_micros = self.cash_micros = self._peak = initial_micros
        self._below_ns: int | None = None
        self.drawdown = 0.0
        self.drawdown_ns = 0
        self.in_market_ns = 0
        self._equity_area = self._held_area = 0.0
        self.bought_micros = self.sold_micros = self.maker_micros = 0
        self.fees_micros = self.taker_fees_micros = self._slippage_twice = 0
        self.fills = self.priced_fills = self.settled = 0
        self._decided: dict[str, int] = {}
        self._watch: MarketWatch | None = None
        self._instruments: dict[str, Instrument] = {}
        self._handlers: dict[type, Callable[..., None]] = {
            OrderSubmitted: self._submitted,
            OrderFilled: self._filled,
            OrderClosed: self._closed,
            EquityMarked: self._marked,
        }

    def look_at(self, watch: MarketWatch, instruments: dict[str, Instrument]) -> None:
        """See prices here: what was quoted when an order was decided."""
        self._watch, self._instruments = watch, instruments

    def take(self, event: Event, ts_ns: int) -> None:
        """Take one event, just after it was written."""
        self.passed(ts_ns)
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event, ts_ns)
        elif isinstance(event, PositionSettled | SetsMerged | SetsConverted):
            self.settled += isinstance(event, PositionSettled)
            self._earn(ts_ns, event.realized_micros)
        self.trips.apply(event, ts_ns)

    def passed(self, ts_ns: int) -> None:
        """Let time pass up to now: exposure is counted in time."""
        step = ts_ns - self.last_ns
        if step <= 0:
            return
        self.last_ns = ts_ns
        if self.trips.holding:
            self.in_market_ns += step
        self._equity_area += step * float(self.equity_micros)
        self._held_area += step * float(self.equity_micros - self.cash_micros)
        while ts_ns > self._due_ns:  # what is marked at the very end of a period belongs to it
            self.grid.append(self.equity_micros)
            self._due_ns += self.period_ns

    # --- events ---------------------------------------------------------------------------------

    def _submitted(self, event: OrderSubmitted, ts_ns: int) -> None:
        half_ticks = self._mid(event.symbol)
        if half_ticks is not None:
            self._decided[event.order_id] = half_ticks

    def _closed(self, event: OrderClosed, ts_ns: int) -> None:
        self._decided.pop(event.order_id, None)

    def _filled(self, event: OrderFilled, ts_ns: int) -> None:
        self.fills += 1
        self.fees_micros += event.fee_micros
        buying = event.side == "BUY"
        if buying:
            self.bought_micros += event.notional_micros
        else:
            self.sold_micros += event.notional_micros
        if event.liquidity == "maker":
            self.maker_micros += event.notional_micros
        else:
            self.taker_fees_micros += event.fee_micros
        decided = self._decided.get(event.order_id)
        if decided is not None:
            instrument = self._instruments[event.symbol]
            unit = instrument.tick_nanos * instrument.lot_nanos
            twice = notional_micros(decided, event.quantity_lots, unit)
            paid = 2 * event.notional_micros - twice
            self._slippage_twice += paid if buying else -paid  # mids are half ticks
            self.priced_fills += 1
        if not event.remaining_lots:
            self._decided.pop(event.order_id, None)
        self._earn(ts_ns, event.realized_micros - event.fee_micros)

    def _marked(self, event: EquityMarked, ts_ns: int) -> None:
        value = event.value_micros
        self.equity_micros, self.cash_micros = value, event.cash_micros
        self.curve.add(ts_ns, value, max(self._peak, value))
        self.month_ends[day_of(ts_ns)[:7]] = value
        if value >= self._peak:
            self._surface(ts_ns)
            self._peak = value
            return
        if self._below_ns is None:
            self._below_ns = ts_ns
        if self._peak > 0:
            self.drawdown = max(self.drawdown, 1 - value / self._peak)

    def _surface(self, ts_ns: int) -> None:
        if self._below_ns is not None:
            self.drawdown_ns = max(self.drawdown_ns, ts_ns - self._below_ns)
            self._below_ns = None

    def _earn(self, ts_ns: int, micros: int) -> None:
        if micros:
            stamp = self._stamp(ts_ns)
            self.net_by[stamp] = self.net_by.get(stamp, 0) + micros
            if len(self.net_by) > BARS_SHOWN_MAX:
                del self.net_by[next(iter(self.net_by))]

    def _mid(self, symbol: str) -> int | None:
        """Return the mid in half ticks when the order was decided; a bar's close without a book."""
        assert self._watch is not None, "look_at comes before the run"
        book = self._watch.books.get(symbol)
        if book is not None:
            return book.mid_half_ticks()
        bar = self._watch.bars.get(symbol)
        return None if bar is None else 2 * bar.close_ticks

    # --- at the end -----------------------------------------------------------------------------

    def finish(self, ts_ns: int) -> None:
        """Close the account of time at the end of the run; what is under water stays so."""
        self.passed(ts_ns)
        if self._below_ns is not None:
            self.drawdown_ns = max(self.drawdown_ns, ts_ns - self._below_ns)
        if self.last_ns > self._due_ns - self.period_ns:
            self.grid.append(self.equity_micros)  # the last period may be shorter

    @property
    def slippage_micros(self) -> float:
        """Return what fills cost against the mid when their orders were decided."""
        return self._slippage_twice / 2

    @property
    def traded_micros(self) -> int:
        """Return what was bought and sold."""
        return self.bought_micros + self.sold_micros

    def returns(self) -> list[float]:
        """Return the account's returns per period, as fractions."""
        grid = self.grid
        return [b / a - 1 for a, b in pairwise(grid) if a > 0]

    @property
    def span_ns(self) -> int:
        """Return how long the run was, in engine time."""
        return self.last_ns - self.start_ns

    @property
    def mean_equity_micros(self) -> float:
        """Return the equity, averaged over time."""
        return self._equity_area / self.span_ns if self.span_ns else float(self.initial_micros)

    @property
    def mean_held_micros(self) -> float:
        """Return what was in positions, averaged over time."""
        return self._held_area / self.span_ns if self.span_ns else 0.0


class WatchedLedger(SqliteLedger):
    """A ledger that shows each event to a collector as it is written."""

    def __init__(self, path: Path, collector: Collector) -> None:
        """Open the ledger of a backtest, which nobody follows yet."""
        super().__init__(path)
        self._collector = collector

    def append(self, events: Sequence[Event], *, ts_ns: int, mseq: int) -> list[Record]:
        """Write one unit, then let the collector see it."""
        records = super().append(events, ts_ns=ts_ns, mseq=mseq)
        for event in events:
            self._collector.take(event, ts_ns)
        return records
