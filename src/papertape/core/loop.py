# cython: annotation_typing=False
"""The event loop over columns: one strategy, recorded data, the books of a live run.

    data = Columns.bars(ts_ns, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots)
    result = run_loop([data], [instrument], EmaCross(10, 30, lots=100_000),
                      initial_cash_micros=10_000_000_000)
    result.cash_micros, result.trades["realized_micros"], result.equity

Fills, fees, refusals and books are those of the live engine on the same events: quotes and books
fill at once from the depth shown, instruments with bars only on the next bar. A strategy comes in
three forms: a Python strategy, a compiled `Rule`, or a `targets` column of the data.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from papertape.core.loop_account import FIELDS_COUNT, TRADE_FIELDS, Account
from papertape.core.loop_columns import Columns
from papertape.core.loop_engine import Limits
from papertape.core.loop_rules import EmaCross, Rule
from papertape.core.loop_run import Loop
from papertape.core.loop_signals import Check
from papertape.errors import ConfigError
from papertape.model.instrument import Instrument
from papertape.model.market import EventGroup, Market
from papertape.model.market_data import BookSeen

__all__ = ["TRADE_FIELDS", "Columns", "EmaCross", "LoopResult", "Rule", "run_loop"]

HANDLERS = (
    "on_bar", "on_quote", "on_book", "on_print", "on_fill", "on_settle", "forget", "wants",
)  # fmt: skip
STRATEGY_BASE = "papertape.strategies.base"  # its handlers do nothing: they are not called
EQUITY_EVERY_NS = 10_000_000_000

Strategy = Any
"""A Rule, None (the data has `targets`), or a `papertape.Strategy`, told here by its handlers."""


@dataclass(frozen=True, slots=True)
class LoopResult:
    """What a run came to; money in micros, exact.

    rows: one row of TRADE_FIELDS per fill or settlement, in order; `trades` has them as columns.
    buckets: the equity curve as it is kept; `equity` has it as points, at most 8,000 of them, with
    its ends and extremes. days: (days since 1970, value at the last mark of the day). drawdown: the
    deepest fall below a peak, and that peak. held_ns: time with anything held. positions: symbol to
    (lots, cost, realised, fees, opened ts_ns). refusals: count by code; refused: (ts_ns, code,
    symbol) of the first 1,000.
    failure: (event number from 0, handler, what it said) if the strategy ended the run. cannot:
    what it wanted that only a live run has. grouped: whether it bought sets of several legs. grid:
    equity at the end of each period. area, held_area: equity and what was held of it, times
    nanoseconds. drawdown_share: deepest fall as a share of its peak; drawdown_ns: the longest.
    slippage_twice: what fills cost against the mid when their orders were decided, doubled, over
    `priced_fills` of them.
    """

    events: int
    first_ts_ns: int
    last_ts_ns: int
    initial_micros: int
    cash_micros: int
    equity_micros: int
    realized_micros: int
    fees_micros: int
    turnover_micros: int
    fills: int
    settlements: int
    orders: int
    signals: int
    cancelled: int
    resting: int
    skipped: int
    refusals: dict[str, int]
    refused: list[tuple[int, str, str]]
    rows: array[int]
    buckets: array[int]
    days: list[tuple[int, int]]
    peak_micros: int
    drawdown_micros: int
    drawdown_peak_micros: int
    held_ns: int
    positions: dict[str, tuple[int, int, int, int, int]]
    failure: tuple[int, str, str] | None
    cannot: str
    grouped: bool
    grid: list[int]
    area: float
    held_area: float
    drawdown_share: float
    drawdown_ns: int
    slippage_twice_micros: int
    priced_fills: int

    @property
    def trades(self) -> dict[str, array[int]]:
        """Return the trades by column, built anew at each call."""
        return by_column(self.rows, len(self.rows) // FIELDS_COUNT)

    @property
    def equity(self) -> list[tuple[int, int]]:
        """Return (ts_ns, value) in time order, built anew at each call."""
        points: dict[tuple[int, int], None] = {}
        for at in range(0, len(self.buckets), 8):
            one = self.buckets[at : at + 8]
            ends = {(one[0], one[1]), (one[2], one[3]), (one[4], one[5])}
            points.update(dict.fromkeys(sorted(ends)))
            points[one[6], one[7]] = None
        return list(points)


class NewsTeller(Protocol):
    """Knows what rows of NEWS say, and keeps what strategies may know of markets."""

    def attach(self, loop: Loop) -> LoopContext:
        """Tell this loop from now on; return what the strategy may look at."""
        ...

    def tell(self, number: int) -> None:
        """Tell the loop a piece of news."""
        ...


class LoopContext:
    """What a Python strategy may look at in the loop; implements `StrategyContext`."""

    def __init__(self, loop: Loop) -> None:
        """Look at the loop: every instrument is listed from the start, there are no markets."""
        self._loop = loop
        self.instruments: dict[str, Instrument] = {
            slot.symbol: slot.instrument for slot in loop.slots
        }
        self.markets: dict[str, Market] = {}
        self.groups: dict[str, EventGroup] = {}

    def now_ns(self) -> int:
        """Return the time of the event in hand."""
        return self._loop.engine.now_ns

    def book(self, symbol: str) -> BookSeen | None:
        """Return the newest book of an instrument, None if none was seen."""
        return self._loop.book_of(symbol)

    def held_lots(self, strategy: str, symbol: str) -> int:
        """Return what the strategy holds."""
        return self._loop.held_lots(symbol)

    def tradable(self, symbol: str) -> bool:
        """Return whether the instrument's market trades."""
        return self._loop.tradable(symbol)


