"""The book that a trade met: from the recording where it is, and an honest word where not."""

from __future__ import annotations

from pathlib import Path

from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import NO, YES, Tape
from tests.dashboard.test_journal_marks import begin, book

from papertape.tape.recorder import MarketRecorder


def test_the_newest_book_before_the_fill_is_shown(page: Caller, tape: Tape, data_dir: Path) -> None:
    begin(tape, "R2")
    tape.mseq = 4  # the engine has seen five records when it trades
    trade_id = tape.trade("BUY", 1_000, 4_000)
    tape.flush()
    recorder = MarketRecorder(data_dir / "market" / "R2", source="simulated")
    for number, (symbol, bid) in enumerate(((YES, 3_800), (YES, 3_900), (NO, 5), (NO, 6), (NO, 7),
                                            (YES, 9_900))):  # fmt: skip
        recorder.record(book(symbol, tape.ts_ns + number, bid, bid - 100))
    recorder.close()
    found = page.data(f"/api/trades/{trade_id}/book")
    assert (found["available"], found["mseq"]) == (True, 2)
    assert found["bids"] == [
        {"price": 0.39, "size": 1, "total": 1},
        {"price": 0.38, "size": 1, "total": 2},
    ]
    assert [level["price"] for level in found["asks"]] == [0.9]


def test_where_it_is_not_kept_it_is_said(page: Caller, tape: Tape) -> None:
    tape.trade("BUY", 1_000, 4_000)
    begin(tape, "gone")
    later = tape.trade("SELL", 1_000, 4_200)
    tape.flush()
    for trade_id in ("F1", later):
        found = page.data(f"/api/trades/{trade_id}/book")
        assert (found["available"], found["bids"]) == (False, [])
        assert "market data" in found["why"]
    assert page.get("/api/trades/F99/book").status_code == 404
