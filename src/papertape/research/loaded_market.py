"""LoadedMarket: recorded data in memory, read and checked once, for any number of runs over it.

    market = LoadedMarket.load(import_data(path, folder))
    done = market.run_once(Momentum(rise_bps=40), config)
    done.figures["sharpe"], done.grid, done.trades

A run decides and fills as `papertape backtest` does on the same data, on the compiled loop where it
can tell the run exactly (`LoadedMarket.cannot` and `RunOnce.why` say why not), else on the live
engine. It leaves no tape. Processes that are forked after `load` share the data.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from papertape.clock import NS_PER_S
from papertape.config import Config, Risk
from papertape.core.loop import LoopResult, Rule, run_loop
from papertape.core.loop_columns import NEWS, Columns
from papertape.errors import WorldError
from papertape.model.events import Event, Record
from papertape.model.instrument import Instrument
from papertape.model.money import to_micros
from papertape.research.collector import Collector, period_ns
from papertape.research.columns import Chunk, ColumnReader
from papertape.research.loop_measures import LoopMeasures, equity_table, trades_table
from papertape.research.loop_news import LoopNews
from papertape.research.market_slice import MarketSlice, instruments_of, parse_fees
from papertape.research.metrics import Figures, measure
from papertape.research.session import Order, Session, columns_cannot
from papertape.research.vectorised import bar_frames, decide_all
from papertape.services.door_parts import fill_rules, risk_limits
from papertape.services.loop_door import exact_legs
from papertape.strategies.base import Strategy
from papertape.strategies.vectorised import VectorStrategy
from papertape.tape.memory import MemoryLedger
from papertape.tape.recording import Recording

LIMITS = frozenset({
    "max_order_usd", "max_position_usd", "max_exposure_pct", "max_daily_loss_usd",
    "max_open_orders", "book_age_s_max",
})  # fmt: skip
"""Settings of risk that the compiled loop holds signals against; of others it knows the default."""

Span = tuple[int, int]


class RunOnce(msgspec.Struct, kw_only=True):
    """What came of a run: metrics by name, and equity in micros at the ends of periods.

    failure: why the strategy was stopped, "" if it was not. engine: "loop" or "live"; why: why not
    the loop. trades and equity are Arrow tables of the loop, None from the live engine.
    """

    figures: Figures
    grid: tuple[int, ...]
    step_ns: int
    events: int
    equity_micros: int
    failure: str = ""
    engine: str = "loop"
    why: str = ""
    market: LoadedMarket | None = None
    result: LoopResult | None = None

    @property
    def trades(self) -> pa.Table | None:
        """Return every fill and settlement, oldest first, money in micros, built at each call."""
        if self.result is None or self.market is None:
            return None
        return trades_table(self.result, self.market.instruments)

    @property
    def equity(self) -> pa.Table | None:
        """Return equity over time with its ends and extremes, at most some 8,000 points."""
        return None if self.result is None else equity_table(self.result)


class LoadedMarket:
    """The rows of a recording in memory, about 80 bytes each and 32 per level of a book."""

    def __init__(
        self,
        folder: Path,
        chunks: Sequence[Chunk],
        instruments: Sequence[Instrument],
        *,
        fees: str,
        cannot: str,
    ) -> None:
        """Take what `load` has read."""
        self.folder = folder
        self.fees = fees
        self.cannot = cannot
        self.instruments = list(instruments)
        self._by_symbol = {one.symbol: one for one in instruments}
        self._columns = [chunk.columns for chunk in chunks]
        charged = MarketSlice(Recording(folder), fees=parse_fees(fees)).charged_item
        self._news = [charged(item) for chunk in chunks for _, item in chunk.news]
        self._frames: dict[str, Any] = {}
        self._framed: Span | None = None
        recording = Recording(folder)
        self.first_ns = recording.manifest.first_ts_ns
        self.last_ns = recording.manifest.last_ts_ns
        self.rows = recording.manifest.rows

    @classmethod
    def load(cls, folder: Path, *, fees: str = "default") -> LoadedMarket:
        """Read a recording of papertape (`import_data` makes one of any other source)."""
        recording = Recording(folder)
        if not recording.manifest.segments:
            raise WorldError(f"{recording.manifest.name}: the recording holds nothing")
        reader = ColumnReader(recording)
        chunks = list(reader.chunks())
        listed = MarketSlice(recording, fees=parse_fees(fees))
        found, reason = _listed(chunks, reader.symbols, listed)
        if not reason:
            reason = _unordered(chunks)
        for chunk in chunks:
            if not reason:
                chunk.columns.check()
        return cls(folder, chunks, found, fees=fees, cannot=reason)

    def instrument(self, symbol: str) -> Instrument:
        """Return an instrument as it trades here."""
        return self._by_symbol[symbol]

    # --- running --------------------------------------------------------------------------------

    def run_once(
        self,
        strategy: Strategy | Rule,
        config: Config,
        *,
        span: Span | None = None,
        step_ns: int = 0,
    ) -> RunOnce:
        """Run a fresh strategy over the data, or a compiled rule; a failing one is a result.

        span: first and last ns, None for all. step_ns: period of returns, 0 for the usual one.
        InvalidInputError if the span holds nothing.
        """
        why = self.cannot or cannot_tell(config)
        if not why:
            done = self._on_loop(strategy, config, span, step_ns)
            if not done.why or isinstance(strategy, Rule):
                return done
            why = done.why
        if isinstance(strategy, Rule):
            raise WorldError(f"{self.folder.name}: a rule runs on the loop only: {why}")
        return self._live(strategy, config, span, step_ns, why)

    def _on_loop(
        self, strategy: Strategy | Rule, config: Config, span: Span | None, step_ns: int
    ) -> RunOnce:
        first_ns, last_ns = span or (self.first_ns, self.last_ns)
        start_ns, end_ns = max(first_ns, self.first_ns), min(last_ns, self.last_ns)
        step = step_ns or period_ns(end_ns - start_ns)
        news = LoopNews(self._news)
        limits: Any = risk_limits(config.risk)
        if isinstance(strategy, Strategy):
            strategy = self._fresh(strategy, (start_ns, end_ns))
        result = run_loop(
            self._between(start_ns, end_ns),
            self.instruments,
            strategy,
            initial_cash_micros=to_micros(config.account.initial_cash_usd, "initial_cash"),
            limits=limits,
            check=exact_legs,
            equity_every_ns=round(config.engine.equity_every_s * NS_PER_S),
            start_ns=start_ns,
            period_ns=step,
            news=news,
            before=self._told_before(start_ns),
        )
        run = LoopMeasures(result, start_ns, step, len(self.instruments))
        return RunOnce(
            figures=measure(run),
            grid=tuple(result.grid),
            step_ns=step,
            events=result.events,
            equity_micros=result.equity_micros,
            failure=_failure(result),
            why=result.cannot or ("sets of several legs" if result.grouped else ""),
            market=self,
            result=result,
        )

    def _fresh(self, strategy: Strategy, span: Span) -> Strategy:
        """Return a strategy that has not run yet; a vectorised one has decided on the span."""
        fresh = type(strategy)(**strategy.values())
        if isinstance(fresh, VectorStrategy):
            if self._framed != span:
                feed = MarketSlice(Recording(self.folder), from_ns=span[0], to_ns=span[1])
                self._frames, self._framed = bar_frames(feed), span
            decide_all(fresh, self._frames)
        return fresh

    def _between(self, start_ns: int, end_ns: int) -> Iterator[Columns]:
        for columns in self._columns:
            begin, end = bisect_left(columns.ts, start_ns), bisect_right(columns.ts, end_ns)
            if begin < end:
                yield columns if end - begin == len(columns) else columns.part(begin, end)

    def _told_before(self, start_ns: int) -> range:
        """Return the numbers of the news that came before a time; they come first in the list."""
        count = 0
        for columns in self._columns:
            begin = bisect_left(columns.ts, start_ns)
            count += sum(kind == NEWS for kind in columns.kinds[:begin])
            if begin < len(columns):
                break
        return range(count)

    def _live(
        self, strategy: Strategy, config: Config, span: Span | None, step_ns: int, why: str
    ) -> RunOnce:
        first_ns, last_ns = span or (None, None)
        order = Order(
            strategy=self._fresh(strategy, (first_ns or self.first_ns, last_ns or self.last_ns)),
            config=config, market=self.folder,
            data=self.folder.name, start_ns=first_ns, end_ns=last_ns, fees=self.fees,
        )  # fmt: skip
        feed = order.feed()
        run = Collector(order.cash_micros, feed.first_ns, feed.last_ns - feed.first_ns, step_ns)
        session = Session(order, feed, _Watched(run), "once", _nothing)
        run.look_at(session.parts.watch, session.view.instruments)
        session.run()
        run.finish(session.clock.now_ns())
        return RunOnce(
            figures=measure(run),
            grid=tuple(run.grid),
            step_ns=run.period_ns,
            events=session.loop.events,
            equity_micros=run.equity_micros,
            failure=session.failure,
            engine="live",
            why=why,
            market=self,
        )


def cannot_tell(config: Config) -> str:
    """Return which setting the compiled loop does not know, "" if it knows them all."""
    if not fill_rules(config.execution).plain:
        return "the settings of execution are not the plain ones"
    if why := columns_cannot(config):
        return why
    plain = Risk()
    for name in type(plain).model_fields:
        if name not in LIMITS and getattr(config.risk, name) != getattr(plain, name):
            return f"risk.{name} is not {getattr(plain, name)}"
    return ""


def _failure(result: LoopResult) -> str:
    if result.failure is None:
        return ""
    event, handler, said = result.failure
    return f"failed in {handler} at market record {event + 1:,}: {said}"


def _listed(
    chunks: Sequence[Chunk], symbols: dict[str, int], listed: MarketSlice
) -> tuple[list[Instrument], str]:
    """Return the instruments by index, and why the loop cannot tell this data, "" if it can."""
    found: dict[str, Instrument] = {}
    places: dict[str, tuple[int, int]] = {}
    for at, chunk in enumerate(chunks):
        for row, item in chunk.news:
            for instrument in instruments_of(item):
                one = listed.charged(instrument)
                first = found.setdefault(one.symbol, one)
                if msgspec.structs.replace(one, step_ticks=first.step_ticks) != first:
                    return [], f"{one.symbol} is listed anew with other units, minimums or fees"
                places.setdefault(one.symbol, (at, row))
        if chunk.mixed:
            return [], "bars of one instrument differ in length"
    for at, chunk in enumerate(chunks):
        for symbol, index in symbols.items():
            if index >= len(chunk.first_rows) or chunk.first_rows[index] < 0:
                continue
            if symbol not in places or places[symbol] > (at, chunk.first_rows[index]):
                return [], f"{symbol} has prices before it is listed"
    order = [found[symbol] for symbol in symbols]
    return order + [one for symbol, one in found.items() if symbol not in symbols], ""


def _unordered(chunks: Sequence[Chunk]) -> str:
    """Return where time runs back, "" if nowhere."""
    last_ns = 0
    for chunk in chunks:
        row = chunk.columns.first_unordered(last_ns)
        if row >= 0:
            return f"time runs back at market record {chunk.first_mseq + row:,}"
        last_ns = chunk.columns.ts[len(chunk.columns) - 1] if len(chunk.columns) else last_ns
    return ""


class _Watched(MemoryLedger):
    """A ledger that keeps nothing and shows each event to a collector."""

    def __init__(self, run: Collector) -> None:
        super().__init__()
        self._run = run
        self._head = 0

    def append(self, events: Sequence[Event], *, ts_ns: int, mseq: int) -> list[Record]:
        records = []
        for event in events:
            self._head += 1
            records.append(Record(self._head, "", ts_ns, mseq, event))
            self._run.take(event, ts_ns)
        return records

    def head_seq(self) -> int:
        return self._head


def _nothing() -> None:
    """Do nothing between two records."""
