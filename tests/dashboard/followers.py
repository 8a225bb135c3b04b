"""A client of the live line written from docs/socket.md alone, and a clock that tests move."""

from __future__ import annotations

from typing import Any

from flask import Flask

from papertape.dashboard.topics import TOPICS
from papertape.dashboard.websocket_server import LiveLine


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
