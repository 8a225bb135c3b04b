"""The journal: entries are kept as written, wrong ones are refused by field, nothing else moves."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.dashboard.conftest import Caller
from tests.dashboard.test_strict_json import BAD

from papertape.clock import ManualClock
from papertape.dashboard.desk import EditedError, JournalDesk
from papertape.errors import NewerDataError, WorldError

ENTRY = {"entry_reason": "the gap closes", "confidence_level": 7}


def write(page: Caller, **more: object) -> dict[str, object]:
    answer = page.send("POST", "/api/journal/entry", {**ENTRY, **more})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    data: dict[str, object] = answer.get_json()["data"]
    return data


def test_write_change_find_delete(page: Caller) -> None:
    first = write(page, tags=["news", "slow", "news"], symbol="simulated:rain:YES", rating=3)
    assert first["tags"] == ["news", "slow"]
    second = write(page, entry_reason="100% sure_thing", strategy="momentum", trade_id="F12")
    entries = page.data("/api/journal/entries")
    assert [entry["id"] for entry in entries] == [second["id"], first["id"]]
    changed = page.send(
        "PATCH", f"/api/journal/entry/{first['id']}", {"lessons_learned": "wait", "rating": None}
    ).get_json()["data"]
    assert (changed["lessons_learned"], changed["rating"]) == ("wait", None)
    assert changed["entry_reason"] == ENTRY["entry_reason"]
    find = [
        ("q=WAIT", [first]), ("q=%25", [second]), ("q=_", [second]), ("q=nothing", []),
        ("tag=news", [first]), ("tag=new", []), ("strategy=momentum", [second]),
        ("trade_id=F12", [second]), ("symbol=simulated:rain:YES", [first]),
    ]  # fmt: skip
    for query, expected in find:
        found = page.data(f"/api/journal/entries?{query}")
        assert [entry["id"] for entry in found] == [entry["id"] for entry in expected], query
    gone = page.send("DELETE", f"/api/journal/entry/{first['id']}")
    assert gone.status_code == 200
    assert page.send("DELETE", f"/api/journal/entry/{first['id']}").status_code == 404
    assert len(page.data("/api/journal/entries")) == 1
    assert write(page)["id"] == "J3"


def test_pages_of_entries(page: Caller) -> None:
    ids = [write(page)["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        path = "/api/journal/entries?limit=2" + (f"&cursor={cursor}" if cursor else "")
        body = page.get(path).get_json()
        seen += [entry["id"] for entry in body["data"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


WRONG = [
    ({}, "entry_reason"), ({"entry_reason": "a"}, "confidence_level"),
    ({**ENTRY, "confidence_level": 0}, "confidence_level"),
    ({**ENTRY, "confidence_level": 11}, "confidence_level"),
    ({**ENTRY, "confidence_level": 7.5}, "confidence_level"),
    ({**ENTRY, "confidence_level": "7"}, "confidence_level"),
    ({**ENTRY, "confidence_level": True}, "confidence_level"),
    ({**ENTRY, "confidence_level": None}, "confidence_level"),
    ({**ENTRY, "confidence_level": [7]}, "confidence_level"),
    ({**ENTRY, "entry_reason": ""}, "entry_reason"),
    ({**ENTRY, "entry_reason": "  "}, "entry_reason"),
    ({**ENTRY, "entry_reason": 5}, "entry_reason"),
    ({**ENTRY, "entry_reason": "a\0b"}, "entry_reason"),
    ({**ENTRY, "entry_reason": "a" * 4_001}, "entry_reason"),
    ({**ENTRY, "rating": 6}, "rating"), ({**ENTRY, "rating": -1}, "rating"),
    ({**ENTRY, "tags": "news"}, "tags"), ({**ENTRY, "tags": [1]}, "tags"),
    ({**ENTRY, "tags": ["a"] * 21}, "tags"), ({**ENTRY, "tags": ["a" * 41]}, "tags"),
    ({**ENTRY, "symbol": {"a": 1}}, "symbol"), ({**ENTRY, "id": "J9"}, "id"),
    ({**ENTRY, "confidence": 7}, "confidence"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field"), WRONG)
def test_wrong_entries_are_refused_by_field(page: Caller, body: object, field: str) -> None:
    kept = write(page)
    for method, path in (("POST", "/api/journal/entry"), ("PATCH", "/api/journal/entry/J1")):
        if method == "PATCH" and body in ({}, {"entry_reason": "a"}):
            continue
        answer = page.send(method, path, body)
        assert answer.status_code == 422
        assert answer.get_json()["error"]["field"] == field
    assert page.data("/api/journal/entries") == [kept]


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:24]))
def test_bad_json_never_reaches_the_desk(page: Caller, data_dir: Path, text: bytes) -> None:
    for method, path in (
        ("POST", "/api/journal/entry"),
        ("PATCH", "/api/journal/entry/J1"),
        ("POST", "/api/notifications/send"),
    ):
        answer = page.send(method, path, data=text)
        assert answer.status_code in (400, 413), (method, answer.status_code)
        assert answer.get_json()["ok"] is False
    assert not (data_dir / "desk.db").exists()


@pytest.mark.parametrize("text", [b"[]", b"1", b'"a"', b"null", b"true"])
def test_json_that_is_no_object(page: Caller, text: bytes) -> None:
    assert page.send("POST", "/api/journal/entry", data=text).status_code == 422


@pytest.mark.parametrize("entry_id", ["J2", "1", "J", "J1x", "J-1", "J" + "9" * 30, "J\u0661"])
def test_unknown_entries(page: Caller, entry_id: str) -> None:
    write(page)
    path = f"/api/journal/entry/{entry_id}"
    assert page.send("PATCH", path, {"rating": 1}).status_code == 404
    assert page.send("DELETE", path).status_code == 404


def test_desk_of_another_make_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerDataError):
        JournalDesk(path, ManualClock()).add(ENTRY)
    path.write_bytes(b"no database at all" * 50)
    with pytest.raises(WorldError):
        JournalDesk(path, ManualClock()).add(ENTRY)
    assert path.read_bytes() == b"no database at all" * 50


def test_entries_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    desk = JournalDesk(path, ManualClock(10**18))
    kept = desk.add(ENTRY)
    desk.close()
    again = JournalDesk(path, ManualClock(10**18))
    assert again.entries(limit=10) == [kept]
    again.close()


def test_two_people_do_not_overwrite_each_other(page: Caller) -> None:
    """The later one is told, with what stands there now; without a version the last word wins."""
    entry = write(page, notes="# seen\n\n* a list")
    path = f"/api/journal/entry/{entry['id']}"
    first = page.send("PATCH", path, {"rating": 4, "version": entry["version"]})
    newer = first.get_json()["data"]
    assert newer["version"] != entry["version"]
    late = page.send("PATCH", path, {"rating": 1, "version": entry["version"]})
    assert late.status_code == 409
    error = late.get_json()["error"]
    assert (error["code"], error["entry"]) == ("edited", newer)
    again = page.send("PATCH", path, {"rating": 1, "version": newer["version"]})
    assert again.get_json()["data"]["rating"] == 1
    assert again.get_json()["data"]["notes"] == entry["notes"]
    assert page.send("PATCH", path, {"rating": 2}).status_code == 200
    for version in (5, "", "-1", "x", "9" * 30, "\u0661"):
        answer = page.send("PATCH", path, {"rating": 2, "version": version})
        assert answer.get_json()["error"]["field"] == "version", version
    long = page.send("POST", "/api/journal/entry", {**ENTRY, "notes": "a" * 20_001})
    assert long.status_code == 422


def test_a_desk_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its entries stay, and have notes from now on."""
    path = tmp_path / "desk.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE journal (number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,"
            " created_ts_ns INTEGER NOT NULL, updated_ts_ns INTEGER NOT NULL, entry_reason TEXT"
            " NOT NULL, confidence_level INTEGER NOT NULL, exit_reason TEXT, lessons_learned TEXT,"
            " rating INTEGER, trade_id TEXT, symbol TEXT, strategy TEXT, tags TEXT NOT NULL) STRICT"
        )
        connection.execute(
            "INSERT INTO journal (created_ts_ns, updated_ts_ns, entry_reason, confidence_level,"
            " tags) VALUES (1, 1, 'old', 5, '[]')"
        )
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    desk = JournalDesk(path, ManualClock(10**18))
    changed = desk.change("J1", {"notes": "new"})
    assert changed is not None
    assert (changed["entry_reason"], changed["notes"]) == ("old", "new")
    assert desk.review("F1", {"rating": 5}, {"entry_reason": "auto"})["confidence_level"] is None
    with pytest.raises(EditedError):
        desk.review("F1", {"rating": 4}, {"entry_reason": "auto"}, "0")
    assert desk.of_trades(["F1", "F2"])["F1"]["rating"] == 5
    desk.close()
