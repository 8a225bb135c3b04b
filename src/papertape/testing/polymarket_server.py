"""A scripted Polymarket on loopback: Gamma, the CLOB's reads, and the market channel.

It plays a script of recorded books to whoever subscribes, at a speed or in step with a reader, and
does wrong what `Faults` says. It knows nothing of papertape's feed.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from papertape.testing.local_server import Closable, LocalServer
from papertape.testing.polymarket_script import Faults, Frame, Json, changes_between

PAGE = 2  # markets per page: small, so that paging is exercised
STEP_S = 0.0005


class PolymarketServer(LocalServer):
    """Serves until its `with` ends; the script begins with the first subscription.

    speed: times real time, or None for as fast as it goes. as_changes: after the first book of a
    token send price_change messages. before: told the recorded receive time before each frame.
    taken: asked after each frame until it says that the reader has taken it. winners: slug ->
    winning token; told on the channel when the script comes to `pays_at_ns` of the market, else
    known to Gamma when the script is over.
    """

    def __init__(
        self,
        markets: list[Json],
        frames: list[Frame],
        *,
        faults: Faults | None = None,
        speed: float | None = None,
        as_changes: bool = False,
        before: Callable[[int], None] | None = None,
        taken: Callable[[], bool] | None = None,
        winners: dict[str, str] | None = None,
        pays_at_ns: dict[str, int] | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Take the script; nothing listens before `with`."""
        super().__init__("polymarket-server")
        self.markets = {market["slug"]: market for market in markets}
        self.frames = frames
        self.faults = faults or Faults()
        self.books: dict[str, Json] = {}
        self.requests: Counter[str] = Counter()
        self.connections = 0
        self.sent = 0
        self.open_sockets: dict[ServerConnection, set[str]] = {}
        self.said: list[Json] = []
        self.done = threading.Event()
        self.gamma_url = self.clob_url = self.ws_url = ""
        self._speed = speed
        self._as_changes = as_changes
        self._before = before
        self._taken = taken
        self._winners = winners or {}
        self._now_s = now_s
        self._pays_at_ns = dict(sorted((pays_at_ns or {}).items(), key=lambda item: item[1]))
        self._muted: set[ServerConnection] = set()
        self._subscribed = threading.Event()

    # --- the loop -------------------------------------------------------------------------------

    async def _open(self) -> list[Closable]:
        rest = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        sockets: Server = await serve(self._socket, "127.0.0.1", 0, ping_interval=None)
        host = f"127.0.0.1:{rest.sockets[0].getsockname()[1]}"
        self.gamma_url = self.clob_url = f"http://{host}"
        port = next(iter(sockets.sockets)).getsockname()[1]
        self.ws_url = f"ws://127.0.0.1:{port}/ws/market"
        return [rest, sockets]

    def _hang_up(self) -> None:
        for socket in list(self.open_sockets):
            socket.transport.abort()

    async def _play(self) -> None:
        while not self._subscribed.is_set():
            await asyncio.sleep(STEP_S)
        last_ns = 0
        for number, frame in enumerate(self.frames):
            if self._speed is not None and last_ns:
                await asyncio.sleep(max(0, frame.recv_ns - last_ns) / 1e9 / self._speed)
            last_ns = frame.recv_ns
            await asyncio.sleep(self.faults.delay_s.get(number, 0.0))
            await self._pay_until(frame.recv_ns)
            self._at(frame.recv_ns)
            await self._say(number, frame)
            await self._in_step()
        await self._pay_until(2**63)
        for slug, token in self._winners.items():
            self._resolve(slug, token)
        self.done.set()

    def _at(self, recv_ns: int) -> None:
        if self._before is not None:
            self._before(recv_ns)

    async def _in_step(self) -> None:
        while self._taken is not None and not self._taken():
            await asyncio.sleep(0)

    async def _pay_until(self, recv_ns: int) -> None:
        for slug, pays_ns in list(self._pays_at_ns.items()):
            if pays_ns > recv_ns:
                return
            del self._pays_at_ns[slug]
            self._resolve(slug, self._winners[slug])
            self._at(pays_ns)
            tokens = json.loads(self.markets[slug]["clobTokenIds"])
            message = {
                "event_type": "market_resolved",
                "market": self.markets[slug]["conditionId"],
                "assets_ids": tokens,
                "winning_asset_id": self._winners[slug],
                "timestamp": str(pays_ns // 1_000_000),
            }
            await self._send(tokens[0], json.dumps(message))
            await self._in_step()

    def _resolve(self, slug: str, token: str) -> None:
        market = self.markets[slug]
        tokens = json.loads(market["clobTokenIds"])
        prices = ["1" if one == token else "0" for one in tokens]
        self.markets[slug] = market | {
            "closed": True,
            "acceptingOrders": False,
            "umaResolutionStatus": "resolved",
            "outcomePrices": json.dumps(prices),
        }

    async def _say(self, number: int, frame: Frame) -> None:
        faults = self.faults
        before = self.books.get(frame.token)
        self.books[frame.token] = frame.body
        if number in faults.disconnect:
            for socket in list(self.open_sockets):
                socket.transport.abort()
            return
        if number in faults.tick_change:
            await self._send(frame.token, json.dumps(_tick_change(frame, faults, number)))
        if number in faults.drop or (
            faults.silent_from is not None and number >= faults.silent_from
        ):
            return
        if self._as_changes and before is not None:
            message = changes_between(before, frame.body)
            if not message["price_changes"]:
                return
        else:
            message = {**frame.message, "event_type": "book"}
        if number in faults.wrong_schema:
            message = {key: value for key, value in message.items() if key != "timestamp"}
        text = json.dumps(message, separators=(",", ":"))
        if number in faults.truncate:
            text = text[: len(text) // 2]
        for _ in range(2 if number in faults.duplicate else 1):
            await self._send(frame.token, text)

    async def _send(self, token: str, text: str) -> None:
        for socket, tokens in list(self.open_sockets.items()):
            if token in tokens and socket not in self._muted:
                try:
                    await socket.send(text)
                    self.sent += 1
                except ConnectionClosed:
                    self.open_sockets.pop(socket, None)

    def tell(self, message: Json) -> None:
        """Send any message to every connection; safe from any thread."""
        assert self._loop is not None, "the server runs"
        asyncio.run_coroutine_threadsafe(self._tell(json.dumps(message)), self._loop).result(5.0)

    async def _tell(self, text: str) -> None:
        for socket in list(self.open_sockets):
            await socket.send(text)

    def list_market(self, market: Json) -> None:
        """Add a market, or replace what Gamma says of one; safe from any thread."""
        self.markets = {**self.markets, market["slug"]: market}

    # --- the market channel ---------------------------------------------------------------------

    async def _socket(self, socket: ServerConnection) -> None:
        self.connections += 1
        if self.connections <= self.faults.mute_connections:
            self._muted.add(socket)
        try:
            async for text in socket:
                if text == "PING":
                    await socket.send("PONG")
                    continue
                wish = json.loads(text)
                self.said.append(wish)
                await self._subscribe(socket, wish)
        except ConnectionClosed:
            pass
        finally:
            self.open_sockets.pop(socket, None)
            self._muted.discard(socket)

    async def _subscribe(self, socket: ServerConnection, wish: Json) -> None:
        tokens = set(wish["assets_ids"])
        if wish.get("operation") == "unsubscribe":
            self.open_sockets[socket] -= tokens
            return
        known = [
            {**self.books[token], "event_type": "book"}
            for token in wish["assets_ids"]
            if token in self.books
        ]
        if known and socket not in self._muted:
            await socket.send(json.dumps(known, separators=(",", ":")))
        self.open_sockets.setdefault(socket, set()).update(tokens)
        self._subscribed.set()

    # --- Gamma and the CLOB ---------------------------------------------------------------------

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split(" ", 2)
            length = 0
            for line in head.split("\r\n"):
                if line.lower().startswith("content-length:"):
                    length = int(line.partition(":")[2])
            body = await reader.readexactly(length) if length else b""
            status, said = self._reply(method, urlsplit(target).path, urlsplit(target).query, body)
            payload = json.dumps(said, separators=(",", ":")).encode()
            more = "retry-after: 0\r\n" if status == 429 else ""
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}"
                f"date: {formatdate(self._now_s() + self.faults.clock_ahead_s, usegmt=True)}\r\n"
                f"content-length: {len(payload)}\r\nconnection: close\r\n\r\n".encode()
                + payload
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _reply(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        self.requests[f"{method} {path.rpartition('/')[0] or path}"] += 1
        if self.faults.too_many > 0:
            self.faults.too_many -= 1
            return 429, {"error": "too many requests"}
        if self.faults.server_errors > 0:
            self.faults.server_errors -= 1
            return 502, {"error": "bad gateway"}
        if (method, path) == ("POST", "/books"):
            wanted = [one["token_id"] for one in json.loads(body)]
            return 200, [self.books[token] for token in wanted if token in self.books]
        if method != "GET":
            return 405, {"error": "reads only"}
        if path == "/markets/keyset":
            return 200, self._page({key: values[0] for key, values in parse_qs(query).items()})
        if path.startswith("/markets/slug/"):
            return self._market(path.rpartition("/")[2])
        return 404, {"error": "not found"}

    def _page(self, wish: dict[str, str]) -> Json:
        rows = [
            market
            for market in self.markets.values()
            if not market["closed"] or wish.get("closed") != "false"
        ]
        first = int(wish.get("after_cursor", "0"))
        following = first + PAGE
        more = {"next_cursor": str(following)} if following < len(rows) else {}
        return {"markets": rows[first:following], **more}

    def _market(self, slug: str) -> tuple[int, Any]:
        market = self.markets.get(slug)
        if market is None:
            return 404, {"error": "market not found"}
        if market["closed"] and self.faults.late_resolution > 0:
            self.faults.late_resolution -= 1
            prices = json.dumps(["0.5", "0.5"])
            return 200, market | {"outcomePrices": prices, "umaResolutionStatus": "proposed"}
        return 200, market


def _tick_change(frame: Frame, faults: Faults, number: int) -> Json:
    return {
        "event_type": "tick_size_change",
        "asset_id": frame.token,
        "market": frame.body["market"],
        "old_tick_size": frame.body["tick_size"],
        "new_tick_size": faults.tick_change[number],
        "timestamp": frame.timestamp,
    }
