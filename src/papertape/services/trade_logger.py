"""TradeLogger: the list of trades as people read it, and its statistics, as a fold of the tape."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from papertape.clock import iso_utc
from papertape.core.arithmetic import notional_micros
from papertape.errors import InvalidInputError
from papertape.model.events import (
    Event,
    OrderFilled,
    PositionSettled,
    Record,
    RunStarted,
    SetsConverted,
    SetsMerged,
)
from papertape.model.instrument import Instrument
from papertape.model.money import MICROS, NANOS
from papertape.services.plain import plain_instrument, plain_trade

TRADES_KEPT = 10_000  # in memory and in trades.json; the ledger keeps them all
LIMIT_MAX = 10_000

CSV_COLUMNS = (
    "time", "id", "kind", "strategy", "symbol", "venue", "market", "outcome", "side", "quantity",
    "price", "notional", "fee", "realized_pnl", "liquidity", "order_id", "signal_id",
)  # fmt: skip
FORMULA_STARTS = tuple("=+-@\t\r\0\uff1d\uff0b\uff0d\uff20")  # the last four: full-width forms


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value


class TradeLogger:
    """Trades, newest last, with totals that never need the list."""

    takes: ClassVar[frozenset[type[Event]]] = frozenset(
        {OrderFilled, PositionSettled, SetsMerged, SetsConverted, RunStarted}
    )

    def __init__(self, *, instruments: Mapping[str, Instrument] | None = None) -> None:
        """Start empty; `instruments` names what the tape has listed."""
        self._instruments: Mapping[str, Instrument] = {} if instruments is None else instruments
        self._rows: deque[dict[str, Any]] = deque(maxlen=TRADES_KEPT)
        self._logged = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything: a fresh account begins."""
        self._rows.clear()
        self.fills = self.settled = 0
        self.realized_micros = self.fees_micros = self.volume_micros = 0

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event = record.event
        if isinstance(event, OrderFilled):
            self._add(record, self._fill_row(event))
            self.fills += 1
            self.volume_micros += event.notional_micros
            self.fees_micros += event.fee_micros
            self.realized_micros += event.realized_micros
        elif isinstance(event, PositionSettled):
            self._add(record, self._settled_row(record.seq, event))
            self.settled += 1
            self.realized_micros += event.realized_micros
        elif isinstance(event, SetsMerged | SetsConverted):
            self._add(record, self._set_row(record.seq, event))
            self.realized_micros += event.realized_micros
        elif isinstance(event, RunStarted) and event.fresh:
            self.reset()

    def _add(self, record: Record, row: dict[str, Any]) -> None:
        row["seq"] = record.seq
        row["ts_ns"] = record.ts_ns
        row["time"] = iso_utc(record.ts_ns)
        self._rows.append(row)

    def _fill_row(self, event: OrderFilled) -> dict[str, Any]:
        instrument = self._instrument(event.symbol)
        return {
            **_named(event.fill_id, "fill", event.strategy, instrument),
            "side": event.side,
            "quantity": event.quantity_lots * instrument.lot_nanos / NANOS,
            "price": event.price_ticks * instrument.tick_nanos / NANOS,
            "notional": event.notional_micros / MICROS,
            "fee": event.fee_micros / MICROS,
            "realized_pnl": event.realized_micros / MICROS if event.side == "SELL" else None,
            "liquidity": event.liquidity,
            "order_id": event.order_id,
            "signal_id": event.signal_id,
        }

    def _settled_row(self, seq: int, event: PositionSettled) -> dict[str, Any]:
        instrument = self._instrument(event.symbol)
        payout = event.payout_micros
        return {
            **_named(f"settled-{seq}", "settlement", event.strategy, instrument),
            "side": "SETTLE",
            "quantity": event.quantity_lots * instrument.lot_nanos / NANOS,
            "price": None if payout is None else payout / MICROS,
            "notional": event.cash_micros / MICROS,
            "fee": 0.0,
            "realized_pnl": event.realized_micros / MICROS,
            "liquidity": "",
            "order_id": "",
            "signal_id": "",
        }

    def _set_row(self, seq: int, event: SetsMerged | SetsConverted) -> dict[str, Any]:
        merged = isinstance(event, SetsMerged)
        instrument = self._instrument(event.parts[0].symbol)
        row = _named(f"set-{seq}", "merge" if merged else "convert", event.strategy, instrument)
        lots = max(-part.quantity_lots for part in event.parts)
        return {
            **row,
            "outcome": " + ".join(self._instrument(p.symbol).outcome for p in event.parts),
            "side": "MERGE" if merged else "CONVERT",
            "quantity": lots * instrument.lot_nanos / NANOS,
            "price": None,
            "notional": event.cash_micros / MICROS,
            "fee": 0.0,
            "realized_pnl": event.realized_micros / MICROS,
            "liquidity": "",
            "order_id": "",
            "signal_id": "",
        }

    def _instrument(self, symbol: str) -> Instrument:
        return self._instruments.get(symbol) or plain_instrument(symbol)

    # --- by hand --------------------------------------------------------------------------------

    def log(self, trade: Mapping[str, Any]) -> dict[str, Any]:
        """List a plain trade {symbol, side, quantity, price, fee?, pnl?, strategy?}; return it."""
        plain = plain_trade(trade, self._instrument_of)
        instrument = plain.instrument
        notional = notional_micros(
            plain.price_ticks, plain.quantity_lots, instrument.tick_nanos * instrument.lot_nanos
        )
        self._logged += 1
        row = {
            **_named(f"logged-{self._logged}", "fill", plain.strategy, instrument),
            "side": plain.side,
            "quantity": plain.quantity_lots * instrument.lot_nanos / NANOS,
            "price": plain.price_ticks * instrument.tick_nanos / NANOS,
            "notional": notional / MICROS,
            "fee": plain.fee_micros / MICROS,
            "realized_pnl": None,
            "liquidity": "",
            "order_id": "",
            "signal_id": "",
            "seq": 0,
            "ts_ns": plain.ts_ns,
            "time": iso_utc(plain.ts_ns) if plain.ts_ns else None,
        }
        self._rows.append(row)
        self.fills += 1
        self.volume_micros += notional
        self.fees_micros += plain.fee_micros
        return row

    def _instrument_of(self, symbol: object) -> Instrument:
        known = self._instruments.get(symbol) if isinstance(symbol, str) else None
        return known or plain_instrument(symbol)

    # --- reading --------------------------------------------------------------------------------

    def get_recent_trades(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the newest trades, newest first; limit 1 to 10,000."""
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LIMIT_MAX:
            raise InvalidInputError("limit", limit, f"a whole number from 1 to {LIMIT_MAX}")
        count = min(limit, len(self._rows))
        return [dict(self._rows[-1 - i]) for i in range(count)]

    def get_trade_stats(self) -> dict[str, Any]:
        """Return totals over all trades of the account, money in the quote currency."""
        return {
            "trades": self.fills,
            "settled": self.settled,
            "volume": self.volume_micros / MICROS,
            "fees": self.fees_micros / MICROS,
            "realized_pnl": self.realized_micros / MICROS,
            "net_pnl": (self.realized_micros - self.fees_micros) / MICROS,
        }

    def export_to_csv(self, path: str | Path) -> Path:
        """Write the kept trades, oldest first, to a CSV file and return its path."""
        target = Path(path)
        with target.open("w", newline="", encoding="utf-8") as file:
            write_csv(file.write, self._rows)
        return target

    # --- state ----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {
            "rows": list(self._rows),
            "totals": [
                self.fills,
                self.settled,
                self.realized_micros,
                self.fees_micros,
                self.volume_micros,
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self._rows = deque(state["rows"], maxlen=TRADES_KEPT)
        (
            self.fills,
            self.settled,
            self.realized_micros,
            self.fees_micros,
            self.volume_micros,
        ) = state["totals"]


def _named(row_id: str, kind: str, strategy: str, instrument: Instrument) -> dict[str, Any]:
    return {
        "id": row_id,
        "kind": kind,
        "strategy": strategy,
        "symbol": instrument.symbol,
        "venue": instrument.venue,
        "market": instrument.market_id,
        "outcome": instrument.outcome,
    }


class _Lines:
    """A file-like thing that hands each line to a function."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


def write_csv(write: Callable[[str], object], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write trades as RFC 4180 CSV with a header, no cell of which a spreadsheet executes."""
    writer = csv.writer(_Lines(write))
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        writer.writerow([safe_cell(row.get(column)) for column in CSV_COLUMNS])
