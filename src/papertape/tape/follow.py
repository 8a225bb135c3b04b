"""Reading a ledger that someone else writes: by number, read-only, whether the bot runs or not."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, select
from sqlalchemy.exc import DBAPIError

from papertape.errors import LedgerDamagedError
from papertape.model.events import Record, decode_event
from papertape.tape.identity import check_stamp
from papertape.tape.schema import equity, orders, runs, signals, snapshots, trades
from papertape.tape.store import close_connection, driver, open_reader

T = TypeVar("T")
TradeRow = dict[str, Any]

PAGE_ROWS = 500  # of a streamed export: constant memory, and no read transaction that lasts
CHAIN_RECORDS_MAX = 1_000  # records shown for one trade

_TAIL = "SELECT seq, event_id, ts_ns, mseq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
_ONE = "SELECT seq, event_id, ts_ns, mseq, body FROM events WHERE seq = ?"


class LedgerReader:
    """A read-only view of a ledger; empty while the file is not there; from any thread.

    A file that was replaced is opened anew. Raises LedgerDamagedError for a file that is not a
    ledger or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        """Read from this file; it need not exist yet."""
        self._path = path
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None

    def read(self, after_seq: int, limit: int = 1000) -> list[Record]:
        """Return records with seq > after_seq, in order, at most `limit`."""

        def query(connection: Connection) -> list[Record]:
            rows = connection.exec_driver_sql(_TAIL, (after_seq, limit)).fetchall()
            return [_record(row) for row in rows]

        return self._ask(query, [])

    def record(self, seq: int) -> Record | None:
        """Return one record."""
        found = self.read(seq - 1, 1)
        return found[0] if found and found[0].seq == seq else None

    def head_seq(self) -> int:
        """Return the newest number in the file, 0 if there is none."""
        return int(self._scalar("SELECT max(seq) FROM events") or 0)

    def ledger_id(self) -> str | None:
        """Return the id that the ledger was born with."""
        found = self._scalar("SELECT value FROM meta WHERE key = 'ledger_id'")
        return None if found is None else str(found)

    def latest_snapshot(self) -> tuple[int, bytes] | None:
        """Return the newest whole snapshot as (seq, body); damaged ones are passed over."""
        query = select(snapshots).order_by(snapshots.c.seq.desc())
        for row in self._rows(query):
            if sha256(row["body"]).digest() == row["sha256"]:
                return row["seq"], row["body"]
        return None

    def run(self) -> dict[str, Any] | None:
        """Return the newest run as a row of the `runs` table."""
        found = self._rows(select(runs).order_by(runs.c.seq.desc()).limit(1))
        return found[0] if found else None

    def trades(
        self,
        account: str,
        *,
        limit: int = 100,
        before_seq: int | None = None,
        strategy: str | None = None,
        symbol: str | None = None,
        side: str | None = None,
        kind: str | None = None,
    ) -> list[TradeRow]:
        """Return trades of an account, newest first, as rows of integers and strings."""
        query = select(trades).where(trades.c.account == account)
        wanted = {"strategy": strategy, "symbol": symbol, "side": side, "kind": kind}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(trades.c[column] == value)
        if before_seq is not None:
            query = query.where(trades.c.seq < before_seq)
        return self._rows(query.order_by(trades.c.seq.desc()).limit(limit))

    def trade(self, trade_id: str) -> TradeRow | None:
        """Return one trade by its id."""
        found = self._rows(select(trades).where(trades.c.id == trade_id).limit(1))
        return found[0] if found else None

    def trades_iter(self, account: str, *, after_seq: int = 0) -> Iterator[TradeRow]:
        """Stream all trades of an account, oldest first, in constant memory."""
        query = select(trades).where(trades.c.account == account).order_by(trades.c.seq)
        while page := self._rows(query.where(trades.c.seq > after_seq).limit(PAGE_ROWS)):
            yield from page
            after_seq = page[-1]["seq"]

    def signals_iter(self, account: str, *, after_seq: int = 0) -> Iterator[dict[str, Any]]:
        """Stream all signals of an account, oldest first, in constant memory."""
        query = select(signals).where(signals.c.account == account).order_by(signals.c.seq)
        while page := self._rows(query.where(signals.c.seq > after_seq).limit(PAGE_ROWS)):
            yield from page
            after_seq = page[-1]["seq"]

    def equity_iter(self, account: str, *, after_seq: int = 0) -> Iterator[dict[str, Any]]:
        """Stream the equity samples of an account, oldest first, in constant memory."""
        query = select(equity).where(equity.c.account == account).order_by(equity.c.seq)
        while page := self._rows(query.where(equity.c.seq > after_seq).limit(PAGE_ROWS)):
            yield from page
            after_seq = page[-1]["seq"]

    def chain(self, signal_id: str) -> list[Record]:
        """Return the records of a signal's life in order: signal, orders, fills, closings."""
        if not signal_id:
            return []
        mine = self._rows(select(orders).where(orders.c.signal_id == signal_id))
        order_ids = [row["order_id"] for row in mine]
        seqs = {row["seq"] for row in mine}
        for query in (
            select(signals.c.seq).where(signals.c.id == signal_id),
            select(trades.c.seq).where(trades.c.signal_id == signal_id),
            select(orders.c.seq).where(orders.c.order_id.in_(order_ids)),
        ):
            seqs.update(row["seq"] for row in self._rows(query.limit(CHAIN_RECORDS_MAX)))
        return self._records(sorted(seqs)[:CHAIN_RECORDS_MAX])

    def events_of_order(self, order_id: str) -> list[Record]:
        """Return the records of one order in order: submitted, fills, closed."""
        seqs: set[int] = set()
        of_signal = select(orders.c.signal_id).where(orders.c.order_id == order_id)
        for table, where in (
            (orders, orders.c.order_id == order_id),
            (trades, (trades.c.order_id == order_id) & trades.c.signal_id.in_(of_signal)),
        ):
            query = select(table.c.seq).where(where).limit(CHAIN_RECORDS_MAX)
            seqs.update(row["seq"] for row in self._rows(query))
        return self._records(sorted(seqs))

    def rows(self, query: Executable) -> list[dict[str, Any]]:
        """Return the rows of a query on the ledger's tables; it must be bounded and indexed."""
        return self._rows(query)

    def close(self) -> None:
        """Let go of the file; a later question opens it again."""
        with self._lock:
            self._drop()

    def _records(self, seqs: list[int]) -> list[Record]:
        def query(connection: Connection) -> list[Record]:
            rows = [connection.exec_driver_sql(_ONE, (seq,)).fetchone() for seq in seqs]
            return [_record(row) for row in rows if row is not None]

        return self._ask(query, [])

    def _rows(self, query: Executable) -> list[dict[str, Any]]:
        def ask(connection: Connection) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(query).mappings()]

        return self._ask(ask, [])

    def _scalar(self, sql: str) -> Any:
        return self._ask(lambda c: c.exec_driver_sql(sql).scalar(), None)

    def _ask(self, query: Callable[[Connection], T], nothing: T) -> T:
        with self._lock:
            try:
                if not self._ready():
                    return nothing
                assert self._connection is not None
                with self._connection.begin():
                    return query(self._connection)
            except (DBAPIError, sqlite3.Error, ValueError) as error:
                self._drop()
                cause = error.orig if isinstance(error, DBAPIError) else error
                raise LedgerDamagedError(
                    f"{self._path}: the ledger cannot be read: {cause}"
                ) from error

    def _ready(self) -> bool:
        """Have the present file open; False while there is none."""
        try:
            stat = self._path.stat()
            file = (stat.st_dev, stat.st_ino)
            if self._connection is None or file != self._file:
                self._drop()
                self._connection, self._file = self._open(), file
        except FileNotFoundError:
            self._drop()
            return False
        return True

    def _open(self) -> Connection:
        connection = open_reader(self._path)
        try:
            # Through SQLite: a plain open and close would drop the locks this process has.
            ask = driver(connection).execute
            application_id = ask("PRAGMA application_id").fetchone()[0]
            check_stamp(self._path, application_id, ask("PRAGMA user_version").fetchone()[0])
        except BaseException:
            close_connection(connection)
            raise
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            close_connection(self._connection)
        self._connection = self._file = None


def _record(row: Any) -> Record:
    seq, event_id, ts_ns, mseq, body = row
    return Record(seq, event_id, ts_ns, mseq, decode_event(body))
