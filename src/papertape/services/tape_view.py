"""TapeView: every projection of the tape, kept together and fed in order.

The bot, the dashboard and `verify` use the same class on the same records, so they cannot differ.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Any

import msgspec

from papertape.core.arithmetic import notional_micros
from papertape.model.events import (
    EngineState,
    EngineStateChanged,
    EquityMarked,
    EventListed,
    FeedStateChanged,
    InstrumentListed,
    MarketListed,
    MarketStateChanged,
    Record,
    RunStarted,
    RunStopped,
    VenueClockMeasured,
)
from papertape.model.instrument import Instrument
from papertape.model.market import EventGroup, Market
from papertape.model.ports import BoardQuote, Projection
from papertape.services.activity import Activity
from papertape.services.continuity import Continuity
from papertape.services.decision_hash import DecisionHash
from papertape.services.equity_curve import EquityCurve
from papertape.services.exit_marks import ExitMarks
from papertape.services.open_orders import OpenOrders
from papertape.services.portfolio_tracker import PortfolioTracker
from papertape.services.results import Results
from papertape.services.strategy_stats import StrategyStats
from papertape.services.trade_logger import TradeLogger

SNAPSHOT_VERSION = 8
RESOLVED_KEPT = 2_000  # markets that are over, kept for names and details: about 3 MB


class AccountBooks:
    """The projections of one account."""

    def __init__(self, instruments: dict[str, Instrument]) -> None:
        """Start empty; the account's first RunStarted opens it."""
        self.portfolio = PortfolioTracker(instruments=instruments)
        self.trades = TradeLogger(instruments=instruments)
        self.strategies = StrategyStats()
        self.equity = EquityCurve()
        self.activity = Activity()
        self.orders = OpenOrders()
        self.decisions = DecisionHash()
        self.results = Results(instruments=instruments)
        self.continuity = Continuity()
        self.exits = ExitMarks()
        self.last_ts_ns = 0
        self._all: tuple[Projection, ...] = (
            self.portfolio,
            self.trades,
            self.strategies,
            self.equity,
            self.activity,
            self.orders,
            self.decisions,
            self.results,
            self.continuity,
            self.exits,
        )

        self._takers = {
            kind: tuple(one.apply for one in self._all if kind in one.takes)
            for kind in frozenset().union(*(one.takes for one in self._all))
        }

    def apply(self, record: Record) -> None:
        """Hand a record to the projections that take its kind."""
        self.last_ts_ns = max(self.last_ts_ns, record.ts_ns)
        for apply in self._takers.get(type(record.event), ()):
            apply(record)

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the states: the time first, then the projections in their order."""
        return [{"ts_ns": self.last_ts_ns}, *(one.snapshot() for one in self._all)]

    def restore(self, states: list[dict[str, Any]]) -> None:
        """Become what `snapshot` returned."""
        self.last_ts_ns = states[0]["ts_ns"]
        for projection, state in zip(self._all, states[1:], strict=True):
            projection.restore(state)


class TapeView:
    """What the tape says, up to `seq`, for the account of the newest run."""

    def __init__(self) -> None:
        """Start before the first record."""
        self.seq = 0
        self.runs = 0
        self.run: RunStarted | None = None
        self.run_started_ts_ns = 0
        self.stopped: RunStopped | None = None
        self.last_ts_ns = 0
        self.engine_state: EngineState = "trading"
        self.engine_reason = ""
        self.feed_states: dict[str, FeedStateChanged] = {}
        self.clocks: dict[str, VenueClockMeasured] = {}
        self.instruments: dict[str, Instrument] = {}
        self.markets: dict[str, Market] = {}
        self.groups: dict[str, EventGroup] = {}
        self.market_states: dict[str, str] = {}
        self._resolved: deque[str] = deque()
        self.accounts: dict[str, AccountBooks] = {}
        self.books = AccountBooks(self.instruments)

    # --- the newest account's projections, by their names ---------------------------------------

    @property
    def portfolio(self) -> PortfolioTracker:
        """Return the portfolio of the newest run's account."""
        return self.books.portfolio

    @property
    def trades(self) -> TradeLogger:
        """Return the trade list of the newest run's account."""
        return self.books.trades

    @property
    def strategies(self) -> StrategyStats:
        """Return the strategy scores of the newest run's account."""
        return self.books.strategies

    @property
    def equity(self) -> EquityCurve:
        """Return the equity curve of the newest run's account."""
        return self.books.equity

    @property
    def activity(self) -> Activity:
        """Return signals, refusals and alerts of the newest run's account."""
        return self.books.activity

    @property
    def orders(self) -> OpenOrders:
        """Return the open orders of the newest run's account."""
        return self.books.orders

    @property
    def continuity(self) -> Continuity:
        """Return which books were doubtful when, in the newest run's account."""
        return self.books.continuity

    @property
    def exits(self) -> ExitMarks:
        """Return what exit rules remember of the newest run's account."""
        return self.books.exits

    @property
    def results(self) -> Results:
        """Return what the newest run's account earned when and where."""
        return self.books.results

    @property
    def mode(self) -> str:
        """Return SIMULATED, REPLAY or PAPER; "" before the first run."""
        return self.run.mode if self.run else ""

    @property
    def account(self) -> str:
        """Return the account of the newest run."""
        return self.run.account if self.run else ""

    def strategy_rows(self) -> list[dict[str, Any]]:
        """Return the strategies' scores with what they hold at mark."""
        return self.strategies.rows(self.unrealized_micros)

    def unrealized_micros(self, strategy: str) -> int:
        """Return a strategy's unrealised gain at mark."""
        total = 0
        for (owner, symbol), position in self.portfolio.accounts.positions.items():
            if owner == strategy:
                value = self.portfolio.value_micros(symbol, position)
                total += 0 if value is None else value - position.cost_micros
        return total

    def state_hash(self) -> str:
        """Return the hash of the newest run's decisions and of the books they led to."""
        return self.books.decisions.with_books(self.portfolio.snapshot()["positions"], self.cash())

    def cash(self) -> list[int]:
        """Return (initial, cash, realised, fees) in micros."""
        books = self.portfolio.accounts
        return [books.initial_micros, books.cash_micros, books.realized_micros, books.fees_micros]

    # --- the fold -------------------------------------------------------------------------------

    def apply(self, record: Record) -> None:
        """Take the next record."""
        assert record.seq == self.seq + 1, f"record {record.seq} after {self.seq}"
        self.seq = record.seq
        self.last_ts_ns = max(self.last_ts_ns, record.ts_ns)
        event = record.event
        if isinstance(event, InstrumentListed):
            self.instruments[event.instrument.symbol] = event.instrument
            return
        if isinstance(event, RunStarted):
            self._run_started(event, record.ts_ns)
        elif isinstance(event, MarketListed):
            self.markets[event.market.market_id] = event.market
            self.market_states.setdefault(event.market.market_id, "trading")
        elif isinstance(event, EventListed):
            self.groups[event.group.event_id] = event.group
        elif isinstance(event, MarketStateChanged):
            self.market_states[event.market_id] = event.state
            if event.state == "resolved":
                self._retire(event.market_id)
        elif isinstance(event, RunStopped):
            self.stopped = event
        elif isinstance(event, EngineStateChanged):
            self.engine_state, self.engine_reason = event.state, event.reason
        elif isinstance(event, FeedStateChanged):
            self.feed_states[event.source] = event
        elif isinstance(event, VenueClockMeasured):
            self.clocks[event.source] = event
        self.books.apply(record)

    def _run_started(self, event: RunStarted, ts_ns: int) -> None:
        self.runs = event.number
        self.run = event
        self.run_started_ts_ns = ts_ns
        self.stopped = None
        self.engine_state, self.engine_reason = "trading", ""
        self.feed_states = {}
        self.clocks = {}
        if event.fresh:
            # a replay's account is never taken up again: only its successor is kept in memory
            self.accounts = {
                name: books for name, books in self.accounts.items() if not _passing(name)
            }
            self.accounts[event.account] = AccountBooks(self.instruments)
            # what became of markets belongs to the run that saw it: a replay sees them open again
            self.markets.clear()
            self.groups.clear()
            self.market_states.clear()
            self._resolved.clear()
        self.books = self.accounts.setdefault(event.account, AccountBooks(self.instruments))

    def _retire(self, market_id: str) -> None:
        """Forget the oldest resolved market once there are too many: memory must not grow."""
        self._resolved.append(market_id)
        if len(self._resolved) <= RESOLVED_KEPT:
            return
        old = self._resolved.popleft()
        self.market_states.pop(old, None)
        market = self.markets.pop(old, None)
        if market is None:
            return
        for symbol in market.symbols:
            self.instruments.pop(symbol, None)
        group = self.groups.get(market.event_id)
        if group is not None and not any(one in self.markets for one in group.market_ids):
            del self.groups[market.event_id]

    def update_quotes(self, quotes: list[BoardQuote]) -> None:
        """Mark positions at the newest bids."""
        for quote in quotes:
            if quote.symbol in self.instruments:
                self.portfolio.mark(quote.symbol, quote.bid_ticks if quote.bid_lots else 0)

    def equity_marked(self) -> EquityMarked:
        """Return the account at mark, as an event to be recorded."""
        equity, unrealized, _, unpriced = self.portfolio.marked()
        return EquityMarked(
            cash_micros=self.portfolio.accounts.cash_micros,
            value_micros=equity,
            unrealized_micros=unrealized,
            unpriced=unpriced,
        )

    def notional(self, symbol: str, ticks: int, lots: int) -> int:
        """Return the worth of lots of an instrument at a price, in micros."""
        instrument = self.instruments[symbol]
        return notional_micros(ticks, lots, instrument.tick_nanos * instrument.lot_nanos)

    # --- state ----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as JSON-able values."""
        builtins: dict[str, Any] = msgspec.to_builtins(
            {
                "instruments": list(self.instruments.values()),
                "markets": list(self.markets.values()),
                "groups": list(self.groups.values()),
                "feed_states": list(self.feed_states.values()),
                "clocks": list(self.clocks.values()),
                "run": self.run,
                "stopped": self.stopped,
            }
        )
        return builtins | {
            "version": SNAPSHOT_VERSION,
            "seq": self.seq,
            "runs": self.runs,
            "times": [self.run_started_ts_ns, self.last_ts_ns],
            "engine": [self.engine_state, self.engine_reason],
            "market_states": self.market_states,
            "resolved": list(self._resolved),
            "accounts": {name: books.snapshot() for name, books in self.accounts.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.seq = state["seq"]
        self.runs = state["runs"]
        self.run_started_ts_ns, self.last_ts_ns = state["times"]
        self.engine_state, self.engine_reason = state["engine"]
        self.market_states.clear()
        self.market_states.update(state["market_states"])
        self._resolved = deque(state["resolved"])
        self.run = msgspec.convert(state["run"], RunStarted | None)
        self.stopped = msgspec.convert(state["stopped"], RunStopped | None)
        instruments = msgspec.convert(state["instruments"], list[Instrument])
        self.instruments.clear()
        self.instruments.update((item.symbol, item) for item in instruments)
        markets = msgspec.convert(state["markets"], list[Market])
        self.markets.clear()
        self.markets.update((market.market_id, market) for market in markets)
        groups = msgspec.convert(state["groups"], list[EventGroup])
        self.groups.clear()
        self.groups.update((group.event_id, group) for group in groups)
        feeds = msgspec.convert(state["feed_states"], list[FeedStateChanged])
        self.feed_states = {feed.source: feed for feed in feeds}
        clocks = msgspec.convert(state["clocks"], list[VenueClockMeasured])
        self.clocks = {clock.source: clock for clock in clocks}
        self.accounts = {}
        for name, states in state["accounts"].items():
            self.accounts[name] = AccountBooks(self.instruments)
            self.accounts[name].restore(states)
        self.books = self.accounts.get(self.account, AccountBooks(self.instruments))

    def snapshot_bytes(self) -> bytes:
        """Return the state as JSON."""
        return msgspec.json.encode(self.snapshot())

    def restore_bytes(self, body: bytes) -> bool:
        """Become what a snapshot says; False (and nothing done) if its version is another."""
        state: dict[str, Any] = msgspec.json.decode(body)
        if state.get("version") != SNAPSHOT_VERSION:
            return False
        self.restore(state)
        return True

    def digest(self) -> str:
        """Return the hash of the whole state: equal folds have equal digests."""
        body = msgspec.json.encode(self.snapshot(), order="deterministic")
        return hashlib.sha256(body).hexdigest()


def _passing(account: str) -> bool:
    return account.startswith("replay")
