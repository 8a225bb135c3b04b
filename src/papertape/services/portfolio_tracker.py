"""PortfolioTracker: cash, positions and equity, as a fold of the tape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from papertape.clock import iso_utc
from papertape.core.accounts import Accounts, Position
from papertape.core.arithmetic import notional_micros
from papertape.errors import InvalidInputError
from papertape.model.events import (
    EquityMarked,
    Event,
    OrderFilled,
    PositionSettled,
    Record,
    RunStarted,
    SetsConverted,
    SetsMerged,
    SetsSplit,
)
from papertape.model.instrument import Instrument
from papertape.model.money import MICROS, NANOS, Number, to_micros
from papertape.services.plain import PlainTrade, plain_instrument, plain_trade

INITIAL_CASH = 10_000
COUNTABLE = "small enough to count exactly"


class PortfolioTracker:
    """What the account holds and what it is worth.

    Fed by the tape (`apply`) in the bot, the dashboard and `verify`; or by hand (`update`) by a
    script that brings trades of its own. Marks come separately: a long is worth its bid, 0 if
    nobody bids, and its cost while no book has been seen (then it counts as `unpriced`).
    """

    takes: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            OrderFilled,
            EquityMarked,
            PositionSettled,
            SetsMerged,
            SetsSplit,
            SetsConverted,
            RunStarted,
        }
    )

    def __init__(
        self,
        initial_cash: Number = INITIAL_CASH,
        *,
        instruments: Mapping[str, Instrument] | None = None,
    ) -> None:
        """Open with cash, in the quote currency."""
        self.accounts = Accounts(to_micros(initial_cash, "initial_cash"))
        self.mode = "PAPER"
        self.trades_count = 0
        self.instruments: Mapping[str, Instrument] = {} if instruments is None else instruments
        self._own: dict[str, Instrument] = {}
        self._marks: dict[str, int] = {}
        self._peak_micros = self.accounts.initial_micros
        self._drawdown_ppm = 0

    # --- the fold -------------------------------------------------------------------------------

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event: Event = record.event
        if isinstance(event, OrderFilled):
            self._fill(event, record.ts_ns)
        elif isinstance(event, EquityMarked):
            self._note_equity(event.value_micros)
        elif isinstance(event, PositionSettled):
            self._settle(event, record.ts_ns)
        elif isinstance(event, SetsMerged | SetsSplit | SetsConverted):
            parts = [(part.symbol, part.quantity_lots, part.cost_micros) for part in event.parts]
            self.accounts.exchange(event.strategy, parts, event.cash_micros, record.ts_ns)
            for part in event.parts:
                self.accounts.close_if_flat((event.strategy, part.symbol))
        elif isinstance(event, RunStarted):
            self.mode = event.mode
            if event.fresh:
                self._open(event.initial_cash_micros)

    def _open(self, initial_micros: int) -> None:
        self.accounts = Accounts(initial_micros)
        self.trades_count = 0
        self._peak_micros = initial_micros
        self._drawdown_ppm = 0

    def _fill(self, event: OrderFilled, ts_ns: int) -> None:
        key = (event.strategy, event.symbol)
        cost, realized = self.accounts.fill(
            key,
            event.side == "BUY",
            event.quantity_lots,
            event.notional_micros,
            event.fee_micros,
            ts_ns,
        )
        assert (cost, realized) == (event.cost_micros, event.realized_micros), event.fill_id
        self.accounts.close_if_flat(key)
        self.trades_count += 1

    def _settle(self, event: PositionSettled, ts_ns: int) -> None:
        key = (event.strategy, event.symbol)
        self.accounts.leave(key, event.quantity_lots, event.cash_micros, ts_ns)
        self.accounts.close_if_flat(key)

    def _note_equity(self, equity_micros: int) -> None:
        self._peak_micros = max(self._peak_micros, equity_micros)
        if self._peak_micros > 0:
            fallen = (self._peak_micros - equity_micros) * MICROS // self._peak_micros
            self._drawdown_ppm = max(self._drawdown_ppm, fallen)

    def fallen_ppm(self) -> int:
        """Return how far equity stands below its peak now, in parts per million of the peak."""
        fallen = self._peak_micros - self.equity_micros()
        return max(0, fallen) * MICROS // self._peak_micros if self._peak_micros > 0 else 0

    # --- by hand --------------------------------------------------------------------------------

    def update(self, trade: Mapping[str, Any]) -> dict[str, Any]:
        """Book a plain trade {symbol, side, quantity, price, fee?, strategy?} and return it.

        Refuses (InvalidInputError) what cannot be: bad numbers, or selling more than is held.
        """
        plain = plain_trade(trade, self.instrument_of)
        key = (plain.strategy, plain.instrument.symbol)
        held = self.accounts.held_lots(key)
        if plain.side == "SELL" and plain.quantity_lots > held:
            have = plain.instrument.quantity_text(held)
            raise InvalidInputError("quantity", trade.get("quantity"), f"at most the {have} held")
        self.check_mark(plain.instrument, plain.price_ticks, "price", more_lots=plain.quantity_lots)
        notional = self._value(plain.instrument, plain.price_ticks, plain.quantity_lots)
        try:
            _, realized = self.accounts.fill(
                key, plain.side == "BUY", plain.quantity_lots, notional, plain.fee_micros,
                plain.ts_ns,
            )  # fmt: skip
        except OverflowError as error:
            raise InvalidInputError("quantity", trade.get("quantity"), COUNTABLE) from error
        self._own[plain.instrument.symbol] = plain.instrument
        self.accounts.close_if_flat(key)
        self.trades_count += 1
        self._marks[plain.instrument.symbol] = plain.price_ticks
        self._note_equity(self.equity_micros())
        return _booked(plain, notional, realized)

    def update_prices(self, prices: Mapping[str, Number]) -> None:
        """Set the marks of instruments, as decimal prices by symbol; all are taken or none."""
        marks = {}
        for symbol, price in prices.items():
            instrument = self.instrument_of(symbol)
            marks[symbol] = instrument.ticks(price, f"prices[{symbol}]")
            self.check_mark(instrument, marks[symbol], f"prices[{symbol}]")
        self._own.update((symbol, self.instrument_of(symbol)) for symbol in marks)
        self._marks.update(marks)
        self._note_equity(self.equity_micros())

    def instrument_of(self, symbol: object) -> Instrument:
        """Return the instrument of a symbol: listed on the tape, or a plain one."""
        if isinstance(symbol, str):
            known = self.instruments.get(symbol) or self._own.get(symbol)
            if known is not None:
                return known
        return plain_instrument(symbol)

    # --- marks ----------------------------------------------------------------------------------

    def mark(self, symbol: str, bid_ticks: int) -> None:
        """Set the price that a long is valued at: the best bid, 0 if nobody bids."""
        self._marks[symbol] = bid_ticks

    def check_mark(
        self, instrument: Instrument, ticks: int, field: str, *, more_lots: int = 0
    ) -> None:
        """Refuse a price by hand at which what is held could not be counted exactly any more."""
        held = sum(
            position.quantity_lots
            for (_, symbol), position in self.accounts.positions.items()
            if symbol == instrument.symbol
        )
        try:
            self._value(instrument, ticks, held + more_lots)
        except OverflowError as error:
            raise InvalidInputError(field, instrument.price_text(ticks), COUNTABLE) from error

    def _value(self, instrument: Instrument, ticks: int, lots: int) -> int:
        return notional_micros(ticks, lots, instrument.tick_nanos * instrument.lot_nanos)

    def mark_ticks(self, symbol: str) -> int | None:
        """Return the price that positions in an instrument are valued at, None if none is known."""
        return self._marks.get(symbol)

    def value_micros(self, symbol: str, position: Position) -> int | None:
        """Return what a position is worth at mark, None while no price has been seen."""
        ticks = self._marks.get(symbol)
        if ticks is None:
            return None
        return self._value(self.instrument_of(symbol), ticks, position.quantity_lots)

    def marked(self) -> tuple[int, int, int, int]:
        """Return (equity, unrealised, exposure, positions without a price); money in micros."""
        exposure = unpriced = unrealized = 0
        for (_, symbol), position in self.accounts.positions.items():
            value = self.value_micros(symbol, position)
            if value is None:
                unpriced += 1
                exposure += position.cost_micros
            else:
                exposure += value
                unrealized += value - position.cost_micros
        return self.accounts.cash_micros + exposure, unrealized, exposure, unpriced

    def equity_micros(self) -> int:
        """Return cash plus positions at mark."""
        return self.marked()[0]

    # --- reading --------------------------------------------------------------------------------

    def held_lots(self, strategy: str, symbol: str) -> int:
        """Return how many lots a strategy holds."""
        return self.accounts.held_lots((strategy, symbol))

    def get_summary(self) -> dict[str, Any]:
        """Return the figures of the account, as JSON numbers in the quote currency and percent."""
        books = self.accounts
        equity, unrealized, exposure, unpriced = self.marked()
        gained = equity - books.initial_micros
        return {
            "cash": books.cash_micros / MICROS,
            "total_value": equity / MICROS,
            "initial_balance": books.initial_micros / MICROS,
            "total_return": gained / MICROS,
            "total_return_pct": _percent(gained, books.initial_micros),
            "realized_pnl": books.realized_micros / MICROS,
            "unrealized_pnl": unrealized / MICROS,
            "fees": books.fees_micros / MICROS,
            "exposure": exposure / MICROS,
            "positions_count": len({symbol for _, symbol in books.positions}),
            "trades_count": self.trades_count,
            "max_drawdown_pct": round(self._drawdown_ppm / 10_000, 4),
            "unpriced_count": unpriced,
            "mode": self.mode,
        }

    def get_positions(self) -> list[dict[str, Any]]:
        """Return open positions, one row per instrument over all strategies, biggest cost first."""
        by_symbol: dict[str, list[tuple[str, Position]]] = {}
        for (strategy, symbol), position in self.accounts.positions.items():
            by_symbol.setdefault(symbol, []).append((strategy, position))
        rows = [self._row(symbol, held) for symbol, held in by_symbol.items()]
        return sorted(rows, key=lambda row: (-row["cost"], row["symbol"]))

    def _row(self, symbol: str, held: Iterable[tuple[str, Position]]) -> dict[str, Any]:
        parts = list(held)
        instrument = self.instrument_of(symbol)
        lots = sum(position.quantity_lots for _, position in parts)
        cost = sum(position.cost_micros for _, position in parts)
        mark = self._marks.get(symbol)
        value = None if mark is None else self._value(instrument, mark, lots)
        quantity = lots * instrument.lot_nanos / NANOS
        opened_ns = min(position.opened_ts_ns for _, position in parts)
        return {
            "id": symbol,
            "symbol": symbol,
            "venue": instrument.venue,
            "market": instrument.market_id,
            "outcome": instrument.outcome,
            "quantity": quantity,
            "avg_price": round(cost / MICROS / quantity, 9) if quantity else 0.0,
            "current_price": None if mark is None else mark * instrument.tick_nanos / NANOS,
            "cost": cost / MICROS,
            "value": None if value is None else value / MICROS,
            "pnl": None if value is None else (value - cost) / MICROS,
            "pnl_pct": None if value is None else _percent(value - cost, cost),
            "opened_at": iso_utc(opened_ns) if opened_ns else None,
            "strategies": sorted(strategy for strategy, _ in parts),
        }

    # --- state ----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values; marks are not part of it."""
        books = self.accounts
        return {
            "mode": self.mode,
            "trades_count": self.trades_count,
            "peak_micros": self._peak_micros,
            "drawdown_ppm": self._drawdown_ppm,
            "initial_micros": books.initial_micros,
            "cash_micros": books.cash_micros,
            "realized_micros": books.realized_micros,
            "fees_micros": books.fees_micros,
            "positions": [
                [strategy, symbol, *books.positions[strategy, symbol].values()]
                for strategy, symbol in sorted(books.positions)
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.mode = state["mode"]
        self.trades_count = state["trades_count"]
        self._peak_micros = state["peak_micros"]
        self._drawdown_ppm = state["drawdown_ppm"]
        books = Accounts(state["initial_micros"])
        books.cash_micros = state["cash_micros"]
        books.realized_micros = state["realized_micros"]
        books.fees_micros = state["fees_micros"]
        books.positions = {
            (strategy, symbol): Position(*values)
            for strategy, symbol, *values in state["positions"]
        }
        books.cost_micros = sum(position.cost_micros for position in books.positions.values())
        books.check()
        self.accounts = books


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 4) if whole else 0.0


def _booked(plain: PlainTrade, notional: int, realized: int) -> dict[str, Any]:
    return {
        "symbol": plain.instrument.symbol,
        "side": plain.side,
        "quantity": plain.quantity_lots * plain.instrument.lot_nanos / NANOS,
        "price": plain.price_ticks * plain.instrument.tick_nanos / NANOS,
        "notional": notional / MICROS,
        "fee": plain.fee_micros / MICROS,
        "realized_pnl": realized / MICROS,
        "strategy": plain.strategy,
    }
