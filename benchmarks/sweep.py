"""W3: 1,000 combinations of EMA fast 5..54 x slow 60..79 over 200,000 bars, on all cores.

The bars lie in one file that every process maps, so they are in memory once.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bars import CASH_MICROS, LOTS, PAIR, walk
from benchmarks.floor import ROUNDS, floor_ns, in_fresh_process, peak_rss_mb, said
from papertape.core.loop import Columns, EmaCross, run_loop

BARS = 200_000
FASTS, SLOWS = range(5, 55), range(60, 80)
COMBINATIONS = [(fast, slow) for fast in FASTS for slow in SLOWS]
HOUR_NS = 3_600_000_000_000  # between marks of equity while nothing is traded
TASKS = 20  # stretches of combinations handed to the processes

_mapped: list[Columns] = []


def _map(path: str) -> None:
    """Map the bars' file in a new process."""
    with Path(path).open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("q")
    parts = [whole[at * BARS : (at + 1) * BARS] for at in range(6)]
    columns = Columns.bars(parts[0], *parts[1:])
    columns.check()
    _mapped[:] = [columns]


def _stretch(pairs: list[tuple[int, int]]) -> tuple[list[int], float]:
    """Run some combinations; return their equities and this process's peak of memory."""
    equities = [
        run_loop(
            _mapped,
            [PAIR],
            EmaCross(fast, slow, LOTS),
            initial_cash_micros=CASH_MICROS,
            equity_every_ns=HOUR_NS,
        ).equity_micros
        for fast, slow in pairs
    ]
    return equities, peak_rss_mb()


def _part() -> dict[str, Any]:
    workers = os.cpu_count() or 1
    size = -(-len(COMBINATIONS) // TASKS)
    stretches = [COMBINATIONS[at : at + size] for at in range(0, len(COMBINATIONS), size)]
    bars = walk(BARS)
    with tempfile.TemporaryDirectory(prefix="papertape-bench-") as folder:
        path = Path(folder) / "bars"
        with path.open("wb") as file:
            for column in (bars.ts, bars.v0, bars.v1, bars.v2, bars.v3, bars.v4):
                file.write(column)
        rates, floors, peaks = [], [], [peak_rss_mb()]
        for _ in range(ROUNDS):
            floors.append(floor_ns())
            began = time.perf_counter()
            with ProcessPoolExecutor(workers, initializer=_map, initargs=(str(path),)) as pool:
                found = list(pool.map(_stretch, stretches))
            rates.append(len(COMBINATIONS) * BARS / (time.perf_counter() - began))
            peaks.append(peak_rss_mb() + workers * max(peak for _, peak in found))
        assert sum(len(equities) for equities, _ in found) == len(COMBINATIONS)
    return {
        "events_per_s": round(median(rates)),
        "rounds_events_per_s": [round(rate) for rate in rates],
        "combinations": len(COMBINATIONS),
        "workers": workers,
        "floor_ns": round(median(floors), 1),
        "all_processes_peak_rss_mb": round(max(peaks), 1),
    }


def run() -> dict[str, object]:
    """Return combinations x bars per second, processes started and data mapped included."""
    found = in_fresh_process("sweep", "all")
    found["peak_rss_mb"] = found.pop("all_processes_peak_rss_mb")
    return found


if __name__ == "__main__":
    assert sys.argv[1] == "all"
    said(_part())
