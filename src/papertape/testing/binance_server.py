"""A scripted Binance on loopback: REST reads and raw streams, with what goes wrong on them.

It plays recorded messages to whoever subscribes to their streams and does wrong what
`StreamFaults` says. It knows nothing of papertape's feed.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from papertape.testing.binance_script import Json, Message, TrueBook, exchange_info
from papertape.testing.local_server import Closable, LocalServer
from papertape.testing.rest_server import Query, Reply, serve_rest
from papertape.testing.venue_faults import StreamFaults

STEP_S = 0.0005
ETH = ("ETH", "USDT", "0.01000000", "0.00010000")


class BinanceServer(LocalServer):
    """Serves until its `with` ends; the script begins when a depth stream was joined to its book.

    begins_with: streams that must be subscribed besides. speed: times real time, or None for as
    fast as it goes. before: told the recorded receive time before each message. taken: asked after
    each message until it says that it was taken.
    """

    def __init__(
        self,
        snapshot: Json,
        messages: list[Message],
        *,
        faults: StreamFaults | None = None,
        speed: float | None = None,
        before: Callable[[int], None] | None = None,
        taken: Callable[[], bool] | None = None,
        klines: list[list[Any]] | None = None,
        begins_with: frozenset[str] = frozenset(),
        pairs: tuple[tuple[str, str, str, str], ...] = (ETH,),
    ) -> None:
        """Take the script; nothing listens before `with`."""
        super().__init__("binance-server")
        self.book = TrueBook(snapshot)
        self.messages = messages
        self.faults = faults or StreamFaults()
        self.klines = klines or []
        self.requests: Counter[str] = Counter()
        self.connections = 0
        self.sent = 0
        self.streams: dict[ServerConnection, set[str]] = {}
        self.done = threading.Event()
        self.rest_url = self.ws_url = ""
        self._speed = speed
        self._before = before
        self._taken = taken
        self._info = exchange_info(*pairs)
        self._muted: set[ServerConnection] = set()
        self._begin = False
        self._applied = 0
        self._begins_with = begins_with

    @property
    def urls(self) -> Json:
        """Return what ccxt's `urls` must be to come here."""
        return {"api": {"public": self.rest_url, "ws": {"spot": self.ws_url}}}

    def cut(self) -> None:
        """Cut every connection; safe from any thread."""
        assert self._loop is not None, "the server runs"
        self._loop.call_soon_threadsafe(self._hang_up)

    # --- the script -----------------------------------------------------------------------------

    async def _open(self) -> list[Closable]:
        rest = await serve_rest(self._answer, self._now_s)
        sockets: Server = await serve(self._socket, "127.0.0.1", 0, ping_interval=None)
        self.rest_url = f"http://127.0.0.1:{rest.sockets[0].getsockname()[1]}/api/v3"
        self.ws_url = f"ws://127.0.0.1:{next(iter(sockets.sockets)).getsockname()[1]}/stream"
        return [rest, sockets]

    async def _play(self) -> None:
        while not self._begin or not self._begins_with <= self._subscribed():
            await asyncio.sleep(STEP_S)
        last_ns = 0
        order = self._order()
        for place, number in enumerate(order):
            message = self.messages[number]
            if self._speed is not None and last_ns and place % self.faults.burst == 0:
                gap_ns = max(0, message.recv_ns - last_ns)
                await asyncio.sleep(gap_ns / 1e9 / self._speed)
            if place % self.faults.burst == 0:
                last_ns = message.recv_ns
            await asyncio.sleep(self.faults.delay_s.get(number, 0.0))
            if self._before is not None:
                self._before(message.recv_ns)
            await self._say(number, message)
            while self._taken is not None and not self._taken():
                await asyncio.sleep(0)
        self.done.set()

    def _subscribed(self) -> set[str]:
        return {stream for streams in self.streams.values() for stream in streams}

    def _order(self) -> list[int]:
        order = list(range(len(self.messages)))
        for number in self.faults.swap:
            if number + 1 < len(order):
                order[number], order[number + 1] = order[number + 1], order[number]
        return order

    def _hang_up(self) -> None:
        for socket in list(self.streams):
            socket.transport.abort()
        self.streams.clear()

    def _now_s(self) -> float:
        return time.time() + self.faults.skew_ms / 1_000

    async def _say(self, number: int, message: Message) -> None:
        faults = self.faults
        for due in self.messages[self._applied : number + 1]:
            if "U" in due.data:
                self.book.apply(due.data)
        self._applied = max(self._applied, number + 1)
        if number in faults.disconnect:
            self._hang_up()
            return
        if number in faults.drop:
            return
        if faults.silent_from is not None and number >= faults.silent_from:
            self._muted.update(self.streams)
            faults.silent_from = None  # connections made after this are heard again
        if faults.half_open_at is not None and number >= faults.half_open_at:
            for socket in self.streams:
                socket.transport.pause_reading()  # not even a ping is answered
            self._muted.update(self.streams)
            faults.half_open_at = None
        data = message.data
        if faults.skew_ms and "E" in data:
            data = data | {"E": data["E"] + faults.skew_ms}
        if number in faults.wrong_schema:
            data = {key: value for key, value in data.items() if key not in {"u", "b"}}
        text = json.dumps(data, separators=(",", ":"))
        if number in faults.truncate:
            text = text[: len(text) // 2]
        for _ in range(2 if number in faults.duplicate else 1):
            await self._send(message.stream, text)

    async def _send(self, stream: str, text: str) -> None:
        for socket, streams in list(self.streams.items()):
            if stream in streams and socket not in self._muted:
                try:
                    await socket.send(text)
                    self.sent += 1
                except ConnectionClosed:
                    self.streams.pop(socket, None)

    # --- the venue's doors ----------------------------------------------------------------------

    async def _socket(self, socket: ServerConnection) -> None:
        self.connections += 1
        if self.connections <= self.faults.mute_connections:
            self._muted.add(socket)
        try:
            async for text in socket:
                wish = json.loads(text)
                streams = set(wish.get("params", ()))
                if wish.get("method") == "SUBSCRIBE":
                    self.streams.setdefault(socket, set()).update(streams)
                await socket.send(json.dumps({"result": None, "id": wish.get("id")}))
                self.sent += 1
        except ConnectionClosed:
            pass
        finally:
            self.streams.pop(socket, None)
            self._muted.discard(socket)

    def _answer(self, method: str, path: str, query: Query) -> Reply:
        self.requests[f"{method} {path}"] += 1
        faults = self.faults
        if method != "GET":
            return 405, {"code": -1, "msg": "reads only"}, {}
        if faults.too_many > 0:
            faults.too_many -= 1
            wait = {"retry-after": str(faults.retry_after_s)}
            return 429, {"code": -1003, "msg": "Too many requests."}, wait
        if faults.server_errors > 0:
            faults.server_errors -= 1
            return 502, b"<html>bad gateway</html>", {}
        if path.endswith("/exchangeInfo"):
            return 200, self._info, {}
        if path.endswith("/depth"):
            said = json.dumps(self.book.rest(int(query.get("limit", "100")))).encode()
            if faults.truncated_answers > 0:
                faults.truncated_answers -= 1
                said = said[: len(said) // 2]
            elif self.streams:
                self._begin = True
            return 200, said, {}
        if path.endswith("/klines"):
            first = int(query.get("startTime", "0"))
            limit = int(query.get("limit", "500"))
            return 200, [row for row in self.klines if row[0] >= first][:limit], {}
        if path.endswith("/time"):
            return 200, {"serverTime": int(self._now_s() * 1_000)}, {}
        return 404, {"code": -1, "msg": "not found"}, {}
