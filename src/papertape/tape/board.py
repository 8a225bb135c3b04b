"""The board: newest quotes and heartbeat for other processes. Lossy by contract, never truth."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from papertape.model.ports import BoardDepth, BoardQuote, Heartbeat
from papertape.tape.identity import wal_of
from papertape.tape.store import close_connection, open_reader, open_writer

T = TypeVar("T")

SYMBOLS_MAX = 200  # whose depth is asked for at once: a market has a few outcomes

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "busy_timeout=20",  # the engine thread waits here: a quote less is better than a stall
    "trusted_schema=OFF",
    "wal_autocheckpoint=200",
    "journal_size_limit=4194304",
)
_TABLES = (
    "CREATE TABLE IF NOT EXISTS quotes (symbol TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS depths (symbol TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS heartbeat (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
    "DELETE FROM quotes",
    "DELETE FROM depths",
)
# One statement for all quotes: one step of SQLite, not one per instrument.
_PUT = (
    "INSERT OR REPLACE INTO quotes SELECT json_extract(value, '$.symbol'), value FROM json_each(?)"
)
_PUT_DEPTHS = _PUT.replace("quotes", "depths")
_BEAT = "INSERT OR REPLACE INTO heartbeat VALUES (1, ?)"
_encode = msgspec.json.Encoder().encode
_quote = msgspec.json.Decoder(BoardQuote)
_depth = msgspec.json.Decoder(BoardDepth)
_beat = msgspec.json.Decoder(Heartbeat)


class SqliteBoard:
    """The bot's end of the board (ports.QuoteBoard); begins without quotes."""

    def __init__(self, path: Path) -> None:
        """Open the board; a file that is not one is replaced, it never held truth."""
        self.failures = 0
        try:
            self._connection = _open(path)
        except (DBAPIError, sqlite3.Error):
            for file in (path, wal_of(path), path.with_name(path.name + "-shm")):
                file.unlink(missing_ok=True)
            self._connection = _open(path)
        self._reader = BoardReader(path)

    def put(
        self,
        quotes: Sequence[BoardQuote],
        heartbeat: Heartbeat | None,
        depths: Sequence[BoardDepth] = (),
    ) -> None:
        """Replace what was known of these instruments; failures are counted, never raised."""
        try:
            with self._connection.begin():
                if quotes:
                    self._connection.exec_driver_sql(_PUT, (_encode(quotes).decode(),))
                if depths:
                    text = _encode(depths).decode()
                    self._connection.exec_driver_sql(_PUT_DEPTHS, (text,))
                if heartbeat is not None:
                    self._connection.exec_driver_sql(_BEAT, (_encode(heartbeat).decode(),))
        except (DBAPIError, sqlite3.Error):
            self.failures += 1

    def quotes(self) -> list[BoardQuote]:
        """Return the newest quote of every instrument."""
        return self._reader.quotes()

    def heartbeat(self) -> Heartbeat | None:
        """Return the newest sign of life."""
        return self._reader.heartbeat()

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
        close_connection(self._connection)


def _open(path: Path) -> Connection:
    connection = open_writer(path, pragmas=_PRAGMAS)
    with connection.begin():
        for statement in _TABLES:
            connection.exec_driver_sql(statement)
    return connection


class BoardReader:
    """Another process's end: empty while there is no board, or one that cannot be read."""

    def __init__(self, path: Path) -> None:
        """Read from this file; it need not exist yet."""
        self._path = path
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version = -1

    def quotes(self) -> list[BoardQuote]:
        """Return the newest quote of every instrument, by symbol."""

        def ask(connection: Connection) -> list[BoardQuote]:
            rows = connection.exec_driver_sql("SELECT body FROM quotes ORDER BY symbol").fetchall()
            return [_quote.decode(row[0]) for row in rows]

        return self._ask(ask, [])

    def depths(self, symbols: Sequence[str]) -> dict[str, BoardDepth]:
        """Return what is known of the books of these instruments, at most SYMBOLS_MAX of them."""
        wanted = list(symbols)[:SYMBOLS_MAX]
        marks = ", ".join("?" * len(wanted))

        def ask(connection: Connection) -> dict[str, BoardDepth]:
            sql = f"SELECT body FROM depths WHERE symbol IN ({marks})"
            rows = connection.exec_driver_sql(sql, tuple(wanted)).fetchall()
            found = [_depth.decode(row[0]) for row in rows]
            return {depth.symbol: depth for depth in found}

        return self._ask(ask, {})

    def heartbeat(self) -> Heartbeat | None:
        """Return the newest sign of life, None if there never was one."""

        def ask(connection: Connection) -> Heartbeat | None:
            body = connection.exec_driver_sql("SELECT body FROM heartbeat").scalar()
            return None if body is None else _beat.decode(body)

        return self._ask(ask, None)

    def changed(self) -> bool:
        """Return whether the board was written since the last call; cheap enough for any poll."""

        def ask(connection: Connection) -> bool:
            version = int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())
            changed = version != self._version
            self._version = version
            return changed

        return self._ask(ask, False)

    def close(self) -> None:
        """Let go of the file; a later question opens it again."""
        with self._lock:
            self._drop()

    def _ask(self, query: Callable[[Connection], T], nothing: T) -> T:
        with self._lock:
            try:
                if not self._ready():
                    return nothing
                assert self._connection is not None
                with self._connection.begin():
                    return query(self._connection)
            except (DBAPIError, sqlite3.Error, ValueError):
                self._drop()
                return nothing

    def _ready(self) -> bool:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._drop()
            return False
        file = (stat.st_dev, stat.st_ino)
        if self._connection is None or file != self._file:
            self._drop()
            self._connection, self._file = open_reader(self._path), file
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            close_connection(self._connection)
        self._connection = self._file = None
        self._version = -1
