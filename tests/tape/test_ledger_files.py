"""The ledger's file: what is refused and left untouched, and what happens when the disk fails."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from tests.tape.samples import ACCOUNT, YES, fill_ledger, opening, trade

from papertape.errors import LedgerDamagedError, LedgerFailedError, NewerDataError
from papertape.tape.anchor import read_anchor
from papertape.tape.follow import LedgerReader
from papertape.tape.ledger import SqliteLedger
from papertape.tape.schema import APPLICATION_ID, SCHEMA_VERSION
from papertape.tape.store import driver
from papertape.tape.verify import verify_ledger

LATER = 10**9


def refused(path: Path, error: type[Exception], match: str) -> None:
    """Check that the ledger is refused with this message and that no byte of it changes."""
    before = path.read_bytes()
    with pytest.raises(error, match=match):
        SqliteLedger(path)
    assert path.read_bytes() == before
    assert not path.with_name(path.name + "-wal").exists()


def foreign(path: Path, *, application_id: int, tables: bool = True) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id={application_id}")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    if tables:
        connection.execute("CREATE TABLE photos (name TEXT)")
    connection.commit()
    connection.close()


def test_a_foreign_sqlite_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "papertape.db"
    foreign(path, application_id=0x1234)
    refused(path, LedgerDamagedError, "application id 0x1234, expected")


def test_our_id_without_our_tables_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "papertape.db"
    foreign(path, application_id=APPLICATION_ID)
    refused(path, LedgerDamagedError, "tables are missing: .*events")


@pytest.mark.parametrize("body", [b"", b"hello", b"not a database, but long" * 50])
def test_what_is_not_sqlite_is_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "papertape.db"
    path.write_bytes(body)
    refused(path, LedgerDamagedError, "not a SQLite file")


@pytest.mark.parametrize(("size", "match"), [(50, "header is truncated"), (4_096 * 3, "truncated")])
def test_a_truncated_file_is_refused(tmp_path: Path, size: int, match: str) -> None:
    fill_ledger(tmp_path)
    path = tmp_path / "papertape.db"
    os.truncate(path, size)
    refused(path, LedgerDamagedError, match)


def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    fill_ledger(tmp_path)
    path = tmp_path / "papertape.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    refused(path, NewerDataError, "newer papertape")
    (tmp_path / "anchor.json").unlink()  # its digest is of the file before
    with pytest.raises(NewerDataError):
        verify_ledger(path)


def test_a_flipped_byte_is_refused_at_start(tmp_path: Path) -> None:
    fill_ledger(tmp_path)
    path = tmp_path / "papertape.db"
    body = bytearray(path.read_bytes())
    body[5_000] ^= 1
    path.write_bytes(body)
    refused(path, LedgerDamagedError, r"SHA-256 is not the one it had when|cannot be read")


def test_an_altered_tail_is_refused_at_start(tmp_path: Path) -> None:
    fill_ledger(tmp_path)
    path = tmp_path / "papertape.db"
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER events_no_update")
    seq = connection.execute("SELECT max(seq) - 3 FROM events").fetchone()[0]
    connection.execute("UPDATE events SET ts_ns = ts_ns + 1 WHERE seq = ?", (seq,))
    connection.commit()
    connection.close()
    refused(path, LedgerDamagedError, f"seq {seq} does not fit the chain")


def test_events_cannot_be_changed_or_deleted(tmp_path: Path) -> None:
    fill_ledger(tmp_path)
    connection = sqlite3.connect(tmp_path / "papertape.db")
    for statement in ("UPDATE events SET mseq = 0", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_the_only_writer_has_the_promised_settings(tmp_path: Path) -> None:
    ledger = fill_ledger(tmp_path, close=False)
    raw = driver(ledger._writer._connection)
    wanted = {
        "journal_mode": "wal", "synchronous": 2, "busy_timeout": 5_000, "foreign_keys": 1,
        "trusted_schema": 0, "cell_size_check": 1, "wal_autocheckpoint": 0,
        "journal_size_limit": 67_108_864, "application_id": APPLICATION_ID,
        "user_version": SCHEMA_VERSION,
    }  # fmt: skip
    found = {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    ledger.close()
    assert found == wanted


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    first = fill_ledger(tmp_path, 5)
    head = first.head_seq()
    again = SqliteLedger(tmp_path / "papertape.db")
    assert (again.ledger_id, again.head_seq(), again.durable_seq()) == (first.ledger_id, head, head)
    assert again.latest_snapshot() == (head, b'{"cash": 1}')
    records = again.append(trade(77), ts_ns=LATER, mseq=9)
    assert [r.seq for r in records] == list(range(head + 1, head + 5))
    assert records[0].event_id == f"run-1:{head + 1}"
    again.close()
    row = LedgerReader(tmp_path / "papertape.db").trade("r1.f77")
    assert row is not None  # account and instrument are known from before the restart
    assert (row["account"], row["venue"], row["outcome"]) == (ACCOUNT, "simulated", "YES")
    assert (row["price_nanos"], row["quantity_nanos"]) == (490_000_000, 600_000_000)
    assert verify_ledger(tmp_path / "papertape.db").ok


# --- the anchor -----------------------------------------------------------------------------------


def copy_of(folder: Path, name: str) -> Path:
    target = folder.with_name(name)
    shutil.copytree(folder, target)
    return target


def test_a_ledger_rolled_back_to_an_older_copy_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    older = fill_ledger(folder, 5).head_seq()
    copy = copy_of(folder, "old")
    ledger = SqliteLedger(folder / "papertape.db")
    for n in range(100, 110):
        ledger.append(trade(n), ts_ns=LATER, mseq=n)
    ledger.close()
    shutil.copy(copy / "papertape.db", folder / "papertape.db")
    message = f"40 events missing after seq {older}$"
    refused(folder / "papertape.db", LedgerDamagedError, message)
    report = verify_ledger(folder / "papertape.db")
    assert any(f"40 events missing after seq {older}" in str(d) for d in report.differences)
    accepted = SqliteLedger(folder / "papertape.db", accept_rollback=True)
    accepted.append(trade(200), ts_ns=LATER, mseq=0)
    accepted.close()
    assert verify_ledger(folder / "papertape.db").ok


def test_a_removed_ledger_is_noticed(tmp_path: Path) -> None:
    head = fill_ledger(tmp_path, 5).head_seq()
    (tmp_path / "papertape.db").unlink()
    with pytest.raises(LedgerDamagedError, match=f"{head} events missing after seq 0"):
        SqliteLedger(tmp_path / "papertape.db")
    assert not (tmp_path / "papertape.db").exists()


def test_a_ledger_that_took_another_way_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    fill_ledger(folder, 5)
    copy = copy_of(folder, "other")
    for where, n in ((folder, 1), (copy, 2)):
        ledger = SqliteLedger(where / "papertape.db")
        ledger.append(trade(n), ts_ns=LATER, mseq=n)
        ledger.close()
    shutil.copy(copy / "papertape.db", folder / "papertape.db")
    refused(folder / "papertape.db", LedgerDamagedError, "not the one that the anchor names")


def test_a_torn_log_is_noticed(tmp_path: Path) -> None:
    """SQLite drops the damaged end of its log without a word; the anchor does not."""
    folder = tmp_path / "data"
    folder.mkdir()
    ledger = fill_ledger(folder, 30, close=False)
    head = ledger.head_seq()
    wait_for_anchor(folder, head)
    copy = copy_of(folder, "torn")  # as a kill would leave it
    ledger.close()
    wal = copy / "papertape.db-wal"
    written = len(wal.read_bytes().rstrip(b"\0"))  # the rest is laid out in advance
    os.truncate(wal, written * 2 // 3)
    (copy / "papertape.db-shm").unlink(missing_ok=True)
    with pytest.raises(LedgerDamagedError, match=r"\d+ events missing after seq \d+$"):
        SqliteLedger(copy / "papertape.db")


def wait_for_anchor(folder: Path, seq: int) -> None:
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s:
        anchor = read_anchor(folder / "anchor.json")
        if anchor is not None and anchor.seq >= seq:
            return
        time.sleep(0.02)
    raise AssertionError("the anchor did not follow within 5 s")


def test_the_anchor_follows_an_idle_ledger_within_a_second_or_two(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "papertape.db")
    ledger.append(opening(), ts_ns=1, mseq=0)
    wait_for_anchor(tmp_path, 3)
    ledger.close()
    anchor = read_anchor(tmp_path / "anchor.json")
    assert anchor is not None
    assert anchor.file_bytes == (tmp_path / "papertape.db").stat().st_size


def test_a_damaged_anchor_is_named(tmp_path: Path) -> None:
    fill_ledger(tmp_path, 1)
    (tmp_path / "anchor.json").write_text("{")
    refused(tmp_path / "papertape.db", LedgerDamagedError, "anchor cannot be read")


# --- failures -------------------------------------------------------------------------------------


def fail_by_full_disk(ledger: SqliteLedger) -> None:
    raw = driver(ledger._writer._connection)
    pages = raw.execute("PRAGMA page_count").fetchone()[0]
    raw.execute(f"PRAGMA max_page_count={pages + 2}")


def test_a_full_disk_ends_recording_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "papertape.db"
    ledger = fill_ledger(tmp_path, 5, close=False)
    acknowledged = ledger.durable_seq()
    fail_by_full_disk(ledger)
    with pytest.raises(LedgerFailedError, match="full"):
        for n in range(10_000):
            ledger.append(trade(n), ts_ns=LATER, mseq=n)
            acknowledged = ledger.durable_seq()
    for attempt in (lambda: ledger.append(trade(1), ts_ns=1, mseq=1), ledger.flush):
        with pytest.raises(LedgerFailedError):
            attempt()
    assert ledger.failure() is not None
    present = ledger.durable_seq()
    ledger.close()
    again = SqliteLedger(path)  # with space again, a restart is the recovery
    assert acknowledged <= present == again.head_seq()
    again.append(trade(1), ts_ns=LATER, mseq=0)
    again.close()
    assert verify_ledger(path).ok


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerFailedError, match=r"papertape\.db: cannot be opened to write"):
        SqliteLedger(tmp_path / "nowhere" / "papertape.db")


def test_a_locked_file_fails_the_ledger_instead_of_dropping(tmp_path: Path) -> None:
    ledger = fill_ledger(tmp_path, 1, close=False)
    driver(ledger._writer._connection).execute("PRAGMA busy_timeout=50").fetchall()
    intruder = sqlite3.connect(tmp_path / "papertape.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    ledger.append(trade(1), ts_ns=LATER, mseq=0)
    with pytest.raises(LedgerFailedError, match="locked"):
        ledger.flush()
    intruder.close()
    ledger.close()


def test_a_full_queue_holds_the_engine_back(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "papertape.db", queue_events_max=8)
    intruder = sqlite3.connect(tmp_path / "papertape.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    done = threading.Event()

    def write() -> None:
        for n in range(4):
            ledger.append(trade(n), ts_ns=n, mseq=n)
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert not done.wait(0.3)
    intruder.execute("ROLLBACK")
    intruder.close()
    assert done.wait(5)
    thread.join()
    assert ledger.flush() == 16
    ledger.close()


def test_each_commit_rings_once_it_is_durable(tmp_path: Path) -> None:
    class Bell:
        def __init__(self) -> None:
            self.seen: list[int] = []

        def ring(self) -> None:
            self.seen.append(LedgerReader(tmp_path / "papertape.db").head_seq())

    bell = Bell()
    ledger = SqliteLedger(tmp_path / "papertape.db", doorbell=bell)
    for n in range(3):
        ledger.append(trade(n), ts_ns=n, mseq=n)
        ledger.flush()
    ledger.close()
    assert bell.seen == [4, 8, 12]
    assert LedgerReader(tmp_path / "papertape.db").trades("", symbol=YES)[0]["venue"] == ""
