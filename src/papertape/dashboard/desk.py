"""The desk: what people write (desk.db). The dashboard is its only writer."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, insert, or_, select
from sqlalchemy.exc import DBAPIError

from papertape.clock import Clock, iso_utc
from papertape.errors import NewerDataError, WorldError
from papertape.tape.store import close_connection, open_writer

SCHEMA_VERSION = 1
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=2000",
    "trusted_schema=OFF",
    "foreign_keys=ON",
    "journal_size_limit=4194304",
)

metadata = MetaData()
journal = Table(
    "journal",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("created_ts_ns", Integer, nullable=False),
    Column("updated_ts_ns", Integer, nullable=False),
    Column("entry_reason", Text, nullable=False),
    Column("confidence_level", Integer, nullable=False),
    Column("exit_reason", Text),
    Column("lessons_learned", Text),
    Column("rating", Integer),
    Column("trade_id", Text),
    Column("symbol", Text),
    Column("strategy", Text),
    Column("tags", Text, nullable=False),
    sqlite_strict=True,
    sqlite_autoincrement=True,  # a number is never given twice
)
TEXTS = (journal.c.entry_reason, journal.c.exit_reason, journal.c.lessons_learned)

Entry = dict[str, Any]


class Desk(Protocol):
    """Where people's own words are kept."""

    def add(self, fields: Mapping[str, Any]) -> Entry:
        """Keep a new journal entry and return it with its id."""
        ...

    def change(self, entry_id: str, fields: Mapping[str, Any]) -> Entry | None:
        """Replace fields of an entry; None if there is no such entry."""
        ...

    def remove(self, entry_id: str) -> bool:
        """Delete an entry; False if there was none."""
        ...

    def entries(self, *, limit: int, before: int | None, **wanted: str | None) -> list[Entry]:
        """Return entries, newest first."""
        ...


class JournalDesk:
    """The desk on SQLite (Desk); its file is made at the first word written."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Keep entries in this file."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def add(self, fields: Mapping[str, Any]) -> Entry:
        """Keep a new entry and return it."""
        now_ns = self._clock.now_ns()
        row = {**fields, "tags": _packed(fields.get("tags")), "created_ts_ns": now_ns}
        with self._lock, self._open().begin():
            result = self._open().execute(insert(journal), row | {"updated_ts_ns": now_ns})
            assert result.inserted_primary_key is not None
            found = self._one(int(result.inserted_primary_key[0]))
        assert found is not None
        return found

    def change(self, entry_id: str, fields: Mapping[str, Any]) -> Entry | None:
        """Replace fields of an entry; None if there is no such entry."""
        number = _number(entry_id)
        if number is None or (number and not self._path.exists()):
            return None
        row = dict(fields) | {"updated_ts_ns": self._clock.now_ns()}
        if "tags" in row:
            row["tags"] = _packed(row["tags"])
        with self._lock, self._open().begin():
            self._open().execute(journal.update().where(journal.c.number == number).values(row))
            return self._one(number)

    def remove(self, entry_id: str) -> bool:
        """Delete an entry; False if there was none."""
        number = _number(entry_id)
        if number is None or not self._path.exists():
            return False
        with self._lock, self._open().begin():
            result = self._open().execute(journal.delete().where(journal.c.number == number))
            return bool(result.rowcount)

    def entries(
        self, *, limit: int, before: int | None = None, **wanted: str | None
    ) -> list[Entry]:
        """Return entries, newest first; wanted: q (words anywhere), tag, strategy, trade_id."""
        if not self._path.exists():
            return []
        query = select(journal).order_by(journal.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(journal.c.number < before)
        if wanted.get("q"):
            found = [text.icontains(wanted["q"], autoescape=True) for text in TEXTS]
            query = query.where(or_(*found))
        if wanted.get("tag"):
            tag = json.dumps(wanted["tag"], ensure_ascii=False)
            query = query.where(journal.c.tags.contains(tag, autoescape=True))
        for name in ("strategy", "trade_id", "symbol"):
            if wanted.get(name):
                query = query.where(journal.c[name] == wanted[name])
        with self._lock, self._open().begin():
            return [_entry(row) for row in self._open().execute(query).mappings()]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                close_connection(self._connection)
            self._connection = None

    def _one(self, number: int) -> Entry | None:
        query = select(journal).where(journal.c.number == number)
        row = self._open().execute(query).mappings().first()
        return None if row is None else _entry(row)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = _open(self._path)
        return self._connection


def _open(path: Path) -> Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = open_writer(path, pragmas=PRAGMAS)
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        connection.rollback()
        if version > SCHEMA_VERSION:
            close_connection(connection)
            raise NewerDataError(f"{path}: written by a newer papertape (version {version})")
        with connection.begin():
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except (DBAPIError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise WorldError(f"{path}: the journal cannot be opened: {cause}") from error
    return connection


def _number(entry_id: str) -> int | None:
    digits = entry_id.removeprefix("J")
    fits = entry_id.startswith("J") and digits.isascii() and digits.isdecimal() and len(digits) < 16
    return int(digits) if fits else None


def cursor_of(entry: Entry) -> int:
    """Return where a list goes on behind this entry."""
    number = _number(entry["id"])
    assert number is not None
    return number


def _packed(tags: object) -> str:
    return json.dumps(tags or [], ensure_ascii=False)


def _entry(row: Mapping[Any, Any]) -> Entry:
    return {
        "id": f"J{row['number']}",
        "entry_reason": row["entry_reason"],
        "confidence_level": row["confidence_level"],
        "exit_reason": row["exit_reason"],
        "lessons_learned": row["lessons_learned"],
        "rating": row["rating"],
        "trade_id": row["trade_id"],
        "symbol": row["symbol"],
        "strategy": row["strategy"],
        "tags": json.loads(row["tags"]),
        "created_at": iso_utc(row["created_ts_ns"]),
        "updated_at": iso_utc(row["updated_ts_ns"]),
        "ts_ns": row["created_ts_ns"],
    }
