"""The live line: a client that follows docs/socket.md has every trade once, whatever happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from tests.dashboard.followers import Time, join, line_of, turn
from tests.dashboard.tapes import NO, YES, Tape

from papertape.dashboard.topics import TOPICS
from papertape.dashboard.websocket_server import (
    LiveLine,
    broadcast_updates,
    live_data,
    update_live_data,
)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def line(app: Flask, time: Time) -> LiveLine:
    return line_of(app, time)


def test_dashboard_before_bot(app: Flask, line: LiveLine, time: Time, data_dir: Path) -> None:
    turn(line, time)
    client = join(app)
    assert client.state["status"]["bot"]["state"] == "never"
    tape = Tape(data_dir)
    tape.trade()
    tape.quote(4_000, 4_100)
    tape.flush()
    turn(line, time)
    client.hear()
    assert client.trades == ["F1"]
    assert client.prices == {YES: 0.4, NO: None}
    assert client.state["status"]["bot"]["state"] == "running"
    assert client.gaps == 0
    tape.close()


def test_snapshot_holds_what_the_doc_says(app: Flask, line: LiveLine, time: Time, tape: Tape):
    tape.trade()
    tape.refuse()
    tape.flush()
    turn(line, time)
    state = join(app).state
    assert set(state) == {
        "seq", "ledger_id", "lines", "status", "portfolio", "trades", "strategies", "alerts",
        "markets", "charts", "activity",
    }  # fmt: skip
    assert set(state["charts"]) == {"allocation", "distribution", "cumulative", "pnl", "strategies"}
    assert state["lines"] == dict.fromkeys(TOPICS, state["seq"])
    assert state["activity"]["refusals_by_reason"] == {"stale_book": 1}
    assert state["portfolio"]["summary"]["trades_count"] == 1


def test_a_fill_is_sent_in_the_same_turn(app: Flask, line: LiveLine, time: Time, tape: Tape):
    tape.flush()
    turn(line, time)
    client = join(app)
    tape.trade()
    tape.flush()
    turn(line, time, 0.0)
    client.hear()
    assert client.trades == ["F1"]


def test_prices_are_conflated_and_fills_are_not(app: Flask, line: LiveLine, time: Time, tape: Tape):
    tape.flush()
    turn(line, time)
    client = join(app)
    heard = 0
    for step in range(100):
        tape.trade(lots=1)
        tape.quote(4_000 + 100 * (step % 10), 6_000)
        tape.flush()
        turn(line, time, 0.01)
        received = client._client.get_received()
        heard += sum(message["name"] == "market_update" for message in received)
        for message in received:
            if message["name"] == "trades_update":
                client._update("trades", message["args"][0])
    assert heard <= 11
    assert len(client.trades) == 100


def test_heartbeat_every_five_seconds(app: Flask, line: LiveLine, time: Time, tape: Tape) -> None:
    tape.flush()
    turn(line, time)
    client = join(app)
    client.hear()
    beats = 0
    for _ in range(200):
        turn(line, time, 0.1)
        for message in client._client.get_received():
            if message["name"] == "status_update":
                beats += 1
                data = message["args"][0]
                assert data["seq_to"] == tape.ledger.head_seq()
                assert set(data["data"]["lines"]) == set(TOPICS)
    assert 3 <= beats <= 5


def test_another_ledger_begins_a_new_story(
    app: Flask, line: LiveLine, time: Time, data_dir: Path
) -> None:
    tape = Tape(data_dir)
    for _ in range(5):
        tape.trade()
    tape.flush()
    turn(line, time)
    client = join(app)
    assert len(client.trades) == 5
    tape.close()
    for file in data_dir.iterdir():
        file.unlink()
    other = Tape(data_dir)
    other.trade()
    other.flush()
    turn(line, time)
    client.hear()
    assert client.trades == ["F1"]
    assert client.state["seq"] == other.ledger.head_seq()
    assert client.state["ledger_id"] == other.ledger.ledger_id
    assert client.gaps == 0
    other.close()


def test_a_new_run_begins_with_a_snapshot(app: Flask, line: LiveLine, time: Time, tape: Tape):
    tape.trade()
    tape.flush()
    turn(line, time)
    client = join(app)
    tape.start("R2", fresh=True)
    tape.trade("BUY", 5, 4_000)
    tape.flush()
    turn(line, time)
    client.hear()
    assert client.trades == ["F2"]
    assert client.snapshots == 2
    assert client.state["portfolio"]["summary"]["trades_count"] == 1


def test_subscriptions(app: Flask, line: LiveLine, time: Time, tape: Tape) -> None:
    tape.flush()
    turn(line, time)
    some, every = join(app), join(app)
    some.send("subscribe", {"topics": ["trades", "market"], "symbols": [NO]})
    some.hear()
    tape.trade()
    tape.quote(4_000, 4_100)
    tape.quote(5_000, 5_100, symbol=NO)
    tape.flush()
    turn(line, time)
    names = {message["name"] for message in some._client.get_received()}
    assert names == {"trades_update", "market_update", "status_update"}
    every.hear()
    assert every.prices == {YES: 0.4, NO: 0.5}
    some.send("resync")
    some.hear()
    assert some.trades == ["F1"]
    wrong: list[object] = [
        5, {"topics": ["trdes"]}, {"topics": "trades"}, {"symbols": [""]}, {"symbol": []},
        {"topics": [["trades"]]}, {"symbols": ["a" * 201]},
    ]  # fmt: skip
    for data in wrong:
        some.send("subscribe", data)
    some.send("buy", {"symbol": YES})
    some.hear()
    assert len(some.refused) == len(wrong) + 1
    assert "trades" in some.refused[1]["message"]
    assert some.refused[-1]["code"] == "unknown_event"


def test_notification_reaches_open_pages(app: Flask, page: Any, line: LiveLine, time: Time):
    turn(line, time)
    client = join(app)
    sent = page.send("POST", "/api/notifications/send", {"message": "look", "level": "success"})
    assert "1 open pages" in sent.get_json()["data"]["results"][0]["detail"]
    client.hear()
    assert [(note["message"], note["level"]) for note in client.notes] == [("look", "success")]


def test_many_trades_at_once_come_in_parts(app: Flask, line: LiveLine, time: Time, tape: Tape):
    tape.flush()
    turn(line, time)
    client = join(app)
    for _ in range(500):
        tape.trade(lots=1)
    tape.flush()
    turn(line, time)
    client.hear()
    assert len(client.trades) == len(set(client.trades)) == 500
    assert client.gaps == 0


def test_names_for_scripts(app: Flask, tape: Tape) -> None:
    tape.trade()
    tape.flush()
    assert update_live_data() == tape.ledger.head_seq()
    assert live_data["portfolio"]["summary"]["trades_count"] == 1
    assert set(live_data) >= {"seq", "status", "portfolio", "trades", "strategies", "alerts"}
    client = join(app)
    tape.trade()
    tape.flush()
    broadcast_updates()
    client.hear()
    assert client.trades == ["F2", "F1"]
