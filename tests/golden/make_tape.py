"""Makes the golden tape of this version: run once per released version, then kept for ever.

`python -m tests.golden.make_tape` writes `tape_3.db` (every kind of record) and `tape_3.json`
(what it must read as); it never replaces one that is there. Version 1 knew no `book.state` and no
`venue.clock`, version 2 only market and limit orders.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import msgspec
from tests.tape.samples import NO, YES, opening, other_events, trade

from papertape.model.events import (
    AlertRaised,
    BookStateChanged,
    CommandTaken,
    EngineStateChanged,
    Event,
    EventListed,
    ExitMarked,
    FeedStateChanged,
    FillDetail,
    LegWanted,
    LevelUsed,
    MarketListed,
    MarketStateChanged,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    OrderTriggered,
    PrintUsed,
    SetPart,
    SetsSplit,
    SignalRaised,
    StrategyStateChanged,
    VenueClockMeasured,
)
from papertape.model.market import EventGroup, Market
from papertape.model.orders import OrderTerms
from papertape.tape.ledger import SqliteLedger

HERE = Path(__file__).parent
TAPE, RECORDS = HERE / "tape_3.db", HERE / "tape_3.json"


def state_events() -> list[Event]:
    """Return one of each event that has no row in a projection table."""
    market = Market(
        market_id="rain", venue="simulated", question="Will it rain?", outcomes=("YES", "NO"),
        symbols=(YES, NO), end_ns=10**18, event_id="weather", mirrored=True,
    )  # fmt: skip
    parts = (
        SetPart(symbol=YES, quantity_lots=10, cost_micros=50_000),
        SetPart(symbol=NO, quantity_lots=10, cost_micros=50_000),
    )
    return [
        MarketListed(market=market),
        EventListed(
            group=EventGroup(
                event_id="weather", venue="simulated", title="Weather", market_ids=("rain",),
                neg_risk=True,
            )
        ),
        MarketStateChanged(market_id="rain", state="resolved", payouts_micros=(1_000_000, 0)),
        FeedStateChanged(source="simulated", state="stale", reason="silent for 10 s"),
        BookStateChanged(source="simulated", symbol=YES, state="gap", reason="bid and ask cross"),
        BookStateChanged(
            source="simulated", symbol=YES, state="live", reason="bid and ask cross",
            doubted_ns=812_000_000,
        ),
        VenueClockMeasured(source="simulated", ahead_ms=-1_270, error_ms=40),
        SetsSplit(strategy="arbitrage", market_id="rain", parts=parts, cash_micros=100_000),
        StrategyStateChanged(strategy="momentum", state="disabled", reason="it raised"),
        EngineStateChanged(state="paused", reason="asked to"),
        CommandTaken(
            command_id="c1", action="pause", target="", source="dashboard", outcome="done"
        ),
        ExitMarked(
            strategy="momentum", symbol=YES, gain_ppm=-100_000, best_ppm=20_000,
            rule="stop_loss", reason="exit: stop loss",
        ),
        AlertRaised(
            severity="error", title="Disabled", message="momentum raised", about="momentum"
        ),
    ]  # fmt: skip


def order_events() -> list[Event]:
    """Return an order's life with everything that can be said of it, and a signal that tied it."""
    terms = OrderTerms(
        stop_ticks=4_000, stop_loss_ticks=3_000, take_profit_ticks=6_000, post_only=True,
        reduce_only=True, trail_ticks=100, spend_micros=1, expires_ns=10**18, group="g",
        parent="r1.o1", purpose="unwind",
    )  # fmt: skip
    own = {"order_id": "r1.o9", "strategy": "arbitrage", "symbol": YES}
    leg = LegWanted(symbol=YES, side="SELL", quantity_lots=10, limit_ticks=4_000, terms=terms)
    evidence = LevelUsed(
        price_ticks=4_000, seen_lots=10, taken_before_lots=0, book_ts_ns=1, book_age_ns=0,
        source="simulated",
        detail=FillDetail(
            model="likely", latency_ns=1, delay_ns=2, ahead_lots=3,
            prints=(PrintUsed(ts_ns=1, price_ticks=4_000, quantity_lots=13),),
        ),
    )  # fmt: skip
    return [
        SignalRaised(
            signal_id="r1.s9", strategy="arbitrage", legs=(leg,), reason="", time_in_force="GTD",
            all_or_none=False, then="none", together="in_order", missed="hold",
        ),
        OrderSubmitted(
            **own, signal_id="r1.s9", side="SELL", order_type="stop_limit", time_in_force="GTD",
            quantity_lots=10, limit_ticks=4_000, terms=terms,
        ),
        OrderTriggered(**own, stop_ticks=4_000, seen_ticks=3_900),
        OrderAccepted(**own, latency_ns=1, ahead_lots=3),
        OrderAmended(
            **own, quantity_lots=9, remaining_lots=9, limit_ticks=4_000, stop_ticks=4_000,
            reason="less",
        ),
        OrderCancelAsked(**own, reason="enough", latency_ns=5),
        OrderFilled(
            **own, fill_id="r1.f9", signal_id="r1.s9", side="SELL", price_ticks=4_000,
            quantity_lots=5, notional_micros=20_000, fee_micros=0, cost_micros=-20_000,
            realized_micros=0, liquidity="maker", remaining_lots=4, evidence=evidence,
        ),
        OrderClosed(**own, state="cancelled", remaining_lots=4, reason="enough"),
        OrderChangeRefused(
            order_id="r1.o9", strategy="arbitrage", change="cancel", code="not_open", reason="over",
            field="order_id",
        ),
    ]  # fmt: skip


def main() -> int:
    """Write the golden tape, unless it is there."""
    if TAPE.exists():
        print(f"{TAPE} is there: a golden tape is never made again")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqliteLedger(Path(folder) / "papertape.db")
        for n, batch in enumerate(
            [
                opening(),
                state_events(),
                trade(1),
                trade(2, symbol=NO),
                order_events(),
                other_events(),
            ]
        ):
            ledger.append(batch, ts_ns=1_700_000_000_000_000_000 + n, mseq=10 * n)
        ledger.flush()
        records = ledger.read(0, 1_000)
        ledger.save_snapshot(5, b"{}")
        ledger.close()
        shutil.copy(Path(folder) / "papertape.db", TAPE)
    lines = b",\n".join(msgspec.json.encode(record) for record in records)
    RECORDS.write_bytes(b"[\n" + lines + b"\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
