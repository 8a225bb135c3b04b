"""Is the ledger what it was? Everything in the file is derived again and compared."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Table

from papertape.errors import LedgerDamagedError, NewerDataError, WorldError
from papertape.model.events import Event, Record, decode_event, kind_of
from papertape.tape.anchor import AnchorState, anchor_problem, read_anchor, seal_problem
from papertape.tape.chain import genesis, link
from papertape.tape.identity import check_file, has_wal, read_uri
from papertape.tape.migrate import fresh_schema
from papertape.tape.rows import Projector, Row
from papertape.tape.schema import ALEMBIC_REVISION, PROJECTIONS

DIFFERENCES_MAX = 20  # listed; the rest is counted
FETCH_ROWS = 2_000  # held in memory at a time
INTEGRITY_LINES_MAX = 20  # of SQLite's own check

_EVENTS = "SELECT seq, event_id, ts_ns, mseq, kind, body, hash FROM events ORDER BY seq"


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as it was; `seq` where it can be said."""

    seq: int | None
    what: str

    def __str__(self) -> str:
        """Return it as a line for people."""
        return self.what if self.seq is None else f"seq {self.seq}: {self.what}"


class LedgerReport(msgspec.Struct, kw_only=True):
    """What `verify_ledger` found; `count` may exceed the listed differences."""

    path: str
    ledger_id: str = ""
    events: int = 0
    head_seq: int = 0
    head_hash: str = ""
    anchor_seq: int | None = None
    sealed: bool = False
    count: int = 0
    differences: list[Difference] = []

    @property
    def ok(self) -> bool:
        """Return whether nothing differs."""
        return self.count == 0

    def add(self, seq: int | None, what: str) -> None:
        """Note a difference."""
        self.count += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(Difference(seq, what))


def verify_ledger(
    path: Path,
    anchor_path: Path | None = None,
    *,
    on_record: Callable[[Record], None] | None = None,
) -> LedgerReport:
    """Check identity, chain, bodies, projections, snapshots, anchor and, if sealed, every byte.

    on_record: is handed each whole record in order, so that a caller can fold in the same pass.
    Raises WorldError if there is no ledger, NewerDataError if it is a newer papertape's.
    """
    report = LedgerReport(path=str(path))
    anchor: AnchorState | None = None
    try:
        anchor = read_anchor(anchor_path or path.with_name("anchor.json"))
    except LedgerDamagedError as error:
        report.add(None, str(error))
    try:
        if anchor is not None and path.exists():
            _check_seal(report, path, anchor)
        there = check_file(path)
    except LedgerDamagedError as error:
        report.add(None, str(error))
        return report
    except NewerDataError as error:
        if report.ok:
            raise
        report.add(None, str(error))  # the version itself is what was altered
        return report
    if not there:
        if anchor is None or not anchor.seq:
            raise WorldError(f"{path}: there is no ledger")
        report.add(None, f"{anchor.seq} events missing after seq 0")
        return report
    report.anchor_seq = None if anchor is None else anchor.seq
    _check_content(report, path, anchor, on_record)
    return report


def _check_seal(report: LedgerReport, path: Path, anchor: AnchorState) -> None:
    problem = seal_problem(anchor, path)
    report.sealed = anchor.file_sha256 is not None and not has_wal(path)
    if problem:
        report.add(None, problem)


def _check_content(
    report: LedgerReport,
    path: Path,
    anchor: AnchorState | None,
    on_record: Callable[[Record], None] | None,
) -> None:
    connection = sqlite3.connect(read_uri(path), uri=True, isolation_level=None)
    connection.text_factory = bytes  # a flipped byte need not be UTF-8 any more
    try:
        connection.execute("BEGIN")
        for check in (_check_structure, _check_schema, _check_snapshots):
            _guarded(report, check, connection)
        checker = _EventsCheck(report, connection, on_record)
        _guarded(report, checker.run, connection)
        if anchor is not None:
            found = checker.hash_at(anchor.seq)
            problem = anchor_problem(anchor, report.ledger_id, report.head_seq, found)
            if problem:
                report.add(None, problem)
    except (sqlite3.Error, ValueError) as error:
        report.add(None, f"the file cannot be read: {error}")
    finally:
        connection.close()


def _guarded(
    report: LedgerReport, check: Callable[[LedgerReport, sqlite3.Connection], None],
    connection: sqlite3.Connection,
) -> None:  # fmt: skip
    try:
        check(report, connection)
    except (sqlite3.Error, ValueError) as error:
        report.add(None, f"the file cannot be read: {error}")


def _check_structure(report: LedgerReport, connection: sqlite3.Connection) -> None:
    for (line,) in connection.execute(f"PRAGMA integrity_check({INTEGRITY_LINES_MAX})"):
        if line != b"ok":
            report.add(None, f"SQLite says: {line.decode(errors='replace')}")


