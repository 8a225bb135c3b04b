"""Kalshi as a venue of the live feed: books, trades and results are polled within its limit.

An order book over REST is whole each time, so there is nothing to miss inside it; what it cannot
show is what happened between two looks. Its age is the proof: one that cannot be had is stale.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Literal

import msgspec
import structlog

from papertape.clock import NS_PER_S, iso_utc
from papertape.errors import WorldError
from papertape.feeds.desk import Desk
from papertape.feeds.kalshi.messages import (
    STATES,
    VENUE,
    BadAnswerError,
    MarketMessage,
    books_of,
    fees_of,
    listing_of,
    payouts_of,
    print_of,
    stale_book,
    time_ns,
)
from papertape.feeds.kalshi.rest import PAGE, KalshiRest
from papertape.feeds.rest import VenueSilentError
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market import Market
from papertape.model.market_data import (
    BookSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
)

PRINTS_KEPT = 1_000  # newest trade ids of a market: each look begins a second before the last
FULL_WAIT_S = 0.01

log = structlog.get_logger()


class KalshiTiming(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take, in seconds; trades are looked at every so many rounds of books."""

    stale_s: float = 10.0
    beat_s: float = 1.0
    resolve_s: float = 15.0
    retry_s: float = 2.0
    backoff_first_s: float = 0.25
    trades_every: int = 5


class KalshiChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched; held: tickers in which there is a position, followed to their payout."""

    url: str
    tickers: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    markets_max: int = 20
    requests_per_s: float = 10.0
    refresh_s: float = 60.0


class Watched:
    """A market that is polled."""

    def __init__(self, ticker: str, market: Market, instruments: tuple[Instrument, ...]) -> None:
        """Begin with nothing seen."""
        self.ticker = ticker
        self.market = market
        self.symbols = market.symbols
        self.instruments = instruments
        self.books: dict[str, BookSeen] = {}
        self.seen_s = 0.0
        self.looked_s = 0.0
        self.since_s = 0
        self.is_stale = False
        self.is_over = False
        self.printed: deque[str] = deque(maxlen=PRINTS_KEPT)


class KalshiVenue:
    """Chosen markets of Kalshi (implements `feeds.desk.Venue`)."""

    source = VENUE

    def __init__(self, choice: KalshiChoice, *, timing: KalshiTiming | None = None) -> None:
        """Open nothing before `run`."""
        self.markets: dict[str, Watched] = {}
        self.looks = 0
        self._choice = choice
        self._timing = timing or KalshiTiming()
        self._paid: set[str] = set()
        self._fees: dict[str, FeeSchedule] = {}
        self._desk: Desk
        self._rest: KalshiRest
        self._state: Literal["live", "stale"] = "stale"
        self._said_s = 0.0
        self._refreshed_s = 0.0

    def facts(self) -> dict[str, object]:
        """Return how much was looked at."""
        return {"looks": self.looks, "markets": len(self.markets)}

    async def run(self, desk: Desk) -> None:
        """Poll until stopped; raises WorldError if there is nothing to watch at the start."""
        self._desk = desk
        self.markets.clear()
        self._rest = KalshiRest(
            self._choice.url, clock=desk.clock, jitter=desk.jitter, counts=desk.counts,
            requests_per_s=self._choice.requests_per_s,
            backoff_first_s=self._timing.backoff_first_s,
        )  # fmt: skip
        self._say("stale", "connecting")
        polling = asyncio.create_task(self._poll())
        try:
            while not desk.stopped() and not polling.done():
                await asyncio.sleep(min(0.05, self._timing.beat_s))
                self._watch_ages()
            if polling.done():
                polling.result()
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            await self._rest.close()

    # --- telling --------------------------------------------------------------------------------

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _emit(self, item: MarketData) -> None:
        self._said_s = self._now_s()
        self._desk.put(item)

    def _say(self, state: Literal["live", "stale"], reason: str = "") -> None:
        self._state, self._said_s = state, self._now_s()
        self._desk.say(self.source, state, reason)

    def _watch_ages(self) -> None:
        """Give up books that could not be renewed in time, close what is due, and beat."""
        timing, now_s, now_ns = self._timing, self._now_s(), self._desk.clock.now_ns()
        for one in self.markets.values():
            if one.books and not one.is_stale and now_s - one.seen_s > timing.stale_s:
                self._lose(one, f"no book for {timing.stale_s:g} s")
            if not one.is_over and 0 < one.market.end_ns <= now_ns:
                self._set_over(one)
        if now_s - self._said_s >= timing.beat_s and not self._desk.is_full:
            self._say(self._state, "" if self._state == "live" else "no book can be had")

    def _lose(self, one: Watched, reason: str) -> None:
        one.is_stale = True
        self._desk.counts[f"kalshi: stale: {reason}"[:120]] += 1
        for symbol in one.symbols:
            now_ns = self._desk.clock.now_ns()
            self._emit(stale_book(symbol, now_ns, one.books.get(symbol), reason))
        if self._state == "live" and all(other.is_stale for other in self.markets.values()):
            self._say("stale", reason)

    def _set_over(self, one: Watched) -> None:
        one.is_over = True
        self._emit(
            MarketStateSeen(
                ts_ns=self._desk.clock.now_ns(), market_id=one.market.market_id, state="closed"
            )
        )

    # --- polling --------------------------------------------------------------------------------

    async def _poll(self) -> None:
        """Look at each market in turn; the pace is the venue's limit."""
        rounds = 0
        while True:
            if self._now_s() >= self._refreshed_s:
                await self._discover()
            rounds += 1
            for one in list(self.markets.values()):
                try:
                    await self._look(one, prints=rounds % self._timing.trades_every == 1)
                except (VenueSilentError, BadAnswerError) as error:
                    self._desk.counts[f"kalshi: {error}"[:120]] += 1
                    if one.books and not one.is_stale:
                        self._lose(one, str(error))
            if not self.markets:
                await asyncio.sleep(self._timing.retry_s)
            await asyncio.sleep(0)
            while self._desk.is_full and not self._desk.stopped():
                await asyncio.sleep(FULL_WAIT_S)

    async def _look(self, one: Watched, *, prints: bool) -> None:
        """Renew a book, and now and then the trades; one that is over is asked for its result."""
        if one.is_over:
            if self._now_s() - one.looked_s >= self._timing.resolve_s:
                one.looked_s = self._now_s()
                await self._settle(one)
            else:
                await asyncio.sleep(min(self._timing.resolve_s, 0.05))
            return
        book = await self._rest.book(one.ticker)
        self.looks += 1
        for seen in books_of(book, one.symbols, self._desk.clock.now_ns()):
            if seen.state == "live" and self._state != "live":
                self._say("live")
            one.books[seen.symbol] = seen
            self._emit(seen)
        one.seen_s, one.is_stale = self._now_s(), False
        if prints:
            await self._trades(one)

    async def _trades(self, one: Watched) -> None:
        trades = await self._rest.trades(one.ticker, one.since_s)
        if len(trades) >= PAGE:
            self._desk.counts["kalshi: trades beyond one answer"] += 1
        for said in reversed(trades):
            if said.trade_id in one.printed or said.is_block_trade:
                continue
            one.printed.append(said.trade_id)
            try:
                seen = print_of(said, one.symbols, self._desk.clock.now_ns())
            except BadAnswerError as error:
                self._desk.counts[f"kalshi: prints not taken: {error}"[:120]] += 1
                continue
            one.since_s = max(one.since_s, seen.venue_ts_ns // NS_PER_S - 1)
            if seen.quantity_lots:
                self._emit(seen)

    # --- markets --------------------------------------------------------------------------------

    async def _discover(self) -> None:
        """Find the markets, and look again: new ones join, those that were closed are noticed."""
        self._refreshed_s = self._now_s() + self._choice.refresh_s
        try:
            found = await self._found()
        except VenueSilentError as error:
            log.warning("the venue's list of markets cannot be had", reason=str(error))
            self._refreshed_s = self._now_s() + self._timing.retry_s
            return
        if not found and not self.markets and not self._paid:
            asked = ", ".join((*self._choice.tickers, *self._choice.series))
            raise WorldError(f"kalshi: no open market matches {asked}")
        for said in found:
            try:
                await self._join(said)
            except (VenueSilentError, BadAnswerError) as error:
                self._desk.counts[f"kalshi: market not taken: {error}"[:120]] += 1

    async def _found(self) -> list[MarketMessage]:
        found: dict[str, MarketMessage] = {}
        for ticker in dict.fromkeys((*self._choice.held, *self._choice.tickers)):
            said = None if ticker in self._paid else await self._rest.market(ticker)
            if said is not None:
                found[ticker] = said
        for series in self._choice.series:
            async for page in self._rest.open_markets(series):
                found |= {said.ticker: said for said in page if said.ticker not in found}
                if len(found) >= self._choice.markets_max:
                    break
        return list(found.values())

    async def _join(self, said: MarketMessage) -> None:
        known = self.markets.get(said.ticker)
        if known is not None:
            state = STATES.get(said.status)
            if state == "closed" and not known.is_over:
                self._set_over(known)
            return
        room = self._choice.markets_max + len(self._choice.held)
        if said.ticker in self._paid or len(self.markets) >= room:
            return
        state = STATES.get(said.status)
        if state is None:
            raise BadAnswerError(f"a status that is not known: {said.status[:40]}")
        if state == "closed" and said.ticker not in self._choice.held:
            return
        market, instruments = listing_of(said, await self._fee(said.event_ticker))
        now_ns = self._desk.clock.now_ns()
        one = self.markets[said.ticker] = Watched(said.ticker, market, instruments)
        one.since_s = now_ns // NS_PER_S
        self._emit(MarketSeen(ts_ns=now_ns, market=market, instruments=instruments))
        self._emit(MarketStateSeen(ts_ns=now_ns, market_id=market.market_id, state=state))
        one.is_over = state == "closed" or time_ns(said.close_time) <= now_ns

    async def _fee(self, event_ticker: str) -> FeeSchedule:
        series = event_ticker.partition("-")[0]
        if series not in self._fees:
            dated = iso_utc(self._desk.clock.now_ns())[:10]
            self._fees[series] = fees_of(await self._rest.series(series), dated)
        return self._fees[series]

    async def _settle(self, one: Watched) -> None:
        """Tell what a market pays once it has paid, and let go of it."""
        said = await self._rest.market(one.ticker)
        if said is None:
            return
        paid, payouts = payouts_of(said)
        if not paid:
            return
        self._emit(
            MarketResolvedSeen(
                ts_ns=self._desk.clock.now_ns(),
                market_id=one.market.market_id,
                payouts_micros=payouts,
            )
        )
        self._paid.add(one.ticker)
        del self.markets[one.ticker]
