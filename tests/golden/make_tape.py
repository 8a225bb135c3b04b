"""Makes the golden tape of this version: run once per released version, then kept for ever.

`python -m tests.golden.make_tape` writes `tape_2.db` (every kind of record) and `tape_2.json`
(what it must read as); it never replaces one that is there. Version 1 knew no `book.state` and no
`venue.clock`.
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
    FeedStateChanged,
    MarketListed,
    MarketStateChanged,
    SetPart,
    SetsSplit,
    StrategyStateChanged,
    VenueClockMeasured,
)
from papertape.model.market import EventGroup, Market
from papertape.tape.ledger import SqliteLedger

HERE = Path(__file__).parent
TAPE, RECORDS = HERE / "tape_2.db", HERE / "tape_2.json"


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
        AlertRaised(
            severity="error", title="Disabled", message="momentum raised", about="momentum"
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
            [opening(), state_events(), trade(1), trade(2, symbol=NO), other_events()]
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
