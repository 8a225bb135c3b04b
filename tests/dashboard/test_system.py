"""The machine room: sizes and anchor as they are, logs within bounds, verification aside."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import YES, Tape, busy

from papertape.dashboard import log_reader
from papertape.dashboard.log_reader import Wanted, read_logs
from papertape.model.events import BookStateChanged, FeedStateChanged, VenueClockMeasured

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
VERIFIED_S_MAX = 60.0


def write_logs(folder: Path, name: str, count: int, *, step_s: int = 1, first: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "timestamp": (BEGAN + timedelta(seconds=step_s * i)).isoformat().replace("+00:00", "Z"),
            "level": ("info", "warning", "error")[i % 3],
            "event": f"line {i}",
            "run": "R1",
        }
        for i in range(first, first + count)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / name).write_text(text, encoding="utf-8")


def test_what_the_data_folder_weighs(page: Caller, tape: Tape, data_dir: Path) -> None:
    busy(tape)
    (data_dir / "market" / "R1").mkdir(parents=True)
    (data_dir / "market" / "R1" / "part.parquet").write_bytes(b"x" * 1_234)
    found = page.data("/api/system")
    assert found["sizes"]["market_bytes"] == 1_234
    assert found["sizes"]["ledger_bytes"] == (data_dir / "papertape.db").stat().st_size
    assert found["sizes"]["market_quota_bytes"] is None
    assert found["head"]["seq"] == found["status"]["seq"] == tape.ledger.head_seq()
    assert len(found["head"]["hash"]) == 64
    assert found["anchor"]["state"] in ("ok", "missing")
    assert found["verification"]["state"] == "never"
    assert set(found["versions"]) == {"papertape", "python", "sqlite", "core", "system"}


def test_doubtful_books_and_clocks_are_shown(page: Caller, tape: Tape) -> None:
    """On the system page, in the status and beside the market, from the same fold."""
    busy(tape)
    tape.put(
        FeedStateChanged(source="simulated", state="live"),
        VenueClockMeasured(source="simulated", ahead_ms=-1_270, error_ms=40),
        BookStateChanged(source="simulated", symbol=YES, state="gap", reason="it crossed"),
    )
    tape.flush()
    found = page.data("/api/system")
    clock = {"ahead_ms": -1_270, "error_ms": 40}
    assert [feed["clock"] for feed in found["feeds"] if feed["name"] == "simulated"] == [clock]
    assert found["status"]["feed"]["clocks"] == {"simulated": clock}
    assert found["status"]["feed"]["doubtful"] == 1
    assert [one["reason"] for one in found["continuity"]["open"]] == ["it crossed"]
    rows = {row["symbol"]: row for row in page.data("/api/market/live")}
    assert (rows[YES]["doubt"], rows[YES]["doubt_reason"]) == ("gap", "it crossed")
    assert rows[YES]["doubt_since"] is not None


def test_an_empty_folder_has_nothing_to_say(page: Caller) -> None:
    found = page.data("/api/system")
    assert found["head"] is None
    assert found["feeds"] == []
    assert found["anchor"] == {"state": "missing", "seq": None, "sealed": None, "age_ms": None}
    assert page.data("/api/logs") == []
    answer = page.send("POST", "/api/system/verify", {})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "no_ledger")


def test_a_damaged_anchor_is_said_to_be(page: Caller, tape: Tape, data_dir: Path) -> None:
    busy(tape)
    (data_dir / "anchor.json").write_text("{")
    assert page.data("/api/system")["anchor"]["state"] == "unreadable"


def test_logs_of_both_newest_first_filtered_and_in_pages(page: Caller, data_dir: Path) -> None:
    write_logs(data_dir / "logs", "bot.jsonl", 30, first=30)
    write_logs(data_dir / "logs", "bot.jsonl.1", 30)
    (data_dir / "logs" / "dashboard.jsonl").write_text(
        '{"timestamp":"2026-01-01T00:00:10.500Z","level":"error","event":"from the page"}\n'
        "not json\n"
        '{"timestamp":"2026-01-01T00:00:11.500Z","level":"info","event":"cut o'
    )
    seen, cursor, pages = [], None, 0
    while True:
        body = page.get("/api/logs?limit=7" + (f"&cursor={cursor}" if cursor else "")).get_json()
        seen += body["data"]
        cursor, pages = body["next_cursor"], pages + 1
        if cursor is None:
            break
    assert len(seen) == 61
    assert len({line["id"] for line in seen}) == 61
    assert [line["ts_us"] for line in seen] == sorted((row["ts_us"] for row in seen), reverse=True)
    assert [row["event"] for row in seen].index("from the page") == 60 - 11
    assert seen[0]["event"] == "line 59"
    assert seen[0]["more"] == {"run": "R1"}
    assert pages == 9
    worse = page.data("/api/logs?level=warning&source=bot")
    assert {line["level"] for line in worse} == {"warning", "error"}
    assert len(worse) == 40
    assert [row["event"] for row in page.data("/api/logs?q=PAGE+from")] == ["from the page"]
    assert page.data("/api/logs?source=dashboard&q=line") == []


def test_one_answer_reads_a_bounded_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not found within the bound is looked for behind the cursor, and found."""
    write_logs(tmp_path, "bot.jsonl", 5_000)
    write_logs(tmp_path, "dashboard.jsonl", 400, step_s=12)
    path = tmp_path / "bot.jsonl"
    path.write_text(path.read_text().replace('"line 17"', '"needle"'))
    monkeypatch.setattr(log_reader, "SCANNED_BYTES_MAX", 100_000)
    for words, expected in (("needle", 1), ("line", 5_399)):
        cursor, found, looks = None, 0, 0
        while True:
            lines, cursor = read_logs(tmp_path, Wanted(words=words, before_us=cursor, limit=999))
            found, looks = found + len(lines), looks + 1
            if cursor is None:
                break
        assert found == expected
        assert looks > 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("level=loud", "level"), ("source=kernel", "source"), ("limit=0", "limit"),
        ("limit=1001", "limit"), ("cursor=-1", "cursor"), ("q=", "q"), ("query=a", "query"),
    ],
)  # fmt: skip
def test_wrong_questions_are_refused_by_field(page: Caller, query: str, field: str) -> None:
    answer = page.get(f"/api/logs?{query}")
    assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)


