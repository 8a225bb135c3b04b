"""Exports and notifications: complete, safe for spreadsheets, each channel with its result."""

from __future__ import annotations

import csv
import io

import pyarrow.parquet as pq
from tests.dashboard.conftest import Caller
from tests.dashboard.tapes import Tape, busy

from papertape.model.events import AlertRaised


def test_exports_hold_every_trade(page: Caller, tape: Tape) -> None:
    busy(tape)
    tape.settle()
    tape.flush()
    listed = page.data("/api/trades?sort=time")
    answer = page.get("/api/export/trades")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "SIMULATED" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [row["id"] for row in rows] == [row["id"] for row in listed]
    assert [float(row["notional"]) for row in rows] == [row["notional"] for row in listed]
    assert {row["mode"] for row in rows} == {"SIMULATED"}
    whole = page.get("/api/export/trades?format=json").get_json()
    assert [row["id"] for row in whole["trades"]] == [row["id"] for row in listed]
    table = pq.read_table(io.BytesIO(page.get("/api/export/trades?format=parquet").data))
    assert table.column("id").to_pylist() == [row["id"] for row in listed]
    assert table.column("fee").to_pylist() == [row["fee"] for row in listed]


def test_export_of_the_portfolio(page: Caller, tape: Tape) -> None:
    busy(tape)
    rows = list(
        csv.DictReader(io.StringIO(page.get("/api/export/portfolio").get_data(as_text=True)))
    )
    assert [row["symbol"] for row in rows][-1] == "cash"
    assert float(rows[-1]["value"]) == tape.books.cash_micros / 1e6
    whole = page.get("/api/export/portfolio?format=json").get_json()
    assert whole["summary"] == page.data("/api/portfolio")["summary"]
    assert len(whole["portfolio"]) == 2
    assert page.get("/api/export/portfolio?format=parquet").status_code == 200


def test_every_table_goes_out_in_every_form(page: Caller, tape: Tape) -> None:
    """What is on screen, filtered as it is there, with numbers as numbers in Parquet."""
    busy(tape)
    page.data("/api/journal/trades")
    for path, columns in (
        ("signals?state=refused", {"code": "string", "seq": "int64"}),
        ("journal?strategy=momentum", {"pnl": "double", "reason": "string"}),
        ("leaderboard?period=all", {"net_pnl": "double", "strategy": "string"}),
        ("analytics?strategy=momentum", {"value": "double", "formula": "string"}),
        ("backtests?q=none", {"sharpe": "string"}),
    ):
        mark = "&" if "?" in path else "?"
        lines = page.get(f"/api/export/{path}").get_data(as_text=True).splitlines()
        found = page.get(f"/api/export/{path}{mark}format=json").get_json()
        body = page.get(f"/api/export/{path}{mark}format=parquet").get_data()
        table = pq.read_table(io.BytesIO(body))
        name = path.partition("?")[0]
        assert table.num_rows == len(found[name]) == len(lines) - 1, path
        for column, kind in columns.items():
            assert str(table.schema.field(column).type) == kind, (path, column)
    [refused] = page.get("/api/export/signals?state=refused&format=json").get_json()["signals"]
    assert refused["code"] == "stale_book"


def test_no_cell_is_a_formula(page: Caller, tape: Tape) -> None:
    for number, start in enumerate("=+-@\t\r"):
        tape.trade(lots=100, strategy=f"{start}cmd|' /C calc'!A{number}")
    tape.flush()
    text = page.get("/api/export/trades").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 6
    assert all(row["strategy"].startswith("'") for row in rows)


def test_long_exports_are_complete(page: Caller, tape: Tape) -> None:
    for _ in range(1_203):
        tape.trade(lots=1)
    tape.flush()
    text = page.get("/api/export/trades").get_data(as_text=True)
    assert len(text.splitlines()) == 1_204
    assert len(page.get("/api/export/trades?format=json").get_json()["trades"]) == 1_203


def test_notifications_answer_per_channel(page: Caller) -> None:
    sent = page.send("POST", "/api/notifications/send", {"message": "hi", "channels": ["log"]})
    assert sent.status_code == 202
    assert sent.get_json()["data"]["results"][0]["ok"] is True
    both = page.send(
        "POST",
        "/api/notifications/send",
        {"message": "hi", "title": "t", "level": "warning", "channels": ["browser", "log"]},
    )
    assert [r["channel"] for r in both.get_json()["data"]["results"]] == ["browser", "log"]
    for wrong, field in (
        ({}, "message"),
        ({"message": ""}, "message"),
        ({"message": "a" * 1_001}, "message"),
        ({"message": "a", "level": "fatal"}, "level"),
        ({"message": "a", "channels": ["brwser"]}, "channels"),
        ({"message": "a", "channels": []}, "channels"),
        ({"message": "a", "channels": "log"}, "channels"),
        ({"message": "a", "chanels": ["log"]}, "chanels"),
        ({"message": 1}, "message"),
    ):
        answer = page.send("POST", "/api/notifications/send", wrong)
        assert answer.status_code == 422, wrong
        assert answer.get_json()["error"]["field"] == field


def test_hostile_texts_stay_texts(page: Caller, tape: Tape) -> None:
    nasty = "</script><img src=x onerror=alert(1)>"
    tape.put(AlertRaised(severity="error", title=nasty, message=nasty))
    tape.flush()
    assert page.data("/api/alerts")[0]["title"] == nasty
    assert page.get("/api/alerts").headers["Content-Type"] == "application/json; charset=utf-8"
