"""Alerts over HTTP and the live line: rules field by field, history, delivery, the bot's death."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from tests.dashboard.conftest import PORT, Caller, Running
from tests.dashboard.tapes import YES, Tape

from papertape.clock import NS_PER_S
from papertape.config import Notifications
from papertape.dashboard.app import create_app
from papertape.dashboard.settings import DashboardSettings
from papertape.model.events import StrategyStateChanged

FILL = {"kind": "fill", "cooldown_s": 0, "severity": "info"}
DRAWDOWN = {"kind": "drawdown", "percent": 5, "cooldown_s": 600,
            "quiet": {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}}  # fmt: skip


@pytest.fixture
def app(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Return an application with one channel beside the built-in ones."""
    monkeypatch.setenv("TEST_HOOK", "json://user:hunter2secret@127.0.0.1:9/x")
    notifications = Notifications(urls={"hook": "env:TEST_HOOK", "lost": "env:TEST_LOST"})
    made = create_app(DashboardSettings(data_dir=data_dir, port=PORT, notifications=notifications))
    yield made
    made.extensions["papertape"].follower.close()
    made.extensions["papertape"].desk.close()


def make(page: Caller, form: dict[str, object]) -> dict[str, object]:
    answer = page.send("POST", "/api/alerts/rules", form)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    data: dict[str, object] = answer.get_json()["data"]
    return data


def test_a_rule_is_made_changed_switched_and_deleted(page: Caller, tape: Tape) -> None:
    tape.flush()
    made = make(page, DRAWDOWN)
    assert {name: made[name] for name in DRAWDOWN} == DRAWDOWN
    assert (made["id"], made["severity"], made["enabled"], made["channels"]) == (
        "R1", "warning", True, ["browser"],
    )  # fmt: skip
    path = "/api/alerts/rules/R1"
    changed = page.send("PATCH", path, {"percent": 7.5, "quiet": None}).get_json()["data"]
    assert (changed["percent"], changed["quiet"], changed["cooldown_s"]) == (7.5, None, 600)
    other = page.send("PATCH", path, {"kind": "price", "symbol": YES, "direction": "above",
                                      "price": "0.55"}).get_json()["data"]  # fmt: skip
    assert (other["kind"], other["price"], "percent" in other) == ("price", 0.55, False)
    assert page.send("PATCH", path, {"enabled": False}).get_json()["data"]["enabled"] is False
    assert [rule["id"] for rule in page.data("/api/alerts/rules")] == ["R1"]
    assert page.send("DELETE", path).status_code == 200
    assert page.send("DELETE", path).status_code == 404
    assert page.data("/api/alerts/rules") == []
    assert make(page, FILL)["id"] == "R2"


