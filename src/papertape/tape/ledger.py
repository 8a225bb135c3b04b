"""The ledger on SQLite: numbers are given at once, one thread makes them durable."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import DBAPIError

from papertape.errors import LedgerDamagedError, LedgerFailedError
from papertape.model.events import Event, Record, RunStarted, encode_event
from papertape.tape.anchor import (
    AnchorKeeper,
    AnchorWriter,
    anchor_problem,
    read_anchor,
    seal_problem,
)
from papertape.tape.follow import LedgerReader
from papertape.tape.identity import check_file, has_wal
from papertape.tape.migrate import create_ledger, upgrade, user_version
from papertape.tape.numbering import event_id_of
from papertape.tape.recover import Recovered, recover
from papertape.tape.schema import SCHEMA_VERSION
from papertape.tape.store import close_connection, open_writer
from papertape.tape.writer import Batch, Item, LedgerWriter, Snapshot

QUEUE_EVENTS_MAX = 20_000  # numbered and not yet durable: about a second of work for the disk
CLOSE_TIMEOUT_S = 30.0  # a full queue on a slow disk


class Bell(Protocol):
    """Wakes readers; never blocks, never raises."""

    def ring(self) -> None:
        """Tell whoever listens that there is something new."""
        ...


class SqliteLedger:
    """The durable record (ports.Ledger); owns the file's only read-write connection."""

    def __init__(
        self,
        path: Path,
        *,
        doorbell: Bell | None = None,
        anchor: Path | None = None,
        accept_rollback: bool = False,
        event_id: Callable[[str, int], str] = event_id_of,
        queue_events_max: int = QUEUE_EVENTS_MAX,
    ) -> None:
        """Open or make the ledger; the same path after a clean stop and after a kill.

        anchor: where the anchor lies, `anchor.json` beside the ledger by default.
        accept_rollback: go on although the anchor knows of events that the file does not hold.
        Raises LedgerDamagedError (file untouched), NewerDataError, or LedgerFailedError if the
        file cannot be written.
        """
        self._path = path
        anchor_path = anchor or path.with_name("anchor.json")
        try:
            found = _open(path, anchor_path, accept_rollback)
            self._anchor = AnchorWriter(anchor_path, found.ledger_id)
            self._anchor.write(found.head_seq, found.head_hash)
            self._writer = LedgerWriter(path, found)
        except (DBAPIError, sqlite3.Error, OSError) as error:
            raise LedgerFailedError(f"{path}: cannot be opened to write: {error}") from error
        self.ledger_id = found.ledger_id
        self._doorbell = doorbell
        self._event_id = event_id
        self._queue_events_max = queue_events_max
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._progress = threading.Condition(self._lock)
        self._queue: deque[Item] = deque()
        self._queued_events = 0
        self._items_in = self._items_done = 0
        self._head = self._durable = found.head_seq
        self._run_id = found.run_id
        self._failure: BaseException | None = None
        self._closing = False
        self._reader = LedgerReader(path)
        self._durable_head = (found.head_seq, found.head_hash)
        self._keeper = AnchorKeeper(self._anchor, lambda: self._durable_head, self._fail)
        self._thread = threading.Thread(target=self._write, name="ledger-writer", daemon=True)
        self._thread.start()

    def append(self, events: Sequence[Event], *, ts_ns: int, mseq: int) -> list[Record]:
        """Number the events as one unit; blocks while too much is waiting for the disk."""
        bodies = [encode_event(event) for event in events]
        with self._lock:
            while self._queued_events >= self._queue_events_max and self._failure is None:
                self._progress.wait()
            self._check()
            seq, event_id, records = self._head, self._event_id, []
            for event in events:
                if type(event) is RunStarted:
                    self._run_id = event.run_id
                seq += 1
                records.append(Record(seq, event_id(self._run_id, seq), ts_ns, mseq, event))
            self._head = seq
            self._put(Batch(records, bodies), len(records))
        return records

    def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep a fold of the tape up to `seq`; it is stored once that record is durable."""
        with self._lock:
            self._check()
            assert 0 < seq <= self._head, "a snapshot covers records that exist"
            self._put(Snapshot(seq, body), 0)

    def latest_snapshot(self) -> tuple[int, bytes] | None:
        """Return the newest whole snapshot as (seq, body)."""
        return self._reader.latest_snapshot()

    def head_seq(self) -> int:
        """Return the last number given."""
        return self._head

    def durable_seq(self) -> int:
        """Return the last number that is on disk."""
        return self._durable

    def failure(self) -> BaseException | None:
        """Return why nothing can be recorded any more, None while all is well."""
        return self._failure

    def flush(self, timeout_s: float = 10.0) -> int:
        """Wait until everything appended so far is durable and return its number."""
        deadline_s = time.monotonic() + timeout_s
        with self._lock:
            target, items = self._head, self._items_in
            while self._items_done < items and self._failure is None:
                left_s = deadline_s - time.monotonic()
                if left_s <= 0 or not self._progress.wait(left_s):
                    raise LedgerFailedError(f"{self._path}: not on disk after {timeout_s} s")
            if self._failure is not None:
                self._check()
            return target

    def read(self, after_seq: int, limit: int = 1000) -> list[Record]:
        """Return durable records with seq > after_seq; from any thread."""
        return self._reader.read(after_seq, limit)

    def close(self) -> None:
        """Write what is queued, seal the file and let go of it; a failed ledger just lets go."""
        with self._lock:
            self._closing = True
            self._work.notify()
        self._thread.join(CLOSE_TIMEOUT_S)
        self._reader.close()

    def _put(self, item: Item, events: int) -> None:
        self._queue.append(item)
        self._queued_events += events
        self._items_in += 1
        self._work.notify()

    def _check(self) -> None:
        if self._failure is not None:
            raise LedgerFailedError(
                f"{self._path}: recording has failed: {self._failure}"
            ) from self._failure
        if self._closing:
            raise LedgerFailedError(f"{self._path}: the ledger is closed")

    def _write(self) -> None:
        try:
            while self._failure is None and not (self._closing and not self._queue):
                self._commit(self._next_items())
            self._keeper.stop()
            if self._failure is None:
                self._seal()
        except Exception as error:  # noqa: BLE001  whatever it is, nothing is recorded any more
            self._fail(error)
            self._keeper.stop()
        self._writer.close()

    def _next_items(self) -> list[Item]:
        with self._lock:
            while not self._queue and not self._closing and self._failure is None:
                self._work.wait()
            items = list(self._queue)
            self._queue.clear()
        return items

    def _commit(self, items: list[Item]) -> None:
        if not items:
            return
        self._writer.commit(items)
        count = sum([len(item.records) for item in items if isinstance(item, Batch)])
        with self._lock:
            self._durable += count
            self._durable_head = (self._durable, self._writer.head_hash)
            self._queued_events -= count
            self._items_done += len(items)
            idle = not self._queue
            self._progress.notify_all()
        if self._doorbell is not None and count:
            self._doorbell.ring()
        self._writer.tidy(idle=idle)

    def _seal(self) -> None:
        self._reader.close()
        self._writer.finish()
        sealed = None if has_wal(self._path) else self._path
        self._anchor.write(*self._durable_head, sealed=sealed)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._failure = self._failure or error
            self._queue.clear()
            self._progress.notify_all()
            self._work.notify()


def _open(path: Path, anchor_path: Path, accept_rollback: bool) -> Recovered:
    """Check the file, bring its schema up to date, compare it with its anchor."""
    anchor = read_anchor(anchor_path)
    if not check_file(path):
        if anchor is not None and anchor.seq and not accept_rollback:
            raise LedgerDamagedError(f"{path}: {anchor.seq} events missing after seq 0")
        create_ledger(path)
        return recover(path)
    found = recover(path, 0 if anchor is None else anchor.seq)
    if anchor is not None and not accept_rollback:
        problem = anchor_problem(
            anchor, found.ledger_id, found.head_seq, found.anchored
        ) or seal_problem(anchor, path)
        if problem:
            raise LedgerDamagedError(f"{path}: {problem}")
    connection = open_writer(path)
    try:
        if user_version(connection) < SCHEMA_VERSION:
            upgrade(connection)
    finally:
        close_connection(connection)
    return found
