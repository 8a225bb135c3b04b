"""The figures of a run on the compiled loop, in the form that `metrics.measure` takes."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import Any

import pyarrow as pa

from papertape.core.loop import TRADE_FIELDS, LoopResult
from papertape.core.loop_trips import TRIP_FIELDS, round_trips
from papertape.model.instrument import Instrument

SIDES = {(0, 1): "BUY", (0, -1): "SELL", (1, -1): "SETTLE"}
TIME = pa.timestamp("ns", tz="UTC")
PLAIN = [name for name in TRADE_FIELDS if name not in {"ts_ns", "instrument", "side", "kind"}]


class LoopTrips:
    """Round trips as columns, like `trips.Trips`."""

    def __init__(self, rows: array[int]) -> None:
        """Take rows of TRIP_FIELDS."""
        self.opened_ns = rows[0::TRIP_FIELDS]
        self.closed_ns = rows[1::TRIP_FIELDS]
        self.net_micros = rows[2::TRIP_FIELDS]
        pairs = [
            (sure / 100, net > 0)
            for sure, net in zip(rows[3::TRIP_FIELDS], self.net_micros, strict=True)
            if sure >= 0
        ]
        self.stated = [stated for stated, _ in pairs]
        self.happened = [happened for _, happened in pairs]


class LoopMeasures:
    """What `metrics.measure` asks of a run."""

    def __init__(self, result: LoopResult, start_ns: int, period_ns: int, instruments: int) -> None:
        """Take a finished run that began at `start_ns`."""
        self._result = result
        self.period_ns = period_ns
        self.span_ns = max(0, result.last_ts_ns - start_ns)
        self.initial_micros, self.equity_micros = result.initial_micros, result.equity_micros
        self.drawdown, self.drawdown_ns = result.drawdown_share, result.drawdown_ns
        self.in_market_ns = result.held_ns
        self.traded_micros, self.fees_micros = result.turnover_micros, result.fees_micros
        self.priced_fills = result.priced_fills
        self.trips = LoopTrips(round_trips(result.rows, instruments))

    @property
    def slippage_micros(self) -> float:
        """Return what fills cost against the mid when their orders were decided."""
        return self._result.slippage_twice_micros / 2

    @property
    def mean_equity_micros(self) -> float:
        """Return the equity, averaged over time."""
        return self._result.area / self.span_ns if self.span_ns else float(self.initial_micros)

    @property
    def mean_held_micros(self) -> float:
        """Return what was in positions, averaged over time."""
        return self._result.held_area / self.span_ns if self.span_ns else 0.0

    def returns(self) -> list[float]:
        """Return the account's returns per period, as fractions."""
        return [b / a - 1 for a, b in pairwise(self._result.grid) if a > 0]


def trades_table(result: LoopResult, instruments: list[Instrument]) -> pa.Table:
    """Return the trades: time, symbol, side, kind, then integers by the names of TRADE_FIELDS."""
    columns = result.trades
    ways = zip(columns["kind"], columns["side"], strict=True)
    symbols = pa.array([one.symbol for one in instruments], pa.string())
    of: dict[str, Any] = {
        "time": pa.array(columns["ts_ns"], pa.int64()).cast(TIME),
        "symbol": symbols.take(pa.array(columns["instrument"], pa.int64())),
        "side": pa.array([SIDES[way] for way in ways], pa.string()),
        "kind": pa.array(["settled" if kind else "fill" for kind in columns["kind"]], pa.string()),
    }
    return pa.table(of | {name: pa.array(columns[name], pa.int64()) for name in PLAIN})


def equity_table(result: LoopResult) -> pa.Table:
    """Return time and equity in micros."""
    points = result.equity
    return pa.table({
        "time": pa.array([ts_ns for ts_ns, _ in points], pa.int64()).cast(TIME),
        "equity_micros": pa.array([value for _, value in points], pa.int64()),
    })  # fmt: skip
