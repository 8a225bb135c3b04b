"""What the benchmarks share: one run on one outcome token."""

from __future__ import annotations

from papertape.model.events import InstrumentListed, RunStarted
from papertape.model.instrument import FeeSchedule, Instrument

SYMBOL = "simulated:bench:YES"


def opening() -> list[RunStarted | InstrumentListed]:
    """Return the first records of a ledger: a run with much cash, and the token."""
    run = RunStarted(
        run_id="bench",
        number=1,
        account="bench",
        mode="SIMULATED",
        feed="bench",
        fresh=True,
        initial_cash_micros=10**12,
        strategies=("bench",),
    )
    token = Instrument(
        symbol=SYMBOL,
        venue="simulated",
        kind="outcome",
        quote_currency="USD",
        tick_nanos=100_000,
        lot_nanos=10_000_000,
        step_ticks=100,
        fees=FeeSchedule(kind="curve", taker_ppm=40_000),
    )
    return [run, InstrumentListed(instrument=token)]
