"""Results: what was earned when, by which strategy, where; exact sums in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import add
from typing import Any, ClassVar, NamedTuple

from papertape.clock import NS_PER_S
from papertape.model.events import (
    EquityMarked,
    Event,
    OrderFilled,
    PositionSettled,
    Record,
    RunStarted,
    SetsConverted,
    SetsMerged,
    SetsSplit,
    SignalRaised,
)
from papertape.model.instrument import Instrument
from papertape.services.round_trips import RoundTrips, Trip

HOUR_S, DAY_S = 3_600, 86_400
MONTH_S = 31 * DAY_S  # the mark of a calendar month, whatever its length
CELLS_MAX = 4_096  # an answer sums all of them: under 30 ms; in memory 2 MB
KEPT_OF_LEVEL = (1 / 4, 3 / 16, 3 / 16, 1 / 8)  # by market and hour, by hour, by day, by month
MARKS_MAX = 4_096  # hours of equity samples, five months; then days
STATED_MAX = 1_024  # signals whose stated edge waits for a first fill; older ones are forgotten
EARLIER = "earlier markets"
HOLDING_S = (60, 300, 1_800, 7_200, 43_200, 172_800)  # upper ends of the holding-time classes

COUNTS = (
    "fills", "volume", "fees", "realized", "trips", "wins", "losses", "won", "lost", "net",
    "square", "held_ns", "edge_trips", "edge_expected", "edge_net",
)  # fmt: skip
WIDTH = len(COUNTS)
(FILLS, VOLUME, FEES, REALIZED, TRIPS, WINS, LOSSES, WON, LOST, NET, SQUARE, HELD, EDGE_TRIPS,
 EDGE_EXPECTED, EDGE_NET) = range(WIDTH)  # fmt: skip
CLASSES = len(HOLDING_S) + 1
SIZE = WIDTH + 2 * CLASSES  # behind the sums: (trips, net) of each holding-time class

Sums = list[int]
"""Money in micros, times in ns, as COUNTS names them, then trips and net per holding class"""


class Cell(NamedTuple):
    """Where a sum belongs: a stretch of time, a strategy, a venue, a market."""

    start_s: int
    span_s: int  # an hour, a day, a month, or 0: everything before
    strategy: str
    venue: str
    market: str

    def coarser(self) -> Cell:
        """Return where the sum goes when it is old: market, hour, day, month go in turn."""
        if self.market != EARLIER:
            return self._replace(market=EARLIER)
        if self.span_s == HOUR_S:
            return self._replace(start_s=self.start_s // DAY_S * DAY_S, span_s=DAY_S)
        if self.span_s == DAY_S:
            return self._replace(start_s=_month_of(self.start_s), span_s=MONTH_S)
        return self._replace(start_s=0, span_s=0)

    @property
    def level(self) -> int:
        """Return how coarse the sum is: 0 by market and hour, 4 everything before."""
        return LEVELS[self.span_s] if self.market == EARLIER else 0


LEVELS = {HOUR_S: 1, DAY_S: 2, MONTH_S: 3, 0: 4}


@lru_cache(maxsize=64)
def _month_of(start_s: int) -> int:
    day = datetime.fromtimestamp(start_s, tz=UTC)
    return int(day.replace(day=1, hour=0).timestamp())


class Results:
    """Sums per hour, strategy, venue and market; the oldest are kept coarser when they are many.

    Fills, fees and realised gains count when they were booked, round trips when they ended. A set
    over several markets counts under the market of its first leg. Totals stay exact for ever.
    """

    takes: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            RunStarted,
            SignalRaised,
            OrderFilled,
            PositionSettled,
            SetsMerged,
            SetsConverted,
            SetsSplit,
            EquityMarked,
        }
    )

    def __init__(self, *, instruments: Mapping[str, Instrument] | None = None) -> None:
        """Start empty; `instruments` names what the tape has listed."""
        self._instruments: Mapping[str, Instrument] = {} if instruments is None else instruments
        self._begin()

    def _begin(self) -> None:
        self.cells: dict[Cell, Sums] = {}
        self.marks: dict[int, Sums] = {}
        """start of the hour (of the day, for old ones) in s: [samples, equity, positions]"""
        self._trips = RoundTrips()
        self._stated: dict[str, int] = {}
        self._expected: dict[tuple[str, str], int] = {}

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event, ts_ns = record.event, record.ts_ns
        if isinstance(event, EquityMarked):
            self._mark(event, ts_ns)
            return
        if isinstance(event, RunStarted):
            if event.fresh:
                self._begin()
            return
        if isinstance(event, SignalRaised):
            self._state(event)
        elif isinstance(event, OrderFilled):
            self._fill(event, ts_ns)
        elif isinstance(event, PositionSettled):
            self._cell(ts_ns, event.strategy, event.symbol)[REALIZED] += event.realized_micros
        elif isinstance(event, SetsMerged | SetsConverted):
            sums = self._cell(ts_ns, event.strategy, event.parts[0].symbol)
            sums[REALIZED] += event.realized_micros
        for trip in self._trips.apply(record):
            self._trip(trip, ts_ns)

    def _cell(self, ts_ns: int, strategy: str, symbol: str) -> Sums:
        venue, market = self._place(symbol)
        cell = Cell(ts_ns // NS_PER_S // HOUR_S * HOUR_S, HOUR_S, strategy, venue, market)
        sums = self.cells.get(cell)
        if sums is None:
            sums = self.cells[cell] = [0] * SIZE
            if len(self.cells) > CELLS_MAX:
                self._condense(cell)
        return sums

    def _place(self, symbol: str) -> tuple[str, str]:
        instrument = self._instruments.get(symbol)
        if instrument is not None:
            return instrument.venue, instrument.market_id or symbol
        market, _, _ = symbol.rpartition(":")
        return symbol.partition(":")[0], market if ":" in market else symbol

    def _condense(self, kept: Cell) -> None:
        """Make the oldest cells of each level coarser, so that a quarter of the room is free."""
        for level, share in enumerate(KEPT_OF_LEVEL):
            mine = sorted(cell for cell in self.cells if cell.level == level and cell != kept)
            for cell in mine[: max(0, len(mine) - int(CELLS_MAX * share))]:
                sums, into = self.cells.pop(cell), cell.coarser()
                known = self.cells.get(into)
                self.cells[into] = sums if known is None else list(map(add, known, sums))

    def _fill(self, event: OrderFilled, ts_ns: int) -> None:
        sums = self._cell(ts_ns, event.strategy, event.symbol)
        sums[FILLS] += 1
        sums[VOLUME] += event.notional_micros
        sums[FEES] += event.fee_micros
        sums[REALIZED] += event.realized_micros
        stated = self._stated.pop(event.signal_id, None)
        if stated is not None:
            key = (event.strategy, event.symbol)
            self._expected[key] = self._expected.get(key, 0) + stated

    def _state(self, event: SignalRaised) -> None:
        if event.expected_edge_micros is None:
            return
        if len(self._stated) >= STATED_MAX:
            del self._stated[next(iter(self._stated))]
        self._stated[event.signal_id] = event.expected_edge_micros

    def _trip(self, trip: Trip, ts_ns: int) -> None:
        sums, net = self._cell(ts_ns, trip.strategy, trip.symbols[0]), trip.net_micros
        held_ns = ts_ns - trip.opened_ns
        sums[TRIPS] += 1
        sums[NET] += net
        sums[SQUARE] += net * net
        sums[HELD] += held_ns
        if net > 0:
            sums[WINS] += 1
            sums[WON] += net
        elif net < 0:
            sums[LOSSES] += 1
            sums[LOST] -= net
        place = WIDTH + 2 * holding_class(held_ns)
        sums[place] += 1
        sums[place + 1] += net
        keys = [(trip.strategy, symbol) for symbol in trip.symbols]
        stated = [self._expected.pop(key) for key in keys if key in self._expected]
        if stated:
            sums[EDGE_TRIPS] += 1
            sums[EDGE_EXPECTED] += sum(stated)
            sums[EDGE_NET] += net

    def _mark(self, event: EquityMarked, ts_ns: int) -> None:
        hour = ts_ns // NS_PER_S // HOUR_S * HOUR_S
        sums = self.marks.get(hour)
        if sums is None:
            if len(self.marks) >= MARKS_MAX:
                self._condense_marks()
            sums = self.marks[hour] = [0, 0, 0]
        sums[0] += 1
        sums[1] += event.value_micros
        sums[2] += event.value_micros - event.cash_micros

    def _condense_marks(self) -> None:
        """Join the older half into days, or, where they are days, into one."""
        older = sorted(self.marks)[: MARKS_MAX // 2]
        days = any(start % DAY_S for start in older)
        for start in older:
            sums = self.marks.pop(start)
            into = start // DAY_S * DAY_S if days else older[0]
            known = self.marks.get(into)
            self.marks[into] = sums if known is None else list(map(add, known, sums))

    # --- reading --------------------------------------------------------------------------------

    def select(
        self,
        *,
        from_s: int = 0,
        to_s: int | None = None,
        strategy: str | None = None,
        venue: str | None = None,
        market: str | None = None,
    ) -> Iterator[tuple[Cell, Sums]]:
        """Yield the sums of cells that begin in from_s <= start < to_s and fit the filters."""
        for cell, sums in self.cells.items():
            if (
                cell.start_s >= from_s
                and (to_s is None or cell.start_s < to_s)
                and (strategy is None or cell.strategy == strategy)
                and (venue is None or cell.venue == venue)
                and (market is None or cell.market == market)
            ):
                yield cell, sums

    def marked(self, from_s: int = 0, to_s: int | None = None) -> Sums:
        """Return [samples, sum of equity, sum of positions at mark] of a stretch."""
        total = [0, 0, 0]
        for start_s, sums in self.marks.items():
            if start_s >= from_s and (to_s is None or start_s < to_s):
                total = list(map(add, total, sums))
        return total

    # --- state ----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values; sums as text, squares outgrow 64 bits."""
        return {
            "cells": [
                [*cell, " ".join(map(str, sums))] for cell, sums in sorted(self.cells.items())
            ],
            "marks": [
                [start, " ".join(map(str, sums))] for start, sums in sorted(self.marks.items())
            ],
            "trips": self._trips.snapshot(),
            "stated": list(self._stated.items()),
            "expected": [[*key, edge] for key, edge in sorted(self._expected.items())],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.cells = {
            Cell(*row[:-1]): [int(text) for text in row[-1].split()] for row in state["cells"]
        }
        self.marks = {row[0]: [int(text) for text in row[1].split()] for row in state["marks"]}
        self._trips = RoundTrips()
        self._trips.restore(state["trips"])
        self._stated = {row[0]: row[1] for row in state["stated"]}
        self._expected = {(row[0], row[1]): row[2] for row in state["expected"]}


def holding_class(held_ns: int) -> int:
    """Return the number of the holding-time class: 0 is under a minute."""
    held_s = held_ns // NS_PER_S
    return sum(held_s >= end for end in HOLDING_S)


def total(found: Iterator[tuple[Cell, Sums]]) -> Sums:
    """Return the sum of sums."""
    summed = [0] * SIZE
    for _, sums in found:
        summed = list(map(add, summed, sums))
    return summed