def run_loop(
    columns: Iterable[Columns],
    instruments: Sequence[Instrument],
    strategy: Strategy,
    *,
    initial_cash_micros: int,
    tag: str = "",
    limits: Limits | None = None,
    check: Check | None = None,
    equity_every_ns: int = EQUITY_EVERY_NS,
    start_ns: int = 0,
    period_ns: int = 0,
    news: NewsTeller | None = None,
    before: Iterable[int] = (),
    on_progress: Callable[[int], None] | None = None,
    on_trades: Callable[[dict[str, array[int]]], None] | None = None,
) -> LoopResult:
    """Run a strategy over chunks of market data and return what it came to.

    columns: chunks in time order, taken one after the other; rows name instruments by their place.
    strategy: a `papertape.Strategy`, a Rule, or None with a `targets` column.
    limits: as `RiskLimits`; None holds signals to cash, holdings and venue minimums only.
    check: reads signals that are not one leg in lots and ticks (`services.loop_door.exact_legs`).
    start_ns, period_ns: with a period, equity is kept at the end of each. news, before: NEWS.
    on_progress: called every 65,536 events. on_trades: takes the trades chunk by chunk instead.
    InvalidInputError names row and column of bad data. OverflowError and AccountsBrokenError end
    the run as they halt a live one. Sets (`Signal.then`) end it as a failure.
    """
    python = strategy is not None and not isinstance(strategy, Rule)
    loop = Loop(
        list(instruments),
        Account(initial_cash_micros, equity_every_ns, start_ns, period_ns),
        handlers=_handlers(strategy) if python else {},
        rule=strategy if isinstance(strategy, Rule) else None,
        limits=limits,
        tag=tag or getattr(strategy, "name", "") or "strategy",
        check=check,
        on_progress=on_progress,
        on_news=None if news is None else news.tell,
    )
    context = LoopContext(loop) if news is None else news.attach(loop)
    if python:
        _start(loop, strategy, context)
    if news is not None:
        for number in before:
            loop.begin(start_ns)
            news.tell(number)
    first_ns = 0
    for chunk in columns:
        if loop.failure is not None:
            break
        if len(chunk) and not first_ns:
            first_ns = chunk.ts[0]
        loop.feed(chunk)
        if on_trades is not None:
            on_trades(by_column(*loop.account.take_trades()))
    if python and loop.failure is None and hasattr(strategy, "on_stop"):
        loop.guarded("on_stop", strategy.on_stop)
    loop.finish()
    return _result(loop, first_ns)


def _handlers(strategy: Strategy) -> dict[str, Callable[[Any], Any]]:
    """Return the handlers that the strategy's class overrides."""
    found = {}
    for name in HANDLERS:
        handler = getattr(type(strategy), name, None)
        if handler is not None and getattr(handler, "__module__", "") != STRATEGY_BASE:
            found[name] = getattr(strategy, name)
    if not found.keys() - {"wants", "forget"}:
        raise ConfigError(f"{type(strategy).__name__} is no strategy: it has none of {HANDLERS}")
    return found


def _start(loop: Loop, strategy: Strategy, context: LoopContext) -> None:
    if hasattr(strategy, "attach"):
        strategy.attach(context, loop.engine.tag)
    if hasattr(strategy, "on_start"):
        loop.guarded("on_start", strategy.on_start)


def by_column(rows: array[int], count: int) -> dict[str, array[int]]:
    """Return rows of trades as columns by the names of TRADE_FIELDS."""
    end = count * FIELDS_COUNT
    return {name: rows[at:end:FIELDS_COUNT] for at, name in enumerate(TRADE_FIELDS)}


def _result(loop: Loop, first_ns: int) -> LoopResult:
    account, engine = loop.account, loop.engine
    held_ns = account.held_ns
    rows, count = account.take_trades()
    del rows[count * FIELDS_COUNT :]
    if account.open:
        held_ns += engine.now_ns - account.held_since
    return LoopResult(
        events=loop.events,
        first_ts_ns=first_ns,
        last_ts_ns=engine.now_ns,
        initial_micros=account.initial,
        cash_micros=account.cash,
        equity_micros=account.equity_now(),
        realized_micros=account.realized,
        fees_micros=account.fees,
        turnover_micros=account.turnover,
        fills=account.fills,
        settlements=account.settled,
        orders=engine.orders,
        signals=engine.signals,
        cancelled=engine.cancelled,
        resting=engine.resting_count,
        skipped=loop.skipped,
        refusals=dict(sorted(engine.refusals.items())),
        refused=engine.refused,
        rows=rows,
        buckets=account.curve(),
        days=account.daily(),
        peak_micros=account.peak,
        drawdown_micros=account.drawdown,
        drawdown_peak_micros=account.drawdown_peak,
        held_ns=held_ns,
        positions={
            slot.symbol: (slot.lots, slot.cost, slot.realized, slot.fees, slot.opened_ns)
            for slot in account.open
        },
        failure=loop.failure,
        cannot=loop.cannot,
        grouped=loop.grouped,
        grid=account.grid,
        area=account.area,
        held_area=account.held_area,
        drawdown_share=account.drawdown_share,
        drawdown_ns=account.drawdown_ns,
        slippage_twice_micros=account.slippage_twice,
        priced_fills=account.priced_fills,
    )
