"""The live line to pages: a snapshot, then numbered deltas (docs/socket.md is the promise).

Each topic is a line of its own over the ledger's numbers: an update says which records it covers,
and begins right behind the topic's last one. So a client joins with one number per topic, a quiet
topic costs nothing, and whatever is not a record (prices, ages) travels as an empty range. Before a
snapshot goes to one client the open stretches are closed for all, so that ranges never overlap.

`live_data`, `update_live_data` and `broadcast_updates` are the same thing for scripts that drive a
dashboard themselves: pull what is new, look at it, send it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import structlog
from flask import Flask, request
from flask_socketio import SocketIO

from papertape import __version__
from papertape.dashboard import charts, picture, strict_json
from papertape.dashboard.alarms import Alarms
from papertape.dashboard.clients import Clients
from papertape.dashboard.follower import Follower, Round
from papertape.dashboard.topics import (
    ALARMS_MS,
    ALERTS,
    BEAT_MS,
    BOARD_MS,
    CHANGES,
    GAP_MS,
    HEARTBEAT_MS,
    IDLE_MS,
    LOOP_MS,
    MARKETS,
    MARKS_GAP_MS,
    TOPICS,
    TRADES_PER_MESSAGE,
)
from papertape.errors import InvalidInputError

log = structlog.get_logger("papertape.dashboard")


class LiveLine:
    """Sends what changed to the pages that follow."""

    def __init__(
        self,
        socketio: SocketIO,
        follower: Follower,
        alarms: Alarms,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Speak for one follower; intervals are kept by a clock that never jumps."""
        self.socketio = socketio
        self.follower = follower
        self._alarms = alarms
        self._monotonic_s = monotonic_s
        self.clients = Clients(socketio, TOPICS)
        self._lines = dict.fromkeys(TOPICS, 0)
        self._dirty: set[str] = set()
        self._moved: set[str] = set()  # symbols whose row changed
        self._marked = False  # prices moved what is held
        self._spoke_ms = dict.fromkeys((*TOPICS, "board", "heartbeat", "alarms"), -1e12)
        self._market_states: dict[str, str] = {}
        self._alive: tuple[str, ...] = ()
        self.breathe: Callable[[], object] = lambda: None  # lets the writers write

    # --- reading --------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return the status with what the line itself knows."""
        return picture.status(self.follower) | {
            "lines": dict(self._lines),
            "version": __version__,
            "sockets": len(self.clients),
            "open_alerts": self._alarms.open_count(),
        }

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state, as a page gets it on connect."""
        seen = self.follower
        return {
            "seq": seen.view.seq,
            "ledger_id": seen.ledger_id,
            "lines": dict(self._lines),
            "status": self.status(),
            "portfolio": picture.portfolio(seen),
            "trades": picture.trades(seen),
            "strategies": picture.strategies(seen),
            "alerts": self._alarms.newest(),
            "markets": picture.markets(seen),
            "charts": charts.all_charts(seen),
            "activity": picture.activity(seen),
        }

    # --- sending --------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Pull and send once; return whether more records are waiting."""
        now_ms = self._monotonic_s() * 1_000
        if now_ms - self._spoke_ms["board"] >= BOARD_MS:
            self._spoke_ms["board"] = now_ms
            self._look_at_board(now_ms)
        found = self.follower.pump()
        if found is not None:
            self._take(found)
            self.breathe()  # trades are on their way before the rest is computed
        if now_ms - self._spoke_ms["alarms"] >= ALARMS_MS:
            self._spoke_ms["alarms"] = now_ms
            self._look_at_alarms()
        if self.follower.ready:
            self.flush(now_ms)
        self.clients.cut_slow(now_ms)
        return found is not None and found.more

    def _look_at_alarms(self) -> None:
        before = self._alarms.open_count()
        raised = self._alarms.look()
        if raised:
            self.tell_alerts(raised)
        elif self._alarms.open_count() != before:
            self._dirty.add("status")

    def tell_alerts(self, rows: list[dict[str, Any]]) -> None:
        """Send alerts that are news beside the tape: raised by rules, or marked by a person."""
        message = {"seq_from": self._lines["alerts"] + 1, "seq_to": self._lines["alerts"]}
        if self.clients.follow("alerts"):
            self.socketio.emit("alerts_update", message | {"data": rows}, to="alerts")
        self._dirty.add("status")

    def _look_at_board(self, now_ms: float) -> None:
        beat = self.follower.heartbeat
        moved = self.follower.look_at_board()
        held = {symbol for _, symbol in self.follower.view.portfolio.accounts.positions}
        self._moved |= moved
        self._marked = self._marked or bool(moved & held)
        alive = picture.vital_signs(self.follower)
        beaten = beat != self.follower.heartbeat
        if alive != self._alive or (beaten and now_ms - self._spoke_ms["status"] >= BEAT_MS):
            self._alive = alive
            self._dirty.add("status")

    def _take(self, found: Round) -> None:
        if not self.follower.ready:
            return
        if found.reset:
            self.restart()
            return
        if found.trades:
            self._send_trades(found.trades)
        if found.kinds & ALERTS:
            fresh = picture.alerts(self.follower, self._lines["alerts"])
            if fresh:
                self._alarms.keep()
                self._send("alerts", fresh)
        if found.kinds & MARKETS:
            self._moved |= self._unlike_sent()
        self._dirty |= {topic for topic, kinds in CHANGES.items() if found.kinds & kinds}
        self._dirty.add("status")

    def restart(self) -> None:
        """Give everybody a snapshot: the story began anew, or jumped."""
        self._lines = dict.fromkeys(TOPICS, self.follower.view.seq)
        self._dirty.clear()
        self._moved = self._unlike_sent()
        if len(self.clients):
            self.socketio.emit("snapshot", self.snapshot())

    def flush(self, now_ms: float) -> None:
        """Send every topic that has something to say and may speak again."""
        self._heartbeat(now_ms)
        if self._marked and now_ms - self._spoke_ms["portfolio"] >= MARKS_GAP_MS:
            self._dirty.add("portfolio")
        for topic in ("portfolio", "strategies", "activity", "charts"):
            if topic in self._dirty and self._may_speak(topic, now_ms):
                self._dirty.discard(topic)
                self._send(topic, self._whole(topic))
                if topic == "portfolio":
                    self._marked = False
        if (self._moved or "market" in self._dirty) and self._may_speak("market", now_ms):
            self._dirty.discard("market")
            self._send_markets()
        if "status" in self._dirty and self._may_speak("status", now_ms):
            self._dirty.discard("status")
            self._send_status()

    def _heartbeat(self, now_ms: float) -> None:
        if now_ms - self._spoke_ms["heartbeat"] >= HEARTBEAT_MS:
            self._spoke_ms["heartbeat"] = now_ms
            self._moved |= self._unlike_sent()
            self._dirty.add("status")

    def _may_speak(self, topic: str, now_ms: float) -> bool:
        if now_ms - self._spoke_ms[topic] < GAP_MS[topic]:
            return False
        self._spoke_ms[topic] = now_ms
        return True

    def _whole(self, topic: str) -> Any:
        if topic == "portfolio":
            return picture.portfolio(self.follower)
        if topic == "strategies":
            return picture.strategies(self.follower)
        if topic == "activity":
            return picture.activity(self.follower)
        return charts.all_charts(self.follower)

    def _send(self, topic: str, data: Any, to_seq: int | None = None) -> None:
        seq = self.follower.view.seq if to_seq is None else to_seq
        message = {"seq_from": self._lines[topic] + 1, "seq_to": seq, "data": data}
        self._lines[topic] = seq
        if self.clients.follow(topic):
            self.socketio.emit(f"{topic}_update", message, to=topic)

    def _send_trades(self, count: int) -> None:
        rows = picture.trades(self.follower, min(count, picture.TRADES_AT_ONCE_MAX))
        rows = [row for row in rows if row["seq"] > self._lines["trades"]]
        while len(rows) > TRADES_PER_MESSAGE:
            rows, oldest = rows[:-TRADES_PER_MESSAGE], rows[-TRADES_PER_MESSAGE:]
            self._send("trades", oldest, to_seq=oldest[0]["seq"])
        if rows:
            self._send("trades", rows)

    def _send_status(self) -> None:
        # the line is closed first, so that `lines` in the data includes this message
        message = {"seq_from": self._lines["status"] + 1, "seq_to": self.follower.view.seq}
        self._lines["status"] = self.follower.view.seq
        if self.clients.follow("status"):
            self.socketio.emit("status_update", message | {"data": self.status()}, to="status")

    def _send_markets(self) -> None:
        moved, self._moved = self._moved, set()
        seq = self.follower.view.seq
        message = {"seq_from": self._lines["market"] + 1, "seq_to": seq}
        self._lines["market"] = seq
        rows = {row["id"]: row for row in picture.markets(self.follower, moved)}
        self._market_states.update((key, row["state"]) for key, row in rows.items())
        self.clients.send_markets(message, rows, lambda late: picture.markets(self.follower, late))

    def _unlike_sent(self) -> set[str]:
        """Return the symbols whose state (live, stale, settled) is not what was sent last."""
        rows = picture.markets(self.follower)
        return {row["id"] for row in rows if row["state"] != self._market_states.get(row["id"])}

    def close_lines(self) -> None:
        """Bring every topic to the newest number, for all who follow."""
        seq = self.follower.view.seq
        self._dirty.clear()
        for topic in TOPICS:
            if self._lines[topic] >= seq:
                continue
            if topic in ("trades", "alerts"):
                self._send(topic, [])
            elif topic == "market":
                self._send_markets()
            elif topic == "status":
                self._send_status()
            else:
                self._send(topic, self._whole(topic))

    def greet(self, sid: str) -> None:
        """Give one client a snapshot."""
        self.close_lines()
        self.socketio.emit("snapshot", self.snapshot(), to=sid)


