"""The running feed: discovery, connections, repair, payouts, and a beat when the venue is silent.

Everything happens on one event loop; what the engine shall see goes into an outbox, in order.
"""

from __future__ import annotations

import asyncio

import msgspec
import structlog

from papertape.clock import NS_PER_MS, NS_PER_S
from papertape.feeds.desk import Desk
from papertape.feeds.polymarket.gamma import LiveMarket
from papertape.feeds.polymarket.intake import SOURCE, Intake, State
from papertape.feeds.polymarket.messages import FrameReader
from papertape.feeds.polymarket.picker import Choice, MarketPicker, nothing_found
from papertape.feeds.polymarket.rest import BOOKS_PER_REQUEST, PolymarketRest
from papertape.feeds.polymarket.stream import Shard, Timing
from papertape.feeds.polymarket_levels import BadRecordError
from papertape.feeds.rest import VenueSilentError
from papertape.model.market_data import MarketData

FULL_WAIT_S = 0.01
RESOLVE_WAIT_MAX_S = 60.0  # between looks at a market that is long over and still does not pay

log = structlog.get_logger()


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where the venue is, and how it is asked."""

    gamma_url: str
    clob_url: str
    ws_url: str
    tokens_per_socket: int = 200
    refresh_s: float = 60.0


class Session:
    """One life of the feed on a running event loop."""

    def __init__(
        self,
        places: Places,
        choice: Choice,
        desk: Desk,
        *,
        timing: Timing,
        reader: FrameReader,
    ) -> None:
        """Take the parts; the desk is asked often whether it is stopped, and that ends `run`."""
        counts, jitter = desk.counts, desk.jitter
        self.frames = 0
        self.shards: list[Shard] = []
        self.intake = Intake(self._put, reader, counts, suspect_s=timing.suspect_s, raw=desk.raw)
        self.tracker = self.intake.tracker
        self._places = places
        self._choice = choice
        self._desk = desk
        self._clock = desk.clock
        self._jitter = jitter
        self._timing = timing
        self._counts = counts
        self._reader = reader
        self._stopped = desk.stopped
        self._rest = PolymarketRest(
            places.gamma_url, places.clob_url, clock=desk.clock, jitter=jitter, counts=counts,
            backoff_first_s=min(0.25, timing.backoff_first_s),
        )  # fmt: skip
        self._picker = MarketPicker(self._rest, choice, reader, counts)
        self._tasks: asyncio.TaskGroup | None = None
        self._said_s = 0.0
        self._asked_s: dict[str, float] = {}
        self._look_s: dict[str, float] = {}
        self._listings_seen = 0

    # --- life -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until stopped; raises WorldError if there is nothing to watch at the start."""
        self._say("stale", "connecting")
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                children = [
                    tasks.create_task(self._discover()),
                    tasks.create_task(self._repair()),
                    tasks.create_task(self._resolve()),
                ]
                await self._beat()
                for child in children:
                    child.cancel()
                for task in self._shard_tasks:
                    task.cancel()
        finally:
            await self._rest.close()

    @property
    def _shard_tasks(self) -> list[asyncio.Task[None]]:
        return [shard.task for shard in self.shards if shard.task is not None]

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _put(self, item: MarketData) -> None:
        self._said_s = self._now_s()
        self._desk.put(item)

    def _say(self, state: State, reason: str = "") -> None:
        self.intake.say(state, reason, self._clock.now_ns())

    async def _beat(self) -> None:
        """Look at the clock often: stop, close what is due, and speak when the venue is silent."""
        timing = self._timing
        while not self._stopped():
            await asyncio.sleep(min(timing.tick_s, 0.05))
            now_ns = self._clock.now_ns()
            self.intake.tick(now_ns)
            measured = self._rest.skew.news(now_ns)
            if measured is not None:
                self.intake.clock(measured, now_ns)
            if self._now_s() - self._said_s >= timing.beat_s and not self._desk.is_full:
                state = self.intake.state
                self._say(state, "" if state == "live" else "no connection")

    # --- markets --------------------------------------------------------------------------------

    async def _discover(self) -> None:
        """Find the markets, and look again: new ones join, resolved ones have left."""
        refresh_s = self._places.refresh_s
        while True:
            wait_s = refresh_s
            try:
                found = await self._picker.pick(self._clock.now_ns())
                if not found and not self.tracker.markets:
                    raise nothing_found(self._choice, self._counts, self._reader)
                await self._miss(found)
                await self._join(found)
            except VenueSilentError as error:
                log.warning("the venue's list of markets cannot be had", reason=str(error))
                wait_s = min(refresh_s, self._timing.resolve_s)
            await self._pause(wait_s)

    async def _pause(self, wait_s: float) -> None:
        """Wait for the next look; a listing that the stream tells of shortens it."""
        until_s = self._now_s() + wait_s
        soonest_s = self._now_s() + min(wait_s, self._timing.resolve_s)
        while self._now_s() < until_s:
            await asyncio.sleep(self._timing.tick_s)
            told = self.tracker.news_of_listings > self._listings_seen
            if told and self._choice.searches and self._now_s() >= soonest_s:
                break
        self._listings_seen = self.tracker.news_of_listings

    async def _miss(self, found: list[LiveMarket]) -> None:
        """Ask for markets that we watch and that were not found again: they may be over."""
        names = {market.slug for market in found}
        for slug in [slug for slug in self.tracker.markets if slug not in names]:
            if self.tracker.states.get(slug) != "closed":
                market = await self._picker.one(slug, self._clock.now_ns())
                if market is not None and slug in self.tracker.markets:
                    self.intake.state_of(market, self._clock.now_ns())

    async def _join(self, found: list[LiveMarket]) -> None:
        tracker = self.tracker
        # what is over and waits for its payout takes no place of what trades
        over = sum(state == "closed" for state in tracker.states.values())
        room = self._choice.markets_max + len(self._choice.held) + over
        tokens: list[str] = []
        for market in found:
            if market.slug not in tracker.markets and len(tracker.markets) >= room:
                continue
            if self.intake.market(market, self._clock.now_ns()):
                tokens.extend(market.tokens)
        if tokens:
            groups = (one.group for one in tracker.markets.values() if one.group is not None)
            for event_id in dict.fromkeys(group.event_id for group in groups):
                raw = await self._picker.event(event_id)
                self.intake.event(event_id, raw, self._clock.now_ns())
            await self._subscribe(tokens)

    async def _subscribe(self, tokens: list[str]) -> None:
        size = self._places.tokens_per_socket
        for shard in self.shards:
            part = tokens[: max(0, size - len(shard.tokens))]
            if part:
                tokens = tokens[len(part) :]
                await shard.add(part)
                self.intake.connection(shard.name, shard.tokens, self._clock.now_ns())
        assert self._tasks is not None, "run has begun"
        for first in range(0, len(tokens), size):
            shard = Shard(
                f"{SOURCE}-{len(self.shards) + 1}",
                self._places.ws_url,
                tokens[first : first + size],
                listener=self,
                timing=self._timing,
                jitter=self._jitter,
                now_s=self._now_s,
            )
            self.shards.append(shard)
            self.intake.connection(shard.name, shard.tokens, self._clock.now_ns())
            shard.task = self._tasks.create_task(shard.run())

    # --- connections ----------------------------------------------------------------------------

    def on_open(self, shard: Shard) -> None:
        """A subscription was sent; nothing is believed before the venue says something."""
        log.info("connected", shard=shard.name, books=len(shard.tokens), connects=shard.connects)

    async def on_frame(self, shard: Shard, frame: str | bytes) -> None:
        """Fold a frame into books at the time it was received."""
        now_ns = self._clock.now_ns()
        if self.intake.frame(shard.name, frame, now_ns):
            shard.proven = True
        self.frames += 1
        if self.tracker.venue_ms:
            self._rest.skew.heard(now_ns, self.tracker.venue_ms * NS_PER_MS)
        while self._desk.is_full and not self._stopped():
            await asyncio.sleep(FULL_WAIT_S)

    def on_lost(self, shard: Shard, reason: str) -> None:
        """The books of this connection are stale; with the last connection the feed is."""
        now_ns = self._clock.now_ns()
        self._counts["connections lost"] += 1
        log.warning("a connection is lost", shard=shard.name, reason=reason)
        self.intake.lost(shard.name, reason, now_ns)
        if self.intake.state == "live" and not any(one.proven for one in self.shards):
            self._say("stale", reason)

    # --- repair ---------------------------------------------------------------------------------

    async def _repair(self) -> None:
        """Ask for whole books: where one is missing or broken, and where it was quiet for long."""
        while True:
            await asyncio.sleep(self._timing.tick_s)
            wanted = await self._wanted_books()
            if not wanted:
                continue
            now_s = self._now_s()
            for token in wanted:
                self._asked_s[token] = now_s
            self.intake.resync(wanted, self._clock.now_ns())
            try:
                answers = await self._rest.books(wanted)
            except VenueSilentError as error:
                log.warning("books cannot be had", reason=str(error))
                continue
            proven = {token for one in self.shards if one.proven for token in one.tokens}
            now_ns = self._clock.now_ns()
            wrong: set[str] = set()
            for answer in answers:
                wrong |= self.intake.books(answer, proven.intersection(wanted), now_ns)
            for shard in self.shards:
                if wrong & set(shard.tokens) and now_s - shard.heard_s >= self._timing.audit_s:
                    await shard.hang_up("books changed and it said nothing")

    async def _wanted_books(self) -> list[str]:
        timing = self._timing
        now_s, now_ns = self._now_s(), self._clock.now_ns()
        wanted: list[str] = []
        for shard in self.shards:
            open_s = now_s - shard.opened_s
            if shard.is_open and not shard.proven and open_s >= 2 * timing.snapshot_s:
                self._counts["subscriptions that said nothing"] += 1
                await shard.hang_up("said nothing")
            if not shard.proven:
                continue
            for token in shard.tokens:
                book = self.tracker.books.get(token)
                if book is None:
                    continue
                if book.condition in {"waiting", "stale"}:
                    due = open_s >= timing.snapshot_s  # the subscription brings them by itself
                    every_s = timing.repair_s
                else:
                    quiet_ns = now_ns - book.heard_ns
                    due = book.broken or quiet_ns >= timing.audit_s * NS_PER_S
                    every_s = timing.repair_s if book.broken else timing.audit_s
                if due and now_s - self._asked_s.get(token, -every_s) >= every_s:
                    wanted.append(token)
        return wanted[:BOOKS_PER_REQUEST]

    # --- payouts --------------------------------------------------------------------------------

    async def _resolve(self) -> None:
        """Ask what markets pay that are over, until it is certain."""
        while True:
            await asyncio.sleep(self._timing.tick_s)
            now_s = self._now_s()
            for slug, market in list(self.tracker.markets.items()):
                if self.tracker.states.get(slug) != "closed":
                    continue
                if now_s < self._look_s.get(slug, 0.0):
                    continue
                over_s = max(0, self._clock.now_ns() - market.market.end_ns) / NS_PER_S
                wait_s = max(self._timing.resolve_s, min(RESOLVE_WAIT_MAX_S, over_s / 10))
                self._look_s[slug] = now_s + wait_s
                await self._look(market)
            await self._let_go()

    async def _look(self, market: LiveMarket) -> None:
        try:
            now = await self._picker.one(market.slug, self._clock.now_ns())
            if now is None:
                return
            slug, paid = market.slug, self._clock.now_ns()
            known = self.intake.payout(slug, "gamma", now.raw, paid)
            if not known and now.trading in {"over", "resolved"}:
                raw = await self._rest.clob_market(market.condition_id)
                known = raw is not None and self.intake.payout(
                    slug, "clob", raw, self._clock.now_ns()
                )
        except (VenueSilentError, BadRecordError) as error:
            log.warning("a payout cannot be had", market=market.slug, reason=str(error))
            return
        if known:
            self._look_s.pop(market.slug, None)

    async def _let_go(self) -> None:
        """Unsubscribe from the tokens of markets that have paid."""
        for shard in list(self.shards):
            gone = [token for token in shard.tokens if token not in self.tracker.books]
            if not gone:
                continue
            await shard.drop(gone)
            self.intake.connection(shard.name, shard.tokens, self._clock.now_ns())
            for token in gone:
                self._asked_s.pop(token, None)
            if not shard.tokens and shard.task is not None:
                shard.task.cancel()
                self.shards.remove(shard)
        if not self.shards and self.intake.state == "live":
            self._say("stale", "no market is open")
