"""W2: 2,000,000 quotes. W2a: a Python strategy that counts. W2b: EMA cross of the mid."""

from __future__ import annotations

import sys
from array import array
from random import Random
from typing import Any

from benchmarks.bars import CASH_MICROS, FIRST_NS, LOTS, PAIR
from benchmarks.ema_cross import EmaCrossStrategy, QuoteCount
from benchmarks.floor import in_fresh_process, peak_rss_mb, said, timed
from papertape.core.loop import Columns, EmaCross, run_loop

QUOTES = 2_000_000
SEED = 20_260_102
STEP_NS = 100_000_000
FAST, SLOW = 5, 12  # of the mid: a cross about every twelfth quote


def walk(count: int) -> Columns:
    """Return quotes of a random walk around 30,000.00, the same for the same seed."""
    dice = Random(SEED)
    columns = [array("q", bytes(8 * count)) for _ in range(4)]
    bid, bid_lots, ask, ask_lots = columns
    price = 3_000_000
    for row in range(count):
        price = max(100_000, price + round(dice.gauss(0, 100)))
        half = 5 + int(10 * dice.random())
        bid[row], ask[row] = price - half, price + half
        bid_lots[row] = ask_lots[row] = 1_000_000
    times = array("q", range(FIRST_NS, FIRST_NS + count * STEP_NS, STEP_NS))
    return Columns.quotes(times, columns[0], columns[1], columns[2], columns[3])


def _part(part: str) -> dict[str, Any]:
    columns = walk(QUOTES)
    columns.check()
    before_mb = peak_rss_mb()
    strategy: Any = QuoteCount()
    if part == "python":
        strategy = EmaCrossStrategy(fast=FAST, slow=SLOW, lots=LOTS)
    elif part == "compiled":
        strategy = EmaCross(FAST, SLOW, LOTS)
    orders = []

    def work() -> None:
        result = run_loop([columns], [PAIR], strategy, initial_cash_micros=CASH_MICROS)
        assert result.failure is None, result.failure
        orders.append(result.orders)

    found = timed(QUOTES, work) | {"orders": orders[0]}
    return found | {"beyond_input_mb": round(peak_rss_mb() - before_mb, 1)}


def run_counting() -> dict[str, object]:
    """Return W2a."""
    return in_fresh_process("quotes", "count")


def run_trading() -> dict[str, object]:
    """Return W2b: the Python strategy's speed, with the compiled rule's."""
    found = in_fresh_process("quotes", "python")
    found["compiled"] = in_fresh_process("quotes", "compiled")
    return found


if __name__ == "__main__":
    said(_part(sys.argv[1]))
