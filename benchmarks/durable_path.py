"""Signals per second through the whole durable path, against the same path without a disk.

Each signal is validated, held against risk, written as signal, order and fill, filled from a book,
folded into every projection, chained, and committed to SQLite with synchronous=FULL. Time runs
until the last signal is durable.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.scene import SYMBOL, opening
from papertape.clock import ManualClock
from papertape.config import load_config
from papertape.model.market_data import BookSeen
from papertape.model.ports import Ledger
from papertape.model.signal import Leg, Signal
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.door_parts import DoorParts, door_parts
from papertape.services.tape_view import TapeView
from papertape.tape.ledger import SqliteLedger
from papertape.tape.memory import MemoryLedger

SIGNALS = 10_000
ROUNDS = 5


def run() -> dict[str, object]:
    """Return medians over the rounds; the baseline alternates with the measured path."""
    disk, memory = [], []
    for _ in range(ROUNDS):
        memory.append(_rate(lambda folder: MemoryLedger()))
        disk.append(_rate(lambda folder: SqliteLedger(folder / "papertape.db")))
    return {
        "signals": SIGNALS,
        "rounds": ROUNDS,
        "signals_per_s": round(median(disk)),
        "signals_per_s_rounds": [round(rate) for rate in disk],
        "in_memory_signals_per_s": round(median(memory)),
        "ratio_to_memory": round(median(disk) / median(memory), 3),
        "events_per_signal": 3,
        "synchronous": "FULL",
    }


def _rate(open_ledger: Callable[[Path], Ledger]) -> float:
    with tempfile.TemporaryDirectory(prefix="papertape-bench-") as folder:
        ledger = open_ledger(Path(folder))
        try:
            door, parts, clock = _door(ledger)
            began = time.perf_counter()
            for number in range(SIGNALS):
                clock.set_ns(clock.now_ns() + 1_000_000)
                _signal(door, parts, number)
            ledger.flush(60)
            return SIGNALS / (time.perf_counter() - began)
        finally:
            ledger.close()


def _door(ledger: Ledger) -> tuple[DataFlowManager, DoorParts, ManualClock]:
    clock, view = ManualClock(1_700_000_000_000_000_000), TapeView()
    config = load_config(overrides={"risk.max_daily_loss_usd": "9999999"})
    parts = door_parts(config, ledger, view, clock, source="bench", run_number=1)
    parts.scribe.at(clock.now_ns(), 0)
    for event in opening():
        parts.scribe.note(event)
    parts.scribe.commit()
    return DataFlowManager(parts=parts), parts, clock


def _signal(door: DataFlowManager, parts: DoorParts, number: int) -> None:
    buying = number % 2 == 0
    parts.scribe.mseq = number + 1
    parts.watch.see_book(
        BookSeen(
            symbol=SYMBOL,
            ts_ns=parts.clock.now_ns(),
            bid_ticks=(4800, 4700),
            bid_lots=(100_000, 100_000),
            ask_ticks=(4900, 5000),
            ask_lots=(100_000, 100_000),
        )
    )
    parts.view.portfolio.mark(SYMBOL, 4800)
    side = "BUY" if buying else "SELL"
    leg = Leg(symbol=SYMBOL, side=side, quantity_lots=1_000, limit_ticks=None)
    decision = door.process_signal("bench", Signal(legs=(leg,), reason=f"signal {number}"))
    assert decision.status == "filled", decision.reason
