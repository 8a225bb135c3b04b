"""The desk's file: an older one is brought up to date with everything that was on it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from papertape.clock import ManualClock
from papertape.dashboard.desk import JournalDesk
from papertape.dashboard.desk_file import STEPS, DeskFile
from papertape.errors import WorldError

FIRST = """
CREATE TABLE journal (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, created_ts_ns INTEGER NOT NULL,
    updated_ts_ns INTEGER NOT NULL, entry_reason TEXT NOT NULL, confidence_level INTEGER NOT NULL,
    exit_reason TEXT, lessons_learned TEXT, rating INTEGER, trade_id TEXT, symbol TEXT,
    strategy TEXT, tags TEXT NOT NULL
) STRICT
"""


def test_a_desk_of_the_first_version_keeps_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    with sqlite3.connect(path) as connection:
        connection.execute(FIRST)
        connection.execute(
            "INSERT INTO journal VALUES (7,1,2,'why',5,NULL,NULL,4,'F1',NULL,'m','[]')"
        )
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    desk = JournalDesk(path, ManualClock(10**18))
    kept = desk.entries(limit=10)
    assert [(entry["id"], entry["entry_reason"], entry["rating"]) for entry in kept] == [
        ("J7", "why", 4)
    ]
    assert desk.add({"entry_reason": "next", "confidence_level": 1})["id"] == "J8"
    desk.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert {"journal", "alert_rules", "alert_history", "alert_deliveries"} <= names


def test_a_step_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    with sqlite3.connect(path) as connection:
        connection.execute(FIRST)
        connection.execute("CREATE TABLE alert_history (odd TEXT)")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    desk = DeskFile(path)
    try:
        with desk.begin():
            raise AssertionError("the file opened")
    except WorldError as error:
        assert "alert_history" in str(error)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert "alert_rules" not in names
