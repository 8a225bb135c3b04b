"""One connection to the market channel: subscribe, be heard, and come back when it dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

FRAME_BYTES_MAX = 32 * 1024 * 1024  # the first frame holds the snapshots of all tokens
FRAMES_QUEUED_MAX = 1_024
PONG = "PONG"


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take, in seconds."""

    ping_s: float = 10.0
    silence_s: float = 30.0
    open_s: float = 10.0
    backoff_first_s: float = 0.5
    backoff_max_s: float = 30.0
    steady_s: float = 60.0
    snapshot_s: float = 3.0
    repair_s: float = 1.0
    suspect_s: float = 1.0
    audit_s: float = 10.0
    beat_s: float = 1.0
    tick_s: float = 0.1
    resolve_s: float = 5.0


class Listener(Protocol):
    """Who hears what a connection says; all calls are made on the event loop."""

    def on_open(self, shard: Shard) -> None:
        """Take note that the subscription was sent."""
        ...

    async def on_frame(self, shard: Shard, frame: str | bytes) -> None:
        """Take one frame that is no PONG."""
        ...

    def on_lost(self, shard: Shard, reason: str) -> None:
        """Take note that the connection is gone."""
        ...


class Shard:
    """The tokens of one connection, kept connected until `run` is cancelled."""

    def __init__(
        self,
        name: str,
        url: str,
        tokens: Sequence[str],
        *,
        listener: Listener,
        timing: Timing,
        jitter: random.Random,
        now_s: Callable[[], float],
    ) -> None:
        """Take the tokens; nothing is opened before `run`."""
        self.name = name
        self.tokens = list(tokens)
        self.is_open = False
        self.proven = False
        self.opened_s = 0.0
        self.heard_s = 0.0
        self.connects = 0
        self.task: asyncio.Task[None] | None = None
        self._url = url
        self._listener = listener
        self._timing = timing
        self._jitter = jitter
        self._now_s = now_s
        self._socket: ClientConnection | None = None

    async def run(self) -> None:
        """Connect, listen, reconnect with full jitter; cancelling it closes the connection."""
        failures = 0
        while True:
            began_s = self._now_s()
            reason = await self._connection()
            if self._now_s() - began_s >= self._timing.steady_s:
                failures = 0
            self.is_open = self.proven = False
            self._listener.on_lost(self, reason)
            longest = min(self._timing.backoff_max_s, self._timing.backoff_first_s * 2.0**failures)
            failures = min(failures + 1, 16)
            await asyncio.sleep(self._jitter.uniform(0.0, longest))

    async def add(self, tokens: Sequence[str]) -> None:
        """Subscribe to more tokens; a connection that is down will ask for them when it is up."""
        self.tokens.extend(tokens)
        await self._say({"operation": "subscribe", "assets_ids": list(tokens), **_CUSTOM})

    async def drop(self, tokens: Sequence[str]) -> None:
        """Unsubscribe."""
        gone = set(tokens)
        self.tokens = [token for token in self.tokens if token not in gone]
        await self._say({"operation": "unsubscribe", "assets_ids": list(tokens)})

    async def hang_up(self, reason: str) -> None:
        """Close a connection that is not worth keeping; `run` opens the next one."""
        socket = self._socket
        if socket is not None:
            await socket.close(1000, reason[:100])

    async def _say(self, what: object) -> None:
        socket = self._socket
        if socket is not None and self.is_open:
            try:
                await socket.send(msgspec.json.encode(what).decode())
            except WebSocketException:
                return  # the reader meets the same end and reconnects

    async def _connection(self) -> str:
        """Live through one connection; return why it ended."""
        timing = self._timing
        pinging: asyncio.Task[None] | None = None
        try:
            async with connect(
                self._url,
                open_timeout=timing.open_s,
                ping_interval=None,  # the venue answers text PINGs
                close_timeout=0.2,
                max_size=FRAME_BYTES_MAX,
                max_queue=FRAMES_QUEUED_MAX,
            ) as socket:
                self._socket = socket
                self.connects += 1
                first = {"type": "market", "assets_ids": self.tokens, **_CUSTOM}
                await socket.send(msgspec.json.encode(first).decode())
                self.is_open = True
                self.opened_s = self.heard_s = self._now_s()
                self._listener.on_open(self)
                pinging = asyncio.create_task(self._ping(socket))
                return await self._listen(socket)
        except TimeoutError:
            return "no connection in time"
        except (OSError, WebSocketException) as error:
            return f"{type(error).__name__}: {error}"[:200]
        finally:
            self._socket = None
            if pinging is not None:
                pinging.cancel()

    async def _listen(self, socket: ClientConnection) -> str:
        silence_s = self._timing.silence_s
        while True:
            try:
                async with asyncio.timeout(silence_s):  # wait_for may swallow a cancellation
                    frame = await socket.recv()
            except TimeoutError:
                return f"silent for {silence_s:g} s"
            if frame != PONG:
                self.heard_s = self._now_s()
                await self._listener.on_frame(self, frame)

    async def _ping(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(self._timing.ping_s)
            try:
                await socket.send("PING")
            except WebSocketException:
                return


_CUSTOM = {"custom_feature_enabled": True}