class LiveData(Mapping[str, Any]):
    """The newest state as pages see it; empty until a dashboard runs in this process."""

    def __init__(self) -> None:
        """Belong to no dashboard yet."""
        self.line: LiveLine | None = None

    def __getitem__(self, key: str) -> Any:
        if self.line is None:
            raise KeyError(key)
        return self.line.snapshot()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.line.snapshot() if self.line else ())

    def __len__(self) -> int:
        return len(self.line.snapshot()) if self.line else 0


live_data = LiveData()


def update_live_data() -> int:
    """Pull what the tape and the board hold; return the number of the newest record."""
    line = live_data.line
    if line is None:
        return 0
    line.follower.refresh()
    return line.follower.view.seq


def broadcast_updates() -> int:
    """Pull once and send the pages what changed; return the number of the newest record."""
    line = live_data.line
    if line is None:
        return 0
    while line.tick():
        continue
    return line.follower.view.seq


def run_line(line: LiveLine, wait: Callable[[float], object], stopped: Callable[[], bool]) -> None:
    """Keep pages current until `stopped`; `wait` sleeps up to so many seconds or until the bell."""
    line.follower.driven = True
    while not stopped():
        try:
            more = line.tick()
        except Exception as error:  # the loop is the root of its task
            log.exception("the live line stumbled")
            line.follower.fail(f"{type(error).__name__}: {error}")
            more = False
        busy_ms = LOOP_MS if len(line.clients) else IDLE_MS
        wait(0 if more else busy_ms / 1_000)


