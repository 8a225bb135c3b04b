"""Public reads of Kalshi: paced by the venue's limit, and GET only."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

import msgspec

from papertape.clock import Clock
from papertape.feeds.kalshi.messages import (
    BookMessage,
    MarketMessage,
    SeriesMessage,
    TradeMessage,
)
from papertape.feeds.rest import BACKOFF_FIRST_S, NotThereError, RestReader, VenueSilentError

PAGE = 200  # markets or trades of one answer; the venue allows 1,000
PAGES_MAX = 50

Answer = TypeVar("Answer")


class _OneMarket(msgspec.Struct):
    market: MarketMessage


class _Markets(msgspec.Struct):
    markets: list[MarketMessage]
    cursor: str = ""


class _OneSeries(msgspec.Struct):
    series: SeriesMessage


class _Trades(msgspec.Struct):
    trades: list[TradeMessage]
    cursor: str = ""


class KalshiRest(RestReader):
    """A client for the reads that the feed needs; what cannot be read is named and counted."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        jitter: random.Random,
        counts: Counter[str],
        requests_per_s: float,
        backoff_first_s: float = BACKOFF_FIRST_S,
    ) -> None:
        """Make the client inside a running event loop."""
        super().__init__(
            clock=clock, jitter=jitter, counts=counts, backoff_first_s=backoff_first_s,
            requests_per_s=requests_per_s,
        )  # fmt: skip
        self._url = url.rstrip("/")

    async def market(self, ticker: str) -> MarketMessage | None:
        """Return a market, None if there is none."""
        try:
            return (await self._read(f"/markets/{ticker}", _OneMarket)).market
        except NotThereError:
            return None

    async def open_markets(self, series: str) -> AsyncIterator[list[MarketMessage]]:
        """Yield the pages of a series' open markets."""
        query = {"series_ticker": series, "status": "open", "limit": str(PAGE)}
        for _ in range(PAGES_MAX):
            page = await self._read("/markets", _Markets, query)
            yield page.markets
            if not page.cursor or page.cursor == query.get("cursor"):
                return
            query["cursor"] = page.cursor

    async def series(self, ticker: str) -> SeriesMessage:
        """Return what a series charges."""
        return (await self._read(f"/series/{ticker}", _OneSeries)).series

    async def book(self, ticker: str) -> BookMessage:
        """Return a market's bids on both sides."""
        return await self._read(f"/markets/{ticker}/orderbook", BookMessage)

    async def trades(self, ticker: str, since_s: int) -> list[TradeMessage]:
        """Return the newest trades since a time, the newest first."""
        query = {"ticker": ticker, "min_ts": str(since_s), "limit": str(PAGE)}
        return (await self._read("/markets/trades", _Trades, query)).trades

    async def _read(
        self, path: str, kind: type[Answer], query: Mapping[str, str] | None = None
    ) -> Answer:
        answer = await self._ask("GET", self._url + path, query=query)
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._counts[f"kalshi: cannot be read: {error}"[:120]] += 1
            raise VenueSilentError(f"Kalshi: an answer that cannot be read: {error}") from None