def verified(page: Caller) -> dict[str, object]:
    deadline = time.monotonic() + VERIFIED_S_MAX
    while time.monotonic() < deadline:
        found: dict[str, object] = page.data("/api/system/verify")
        if found["state"] != "running":
            return found
        time.sleep(0.05)
    raise AssertionError("still running")


def test_verification_runs_aside_one_at_a_time(page: Caller, tape: Tape, app: Flask) -> None:
    """Beside a bot that writes: 202 at once, 409 meanwhile, then the report."""
    busy(tape)
    answer = page.send("POST", "/api/system/verify", {})
    assert answer.status_code == 202
    assert answer.get_json()["data"]["state"] == "running"
    again = page.send("POST", "/api/system/verify", {})
    assert (again.status_code, again.get_json()["error"]["code"]) == (409, "under_way")
    found = verified(page)
    assert (found["state"], found["message"]) == ("ok", "")
    assert found["report"]["events"] == tape.ledger.head_seq()
    assert found["report"]["differences"] == []
    assert page.data("/api/system")["verification"] == found


def test_a_tape_that_was_altered_is_told(page: Caller, tape: Tape, data_dir: Path) -> None:
    import sqlite3

    busy(tape)
    tape.close()
    with sqlite3.connect(data_dir / "papertape.db") as connection:
        connection.execute("UPDATE trades SET fee_micros = fee_micros + 1 WHERE seq > 0")
    connection.close()
    page.send("POST", "/api/system/verify", {})
    found = verified(page)
    assert found["state"] == "different"
    assert found["report"]["ok"] is False
    assert any("fee_micros" in line for line in found["report"]["differences"])


def test_a_verification_ends_with_the_dashboard(page: Caller, tape: Tape, app: Flask) -> None:
    busy(tape)
    page.send("POST", "/api/system/verify", {})
    app.extensions["papertape"].verifier.close()
    assert page.data("/api/system/verify")["state"] == "never"
