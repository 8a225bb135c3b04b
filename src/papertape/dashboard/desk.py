"""The desk: what people write (desk.db). The dashboard is its only writer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, insert, or_, select

from papertape.clock import Clock, iso_utc
from papertape.dashboard.desk_file import DeskFile, journal

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
        self.file = DeskFile(path)
        self._clock = clock

    def add(self, fields: Mapping[str, Any]) -> Entry:
        """Keep a new entry and return it."""
        now_ns = self._clock.now_ns()
        row = {**fields, "tags": _packed(fields.get("tags")), "created_ts_ns": now_ns}
        with self.file.begin() as connection:
            result = connection.execute(insert(journal), row | {"updated_ts_ns": now_ns})
            assert result.inserted_primary_key is not None
            found = _one(connection, int(result.inserted_primary_key[0]))
        assert found is not None
        return found

    def change(self, entry_id: str, fields: Mapping[str, Any]) -> Entry | None:
        """Replace fields of an entry; None if there is no such entry."""
        number = _number(entry_id)
        if number is None or not self.file.exists():
            return None
        row = dict(fields) | {"updated_ts_ns": self._clock.now_ns()}
        if "tags" in row:
            row["tags"] = _packed(row["tags"])
        with self.file.begin() as connection:
            connection.execute(journal.update().where(journal.c.number == number).values(row))
            return _one(connection, number)

    def remove(self, entry_id: str) -> bool:
        """Delete an entry; False if there was none."""
        number = _number(entry_id)
        if number is None or not self.file.exists():
            return False
        with self.file.begin() as connection:
            result = connection.execute(journal.delete().where(journal.c.number == number))
            return bool(result.rowcount)

    def entries(
        self, *, limit: int, before: int | None = None, **wanted: str | None
    ) -> list[Entry]:
        """Return entries, newest first; wanted: q (words anywhere), tag, strategy, trade_id."""
        if not self.file.exists():
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
        with self.file.begin() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()


def _one(connection: Connection, number: int) -> Entry | None:
    query = select(journal).where(journal.c.number == number)
    row = connection.execute(query).mappings().first()
    return None if row is None else _entry(row)


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
