"""The desk: what people write (desk.db). The dashboard is its only writer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, insert, or_, select

from papertape.clock import Clock, iso_utc
from papertape.dashboard.desk_file import DeskFile, journal
from papertape.errors import PapertapeError

TEXTS = (
    journal.c.entry_reason,
    journal.c.exit_reason,
    journal.c.lessons_learned,
    journal.c.notes,
    journal.c.tags,
)
NOT_SAID = 0  # in the column of a confidence that nobody gave
MARKED_MAX = 10_000  # entries looked at for one filter; people write fewer
NO_VERSION = "0"  # of an entry that is not there yet

Entry = dict[str, Any]


class EditedError(PapertapeError):
    """An entry was changed by someone else since it was read."""

    def __init__(self, entry: Entry | None) -> None:
        """Keep the entry as it is now; None if it is gone."""
        super().__init__("this entry was changed elsewhere meanwhile")
        self.entry = entry


class Desk(Protocol):
    """Where people's own words are kept."""

    def add(self, fields: Mapping[str, Any]) -> Entry:
        """Keep a new journal entry and return it with its id."""
        ...

    def change(
        self, entry_id: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> Entry | None:
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

    def change(
        self, entry_id: str, fields: Mapping[str, Any], *, version: str | None = None
    ) -> Entry | None:
        """Replace fields of an entry; None if there is no such entry.

        version: what the entry said when it was read; EditedError if it says another by now.
        """
        number = _number(entry_id)
        if number is None or not self.file.exists():
            return None
        with self.file.begin() as connection:
            return self._change(connection, number, fields, version)

    def _change(
        self, connection: Connection, number: int, fields: Mapping[str, Any], version: str | None
    ) -> Entry | None:
        found = _one(connection, number)
        if found is None:
            return None
        if version is not None and version != found["version"]:
            raise EditedError(found)
        after_ns = int(found["version"]) + 1  # two words in one tick of the clock are two versions
        row = dict(fields) | {"updated_ts_ns": max(self._clock.now_ns(), after_ns)}
        if "tags" in row:
            row["tags"] = _packed(row["tags"])
        connection.execute(journal.update().where(journal.c.number == number).values(row))
        return _one(connection, number)

    def review(
        self,
        trade_id: str,
        fields: Mapping[str, Any],
        defaults: Mapping[str, Any],
        version: str | None = None,
    ) -> Entry:
        """Write what a person says of a trade: into its entry, or into a new one.

        defaults: what a new entry says of itself. EditedError if `version` is not the newest.
        """
        newest = select(journal.c.number).where(journal.c.trade_id == trade_id)
        newest = newest.order_by(journal.c.number.desc()).limit(1)
        with self.file.begin() as connection:
            number = connection.execute(newest).scalar()
            if number is not None:
                found = self._change(connection, number, fields, version)
            else:
                if version not in (None, NO_VERSION):
                    raise EditedError(None)
                now_ns = self._clock.now_ns()
                row = {"confidence_level": NOT_SAID, **defaults, **fields, "trade_id": trade_id}
                row |= {"created_ts_ns": now_ns, "updated_ts_ns": now_ns}
                row["tags"] = _packed(row.get("tags"))
                result = connection.execute(insert(journal), row)
                assert result.inserted_primary_key is not None
                found = _one(connection, int(result.inserted_primary_key[0]))
        assert found is not None
        return found

    def of_trades(self, trade_ids: Sequence[str]) -> dict[str, Entry]:
        """Return the newest entry of each of these trades that has one."""
        if not trade_ids or not self.file.exists():
            return {}
        query = select(journal).where(journal.c.trade_id.in_(trade_ids)).order_by(journal.c.number)
        with self.file.begin() as connection:
            found = [_entry(row) for row in connection.execute(query).mappings()]
        return {entry["trade_id"]: entry for entry in found}

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
        """Return entries, newest first; wanted: q (anywhere), tag, strategy, trade_id, rating."""
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
        if wanted.get("rating"):
            query = query.where(journal.c.rating == int(wanted["rating"] or 0))
        if wanted.get("of_trades"):
            query = query.where(journal.c.trade_id.is_not(None))
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
        "confidence_level": row["confidence_level"] or None,
        "exit_reason": row["exit_reason"],
        "lessons_learned": row["lessons_learned"],
        "rating": row["rating"],
        "trade_id": row["trade_id"],
        "symbol": row["symbol"],
        "strategy": row["strategy"],
        "tags": json.loads(row["tags"]),
        "notes": row["notes"],
        "version": str(row["updated_ts_ns"]),
        "created_at": iso_utc(row["created_ts_ns"]),
        "updated_at": iso_utc(row["updated_ts_ns"]),
        "ts_ns": row["created_ts_ns"],
    }