WRONG = [
    ({}, "kind"), ({"kind": "moon"}, "kind"), ({"kind": "drawdown"}, "percent"),
    ({"kind": "drawdown", "percent": 0}, "percent"),
    ({"kind": "drawdown", "percent": 101}, "percent"),
    ({"kind": "drawdown", "percent": True}, "percent"), ({**DRAWDOWN, "minutes": 3}, "minutes"),
    ({**DRAWDOWN, "perzent": 3}, "perzent"), ({**DRAWDOWN, "severity": "loud"}, "severity"),
    ({**DRAWDOWN, "cooldown_s": -1}, "cooldown_s"), ({**DRAWDOWN, "cooldown_s": 1.5}, "cooldown_s"),
    ({**DRAWDOWN, "cooldown_s": 604_801}, "cooldown_s"), ({**DRAWDOWN, "enabled": 1}, "enabled"),
    ({**DRAWDOWN, "channels": []}, "channels"), ({**DRAWDOWN, "channels": ["fax"]}, "channels"),
    ({**DRAWDOWN, "channels": "browser"}, "channels"), ({**DRAWDOWN, "quiet": "night"}, "quiet"),
    ({**DRAWDOWN, "quiet": {"from": "22:00", "to": "7:00", "time_zone": "UTC"}}, "quiet.to"),
    ({**DRAWDOWN, "quiet": {"from": "22:00", "to": "22:00", "time_zone": "UTC"}}, "quiet.to"),
    ({**DRAWDOWN, "quiet": {"from": "24:00", "to": "22:00", "time_zone": "UTC"}}, "quiet.from"),
    ({**DRAWDOWN, "quiet": {"from": "22:00", "to": "07:00"}}, "quiet.time_zone"),
    ({**DRAWDOWN, "quiet": {"from": "22:00", "to": "07:00", "time_zone": "Mars/X"}},
     "quiet.time_zone"),
    ({**DRAWDOWN, "quiet": {"from": "22:00", "to": "07:00", "time_zone": "../../etc/passwd"}},
     "quiet.time_zone"),
    ({**DRAWDOWN, "quiet": {"from": "22:00", "to": "07:00", "x": 1}}, "quiet.x"),
    ({"kind": "price", "symbol": "none", "direction": "above", "price": 1}, "symbol"),
    ({"kind": "price", "symbol": YES, "direction": "up", "price": 1}, "direction"),
    ({"kind": "price", "symbol": YES, "direction": "above", "price": 0}, "price"),
    ({"kind": "price", "symbol": YES, "direction": "above", "price": "1e5"}, "price"),
    ({"kind": "pnl", "scope": "ever", "direction": "below", "amount": 1}, "scope"),
    ({"kind": "pnl", "scope": "today", "direction": "below", "amount": "much"}, "amount"),
    ({"kind": "feed_stale", "seconds": 4}, "seconds"),
    ({"kind": "strategy", "strategy": 5}, "strategy"),
    ({"kind": "refusals", "percent": 5, "minutes": 0}, "minutes"),
    ({"kind": "strategy", "strategy": "momentun"}, "strategy"),
    ({"kind": "bot_dead", "minutes": 1}, "minutes"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "field"), WRONG, ids=str)
def test_wrong_rules_are_refused_by_field(
    page: Caller, tape: Tape, form: dict[str, object], field: str
) -> None:
    tape.flush()
    answer = page.send("POST", "/api/alerts/rules", form)
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert answer.get_json()["error"]["field"] == field
    assert page.data("/api/alerts/rules") == []


def test_alerts_of_the_tape_are_listed_acknowledged_and_stay_so(
    app: Flask, page: Caller, tape: Tape, data_dir: Path
) -> None:
    tape.refuse()
    tape.flush()
    [alert] = page.data("/api/alerts")
    assert (alert["source"], alert["title"], alert["id"]) == (
        "tape", "Data is late", str(alert["seq"]),
    )  # fmt: skip
    assert page.data("/api/status")["open_alerts"] == 1
    marked = page.send("POST", f"/api/alerts/{alert['id']}/acknowledge", {}).get_json()["data"]
    assert marked["acknowledged_at"]
    again = page.send("POST", f"/api/alerts/{alert['id']}/acknowledge", {}).get_json()["data"]
    assert again["acknowledged_at"] == marked["acknowledged_at"]
    assert page.data("/api/status")["open_alerts"] == 0
    tape.refuse()
    tape.flush()
    assert [bool(row["acknowledged_at"]) for row in page.data("/api/alerts")] == [False, True]
    app.extensions["papertape"].desk.close()
    other = create_app(DashboardSettings(data_dir=data_dir, port=PORT))
    assert [bool(row["acknowledged_at"]) for row in Caller(other).data("/api/alerts")] == [
        False, True,
    ]  # fmt: skip
    other.extensions["papertape"].follower.close()
    other.extensions["papertape"].desk.close()