def _check_schema(report: LedgerReport, connection: sqlite3.Connection) -> None:
    query = "SELECT name, sql FROM sqlite_schema ORDER BY name"
    found = {name: sql for name, sql in connection.execute(query)}
    expected = fresh_schema()
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            report.add(None, f"the schema of {name.decode(errors='replace')} is not ours")
    revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    if revisions != [(ALEMBIC_REVISION.encode(),)]:
        report.add(None, "the schema revision is not the one of this version")


def _check_snapshots(report: LedgerReport, connection: sqlite3.Connection) -> None:
    for seq, body, digest in connection.execute("SELECT seq, body, sha256 FROM snapshots"):
        if not isinstance(body, bytes) or sha256(body).digest() != digest:
            report.add(seq, "the snapshot's SHA-256 differs")


class _EventsCheck:
    """One pass over the events, with the rows of every projection beside it."""

    def __init__(
        self,
        report: LedgerReport,
        connection: sqlite3.Connection,
        on_record: Callable[[Record], None] | None,
    ) -> None:
        self._report = report
        self._connection = connection
        self._on_record = on_record
        self._projector = Projector()
        self._tables = {table.name: _TableCheck(report, table, connection) for table in PROJECTIONS}

    def hash_at(self, seq: int) -> bytes | None:
        """Return the stored hash of a record."""
        row = self._connection.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
        return None if row is None or not isinstance(row[0], bytes) else row[0]

    def run(self, report: LedgerReport, connection: sqlite3.Connection) -> None:
        row = connection.execute("SELECT value FROM meta WHERE key = 'ledger_id'").fetchone()
        if row is None:
            report.add(None, "the ledger has lost its id")
        report.ledger_id = "" if row is None else row[0].decode(errors="replace")
        prev = genesis(report.ledger_id)
        for each in connection.execute(_EVENTS):
            prev = self._event(each, prev)
        for table in self._tables.values():
            table.finish()
        report.head_hash = prev.hex()

    def _event(self, row: tuple[Any, ...], prev: bytes) -> bytes:
        report = self._report
        seq, event_id, ts_ns, mseq, kind, body, digest = row
        report.events += 1
        expected_seq = report.head_seq + 1
        if seq != expected_seq:
            report.add(
                expected_seq, f"{seq - expected_seq} events missing after seq {report.head_seq}"
            )
        report.head_seq = seq
        try:
            if link(prev, seq, event_id, ts_ns, mseq, kind, body) != digest:
                report.add(seq, "the record does not fit the hash chain")
            event: Event = decode_event(body)
            if kind_of(event).encode() != kind:
                report.add(seq, "the kind is not the body's")
            self._derived(seq, ts_ns, event)
            if self._on_record is not None:
                self._on_record(Record(seq, event_id.decode(), ts_ns, mseq, event))
        except (TypeError, AttributeError, ValueError, struct.error) as error:
            report.add(seq, f"the record cannot be read: {error}")
        return digest if isinstance(digest, bytes) else prev

    def _derived(self, seq: int, ts_ns: int, event: Event) -> None:
        derived = self._projector.derive(seq, ts_ns, event)
        if derived is not None:
            self._tables[derived[0]].expect(derived[1])


class _TableCheck:
    """Compares a projection's rows, in order of seq, with those derived from the events."""

    def __init__(self, report: LedgerReport, table: Table, connection: sqlite3.Connection) -> None:
        self._report = report
        self._name = table.name
        self._columns = [column.name for column in table.columns]
        self._rows = _rows_of(connection, table.name)
        self._next: tuple[Any, ...] | None = None
        self._failed = False
        self._advance()

    def _advance(self) -> None:
        try:
            self._next = next(self._rows, None)
        except (sqlite3.Error, ValueError) as error:
            self._report.add(None, f"{self._name}: the table cannot be read: {error}")
            self._failed, self._next = True, None

    def expect(self, row: Row) -> None:
        """Check that this row comes next."""
        seq = int(row[0] or 0)
        while self._next is not None and _seq_of(self._next) < seq:
            self._report.add(_seq_of(self._next), f"{self._name}: a row that no event gives")
            self._advance()
        if self._failed:
            return
        if self._next is None or self._next[0] != seq:
            self._report.add(seq, f"{self._name}: the row is missing")
            return
        wanted = tuple([v.encode() if isinstance(v, str) else v for v in row])
        if wanted != self._next:
            names = [
                name
                for name, ours, theirs in zip(self._columns, wanted, self._next, strict=True)
                if ours != theirs
            ]
            self._report.add(seq, f"{self._name}: {', '.join(names)} differ from the event")
        self._advance()

    def finish(self) -> None:
        """Report the rows beyond the last event."""
        while self._next is not None:
            self._report.add(_seq_of(self._next), f"{self._name}: a row that no event gives")
            self._advance()


def _seq_of(row: tuple[Any, ...]) -> int:
    """Return the row's key; a damaged page may hold anything."""
    return row[0] if isinstance(row[0], int) else 0


def _rows_of(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY seq")
    while rows := cursor.fetchmany(FETCH_ROWS):
        yield from rows
