"""Reading a ledger from another process: before it exists, while it is written, after a kill."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tracemalloc
from pathlib import Path

import pytest
from tests.tape.samples import ACCOUNT, NO, YES, fill_ledger, opening, trade

from papertape.errors import LedgerDamagedError
from papertape.model.events import OrderClosed, OrderFilled, OrderSubmitted, SignalRaised
from papertape.tape.follow import LedgerReader
from papertape.tape.ledger import SqliteLedger
from papertape.tape.queries_trades import signals_page
from papertape.tape.store import driver


def test_a_ledger_that_is_not_there_yet_is_empty_and_then_comes_alive(tmp_path: Path) -> None:
    reader = LedgerReader(tmp_path / "papertape.db")
    assert reader.read(0) == []
    assert reader.head_seq() == 0
    assert reader.ledger_id() is None
    assert reader.latest_snapshot() is None
    assert reader.run() is None
    assert reader.trades(ACCOUNT) == []
    assert reader.trade("r1.f1") is None
    assert reader.chain("r1.s1") == []
    assert list(reader.trades_iter(ACCOUNT)) == []
    ledger = fill_ledger(tmp_path, 3, close=False)
    assert reader.head_seq() == ledger.head_seq()
    assert reader.ledger_id() == ledger.ledger_id
    assert reader.read(0, 1_000) == ledger.read(0, 1_000)
    assert reader.latest_snapshot() == (ledger.head_seq(), b'{"cash": 1}')
    ledger.close()
    assert reader.head_seq() == ledger.head_seq()
    reader.close()


def test_a_replaced_ledger_is_opened_anew(tmp_path: Path) -> None:
    for name, trades in (("a", 2), ("b", 5)):
        (tmp_path / name).mkdir()
        fill_ledger(tmp_path / name, trades)
    path = tmp_path / "a" / "papertape.db"
    reader = LedgerReader(path)
    before = (reader.ledger_id(), reader.head_seq())
    path.with_name("papertape.db-wal").unlink(missing_ok=True)
    path.with_name("papertape.db-shm").unlink(missing_ok=True)
    os.replace(tmp_path / "b" / "papertape.db", path)
    after = (reader.ledger_id(), reader.head_seq())
    reader.close()
    assert before[0] != after[0]
    assert (before[1], after[1]) == (3 + 8 + 8, 3 + 20 + 8)


@pytest.mark.parametrize("with_shm", [True, False])
def test_the_log_that_a_kill_left_behind_is_read(tmp_path: Path, with_shm: bool) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    ledger = fill_ledger(folder, 3, close=False)
    killed = tmp_path / "killed"
    shutil.copytree(folder, killed)
    if not with_shm:
        (killed / "papertape.db-shm").unlink()
    reader = LedgerReader(killed / "papertape.db")
    assert (killed / "papertape.db-wal").stat().st_size > 0
    assert reader.head_seq() == ledger.durable_seq()
    assert len(reader.trades(ACCOUNT)) == 3 + 3
    reader.close()
    ledger.close()


@pytest.mark.parametrize("body", [b"not a database" * 100, b""])
def test_a_foreign_file_is_named(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "papertape.db"
    path.write_bytes(body)
    with pytest.raises(LedgerDamagedError, match=r"papertape\.db"):
        LedgerReader(path).head_seq()
    assert path.read_bytes() == body


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    fill_ledger(tmp_path, 1)
    reader = LedgerReader(tmp_path / "papertape.db")
    with pytest.raises(LedgerDamagedError, match=r"readonly|query_only"):
        reader._ask(lambda c: c.exec_driver_sql("DELETE FROM trades"), None)
    reader.close()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> LedgerReader:
    """Return a reader of 40 trades, alternating strategies and outcomes, and other events."""
    folder = tmp_path_factory.mktemp("ledger")
    fill_ledger(folder, 40)
    return LedgerReader(folder / "papertape.db")


def test_trades_come_newest_first_with_filters_and_pages(reader: LedgerReader) -> None:
    trades = reader.trades(ACCOUNT, limit=1_000)
    assert [row["seq"] for row in trades] == sorted((r["seq"] for r in trades), reverse=True)
    assert len(trades) == 43
    assert {row["kind"] for row in trades} == {"fill", "settlement", "merge", "convert"}
    assert reader.trades("someone else") == []
    assert len(reader.trades(ACCOUNT, kind="fill", limit=1_000)) == 40
    assert len(reader.trades(ACCOUNT, strategy="arbitrage", kind="fill", limit=1_000)) == 20
    assert {r["symbol"] for r in reader.trades(ACCOUNT, symbol=NO)} == {NO}
    assert {r["side"] for r in reader.trades(ACCOUNT, side="SETTLE")} == {"SETTLE"}
    first = reader.trades(ACCOUNT, limit=10)
    second = reader.trades(ACCOUNT, limit=33, before_seq=first[-1]["seq"])
    assert first + second == trades


def test_rows_hold_raw_integers(reader: LedgerReader) -> None:
    row = reader.trade("r1.f3")
    assert row is not None
    assert row["notional_micros"] == 294_000
    assert (row["price_nanos"], row["quantity_nanos"]) == (490_000_000, 600_000_000)
    assert (row["market_id"], row["outcome"], row["liquidity"]) == ("rain", "YES", "taker")
    settled = reader.trades(ACCOUNT, kind="settlement")[0]
    assert (settled["price_nanos"], settled["quantity_nanos"]) == (10**9, 2 * 10**8)
    assert settled["id"] == f"settled-{settled['seq']}"
    merged = reader.trades(ACCOUNT, kind="merge")[0]
    assert (merged["outcome"], merged["side"], merged["price_nanos"]) == ("YES + NO", "MERGE", None)
    assert merged["quantity_nanos"] == 4 * 10**8


def test_the_chain_of_a_trade_is_its_life(reader: LedgerReader) -> None:
    chain = [record.event for record in reader.chain("r1.s7")]
    assert [type(e) for e in chain] == [SignalRaised, OrderSubmitted, OrderFilled, OrderClosed]
    assert chain == trade(7, strategy="arbitrage", symbol=(YES, NO)[7 % 3 % 2])
    assert [record.event for record in reader.events_of_order("r1.o7")] == chain[1:]
    assert reader.chain("") == []
    assert reader.chain("nobody") == []


def test_signals_and_equity_can_be_listed(reader: LedgerReader) -> None:
    states = [row["state"] for row in signals_page(reader, ACCOUNT, 1_000)[0]]
    assert states[:3] == ["alarm", "skipped", "refused"]
    assert states.count("raised") == 40
    refused, behind = signals_page(reader, ACCOUNT, 100, state="refused")
    assert behind is None
    newest, behind = signals_page(reader, ACCOUNT, 2)
    older, _ = signals_page(reader, ACCOUNT, 2, before_seq=behind)
    assert [row["state"] for row in newest + older][:3] == ["alarm", "skipped", "refused"]
    assert [(r["code"], r["reason"]) for r in refused] == [("max_order", "é → ✗")]
    assert len(list(reader.signals_iter(ACCOUNT))) == 43
    assert [row["unrealized_micros"] for row in reader.equity_iter(ACCOUNT)] == [-3]
    run = reader.run()
    assert run is not None
    assert (run["run_id"], run["seed"], run["fresh"]) == ("run-1", 7, 1)


def test_no_question_scans_a_table(reader: LedgerReader) -> None:
    """The cost of a page and of a trade's story does not grow with history."""
    connection = sqlite3.connect(reader._path)
    statements: list[str] = []
    raw = LedgerReader(reader._path)
    raw.head_seq()
    asked = raw._connection
    assert asked is not None
    driver(asked).set_trace_callback(statements.append)
    raw.trades(ACCOUNT)
    raw.trades(ACCOUNT, strategy="arbitrage", before_seq=99)
    raw.trades(ACCOUNT, symbol=YES)
    raw.trade("r1.f1")
    raw.chain("r1.s1")
    raw.events_of_order("r1.o1")
    signals_page(raw, ACCOUNT, 10, state="refused")
    list(raw.trades_iter(ACCOUNT))
    raw.read(3)
    raw.run()
    raw.close()
    selects = [sql for sql in statements if sql.startswith("SELECT")]
    assert len(selects) > 10
    for sql in selects:
        plan = connection.execute("EXPLAIN QUERY PLAN " + sql).fetchall()
        for *_, step in plan:
            if not step.startswith("SCAN runs"):  # newest first by its key, one row
                assert step.startswith(("SEARCH", "LIST SUBQUERY", "USE TEMP")), (sql, plan)
    connection.close()


def test_an_export_is_streamed(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "papertape.db")
    ledger.append(opening(), ts_ns=1, mseq=0)
    for n in range(4_000):
        ledger.append(trade(n), ts_ns=n, mseq=n)
    ledger.close()
    reader = LedgerReader(tmp_path / "papertape.db")
    next(reader.trades_iter(ACCOUNT))
    tracemalloc.start()
    count = sum(1 for _ in reader.trades_iter(ACCOUNT))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    reader.close()
    assert count == 4_000
    assert peak_bytes < 3_000_000