def init_socketio(app: Flask, *, async_mode: str = "threading", **options: Any) -> SocketIO:
    """Give the application its Socket.IO server, behind the gate's rules, and return it."""
    state = app.extensions["papertape"]
    socketio = SocketIO(
        app,
        async_mode=async_mode,
        cors_allowed_origins=sorted(state.settings.origins),
        transports=["websocket"],
        allow_upgrades=False,
        max_http_buffer_size=strict_json.BODY_BYTES_MAX,
        ping_interval=10,
        ping_timeout=5,
        http_compression=False,
        manage_session=False,
        always_connect=False,
        cookie=None,
        json=strict_json,
        logger=False,
        engineio_logger=False,
        **options,
    )
    line = LiveLine(socketio, state.follower, state.alarms)
    state.line = live_data.line = line
    _Handlers(socketio, line)
    return socketio


class _Handlers:
    """Answers what pages send."""

    def __init__(self, socketio: SocketIO, line: LiveLine) -> None:
        self._socketio = socketio
        self._line = line
        for name in ("connect", "disconnect", "resync", "subscribe"):
            socketio.on_event(name, getattr(self, name))
        socketio.on_event("*", self.unknown)

    def connect(self, *_: object) -> None:
        # the client hears nothing before its connect is answered, so the greeting comes after
        self._socketio.start_background_task(self._welcome, _sid())

    def _welcome(self, sid: str) -> None:
        if not self._line.follower.driven:
            self._line.follower.refresh()
        if self._line.clients.wait_for(sid):
            self._line.greet(sid)
            self._line.clients.add(sid)

    def disconnect(self, *_: object) -> None:
        self._line.clients.remove(_sid())

    def resync(self, *_: object) -> None:
        self._line.greet(_sid())

    def subscribe(self, *wanted: object) -> None:
        try:
            choice = self._line.clients.checked(wanted[0] if wanted else {})
        except InvalidInputError as error:
            self._refuse("invalid", str(error), error.field)
            return
        # the snapshot first: a topic that was silent must not speak before it
        self._line.greet(_sid())
        self._line.clients.choose(_sid(), choice)

    def unknown(self, event: str, *_: object) -> None:
        self._refuse("unknown_event", "send resync or subscribe", "event")

    def _refuse(self, code: str, message: str, field: str) -> None:
        refusal = {"code": code, "message": message, "field": field}
        self._socketio.emit("refused", refusal, to=_sid())


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined]
