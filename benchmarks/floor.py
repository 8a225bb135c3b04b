"""What the loop's benchmarks share: fresh processes, medians, the floor, the peak of memory.

The floor is an empty compiled loop that calls an empty Python method per event. It is measured in
the same process, in turns with the work, so that a noisy machine slows both.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from papertape.core.loop_floor import call_per_event

ROUNDS = 5
FLOOR_CALLS = 2_000_000


class _Empty:
    def on_event(self, seen: object) -> None:
        return None


def floor_ns() -> float:
    """Return nanoseconds per event of the empty loop."""
    began = time.perf_counter()
    call_per_event(_Empty().on_event, "seen", FLOOR_CALLS)
    return (time.perf_counter() - began) / FLOOR_CALLS * 1e9


def peak_rss_mb() -> float:
    """Return the most memory that this process ever held."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(events: int, work: Callable[[], Any]) -> dict[str, Any]:
    """Return the median speed of some work over the rounds, beside the floor."""
    rates, floors = [], []
    work()  # the first run pays for pages and caches
    for _ in range(ROUNDS):
        floors.append(floor_ns())
        began = time.perf_counter()
        work()
        rates.append(events / (time.perf_counter() - began))
    floor = median(floors)
    return {
        "events_per_s": round(median(rates)),
        "rounds_events_per_s": [round(rate) for rate in rates],
        "floor_ns": round(floor, 1),
        "times_the_floor": round(1e9 / median(rates) / floor, 2),
    }


def in_fresh_process(module: str, part: str) -> dict[str, Any]:
    """Run `python -m benchmarks.<module> <part>` and return what it prints."""
    command = [sys.executable, "-m", f"benchmarks.{module}", part]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} {part} failed:\n{done.stderr[-2_000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def said(found: dict[str, Any]) -> None:
    """Print the result of a fresh process as its last line."""
    print(json.dumps(found | {"peak_rss_mb": round(peak_rss_mb(), 1)}))
