"""The pages that follow: what each wants to hear, and which of them no longer listen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask_socketio import SocketIO

from papertape.errors import InvalidInputError, nearest_match

log = structlog.get_logger("papertape.dashboard")

QUEUE_MESSAGES_MAX = 32
QUEUE_BYTES_MAX = 1_000_000
SLOW_MS_MAX = 2_000  # over either limit for so long, and the client is cut
LAGGING_MESSAGES = 4  # from here on prices wait until the client has caught up
SYMBOLS_MAX = 1_000
CONNECT_LOOKS = 100  # for the answer to a connect to be on its way, a second in all
CONNECT_LOOK_S = 0.01
SYMBOL_CHARS_MAX = 200

Row = dict[str, Any]
Choice = tuple[frozenset[str], frozenset[str] | None]
"""(topics, symbols or all)"""


@dataclass
class Client:
    """One page."""

    sid: str
    topics: frozenset[str]
    symbols: frozenset[str] | None = None
    late: set[str] = field(default_factory=set)  # prices it was not sent because it lagged
    slow_since_ms: float | None = None


class Clients:
    """All pages; a room per topic, and the queues behind them."""

    def __init__(self, socketio: SocketIO, topics: Sequence[str]) -> None:
        """Begin with nobody."""
        self._socketio = socketio
        self._topics = frozenset(topics)
        self._clients: dict[str, Client] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def follow(self, topic: str) -> bool:
        """Return whether anybody follows the topic."""
        return any(topic in client.topics for client in list(self._clients.values()))

    def wait_for(self, sid: str) -> bool:
        """Wait until a page's connect is answered; False if it has left meanwhile."""
        manager = self._socketio.server.manager
        for _ in range(CONNECT_LOOKS):
            if manager.is_connected(sid, "/"):
                return True
            self._socketio.sleep(CONNECT_LOOK_S)
        return False

    def add(self, sid: str) -> None:
        """Take a page in, once it has its snapshot; it follows everything."""
        self._clients[sid] = Client(sid, self._topics)
        for topic in self._topics:
            self._socketio.server.enter_room(sid, topic)

    def remove(self, sid: str) -> None:
        """Forget a page."""
        self._clients.pop(sid, None)

    def checked(self, wanted: object) -> Choice:
        """Return what a page asks to follow; raises InvalidInputError."""
        if not isinstance(wanted, dict):
            raise InvalidInputError("subscribe", wanted, "an object with topics and symbols")
        for key in wanted:
            if key not in {"topics", "symbols"}:
                near = nearest_match(str(key), ("topics", "symbols"))
                raise InvalidInputError(str(key), wanted[key], "known", nearest=near)
        topics = self._topics
        if wanted.get("topics") is not None:
            topics = frozenset(_words(wanted["topics"], "topics")) | {"status"}
            for topic in sorted(topics - self._topics):
                near = nearest_match(topic, self._topics)
                raise InvalidInputError("topics", topic, "a topic", nearest=near)
        symbols = wanted.get("symbols")
        return topics, None if symbols is None else frozenset(_words(symbols, "symbols"))

    def choose(self, sid: str, choice: Choice) -> None:
        """Let a page follow what it chose, once it has its snapshot."""
        client = self._clients.get(sid)
        if client is None:
            return
        topics, client.symbols = choice
        for topic in client.topics - topics:
            self._socketio.server.leave_room(sid, topic)
        for topic in topics - client.topics:
            self._socketio.server.enter_room(sid, topic)
        client.topics = topics

    def send_markets(
        self,
        numbers: dict[str, int],
        rows: dict[str, Row],
        rows_of: Callable[[Iterable[str]], list[Row]],
    ) -> None:
        """Send changed prices; a page that lags gets the newest of them once it has caught up."""
        news_only = numbers["seq_from"] > numbers["seq_to"]
        same: list[str] = []  # those who get the same message: it is encoded once
        for client in list(self._clients.values()):
            if "market" not in client.topics:
                continue
            wanted = {s for s in rows if client.symbols is None or s in client.symbols}
            if news_only and self._waiting(client.sid) > LAGGING_MESSAGES:
                client.late |= wanted
                continue
            late = client.late - wanted
            client.late = set()
            if not late and len(wanted) == len(rows):
                same.append(client.sid)
                continue
            data = [rows[symbol] for symbol in sorted(wanted)] + (rows_of(late) if late else [])
            if data or not news_only:
                message = {**numbers, "data": data}
                self._socketio.emit("market_update", message, to=client.sid)
        if same and (rows or not news_only):
            message = {**numbers, "data": [rows[symbol] for symbol in sorted(rows)]}
            self._socketio.emit("market_update", message, to=same)

    # --- those who do not read ------------------------------------------------------------------

    def cut_slow(self, now_ms: float) -> int:
        """Cut the pages whose queue stays too long; return how many were."""
        slow = [client for client in list(self._clients.values()) if self._is_slow(client, now_ms)]
        for client in slow:
            log.warning("a page that does not read was cut", waiting=self._waiting(client.sid))
            self._cut(client.sid)
        return len(slow)

    def cut_all(self) -> None:
        """Cut everybody: the server stops."""
        for client in list(self._clients.values()):
            self._cut(client.sid)

    def _is_slow(self, client: Client, now_ms: float) -> bool:
        socket = self._engine_socket(client.sid)
        if socket is None or not _over(socket):
            client.slow_since_ms = None
            return False
        if client.slow_since_ms is None:
            client.slow_since_ms = now_ms
        return now_ms - client.slow_since_ms >= SLOW_MS_MAX

    def _cut(self, sid: str) -> None:
        socket = self._engine_socket(sid)
        self.remove(sid)
        if socket is None:
            return
        socket.close(wait=False, abort=True)
        # engine.io leaves its writer blocked on the TCP connection; shutting that down ends it
        wire = getattr(socket, "wire", None)
        if wire is not None:
            wire.cut()

    def _waiting(self, sid: str) -> int:
        socket = self._engine_socket(sid)
        return 0 if socket is None else int(socket.queue.qsize())

    def _engine_socket(self, sid: str) -> Any:
        server = self._socketio.server
        return server.eio.sockets.get(server.manager.eio_sid_from_sid(sid, "/"))


def _over(socket: Any) -> bool:
    if socket.queue.qsize() > QUEUE_MESSAGES_MAX:
        return True
    packets = list(socket.queue.queue)
    size = sum(len(packet.data) for packet in packets if packet and isinstance(packet.data, str))
    return size > QUEUE_BYTES_MAX


def _words(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or len(value) > SYMBOLS_MAX:
        raise InvalidInputError(name, value, f"a list of at most {SYMBOLS_MAX} names")
    for word in value:
        if not isinstance(word, str) or not 0 < len(word) <= SYMBOL_CHARS_MAX:
            raise InvalidInputError(name, word, "a name")
    return value
