"""EquityCurve: equity, drawdown and P&L per hour and day, as a fold of the tape."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

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
)
from papertape.services.series import BoundedSeries

HOUR_S = 3600
HOURS_KEPT = 24 * 14  # two weeks of hours; days are kept for ever


def day_of(ts_ns: int) -> str:
    """Return the UTC day, ISO."""
    return hour_of(ts_ns)[:10]


def hour_of(ts_ns: int) -> str:
    """Return the UTC hour, ISO to the minute."""
    return _hour_text(ts_ns // NS_PER_S // HOUR_S)


@lru_cache(maxsize=64)
def _hour_text(hour: int) -> str:
    return datetime.fromtimestamp(hour * HOUR_S, tz=UTC).strftime("%Y-%m-%dT%H:00Z")


class EquityCurve:
    """What the account was worth over time."""

    takes: ClassVar[frozenset[type[Event]]] = frozenset(
        {OrderFilled, PositionSettled, SetsMerged, SetsConverted, EquityMarked, RunStarted}
    )

    def __init__(self) -> None:
        """Start without an account."""
        self._begin(0)

    def _begin(self, initial_micros: int) -> None:
        self.initial_micros = initial_micros
        self.net_micros = 0
        self.equity = BoundedSeries()
        self.by_day: dict[str, int] = {}
        self.by_hour: dict[str, int] = {}
        self.day = ""
        self.day_start_micros = initial_micros
        self.last_equity_micros = initial_micros
        self.peak_micros = initial_micros

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event = record.event
        if isinstance(event, OrderFilled):
            self._earn(record.ts_ns, event.realized_micros - event.fee_micros)
        elif isinstance(event, PositionSettled | SetsMerged | SetsConverted):
            self._earn(record.ts_ns, event.realized_micros)
        elif isinstance(event, EquityMarked):
            self._turn_day(record.ts_ns)
            self.last_equity_micros = event.value_micros
            self.peak_micros = max(self.peak_micros, event.value_micros)
            self.equity.add(record.ts_ns, event.value_micros, self.net_micros)
        elif isinstance(event, RunStarted) and event.fresh:
            self._begin(event.initial_cash_micros)
            self.equity.add(record.ts_ns, event.initial_cash_micros, 0)

    def _turn_day(self, ts_ns: int) -> None:
        day = day_of(ts_ns)
        if day != self.day:
            self.day = day
            self.day_start_micros = self.last_equity_micros

    def _earn(self, ts_ns: int, micros: int) -> None:
        if not micros:
            return
        self._turn_day(ts_ns)
        self.net_micros += micros
        hour = hour_of(ts_ns)
        self.by_day[self.day] = self.by_day.get(self.day, 0) + micros
        self.by_hour[hour] = self.by_hour.get(hour, 0) + micros
        if len(self.by_hour) > HOURS_KEPT:
            del self.by_hour[next(iter(self.by_hour))]

    def today_micros(self, equity_micros: int, ts_ns: int) -> int:
        """Return the change of equity since the UTC day began, given equity and time now."""
        start = self.day_start_micros if day_of(ts_ns) == self.day else self.last_equity_micros
        return equity_micros - start

    def points(self, count: int = 500) -> list[tuple[int, int, int]]:
        """Return (ts_ns, equity micros, net realised micros), exact ends, extremes kept."""
        return self.equity.samples(count)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {
            "initial_micros": self.initial_micros,
            "net_micros": self.net_micros,
            "equity": self.equity.snapshot(),
            "by_day": list(self.by_day.items()),
            "by_hour": list(self.by_hour.items()),
            "day": [self.day, self.day_start_micros, self.last_equity_micros],
            "peak_micros": self.peak_micros,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.initial_micros = state["initial_micros"]
        self.net_micros = state["net_micros"]
        self.equity.restore(state["equity"])
        self.by_day = dict(state["by_day"])
        self.by_hour = dict(state["by_hour"])
        self.day, self.day_start_micros, self.last_equity_micros = state["day"]
        self.peak_micros = state["peak_micros"]
