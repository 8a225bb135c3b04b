"""diary.db: the stories of trades, kept so that a page of them is a look-up and not a fold.

The file is a cache: it names the record that it has read up to, and is made anew from the ledger
when that record is not there (another ledger, an older copy) or the file cannot be read.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from papertape.errors import WorldError
from papertape.model.events import SetsConverted, SetsMerged
from papertape.services.trade_diary import Move, Story, TradeDiary
from papertape.tape.follow import LedgerReader
from papertape.tape.identity import wal_of
from papertape.tape.schema import events, signals, trades
from papertape.tape.store import close_connection, open_writer

VERSION = 1
SLICE_ROWS = 2_000  # trades folded in one transaction: under 100 ms
IDS_MAX = 500  # looked up in one query
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=OFF",  # what a crash takes is folded again
    "busy_timeout=2000",
    "trusted_schema=OFF",
    "journal_size_limit=4194304",
)
TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE stories (seq INTEGER PRIMARY KEY, trade_id TEXT NOT NULL, account TEXT NOT NULL,"
    " strategy TEXT NOT NULL, closed INTEGER NOT NULL, body BLOB NOT NULL) STRICT",
    "CREATE INDEX stories_by_account ON stories (account, seq)",
    "CREATE INDEX stories_by_strategy ON stories (account, strategy, seq)",
    "CREATE INDEX stories_by_trade ON stories (account, trade_id)",
    "CREATE INDEX stories_open ON stories (closed) WHERE closed = 0",
)
_PUT = "INSERT OR REPLACE INTO stories VALUES (?, ?, ?, ?, ?, ?)"
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Story)


class Diary:
    """Stories of trades as far as the ledger was read; from any thread, one at a time."""

    def __init__(self, path: Path, reader: LedgerReader) -> None:
        """Keep stories in this file; it is made when there is something to keep."""
        self._path = path
        self._reader = reader
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._fold = TradeDiary()
        self._seq = 0

    def update(self, out_of_time: Callable[[], bool]) -> bool:
        """Read on until the present or until out of time; return whether the present is reached."""
        with self._lock:
            try:
                if self._connection is None and not self._reader.head_seq():
                    return True  # no ledger yet: nothing to keep, and perhaps nowhere
                if self._connection is None or not self._fits():
                    self._begin()
                while self._slice():
                    if out_of_time():
                        return False
                return True
            except (DBAPIError, sqlite3.Error, ValueError) as error:
                self._drop()
                raise WorldError(f"{self._path}: the diary cannot be kept: {error}") from error

    def walk(
        self, account: str, *, before: int | None, strategy: str | None, limit: int
    ) -> list[Story]:
        """Return stories, the newest first, those that began before a number."""
        sql = "SELECT body FROM stories WHERE account = ? AND seq < ?"
        values: list[Any] = [account, before or 2**62]
        if strategy is not None:
            sql, values = sql + " AND strategy = ?", [*values, strategy]
        return self._stories(sql + " ORDER BY seq DESC LIMIT ?", [*values, limit])

    def of_trades(self, account: str, trade_ids: Sequence[str]) -> list[Story]:
        """Return the stories that began with these trades, the newest first."""
        found: list[Story] = []
        for first in range(0, len(trade_ids), IDS_MAX):
            ids = trade_ids[first : first + IDS_MAX]
            marks = ", ".join("?" * len(ids))
            sql = f"SELECT body FROM stories WHERE account = ? AND trade_id IN ({marks})"
            found += self._stories(sql, [account, *ids])
        return sorted(found, key=lambda story: -story.seq)

    def reasons(self, signal_ids: Sequence[str]) -> dict[str, str]:
        """Return what signals said of themselves."""
        query = select(signals.c.id, signals.c.reason).where(signals.c.id.in_(signal_ids))
        rows = self._reader.rows(query.limit(len(signal_ids))) if signal_ids else []
        return {row["id"]: row["reason"] for row in rows}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._drop()
            self._reader.close()

    def _stories(self, sql: str, values: list[Any]) -> list[Story]:
        with self._lock:
            if self._connection is None:
                return []
            with self._connection.begin():
                rows = self._connection.exec_driver_sql(sql, tuple(values)).fetchall()
        return [_decoder.decode(row[0]) for row in rows]

    # --- reading on -----------------------------------------------------------------------------

    def _slice(self) -> bool:
        """Fold the next trades; return whether there may be more."""
        query = select(trades).where(trades.c.seq > self._seq).order_by(trades.c.seq)
        rows = self._reader.rows(query.limit(SLICE_ROWS))
        if not rows:
            return False
        touched: dict[int, Story] = {}
        gone: set[int] = set()
        for row in rows:
            story, eaten = self._fold.apply(row, self._parts(row))
            touched[story.seq] = story
            gone.update(eaten)
        kept = [
            (s.seq, s.trade_id, s.account, s.strategy, int(s.closed_seq is not None), _encode(s))
            for s in touched.values()
            if s.seq not in gone
        ]
        seq = int(rows[-1]["seq"])
        assert self._connection is not None
        with self._connection.begin():
            for number in gone:
                self._connection.exec_driver_sql("DELETE FROM stories WHERE seq = ?", (number,))
            if kept:
                self._connection.exec_driver_sql(_PUT, kept)
            self._note("seq", str(seq))
            self._note("hash", self._hash_at(seq) or "")
        self._seq = seq
        return len(rows) == SLICE_ROWS

    def _parts(self, row: dict[str, Any]) -> list[Move]:
        if row["kind"] not in ("merge", "convert"):
            return []
        record = self._reader.record(row["seq"])
        if record is None or not isinstance(record.event, SetsMerged | SetsConverted):
            return []
        parts = record.event.parts
        most = max(-part.quantity_lots for part in parts)
        lot_nanos = row["quantity_nanos"] // most if most > 0 else 0
        return [(part.symbol, part.quantity_lots * lot_nanos) for part in parts]

    def _hash_at(self, seq: int) -> str | None:
        found = self._reader.rows(select(events.c.hash).where(events.c.seq == seq))
        return found[0]["hash"].hex() if found else None

    # --- the file -------------------------------------------------------------------------------

    def _fits(self) -> bool:
        """Return whether the ledger still is the one that was read."""
        noted = self._noted()
        if noted.get("ledger_id") != (self._reader.ledger_id() or ""):
            return False
        return not self._seq or self._hash_at(self._seq) == noted.get("hash")

    def _begin(self) -> None:
        try:
            if self._connection is None:
                self._connection = open_writer(self._path, pragmas=PRAGMAS)
            good = self._version() == VERSION
            if good:
                self._seq = int(self._noted().get("seq", "0"))
            if good and self._fits():
                self._fold = TradeDiary(self._unfinished())
                return
        except (DBAPIError, sqlite3.Error, ValueError):
            pass  # a cache that cannot be read is no loss
        self._drop()
        for file in (self._path, wal_of(self._path), self._path.with_name("diary.db-shm")):
            file.unlink(missing_ok=True)
        self._connection = open_writer(self._path, pragmas=PRAGMAS)
        with self._connection.begin():
            for statement in (*TABLES, f"PRAGMA user_version = {VERSION}"):
                self._connection.exec_driver_sql(statement)
            self._note("ledger_id", self._reader.ledger_id() or "")
        self._fold, self._seq = TradeDiary(), 0

    def _unfinished(self) -> Iterator[Story]:
        return iter(self._stories("SELECT body FROM stories WHERE closed = 0 ORDER BY seq", []))

    def _version(self) -> int:
        assert self._connection is not None
        with self._connection.begin():
            return int(self._connection.exec_driver_sql("PRAGMA user_version").scalar_one())

    def _noted(self) -> dict[str, str]:
        assert self._connection is not None
        with self._connection.begin():
            rows = self._connection.exec_driver_sql("SELECT key, value FROM meta").fetchall()
        return {row[0]: row[1] for row in rows}

    def _note(self, key: str, value: str) -> None:
        assert self._connection is not None
        sql = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
        self._connection.exec_driver_sql(sql, (key, value))

    def _drop(self) -> None:
        if self._connection is not None:
            close_connection(self._connection)
        self._connection = None
        self._fold, self._seq = TradeDiary(), 0
