"""Connections to SQLite files: one that writes, any number that read."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

BUSY_TIMEOUT_MS = 5_000  # another process may hold the lock this long before we give up
CACHED_STATEMENTS = 256  # prepared statements kept: tables x chunk sizes, with room
JOURNAL_SIZE_LIMIT_BYTES = 67_108_864

WRITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "mmap_size=0",
    "wal_autocheckpoint=0",
    f"journal_size_limit={JOURNAL_SIZE_LIMIT_BYTES}",
    *(("fullfsync=ON", "checkpoint_fullfsync=ON") if sys.platform == "darwin" else ()),
)
READ_PRAGMAS = (
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "mmap_size=0",
    "query_only=ON",
)


_held: dict[Connection, tuple[tuple[int, int], bool]] = {}  # what this process has open


def held_here(path: Path, *, writer: bool = False) -> bool:
    """Return whether this process has the file open through SQLite (`writer`: to write).

    Then nobody here may open it in another way: POSIX drops every lock that a process has on a
    file when it closes any descriptor of it, SQLite's too (sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        file = _identity(path)
    except FileNotFoundError:
        return False
    return any(held == file and (writes or not writer) for held, writes in list(_held.values()))


def _identity(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _connect(dbapi: Callable[[], sqlite3.Connection], *, immediate: bool) -> Connection:
    engine = create_engine("sqlite://", creator=dbapi, poolclass=StaticPool)
    if immediate:

        def begin(connection: Connection) -> None:
            # A deferred transaction that reads first fails at once with BUSY_SNAPSHOT.
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        event.listen(engine, "begin", begin)
    return engine.connect()


def open_writer(path: Path, *, pragmas: tuple[str, ...] = WRITE_PRAGMAS) -> Connection:
    """Open the one read-write connection of a file; usable from any one thread at a time."""

    def dbapi() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
        )
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    connection = _connect(dbapi, immediate=True)
    if path.exists():
        _held[connection] = (_identity(path), True)
    return connection


def open_reader(path: Path) -> Connection:
    """Open a read-only connection; it can neither write nor checkpoint."""

    def dbapi() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path.absolute().as_uri() + "?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in READ_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    connection = _connect(dbapi, immediate=False)
    _held[connection] = (_identity(path), False)
    return connection


def driver(connection: Connection) -> sqlite3.Connection:
    """Return the sqlite3 connection below, for what SQLAlchemy's row objects are too slow for."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def close_connection(connection: Connection) -> None:
    """Close a connection and the file below it."""
    engine = connection.engine
    _held.pop(connection, None)
    connection.close()
    engine.dispose()
