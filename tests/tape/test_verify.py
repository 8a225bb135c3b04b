"""verify finds whatever was changed, and says where."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.tape.samples import fill_ledger

from papertape.errors import WorldError
from papertape.model.events import Record
from papertape.tape.verify import DIFFERENCES_MAX, LedgerReport, verify_ledger

FLIPS = int(os.environ.get("PAPERTAPE_TEST_FLIPS", "60"))


def test_a_whole_ledger_has_no_differences(tmp_path: Path) -> None:
    ledger = fill_ledger(tmp_path)
    records: list[Record] = []
    report = verify_ledger(tmp_path / "papertape.db", on_record=records.append)
    assert report.ok
    assert report.sealed
    assert (report.events, report.ledger_id) == (ledger.head_seq(), ledger.ledger_id)
    assert [record.seq for record in records] == list(range(1, report.events + 1))


def test_a_running_ledger_can_be_verified(tmp_path: Path) -> None:
    ledger = fill_ledger(tmp_path, close=False)
    report = verify_ledger(tmp_path / "papertape.db")
    ledger.close()
    assert report.ok
    assert not report.sealed


def test_no_ledger_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="there is no ledger"):
        verify_ledger(tmp_path / "papertape.db")


def altered(folder: Path, *statements: str) -> LedgerReport:
    """Change a ledger behind its back, seal and anchor aside, and verify it."""
    path = folder / "papertape.db"
    connection = sqlite3.connect(path)
    for statement in (
        "DROP TRIGGER events_no_update",
        "DROP TRIGGER events_no_delete",
        *statements,
        "CREATE TRIGGER events_no_update BEFORE UPDATE ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
        "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    ):
        connection.execute(statement)
    connection.commit()
    connection.close()
    (folder / "anchor.json").unlink()
    return verify_ledger(path)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE events SET ts_ns = 5 WHERE seq = 8", "seq 8: the record does not fit"),
        ("UPDATE events SET mseq = 5 WHERE seq = 8", "seq 8: the record does not fit"),
        ("UPDATE events SET event_id = 'x' WHERE seq = 8", "seq 8: the record does not fit"),
        ("UPDATE events SET body = '{}' WHERE seq = 8", "seq 8: the record does not fit"),
        ("UPDATE events SET hash = x'00' WHERE seq = 8", "seq 8: the record does not fit"),
        ("UPDATE events SET kind = 'order.filled/1' WHERE seq = 8", "seq 8: the kind is not"),
        ("DELETE FROM events WHERE seq BETWEEN 9 AND 10", "2 events missing after seq 8"),
        ("UPDATE trades SET fee_micros = 31 WHERE seq = 6", "seq 6: trades: fee_micros differ"),
        ("UPDATE trades SET strategy = 'me' WHERE seq = 6", "seq 6: trades: strategy differ"),
        ("DELETE FROM trades WHERE seq = 6", "seq 6: trades: the row is missing"),
        ("DELETE FROM equity", "equity: the row is missing"),
        ("UPDATE signals SET state = 'refused' WHERE seq = 4", "seq 4: signals: state differ"),
        ("INSERT INTO orders VALUES (999, 'a', 'o', 's', 'x')", "seq 999: orders: a row that no"),
        ("INSERT INTO orders VALUES (3, 'a', 'o', 's', 'x')", "seq 3: orders: a row that no"),
        ("UPDATE instruments SET tick_nanos = 1", "seq 2: instruments: tick_nanos differ"),
        ("UPDATE runs SET account = 'me'", "seq 1: runs: account differ"),
        ("UPDATE snapshots SET body = x'00'", "the snapshot's SHA-256 differs"),
        ("UPDATE meta SET value = 'other'", "seq 1: the record does not fit"),
        ("UPDATE alembic_version SET version_num = '9'", "schema revision"),
        ("CREATE TABLE extra (a)", "the schema of extra"),
    ],
)
def test_what_was_altered_is_named(tmp_path: Path, statement: str, expected: str) -> None:
    fill_ledger(tmp_path, 5)
    report = altered(tmp_path, statement)
    assert not report.ok
    assert any(expected in str(difference) for difference in report.differences), report


def test_the_list_is_short_and_the_count_is_whole(tmp_path: Path) -> None:
    fill_ledger(tmp_path, 50)
    report = altered(tmp_path, "UPDATE trades SET fee_micros = 31")
    assert len(report.differences) == DIFFERENCES_MAX
    assert report.count > 50


def flip(path: Path, at: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << bit)]))


def test_a_flipped_byte_anywhere_in_a_closed_ledger_is_found(tmp_path: Path) -> None:
    """Also in what SQLite does not look at: the whole file was sealed when it was closed."""
    fill_ledger(tmp_path, 150)
    path = tmp_path / "papertape.db"
    whole = path.read_bytes()
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    for at in (0, 18, 27, 63, 70, 99, *(dice.randrange(len(whole)) for _ in range(FLIPS))):
        flip(path, at, dice.randrange(8))
        assert not verify_ledger(path).ok, f"seed {seed}: byte {at}"
        path.write_bytes(whole)
    assert verify_ledger(path).ok


def test_a_changed_value_is_found_without_the_seal(tmp_path: Path) -> None:
    """As after a kill: no digest of the file, only the chain and what follows from it."""
    folder = tmp_path / "data"
    folder.mkdir()
    ledger = fill_ledger(folder, 150, close=False)
    killed = tmp_path / "killed"
    shutil.copytree(folder, killed)
    ledger.close()
    path = killed / "papertape.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    whole = path.read_bytes()
    assert verify_ledger(path).ok
    assert not verify_ledger(path).sealed
    seed = random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)
    places = [at for at in range(len(whole)) if whole.startswith(b"momentum", at)]
    for at in dice.sample(places, min(FLIPS, len(places))):
        flip(path, at + dice.randrange(8), dice.randrange(7))
        if not unused(path, whole):
            assert not verify_ledger(path).ok, f"seed {seed}: byte {at}"
        path.write_bytes(whole)


def unused(path: Path, whole: bytes) -> bool:
    """Return whether the flip changed nothing that SQLite can read: left-overs on a page."""
    copy = path.with_name("whole.db")
    copy.write_bytes(whole)
    dumps = []
    for file in (path, copy):
        connection = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
        connection.text_factory = bytes
        try:
            names = [
                row[0].decode()
                for row in connection.execute("SELECT name FROM sqlite_schema WHERE type='table'")
            ]
            dumps.append([connection.execute(f"SELECT * FROM {n}").fetchall() for n in names])
            integrity = connection.execute("PRAGMA integrity_check").fetchall()
            dumps[-1].append(integrity)
        except sqlite3.DatabaseError as error:
            dumps.append([str(error)])
        connection.close()
    return dumps[0] == dumps[1]
