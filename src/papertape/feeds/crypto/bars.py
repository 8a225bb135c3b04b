"""Closed bars of a pair: from the venue's stream while it is unbroken, else from its history."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from papertape.feeds.crypto.ladder import OffGridError
from papertape.feeds.crypto.pairs import Pair

FILL_MAX = 500  # bars asked for at once after an absence
DELAY_S = 2.0  # after the end of a bar, where there is no stream: the venue has to write it first


class Host(Protocol):
    """The venue that a keeper works for."""

    losses: int

    def now_ns(self) -> int:
        """Return the wall time."""
        ...

    def emit(self, item: Any) -> None:
        """Pass an item on."""
        ...

    def count(self, what: str) -> None:
        """Count something that went wrong."""
        ...


class BarKeeper:
    """Tells each closed bar once, in order; a bar that is still open is never told."""

    def __init__(self, exchange: Any, pair: Pair, interval: str, host: Host) -> None:
        """Take the exchange; `interval` is in ccxt's words, such as 1m."""
        self._exchange = exchange
        self._pair = pair
        self._interval = interval
        self._ms = int(exchange.parse_timeframe(interval)) * 1_000
        self._host = host
        self._row: list[Any] = []
        self._losses = -1

    async def once(self) -> None:
        """Follow the bars until something fails."""
        if not self._pair.last_bar_ms:
            now_ms = self._host.now_ns() // 1_000_000
            self._pair.last_bar_ms = now_ms // self._ms * self._ms - self._ms
        if self._exchange.has.get("watchOHLCV"):
            await self._stream()
        else:
            await self._poll()

    async def _stream(self) -> None:
        while True:
            rows = await self._exchange.watch_ohlcv(self._pair.name, self._interval)
            for row in rows:
                if self._row and row[0] > self._row[0]:
                    unbroken = self._losses == self._host.losses
                    if unbroken and self._row[0] == self._pair.last_bar_ms + self._ms:
                        self._tell(self._row)
                    if row[0] > self._pair.last_bar_ms + self._ms:
                        await self._fill(int(row[0]))
                elif self._row and row[0] < self._row[0]:
                    continue
                self._row, self._losses = list(row), self._host.losses

    async def _poll(self) -> None:
        while True:
            due_ms = self._pair.last_bar_ms + 2 * self._ms
            now_ms = self._host.now_ns() // 1_000_000
            await asyncio.sleep(max(0.0, (due_ms - now_ms) / 1_000) + DELAY_S)
            await self._fill(self._host.now_ns() // 1_000_000 // self._ms * self._ms)

    async def _fill(self, open_ms: int) -> None:
        """Tell the bars that closed since the last one, up to the one that opened at `open_ms`."""
        since_ms = self._pair.last_bar_ms + self._ms
        rows = await self._exchange.fetch_ohlcv(self._pair.name, self._interval, since_ms, FILL_MAX)
        for row in sorted(rows, key=lambda row: int(row[0])):
            if since_ms <= int(row[0]) < open_ms and int(row[0]) > self._pair.last_bar_ms:
                self._tell(row)

    def _tell(self, row: list[Any]) -> None:
        self._pair.last_bar_ms = int(row[0])
        try:
            self._host.emit(self._pair.bar_of(row, self._ms, self._host.now_ns()))
        except (OffGridError, ValueError, TypeError) as error:
            self._host.count(f"bars not taken: {error}")