def test_filters_pages_and_snooze(page: Caller, tape: Tape) -> None:
    for _ in range(5):
        tape.refuse()
    tape.flush()
    rows = page.data("/api/alerts")
    seen, cursor = [], None
    while True:
        path = "/api/alerts?limit=2" + (f"&cursor={cursor}" if cursor else "")
        body = page.get(path).get_json()
        seen += body["data"]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == rows
    assert len(rows) == 5
    first, second = rows[0]["id"], rows[1]["id"]
    assert page.send("POST", f"/api/alerts/{first}/snooze", {"minutes": 60}).status_code == 200
    page.send("POST", f"/api/alerts/{second}/acknowledge", {})
    found = {state: len(page.data(f"/api/alerts?state={state}"))
             for state in ("open", "snoozed", "acknowledged")}  # fmt: skip
    assert found == {"open": 3, "snoozed": 1, "acknowledged": 1}
    assert page.data("/api/alerts?severity=error") == []
    assert page.data("/api/alerts?source=rule") == []
    for body in ({}, {"minutes": 0}, {"minutes": True}, {"until": "soon"}, {"until": 5},
                 {"until": "2001-01-01T00:00:00Z"}, {"hours": 1}):  # fmt: skip
        assert page.send("POST", f"/api/alerts/{first}/snooze", body).status_code == 422, body
    for alert_id in ("A1", "A", "999999", "x", "J1"):
        assert page.send("POST", f"/api/alerts/{alert_id}/acknowledge", {}).status_code == 404
    done = page.send("POST", "/api/alerts/acknowledge", {}).get_json()["data"]
    assert done == {"acknowledged": 4}
    assert page.data("/api/alerts?state=open") == []


def test_a_fill_is_told_once(app: Flask, page: Caller, tape: Tape) -> None:
    tape.trade()
    tape.flush()
    make(page, FILL)
    assert page.data("/api/alerts?source=rule") == []  # what was before the rule is not told
    tape.trade()
    tape.flush()
    [alert] = page.data("/api/alerts?source=rule")
    assert alert["message"] == "momentum: BUY 10 Will it rain? YES at 0.4"
    assert (alert["rule_id"], alert["severity"]) == ("R1", "info")
    assert alert["delivered"]["browser"]["state"] == "sent"
    assert len(page.data("/api/alerts?source=rule")) == 1


def test_a_price_rule_looks_at_the_middle(page: Caller, tape: Tape) -> None:
    tape.quote(4_000, 4_200)
    tape.flush()
    make(page, {"kind": "price", "symbol": YES, "direction": "above", "price": 0.41})
    assert page.data("/api/alerts") == []
    tape.quote(4_000, 4_300)
    [alert] = page.data("/api/alerts")
    assert "is at 0.415, above 0.41" in alert["message"]


def test_a_test_goes_through_every_channel_and_failures_are_listed(
    app: Flask, page: Caller, tape: Tape
) -> None:
    tape.flush()
    make(page, {**FILL, "channels": ["browser", "log", "hook", "lost"]})
    sent = page.send("POST", "/api/alerts/rules/R1/test", {})
    assert sent.status_code == 202
    assert sent.get_json()["data"]["source"] == "test"
    service = app.extensions["papertape"].notifications
    service.deliver_due()
    [alert] = page.data("/api/alerts")
    states = {name: post["state"] for name, post in alert["delivered"].items()}
    assert states["browser"] == states["log"] == "sent"
    assert states["lost"] == "waiting"
    assert alert["delivered"]["lost"]["detail"] == "the environment variable TEST_LOST is not set"
    if states["hook"] == "dead":  # with Apprise: the address leads inward
        [letter] = page.data("/api/alerts/deliveries")
        assert "refused" in letter["detail"]
        again = page.send("POST", f"/api/alerts/deliveries/{letter['id']}/resend", {})
        assert again.status_code == 202
        assert page.data("/api/alerts/deliveries") == []
        assert (
            page.send("POST", f"/api/alerts/deliveries/{letter['id']}/resend", {}).status_code
            == 404
        )


