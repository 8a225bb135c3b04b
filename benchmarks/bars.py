"""W1: 1,000,000 one-minute bars, EMA(10)/EMA(30) cross, market orders of 1 unit, 0.1% fee."""

from __future__ import annotations

import sys
from array import array
from random import Random
from typing import Any

from benchmarks.ema_cross import EmaCrossStrategy
from benchmarks.floor import in_fresh_process, said, timed
from papertape.core.loop import Columns, EmaCross, run_loop
from papertape.model.instrument import FeeSchedule, Instrument

BARS = 1_000_000
SEED = 20_260_101
FIRST_NS = 1_500_000_000_000_000_000
MINUTE_NS = 60_000_000_000
CASH_MICROS = 10**15  # enough to pay the fees of every order
LOTS = 100_000  # 1 unit
PAIR = Instrument(
    symbol="bench:BTC/USDT",
    venue="bench",
    kind="spot",
    quote_currency="USDT",
    tick_nanos=10_000_000,
    lot_nanos=10_000,
    fees=FeeSchedule(kind="proportional", taker_ppm=1_000, maker_ppm=1_000),
)


def walk(count: int, seed: int = SEED) -> Columns:
    """Return bars of a random walk around 30,000.00, the same for the same seed."""
    dice = Random(seed)
    columns = [array("q", bytes(8 * count)) for _ in range(5)]
    opened, high, low, close, volume = columns
    price = 3_000_000
    for row in range(count):
        opened[row] = price
        price = max(100_000, price + round(dice.gauss(0, 1_500)))
        close[row] = price
        wide = int(abs(dice.gauss(0, 500)))
        high[row] = max(opened[row], price) + wide
        low[row] = min(opened[row], price) - wide
        volume[row] = 100_000_000
    times = array("q", range(FIRST_NS, FIRST_NS + count * MINUTE_NS, MINUTE_NS))
    return Columns.bars(times, *columns)


def targets_of(columns: Columns, fast: int, slow: int) -> array[int]:
    """Return what the rule wants to hold after each bar: the vectorised form's input."""
    rule = EmaCross(fast, slow, LOTS)
    rule.begin(1)
    return array("q", (rule.target(0, price) for price in columns.v3))


def _part(part: str) -> dict[str, Any]:
    columns = walk(BARS)
    columns.check()
    strategy: Any = EmaCross(10, 30, LOTS)
    if part == "python":
        strategy = EmaCrossStrategy(fast=10, slow=30, lots=LOTS)
    elif part == "vectorised":
        values = (columns.v0, columns.v1, columns.v2, columns.v3, columns.v4)
        columns = Columns.bars(columns.ts, *values, targets=targets_of(columns, 10, 30))
        strategy = None
    orders = []

    def work() -> None:
        result = run_loop([columns], [PAIR], strategy, initial_cash_micros=CASH_MICROS)
        assert result.failure is None, result.failure
        orders.append(result.orders)

    return timed(BARS, work) | {"orders": orders[0]}


def run() -> dict[str, object]:
    """Return the Python strategy's speed, with those of the other two forms."""
    found = in_fresh_process("bars", "python")
    for part in ("vectorised", "compiled"):
        found[part] = in_fresh_process("bars", part)
    return found


if __name__ == "__main__":
    said(_part(sys.argv[1]))
