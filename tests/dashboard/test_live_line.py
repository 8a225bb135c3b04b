"""The live line: a client that follows docs/socket.md has every trade once, whatever happens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.dashboard.tapes import NO, YES, Tape

from papertape.dashboard.app import create_app
from papertape.dashboard.settings import DashboardSettings
from papertape.dashboard.topics import TOPICS
from papertape.dashboard.websocket_server import (
    LiveLine,
    broadcast_updates,
    live_data,
    update_live_data,
)
from papertape.model.events import AlertRaised

PORT = 5001


class Follower:
    """A client, written from docs/socket.md alone."""

    def __init__(self, app: Flask) -> None:
        self._socketio = app.extensions["socketio"]
        self._client = self._socketio.test_client(app)
        self.mine = dict.fromkeys(TOPICS, 0)
        self.state: dict[str, Any] = {}
        self.trades: list[str] = []
        self.alerts: list[str] = []
        self.prices: dict[str, float] = {}
        self.gaps = 0
        self.snapshots = 0
        self.notes: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []

    def hear(self) -> None:
        """Take what has come."""
        for message in self._client.get_received():
            name, data = message["name"], message["args"][0]
            if name == "snapshot":
                self._snapshot(data)
            elif name == "notification":
                self.notes.append(data)
            elif name == "refused":
                self.refused.append(data)
            else:
                self._update(name.removesuffix("_update"), data)

    def _snapshot(self, data: dict[str, Any]) -> None:
        self.snapshots += 1
        self.mine = dict.fromkeys(TOPICS, data["seq"])
        self.state = data
        self.trades = [row["id"] for row in data["trades"]]
        self.alerts = [row["id"] for row in data["alerts"]]
        self.prices = {row["id"]: row["bid"] for row in data["markets"]}

    def _update(self, topic: str, message: dict[str, Any]) -> None:
        first, last, data = message["seq_from"], message["seq_to"], message["data"]
        if first <= last:
            if last <= self.mine[topic]:
                return
            if first != self.mine[topic] + 1:
                self.gaps += 1
                return
            self.mine[topic] = last
        if topic == "trades":
            self.trades[:0] = [row["id"] for row in data]
        elif topic == "alerts":
            self.alerts[:0] = [row["id"] for row in data]
        elif topic == "market":
            self.prices.update((row["id"], row["bid"]) for row in data)
        else:
            self.state[topic] = data

    def send(self, event: str, *data: object) -> None:
        self._client.emit(event, *data)

    def leave(self) -> None:
        self._client.disconnect()


class Time:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def line_of(app: Flask, time: Time) -> LiveLine:
    """Return the application's live line on a clock of ours; nobody else drives it."""
    state = app.extensions["papertape"]
    state.follower.driven = True
    state.line._monotonic_s = time
    line = state.line
    assert isinstance(line, LiveLine)
    return line


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def line(app: Flask, time: Time) -> LiveLine:
    return line_of(app, time)


def turn(line: LiveLine, time: Time, passed_s: float = 2.0) -> None:
    """Let time pass and the line say everything."""
    time.now_s += passed_s
    while line.tick():
        continue


def join(app: Flask) -> Follower:
    """Return a client that has its first snapshot."""
    client = Follower(app)
    for _ in range(200):
        client.hear()
        if client.snapshots:
            return client
        app.extensions["socketio"].sleep(0.01)
    raise AssertionError("no snapshot")


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


class Joining(RuleBasedStateMachine):
    """Any order of trades, alerts, prices, turns, arrivals and resyncs."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.data_dir = Path(self.folder.name) / "data"
        self.app = create_app(DashboardSettings(data_dir=self.data_dir, port=PORT))
        self.time = Time()
        self.line = line_of(self.app, self.time)
        self.tape = Tape(self.data_dir)
        self.clients: list[Follower] = []
        self.alerts = 0

    @rule(count=st.integers(1, 5))
    def trade(self, count: int) -> None:
        for _ in range(count):
            self.tape.trade(lots=1)

    @rule()
    def alert(self) -> None:
        self.alerts += 1
        self.tape.put(AlertRaised(severity="info", title="t", message="m"))

    @rule(price=st.integers(1, 90))
    def price(self, price: int) -> None:
        self.tape.quote(price * 100, price * 100 + 500)

    @rule()
    def refuse(self) -> None:
        self.alerts += 1
        self.tape.refuse()

    @rule(passed_s=st.sampled_from([0.0, 0.03, 0.2, 1.0, 6.0]))
    def pass_time(self, passed_s: float) -> None:
        self.tape.flush()
        turn(self.line, self.time, passed_s)

    @precondition(lambda self: len(self.clients) < 3)
    @rule()
    def arrive(self) -> None:
        self.clients.append(join(self.app))

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def resync(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.clients)).send("resync")

    @precondition(lambda self: self.clients)
    @rule()
    def leave(self) -> None:
        self.clients.pop().leave()

    @invariant()
    def nobody_meets_a_gap(self) -> None:
        for client in self.clients:
            client.hear()
            assert client.gaps == 0

    @invariant()
    def everybody_ends_up_right(self) -> None:
        if not self.clients:
            return
        self.pass_time(6.0)
        view = self.line.follower.view
        for client in self.clients:
            client.hear()
            expected = [f"F{n}" for n in range(self.tape.number, 0, -1)]
            fills = [f"F{n}" for n in self._fills()]
            assert set(fills) <= set(expected)
            assert client.trades[:100] == fills[:100]
            assert len(client.alerts) == self.alerts
            assert client.state["status"]["lines"]["trades"] <= client.mine["trades"]
            summary = client.state["portfolio"]["summary"]
            assert summary == view.portfolio.get_summary() | {"mode": "SIMULATED"}

    def _fills(self) -> Iterator[int]:
        rows = self.line.follower.view.trades.get_recent_trades(10_000)
        return (int(row["id"][1:]) for row in rows)

    def teardown(self) -> None:
        self.tape.close()
        self.app.extensions["papertape"].follower.close()
        self.folder.cleanup()


TestJoining = Joining.TestCase
TestJoining.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