def test_no_answer_holds_an_address(page: Caller, tape: Tape) -> None:
    tape.flush()
    make(page, {**FILL, "channels": ["hook"]})
    paths = ("channels", "rules", "deliveries")
    whole = "".join(page.get(f"/api/alerts/{path}").get_data(as_text=True) for path in paths)
    whole += page.get("/alerts").get_data(as_text=True) + page.get("/api/alerts").get_data(
        as_text=True
    )
    assert "hunter2" not in whole
    assert "TEST_HOOK" not in page.get("/api/alerts/channels").get_data(as_text=True)
    found = {row["name"]: row["ready"] for row in page.data("/api/alerts/channels")["channels"]}
    assert (found["browser"], found["log"], found["lost"]) == (True, True, False)


def test_a_silent_bot_is_noticed_and_a_dashboard_that_slept_waits(
    app: Flask, page: Caller, tape: Tape
) -> None:
    tape.flush()
    tape.board.put([], tape.heartbeat(age_ns=3_600 * NS_PER_S))
    make(page, {"kind": "bot_dead", "severity": "error", "cooldown_s": 0})
    began = time.monotonic()
    told: list[object] = []
    while not told and time.monotonic() - began < 8:
        told = page.data("/api/alerts?source=rule")
        time.sleep(0.1)
    assert 3.5 < time.monotonic() - began < 6  # the heartbeat is old, but we looked only since now
    tape.board.put([], tape.heartbeat())
    assert len(page.data("/api/alerts?source=rule")) == 1


@pytest.mark.slow
def test_the_dashboard_tells_of_a_dead_bot_by_itself(
    tape: Tape, start: Callable[[Path], Running], data_dir: Path, app: Flask, page: Caller
) -> None:
    """Without any page open, within five seconds of the last heartbeat and a look."""
    tape.board.put([], tape.heartbeat())
    tape.flush()
    make(page, {"kind": "bot_dead", "severity": "error"})
    app.extensions["papertape"].desk.close()
    running = start(data_dir)
    tape.board.put([], tape.heartbeat())
    began, told = time.monotonic(), b""
    while b"No sign of life" not in told and time.monotonic() - began < 10:
        time.sleep(0.1)
        told = running.get("/api/alerts?source=rule")[1]
    assert time.monotonic() - began < 6
    assert list(data_dir.glob("dashboard-*.beat"))
    running.stop()
    assert not list(data_dir.glob("dashboard-*.beat"))


def test_a_desk_that_cannot_be_read_costs_the_alerts_only(
    app: Flask, page: Caller, tape: Tape, data_dir: Path
) -> None:
    """The page is told why; everything else, and the tape's own alerts on the line, go on."""
    with sqlite3.connect(data_dir / "desk.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    tape.refuse()
    tape.flush()
    answer = page.get("/api/alerts")
    assert (answer.status_code, "newer papertape" in answer.get_data(as_text=True)) == (503, True)
    assert page.send("POST", "/api/alerts/rules", FILL).status_code == 503
    assert page.data("/api/status")["open_alerts"] == 0
    here = app.extensions["papertape"]
    assert [row["title"] for row in here.line.snapshot()["alerts"]] == ["Data is late"]


def test_strategies_of_earlier_runs_have_not_stopped(page: Caller, tape: Tape) -> None:
    tape.trade(strategy="long_gone")
    tape.start("R2", fresh=False)
    tape.put(StrategyStateChanged(strategy="long_gone", state="stopped"))
    tape.board.put([], tape.heartbeat(run_id="R2"))
    tape.flush()
    make(page, {"kind": "strategy", "cooldown_s": 0})
    assert page.data("/api/alerts?source=rule") == []
    tape.put(StrategyStateChanged(strategy="momentum", state="disabled", reason="it raised"))
    tape.flush()
    tape.board.put([], tape.heartbeat(run_id="R2"))
    [alert] = page.data("/api/alerts?source=rule")
    assert alert["message"] == "momentum is disabled: it raised"
