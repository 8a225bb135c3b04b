"""Excursions of a trade: from the recorded books where they are, and an honest word where not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import NO, YES, Tape

from papertape.model.events import RunStarted
from papertape.model.market_data import BookSeen
from papertape.tape.recorder import MarketRecorder


def begin(tape: Tape, name: str) -> None:
    """Begin a run that says where its market data is."""
    tape.put(
        RunStarted(
            run_id="R2", number=2, account="main", mode="SIMULATED", feed="simulated",
            fresh=False, initial_cash_micros=0, strategies=("momentum",), market_data=name,
        )
    )  # fmt: skip


def book(symbol: str, ts_ns: int, *bids: int) -> BookSeen:
    lots = [100] * len(bids)
    return BookSeen(
        symbol=symbol, ts_ns=ts_ns, bid_ticks=list(bids), bid_lots=lots,
        ask_ticks=[9_000], ask_lots=[5],
    )  # fmt: skip


def held(tape: Tape, folder: Path) -> str:
    """Trade, with books recorded before, meanwhile and after."""
    begin(tape, "R2")
    before_ns = tape.ts_ns
    trade_id = tape.trade("BUY", 1_000, 4_000)
    began_ns = tape.ts_ns
    tape.ts_ns += 10 * 10**9
    tape.trade("SELL", 1_000, 4_200)
    ended_ns = tape.ts_ns
    tape.flush()
    recorder = MarketRecorder(folder / "market" / "R2", source="simulated")
    recorder.record(book(YES, before_ns, 100))
    for second, bid in enumerate((3_900, 3_500, 4_800, 4_200), start=1):
        recorder.record(book(YES, began_ns + second * 10**9, bid, bid - 100))
        recorder.record(book(NO, began_ns + second * 10**9, 1))
    recorder.record(book(YES, began_ns + 5 * 10**9))
    recorder.record(book(YES, ended_ns + 10**9, 9_900))
    recorder.close()
    return trade_id


def test_lowest_and_highest_bid_while_it_was_held(page: Caller, tape: Tape, data_dir: Path) -> None:
    trade_id = held(tape, data_dir)
    page.data("/api/journal/trades")
    found = page.data(f"/api/journal/trades/{trade_id}/marks")
    assert found["available"] is True
    assert (found["low"]["price"], found["low"]["move"]) == (0.35, -0.05)
    assert (found["high"]["price"], found["high"]["move"]) == (0.48, 0.08)
    assert [point["price"] for point in found["points"]] == [0.39, 0.35, 0.48, 0.42]


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_where_there_is_no_data_it_is_said(
    page: Caller, tape: Tape, data_dir: Path, damage: str
) -> None:
    trade_id = held(tape, data_dir)
    page.data("/api/journal/trades")
    for path in (data_dir / "market" / "R2").iterdir():
        if damage == "gone":
            path.unlink()
        elif path.suffix == ".parquet":
            path.write_bytes(path.read_bytes()[:50])
    found = page.data(f"/api/journal/trades/{trade_id}/marks")
    assert found["available"] is False
    assert found["why"]
    still = tape.trade("BUY", 10, 4_000)
    tape.flush()
    page.data("/api/journal/trades")
    assert "open" in page.data(f"/api/journal/trades/{still}/marks")["why"]
    assert page.get("/api/journal/trades/F99/marks").status_code == 404
