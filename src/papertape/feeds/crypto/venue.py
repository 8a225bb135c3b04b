"""One crypto venue of the live feed: its pairs' books, prints and bars, over ccxt's streams.

Books are told at the moment a message is folded, from within ccxt's handler: nothing is coalesced
before the outbox, and each carries the time at which it was received.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Literal

import structlog

from papertape.clock import NS_PER_MS, iso_utc
from papertape.errors import ConfigError, PapertapeError, nearest_match
from papertape.feeds.conditions import SHOWN, Condition
from papertape.feeds.crypto.bars import BarKeeper
from papertape.feeds.crypto.choice import CryptoChoice, CryptoTiming
from papertape.feeds.crypto.door import abort, open_exchange
from papertape.feeds.crypto.ladder import Ladder, OffGridError
from papertape.feeds.crypto.pairs import Pair, instrument_of
from papertape.feeds.crypto.proof import SNAPSHOT_BY_REST, MessageNumbers, proof_of
from papertape.feeds.desk import Desk
from papertape.model.market_data import InstrumentSeen

AUDIT_LEVELS = 5  # best levels a side that are compared with the venue's REST book
AUDIT_DEPTH = 20  # the smallest depth that every venue takes
PRINT_AGE_MS_MAX = 60_000  # what a venue tells of the past after a subscription is not news
FULL_WAIT_S = 0.01

log = structlog.get_logger()


class CryptoVenue:
    """Chosen pairs of one venue (implements `feeds.desk.Venue` and `door.Listener`)."""

    def __init__(self, choice: CryptoChoice, *, timing: CryptoTiming | None = None) -> None:
        """Open nothing before `run`."""
        self.source = choice.name
        self.exchange: Any = None
        self.pairs: dict[str, Pair] = {}
        self.messages = 0
        self.losses = 0
        self._choice = choice
        self._timing = timing or CryptoTiming()
        self._numbers = MessageNumbers()
        self._proven = proof_of(choice.name) != "none" or choice.trust_unproven
        self._desk: Desk
        self._state: Literal["live", "stale"] = "stale"
        self._said_s = 0.0
        self._tasks: asyncio.TaskGroup
        self._running: set[asyncio.Task[None]] = set()
        self._audits: set[str] = set()
        self._ending = False

    def facts(self) -> dict[str, object]:
        """Return what the venue said and how often it was lost."""
        return {"messages": self.messages, "losses": self.losses, "pairs": len(self.pairs)}

    # --- life -----------------------------------------------------------------------------------

    async def run(self, desk: Desk) -> None:
        """Watch the pairs until the desk is stopped; raises ConfigError for a pair unknown."""
        self._desk = desk
        self._ending = False
        self.pairs.clear()
        self._say("stale", "connecting")
        choice = self._choice
        self.exchange = open_exchange(choice.name, self, choice.urls, self._timing.rest_pause_ms)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._start("work", self._work())
                await self._beat()
                self._ending = True
                for task in list(self._running):
                    task.cancel()
        finally:
            self._ending = True
            for client in (self.exchange.clients or {}).values():
                abort(client)
            await self.exchange.close()

    def _start(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.create_task(work, name=f"{self.source}:{what}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _work(self) -> None:
        """Learn the pairs, then keep what is watched of each."""
        await self._kept("markets", self._load)
        for pair in self.pairs.values():
            self._start(f"book:{pair.name}", self._forever("book", partial(self._book, pair)))
            if self.exchange.has.get("watchTrades"):
                work = self._forever("prints", partial(self._prints, pair))
                self._start(f"prints:{pair.name}", work)
            if self._choice.bar_interval:
                keeper = BarKeeper(self.exchange, pair, self._choice.bar_interval, self)
                self._start(f"bars:{pair.name}", self._forever("bars", keeper.once))

    async def _forever(self, name: str, once: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._kept(name, once)

    async def _kept(self, name: str, once: Callable[[], Awaitable[None]]) -> None:
        """Do something once, trying again with full jitter while the venue cannot."""
        failures = 0
        while True:
            began_s = self.now_s()
            try:
                await once()
            except PapertapeError:
                raise
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if self._ending or (task is not None and task.cancelling()):
                    raise
                reason = "the connection was closed"  # ccxt cancels what waits on it
            except Exception as error:  # noqa: BLE001  ccxt reads foreign data: anything may fail
                reason = f"{type(error).__name__}: {error}"[:200]
                self._desk.counts[f"{self.source}: {type(error).__name__}"] += 1
            else:
                return
            if name == "markets":
                self._say("stale", reason)
                log.warning("the venue's markets cannot be had", venue=self.source, reason=reason)
            if self.now_s() - began_s >= self._timing.steady_s:
                failures = 0
            longest_s = min(
                self._timing.backoff_max_s, self._timing.backoff_first_s * 2.0**failures
            )
            failures = min(failures + 1, 16)
            wait_s = self._desk.jitter.uniform(0.0, longest_s)
            await asyncio.sleep(max(wait_s, self.exchange.retry_after_s))

    def now_s(self) -> float:
        """Return the event loop's time."""
        return asyncio.get_running_loop().time()

    def now_ns(self) -> int:
        """Return the wall time."""
        return self._desk.clock.now_ns()

    def emit(self, item: Any) -> None:
        """Pass an item on."""
        self._said_s = self.now_s()
        self._desk.put(item)

    def count(self, what: str) -> None:
        """Count something that went wrong."""
        self._desk.counts[f"{self.source}: {what}"[:120]] += 1

    def _say(self, state: Literal["live", "stale"], reason: str = "") -> None:
        self._state = state
        self._said_s = self.now_s()
        self._desk.say(self.source, state, reason)

    async def _beat(self) -> None:
        """Look at the clock often: stop, look at quiet books, speak when the venue is silent."""
        timing = self._timing
        while not self._desk.stopped():
            await asyncio.sleep(min(timing.tick_s, 0.05))
            now_s = self.now_s()
            self._flush()
            for pair in self.pairs.values():
                wait_s = {"live": timing.audit_s, "resyncing": timing.again_s}.get(pair.condition)
                quiet = wait_s is not None and now_s - pair.heard_s >= wait_s
                if quiet and pair.symbol not in self._audits:
                    self._audits.add(pair.symbol)
                    self._start(f"audit:{pair.name}", self._audit(pair))
            if now_s - self._said_s >= timing.beat_s and not self._desk.is_full:
                self._say(self._state, "" if self._state == "live" else "no connection")

    async def _load(self) -> None:
        """Learn the venue's markets, and list the pairs that are wanted."""
        markets: Mapping[str, Any] = await self.exchange.load_markets(True)
        now_ns = self.now_ns()
        for name in self._choice.pairs:
            if name not in markets:
                near = nearest_match(name, markets)
                hint = f"; did you mean {near!r}?" if near else ""
                raise ConfigError(f"crypto: {self.source} has no pair {name!r}{hint}")
            dated = iso_utc(now_ns)[:10]
            instrument = instrument_of(self.source, markets[name], dated)
            pair = self.pairs[name] = Pair(instrument, self._choice.depth_levels)
            pair.heard_s = self.now_s()
            self.emit(InstrumentSeen(ts_ns=now_ns, instrument=instrument))

    # --- books ----------------------------------------------------------------------------------

    async def _book(self, pair: Pair) -> None:
        """Keep a book subscribed; its changes are told by `on_message`."""
        timing = self._timing
        while True:
            limit_s = timing.silence_s if pair.condition == "live" else timing.first_book_s
            began_s = self.now_s()
            try:
                async with asyncio.timeout(limit_s):
                    await self.exchange.watch_order_book(pair.name)
            except TimeoutError:
                if pair.condition == "live" and pair.heard_s > began_s:
                    continue  # the book was quiet, and looked at
                self.count("subscriptions that said nothing")
                self._break_off(pair, "stale", "said nothing")
                self._hang_up(pair.client, pair.name)
                raise
            self._flush()
            await asyncio.sleep(timing.tick_s)

    def on_raw(self, client: Any, message: Any) -> str:
        """Check the number of a message, where a venue numbers them."""
        if proof_of(self.source) != "counted":
            return ""
        return self._numbers.check(id(client), message)

    def on_message(self, client: Any) -> None:
        """Tell what a message changed."""
        self.messages += 1
        self._flush(client)
        books = self.exchange.orderbooks
        for pair in self.pairs.values():
            if pair.is_attached and books.get(pair.name) is not pair.ladder:
                pair.is_attached = False
                self._break_off(pair, "gap", "an update is missing")

    def _flush(self, client: Any = None) -> None:
        changed: list[Ladder] = self.exchange.changed
        if not changed:
            return
        ready, self.exchange.changed = changed, []
        for ladder in ready:
            ladder.settle()
            pair = self._pair_of(ladder)
            if pair is not None:
                self._tell(pair, ladder, client)

    def _pair_of(self, ladder: Ladder) -> Pair | None:
        for pair in self.pairs.values():
            if pair.is_attached and pair.ladder is ladder:
                return pair
        for name, book in self.exchange.orderbooks.items():
            if book is ladder:
                return self.pairs.get(name)
        return None

    def _tell(self, pair: Pair, ladder: Ladder, client: Any) -> None:
        """Tell a book that changed, at the time it was received."""
        before = pair.condition
        pair.client = client or pair.client
        pair.heard_s = self.now_s()
        by_rest = self.source in SNAPSHOT_BY_REST
        joined = ladder["timestamp"] is not None if by_rest else ladder.resets > 0
        joined = joined or pair.confirmed == ladder.resets > 0
        try:
            condition = pair.judge(ladder, joined=joined, proven=self._proven)
        except OffGridError as error:
            self._break_off(pair, "gap", str(error))
            self._hang_up(pair.client, pair.name)
            return
        seen = pair.seen(self.now_ns())
        if condition == "live" and self._state != "live":
            self._say("live")
        if condition in {"live", "unverified"} or SHOWN[condition] != SHOWN[before]:
            self.emit(seen)
        if condition == "gap" or pair.reason.startswith("the price left"):
            self.count(f"gaps: {pair.reason}")
            self._hang_up(pair.client, pair.name)

    def _break_off(self, pair: Pair, condition: Condition, reason: str) -> None:
        had_book = pair.condition != "waiting"
        news = pair.break_off(condition, reason)
        if news and had_book:
            self.count(f"{condition}: {reason}")
            self.emit(pair.seen(self.now_ns()))
        if self._state == "live" and not any(p.condition == "live" for p in self.pairs.values()):
            self._say("stale", reason)

    # --- connections ----------------------------------------------------------------------------

    def on_unreadable(self, client: Any, reason: str) -> None:
        """Doubt every book of a connection of which a message is missing or cannot be read."""
        self.count(f"unreadable: {reason}")
        for pair in self._of(client):
            self._break_off(pair, "gap", reason)
        self._hang_up(client, "")

    def on_lost(self, client: Any, reason: str) -> None:
        """Mark the books of a dead connection: their prices stay, nobody acts on them."""
        if self._ending:
            return
        self.losses += 1
        self._numbers.forget(id(client))
        log.warning("a connection is lost", venue=self.source, reason=reason)
        for pair in self._of(client):
            self.exchange.orderbooks.pop(pair.name, None)
            pair.is_attached = False
            if pair.condition in {"live", "unverified", "resyncing", "waiting"}:
                self._break_off(pair, "stale", reason)

    def _of(self, client: Any) -> list[Pair]:
        return [pair for pair in self.pairs.values() if pair.client in {client, None}]

    def _hang_up(self, client: Any, name: str) -> None:
        """Close a connection that is not worth keeping; what waits on it asks for the next one.

        Without a connection every one that was asked for this pair, or else all, are closed.
        """
        known = list((self.exchange.clients or {}).values())
        chosen = [client] if client is not None and client in known else [
            one for one in known if any(name in str(each) for each in one.subscriptions)
        ]  # fmt: skip
        for one in chosen or known:
            if one.error is None:  # else it was hung up before
                one.error = ConnectionError("hung up")
                abort(one)
                asyncio.get_running_loop().call_soon(one.on_error, one.error)

    async def _audit(self, pair: Pair) -> None:
        """Compare a quiet book with the venue's: the same is told again, another is a gap.

        A snapshot after which the stream said nothing is taken if it is still the venue's book.
        """
        try:
            for look in range(2):
                asked_s, ladder = self.now_s(), pair.ladder
                book = await self.exchange.fetch_order_book(pair.name, AUDIT_DEPTH)
                theirs = Ladder(book, on_change=lambda _: None)
                if not pair.is_attached or pair.ladder is not ladder or pair.heard_s > asked_s:
                    return
                assert ladder is not None, "an attached pair has a ladder"
                theirs.put_on_grid(pair.instrument.tick_nanos, pair.instrument.lot_nanos)
                if _top(theirs) == _top(ladder) != []:
                    pair.confirmed = ladder.resets
                    self._tell(pair, ladder, pair.client)
                    return
                if look == 0:
                    await asyncio.sleep(self._timing.again_s)
            self._break_off(pair, "gap", "the stream missed a change")
            self._hang_up(pair.client, pair.name)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  ccxt reads foreign data: anything may fail
            self.count(f"audit: {type(error).__name__}")
            await asyncio.sleep(self._timing.again_s)
        finally:
            self._audits.discard(pair.symbol)

    # --- prints ---------------------------------------------------------------------------------

    async def _prints(self, pair: Pair) -> None:
        """Tell the trades of others; none is dropped on the way to the engine."""
        while True:
            trades = await self.exchange.watch_trades(pair.name)
            now_ns = self.now_ns()
            for trade in trades:
                try:
                    age_ms = now_ns // NS_PER_MS - int(trade.get("timestamp") or 0)
                    seen = pair.print_of(trade, now_ns) if age_ms < PRINT_AGE_MS_MAX else None
                except (OffGridError, ValueError, KeyError) as error:
                    self.count(f"prints not taken: {error}")
                    continue
                if seen is not None:
                    self.emit(seen)
            while self._desk.is_full and not self._desk.stopped():
                await asyncio.sleep(FULL_WAIT_S)


def _top(ladder: Ladder) -> list[tuple[int, int]]:
    """Return the best levels of both sides, [] for an empty book."""
    return [
        level
        for side in (ladder.bids, ladder.asks)
        for level in zip(side.keys[:AUDIT_LEVELS], side.sizes, strict=False)
    ]
