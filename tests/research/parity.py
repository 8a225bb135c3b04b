"""One strategy, the same events: through the live loop and through the compiled one."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

from tests.engine.desk import CASH_MICROS, Desk

from papertape.model.events import (
    EquityMarked,
    OrderFilled,
    OrderSubmitted,
    PositionSettled,
    SignalRaised,
    SignalRefused,
)
from papertape.model.instrument import Instrument
from papertape.model.market_data import BarSeen, BookSeen, InstrumentSeen, PrintSeen, QuoteSeen
from papertape.services.loop_door import exact_legs
from papertape.strategies.base import Strategy

TOLD = 12  # columns of a trade that a fill on the tape has too
BOOK_STATES = ("live", "stale", "gap", "unverified")


def columns_of(loop: Any, items: Sequence[Any], symbols: Sequence[str], **more: Any) -> Any:
    """Return market records as columns of the given form of the loop."""
    index = {symbol: at for at, symbol in enumerate(symbols)}
    rows: list[tuple[int, ...]] = []
    ticks, lots = array("q"), array("q")
    for item in items:
        head = (item.ts_ns, index[item.symbol])
        if isinstance(item, BarSeen):
            values = (
                item.open_ticks, item.high_ticks, item.low_ticks, item.close_ticks,
                item.volume_lots,
            )  # fmt: skip
            rows.append((*head, 1, *values))
        elif isinstance(item, QuoteSeen):
            values = (item.bid_ticks, item.bid_lots, item.ask_ticks, item.ask_lots, 0)
            rows.append((*head, 2, *values))
        elif isinstance(item, BookSeen):
            first_bid, first_ask = len(ticks), len(ticks) + len(item.bid_ticks)
            ticks.extend([*item.bid_ticks, *item.ask_ticks])
            lots.extend([*item.bid_lots, *item.ask_lots])
            counts = (first_bid, len(item.bid_ticks), first_ask, len(item.ask_ticks))
            rows.append((*head, 3, *counts, BOOK_STATES.index(item.state)))
        elif isinstance(item, PrintSeen):
            side = 1 if item.side == "BUY" else -1
            rows.append((*head, 4, item.price_ticks, item.quantity_lots, side, 0, 0))
    by_column = [array("q", column) for column in zip(*rows, strict=True)]
    ts, instrument, kinds, *values_of = by_column or [array("q") for _ in range(8)]
    return loop.Columns(
        ts, values_of, kinds=kinds, instrument=instrument, level_ticks=ticks, level_lots=lots,
        **more,
    )  # fmt: skip


def live(
    items: Iterable[Any], instruments: Sequence[Instrument], strategy: Strategy, tag: str = "it"
) -> Desk:
    """Run a strategy over the records with the live parts."""
    desk = Desk({tag: strategy}, now_ns=0)
    for instrument in instruments:
        desk.loop.step(InstrumentSeen(ts_ns=0, instrument=instrument))
    for item in items:
        desk.loop.step(item)
    desk.manager.stop()
    desk.loop._mark(desk.clock.now_ns(), force=True)
    desk.parts.scribe.commit()
    return desk


def looped(
    loop: ModuleType | Any,
    items: Sequence[Any],
    instruments: Sequence[Instrument],
    strategy: Any,
    *,
    limits: Any = None,
    parts: int = 1,
    tag: str = "it",
) -> Any:
    """Run a strategy over the records with the loop, in some chunks."""
    symbols = [instrument.symbol for instrument in instruments]
    size = max(1, -(-len(items) // parts))
    chunks = [
        columns_of(loop, items[at : at + size], symbols, interval_ns=60_000_000_000)
        for at in range(0, len(items), size)
    ]
    return loop.run_loop(
        chunks, instruments, strategy, initial_cash_micros=CASH_MICROS, tag=tag, limits=limits,
        check=exact_legs,
    )  # fmt: skip


def live_trades(desk: Desk, symbols: Sequence[str]) -> list[tuple[int, ...]]:
    """Return the fills and settlements of a live run as rows of the loop's trades."""
    rows = []
    for record in desk.ledger.read(0, 10_000_000):
        event = record.event
        if isinstance(event, OrderFilled):
            rows.append((
                record.ts_ns, symbols.index(event.symbol), 1 if event.side == "BUY" else -1,
                event.price_ticks, event.quantity_lots, event.notional_micros, event.fee_micros,
                event.cost_micros, event.realized_micros, int(event.order_id.partition("o")[2]),
                int(event.liquidity == "maker"), 0,
            ))  # fmt: skip
        elif isinstance(event, PositionSettled):
            rows.append((
                record.ts_ns, symbols.index(event.symbol), -1, -1, event.quantity_lots,
                event.cash_micros, 0, event.cost_micros, event.realized_micros, 0, 0, 1,
            ))  # fmt: skip
    return rows


def loop_trades(result: Any) -> list[tuple[int, ...]]:
    """Return the loop's trades row by row, as far as the tape tells them."""
    columns = list(result.trades.values())[:TOLD]
    return list(zip(*columns, strict=True))


def refusals(desk: Desk) -> dict[str, int]:
    """Return the live run's refusals by code."""
    counts: dict[str, int] = {}
    for event in desk.events(SignalRefused):
        counts[event.code] = counts.get(event.code, 0) + 1
    return dict(sorted(counts.items()))


def same(desk: Desk, result: Any, instruments: Sequence[Instrument]) -> None:
    """Expect the same trades, refusals, books and equity of both."""
    symbols = [instrument.symbol for instrument in instruments]
    assert loop_trades(result) == live_trades(desk, symbols)
    assert result.refusals == refusals(desk)
    assert result.signals == len(desk.events(SignalRaised)) + len(desk.events(SignalRefused))
    assert result.orders == len(desk.events(OrderSubmitted))
    accounts = desk.view.portfolio.accounts
    assert result.cash_micros == accounts.cash_micros
    assert result.realized_micros == accounts.realized_micros
    assert result.fees_micros == accounts.fees_micros
    assert result.equity_micros == desk.view.portfolio.equity_micros()
    held = {symbol: position.values() for (_, symbol), position in accounts.positions.items()}
    assert {symbol: list(values) for symbol, values in result.positions.items()} == held
    assert result.resting == desk.engine.resting_count
    marks = [
        (record.ts_ns, record.event.value_micros)
        for record in desk.ledger.read(0, 10_000_000)
        if isinstance(record.event, EquityMarked)
    ]
    if len(marks) < 2_000:
        missing = set(result.equity[1:]) ^ set(marks)
        assert missing <= {(result.first_ts_ns, CASH_MICROS)}, missing
