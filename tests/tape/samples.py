"""Events, quotes and ledgers that the tests of the tape share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from papertape.model.events import (
    DataAlarm,
    EquityMarked,
    Event,
    InstrumentListed,
    LegWanted,
    LevelUsed,
    OpportunitySkipped,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    PositionSettled,
    RunStarted,
    RunStopped,
    SetPart,
    SetsConverted,
    SetsMerged,
    SignalRaised,
    SignalRefused,
)
from papertape.model.instrument import Instrument
from papertape.tape.ledger import SqliteLedger

YES, NO = "simulated:rain:YES", "simulated:rain:NO"
ACCOUNT = "simulated"


def run_started(number: int = 1, account: str = ACCOUNT) -> RunStarted:
    """Return the start of a run."""
    return RunStarted(
        run_id=f"run-{number}",
        number=number,
        account=account,
        mode="SIMULATED",
        feed="simulated",
        fresh=number == 1,
        initial_cash_micros=10_000_000_000,
        strategies=("momentum",),
        seed=7,
    )


def listed(symbol: str) -> InstrumentListed:
    """Return the listing of an outcome token."""
    return InstrumentListed(
        instrument=Instrument(
            symbol=symbol,
            venue="simulated",
            kind="outcome",
            quote_currency="USDC",
            tick_nanos=100_000,
            lot_nanos=10_000_000,
            step_ticks=100,
            market_id="rain",
            outcome=symbol.rpartition(":")[2],
        )
    )


def opening(number: int = 1) -> list[Event]:
    """Return what a run begins with."""
    return [run_started(number), listed(YES), listed(NO)]


def trade(n: int, *, strategy: str = "momentum", symbol: str = YES) -> list[Event]:
    """Return one signal's life: signal, order, fill, rest cancelled."""
    ids = {"order_id": f"r1.o{n}", "strategy": strategy, "symbol": symbol}
    return [
        SignalRaised(
            signal_id=f"r1.s{n}",
            strategy=strategy,
            legs=(LegWanted(symbol=symbol, side="BUY", quantity_lots=100, limit_ticks=5_000),),
            reason=f"rises for the {n}th time",
            time_in_force="IOC",
            all_or_none=False,
            then="none",
        ),
        OrderSubmitted(
            **ids,
            signal_id=f"r1.s{n}",
            side="BUY",
            order_type="limit",
            time_in_force="IOC",
            quantity_lots=100,
            limit_ticks=5_000,
        ),
        OrderFilled(
            **ids,
            fill_id=f"r1.f{n}",
            signal_id=f"r1.s{n}",
            side="BUY",
            price_ticks=4_900,
            quantity_lots=60,
            notional_micros=294_000,
            fee_micros=30,
            cost_micros=294_000,
            realized_micros=0,
            liquidity="taker",
            remaining_lots=40,
            evidence=LevelUsed(
                price_ticks=4_900,
                seen_lots=60,
                taken_before_lots=0,
                book_ts_ns=5,
                book_age_ns=2,
                source="simulated",
            ),
        ),
        OrderClosed(**ids, state="cancelled", remaining_lots=40, reason="IOC: the rest"),
    ]


def other_events() -> list[Event]:
    """Return one of each event with a row of its own that `trade` has not."""
    parts = (
        SetPart(symbol=YES, quantity_lots=-40, cost_micros=-1),
        SetPart(symbol=NO, quantity_lots=-40, cost_micros=-1),
    )
    return [
        SignalRefused(signal_id="r1.s900", strategy="momentum", code="max_order", reason="é → ✗"),
        OpportunitySkipped(
            strategy="arbitrage", symbols=(YES, NO), test="edge", figure="-0.002", reason="thin"
        ),
        DataAlarm(source="simulated", symbols=(YES, NO), test="sum", figure="0.9", reason="below"),
        SetsMerged(
            strategy="arbitrage", market_id="rain", parts=parts, cash_micros=400_000,
            realized_micros=10,
        ),
        SetsConverted(
            strategy="arbitrage", event_id="e", parts=parts, cash_micros=400_000,
            realized_micros=-7,
        ),
        PositionSettled(
            strategy="momentum", symbol=YES, market_id="rain", quantity_lots=20,
            payout_micros=1_000_000, cash_micros=200_000, cost_micros=98_000,
            realized_micros=102_000,
        ),
        EquityMarked(cash_micros=1, value_micros=2, unrealized_micros=-3, unpriced=1),
        RunStopped(reason="done"),
    ]  # fmt: skip


def batches(trades: int) -> Iterator[list[Event]]:
    """Yield batches that use every table."""
    yield opening()
    for n in range(trades):
        yield trade(n, strategy=("momentum", "arbitrage")[n % 2], symbol=(YES, NO)[n % 3 % 2])
    yield other_events()


def fill_ledger(folder: Path, trades: int = 50, *, close: bool = True) -> SqliteLedger:
    """Write a ledger that uses every table; return it, closed by default."""
    ledger = SqliteLedger(folder / "papertape.db")
    for n, batch in enumerate(batches(trades)):
        ledger.append(batch, ts_ns=1_000 + n, mseq=n)
    ledger.flush()
    ledger.save_snapshot(ledger.head_seq(), b'{"cash": 1}')
    ledger.flush()
    if close:
        ledger.close()
    return ledger
