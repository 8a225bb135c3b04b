"""Joining: whatever the order of things, a client has every trade once and meets no gap."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.dashboard.followers import Follower, Time, join, line_of, turn
from tests.dashboard.tapes import Tape

from papertape.dashboard.app import create_app
from papertape.dashboard.settings import DashboardSettings
from papertape.model.events import AlertRaised

PORT = 5001


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
