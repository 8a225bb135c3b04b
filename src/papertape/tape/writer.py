"""What the writer thread does to the file: one transaction per group, chain and projections."""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from papertape.model.events import Record, kind_of
from papertape.tape.chain import link
from papertape.tape.identity import wal_of
from papertape.tape.recover import Recovered
from papertape.tape.rows import Projector, Value
from papertape.tape.schema import PROJECTIONS, events
from papertape.tape.store import BUSY_TIMEOUT_MS, close_connection, driver, open_writer

CHUNKS = (512, 64, 8, 1)  # rows per INSERT; few sizes, so that every statement stays prepared
SNAPSHOTS_KEPT = 2  # the newest, and one before it in case the newest is damaged
CHECKPOINT_PAGES = 1_000  # written since the last checkpoint, when there is time
CHECKPOINT_PAGES_MAX = 8_000  # and even when there is none
WAL_BYTES_MAX = 67_108_864  # then the log is cut back, readers permitting
WAL_RETRY_BYTES = 16_777_216  # a reader was in the way: try again after this much more
PAGES_PER_COMMIT = 8  # estimate: one page for each tree that a small commit touches
BYTES_PER_PAGE = 2_048  # estimate: body bytes per page written, indexes and slack included
LOG_BYTES = 8_388_608  # the log's size from the start: twice what lies between two checkpoints
TRUNCATE_WAIT_MS = 50  # a stuck reader may not hold up trading longer than this


class Batch(NamedTuple):
    """Records of one append, with their canonical bodies."""

    records: list[Record]
    bodies: list[bytes]


class Snapshot(NamedTuple):
    """A fold of the tape up to `seq`."""

    seq: int
    body: bytes


Item = Batch | Snapshot


class _Inserter:
    """Collects rows of one table and inserts many with one statement.

    The driver gives up the interpreter lock at every step, and gets it back only after a busy
    engine thread's time slice: one step per 512 rows, not one per row, keeps the writer going.
    """

    def __init__(self, table: str, columns: int) -> None:
        self.values: list[Value] = []
        self._columns = columns
        row = "(" + ",".join("?" * columns) + ")"
        self._statements = tuple(
            (rows, f"INSERT INTO {table} VALUES " + ",".join([row] * rows)) for rows in CHUNKS
        )

    def insert(self, connection: Connection) -> None:
        values, columns, at = self.values, self._columns, 0
        left = len(values) // columns
        for rows, statement in self._statements:
            while left >= rows:
                end = at + rows * columns
                connection.exec_driver_sql(statement, tuple(values[at:end]))
                at, left = end, left - rows
        self.values = []


class LedgerWriter:
    """Owns the only read-write connection; its methods are called by one thread."""

    def __init__(self, path: Path, recovered: Recovered) -> None:
        """Open the file for writing; `recovered` is what was found in it."""
        self.head_hash = recovered.head_hash
        self._wal = wal_of(path)
        self._connection = open_writer(path)
        self._projector = Projector()
        self._projector.resume(recovered.run_id, recovered.account, recovered.instruments)
        self._events = _Inserter("events", len(events.columns))
        self._inserters = {t.name: _Inserter(t.name, len(t.columns)) for t in PROJECTIONS}
        self._kinds: dict[type, str] = {}
        self._pages = 0
        self._wal_bytes_next = WAL_BYTES_MAX
        self._lay_out_log()

    def _lay_out_log(self) -> None:
        """Write the log full of zeros: a commit then overwrites and need not grow the file.

        Growing costs a journal commit of the file system at every fsync, some milliseconds. SQLite
        takes zeros for the end of its log, as it does the left-overs of an earlier round.
        """
        if not self._wal.exists() or self._wal.stat().st_size < LOG_BYTES:
            with self._wal.open("ab") as file:
                file.write(bytes(LOG_BYTES - file.tell()))
                file.flush()
                os.fsync(file.fileno())

    def commit(self, items: Iterable[Item]) -> None:
        """Write all items in one transaction; they are durable when this returns."""
        snapshot: Snapshot | None = None
        payload_bytes = 0
        for item in items:
            if isinstance(item, Snapshot):
                snapshot = item
            else:
                payload_bytes += self._take(item)
        connection = self._connection
        with connection.begin():
            self._events.insert(connection)
            for inserter in self._inserters.values():
                if inserter.values:
                    inserter.insert(connection)
            if snapshot is not None:
                self._put_snapshot(snapshot)
        self._pages += PAGES_PER_COMMIT + payload_bytes // BYTES_PER_PAGE

    def _take(self, batch: Batch) -> int:
        head, kinds, derive = self.head_hash, self._kinds, self._projector.derive
        inserters, put, size = self._inserters, self._events.values.extend, 0
        for record, body in zip(batch.records, batch.bodies, strict=True):
            seq, event_id, ts_ns, event = record.seq, record.event_id, record.ts_ns, record.event
            kind = kinds.get(type(event))
            if kind is None:
                kind = kinds[type(event)] = kind_of(event)
            head = link(head, seq, event_id.encode(), ts_ns, record.mseq, kind.encode(), body)
            put((seq, event_id, ts_ns, record.mseq, kind, body.decode(), head))
            derived = derive(seq, ts_ns, event)
            if derived is not None:
                inserters[derived[0]].values.extend(derived[1])
            size += len(body)
        self.head_hash = head
        return size

    def _put_snapshot(self, snapshot: Snapshot) -> None:
        run = self._connection.exec_driver_sql
        digest = sha256(snapshot.body).digest()
        run("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (*snapshot, digest))
        run(
            "DELETE FROM snapshots WHERE seq NOT IN "
            "(SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)",
            (SNAPSHOTS_KEPT,),
        )

    def tidy(self, *, idle: bool) -> None:
        """Move the log into the main file when enough was written."""
        if self._pages >= (CHECKPOINT_PAGES if idle else CHECKPOINT_PAGES_MAX):
            self._checkpoint("PASSIVE")
            self._pages = 0
            self._cut_log()

    def _checkpoint(self, mode: str) -> None:
        driver(self._connection).execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    def _cut_log(self) -> None:
        size = self._wal.stat().st_size
        if size < self._wal_bytes_next:
            return
        self._truncate_log()
        left = self._wal.stat().st_size
        self._wal_bytes_next = max(WAL_BYTES_MAX, left + WAL_RETRY_BYTES)

    def _truncate_log(self) -> None:
        connection = driver(self._connection)
        connection.execute(f"PRAGMA busy_timeout={TRUNCATE_WAIT_MS}").fetchall()
        self._checkpoint("TRUNCATE")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").fetchall()

    def finish(self) -> None:
        """Move the whole log into the main file, readers permitting, and let go of it."""
        self._truncate_log()
        self.close()

    def close(self) -> None:
        """Let go of the file; a failed one is left as it is."""
        close_connection(self._connection)
