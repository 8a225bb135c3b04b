"""Result: what a backtest found; figures in memory, trades and equity read from its tape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from papertape.model.money import MICROS, NANOS
from papertape.research.metrics import Figures, Intervals
from papertape.research.picture import Picture
from papertape.research.price_chart import price_chart
from papertape.research.report import write_report
from papertape.research.session import Order
from papertape.research.words import metric_text
from papertape.services.metric_registry import BY_NAME
from papertape.tape.follow import LedgerReader

TRADES_SHOWN = 250  # of each end of the run in a report
ROWS_PER_BATCH = 50_000  # of an Arrow table while it is read: some megabytes
TIME = pa.timestamp("ns", tz="UTC")
TRADES = pa.schema(
    [("time", TIME), ("seq", pa.int64())]
    + [(name, pa.string()) for name in ("id", "kind", "strategy", "symbol", "market", "outcome")]
    + [("side", pa.string())]
    + [(name, pa.float64()) for name in ("quantity", "price", "notional", "fee", "realized_pnl")]
    + [(name, pa.string()) for name in ("liquidity", "order_id", "signal_id")]
)
EQUITY = pa.schema(
    [("time", TIME)]
    + [(name, pa.float64()) for name in ("equity", "cash", "unrealized_pnl", "drawdown_pct")]
)
CARD_METRICS = ("total_return_pct", "sharpe", "max_drawdown_pct", "win_rate_pct", "fees", "trips")


class Result(msgspec.Struct, kw_only=True):
    """A finished backtest. Money in the quote currency, percent as percent.

    facts: what was run (strategy, params, data, period, fees, seed) and the counts of the contract.
    metrics, intervals: figures by the names of `metrics.METRICS`, and 95 % intervals of some.
    charts: what the report draws. failure: why a strategy was stopped, "" if none was; what it
    did until then is kept.
    """

    order: Order
    run_id: str
    folder: Path
    account: str
    facts: dict[str, Any]
    metrics: Figures
    intervals: Intervals
    charts: dict[str, Any]
    failure: str = ""

    @property
    def trades(self) -> pa.Table:
        """Return every trade, oldest first, as an Arrow table read from the tape."""
        with _Reading(self.folder) as reader:
            return _table((_trade(row) for row in reader.trades_iter(self.account)), TRADES)

    @property
    def equity(self) -> pa.Table:
        """Return every mark of equity with its drawdown, as an Arrow table read from the tape."""
        initial = self.facts["initial_cash"]
        with _Reading(self.folder) as reader:
            return _table(_marks(reader.equity_iter(self.account), initial), EQUITY)

    def edges(self, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the first and the last `count` trades, oldest first, without overlap."""
        with _Reading(self.folder) as reader:
            first = [_trade(row) for row in islice(reader.trades_iter(self.account), count)]
            newest = reader.trades(self.account, limit=count)
        seen = first[-1]["seq"] if first else 0
        return first, [_trade(row) for row in reversed(newest) if row["seq"] > seen]

    def to_dict(self) -> dict[str, Any]:
        """Return facts, metrics and intervals as one JSON document."""
        return {
            "run_id": self.run_id,
            **self.facts,
            "failure": self.failure or None,
            "metrics": dict(self.metrics),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "folder": str(self.folder),
        }

    def save_report(self, path: str | Path) -> Path:
        """Write the report as one HTML file that needs nothing else, and return its path."""
        first, last = self.edges(TRADES_SHOWN)
        with _Reading(self.folder) as reader:
            price = price_chart(self.order.feed(), reader.trades_iter(self.account))
        document = self.to_dict() | {"charts": self.charts | {"price": price}}
        return write_report(Path(path), document, first, last)

    def plot(self) -> Picture:
        """Return equity and drawdown as a picture that a notebook shows."""
        return Picture(self._title, self.charts["equity"])

    @property
    def _title(self) -> str:
        return f"{self.facts['strategy']} on {self.facts['data']}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(BY_NAME[name].label)}</td>"
            f'<td style="text-align:right">{escape(text)}</td></tr>'
            for name, text in self._card()
        )
        failed = f"<p>{escape(self.failure)}</p>" if self.failure else ""
        return f"{self.plot().svg()}<table>{rows}</table>{failed}"

    def _card(self) -> list[tuple[str, str]]:
        return [(name, metric_text(name, self.metrics.get(name))) for name in CARD_METRICS]

    def __repr__(self) -> str:
        """Return the headline figures in one line."""
        figures = ", ".join(f"{name}={text}" for name, text in self._card())
        return f"<backtest of {self._title}: {figures}>"


class _Reading:
    """A reader of the run's tape that is closed after use."""

    def __init__(self, folder: Path) -> None:
        self._reader = LedgerReader(folder / "papertape.db")

    def __enter__(self) -> LedgerReader:
        return self._reader

    def __exit__(self, *_: object) -> None:
        self._reader.close()


def _trade(row: Mapping[str, Any]) -> dict[str, Any]:
    gained = row["kind"] != "fill" or row["side"] == "SELL"
    price = row["price_nanos"]
    names = ("seq", "id", "kind", "strategy", "symbol", "outcome", "side", "liquidity")
    return {name: row[name] for name in (*names, "order_id", "signal_id")} | {
        "time": row["ts_ns"],
        "market": row["market_id"],
        "quantity": row["quantity_nanos"] / NANOS,
        "price": None if price is None else price / NANOS,
        "notional": row["notional_micros"] / MICROS,
        "fee": row["fee_micros"] / MICROS,
        "realized_pnl": row["realized_micros"] / MICROS if gained else None,
    }


def _marks(rows: Iterable[Mapping[str, Any]], initial: float) -> Iterable[dict[str, Any]]:
    peak = initial
    for row in rows:
        value = row["value_micros"] / MICROS
        peak = max(peak, value)
        yield {
            "time": row["ts_ns"],
            "equity": value,
            "cash": row["cash_micros"] / MICROS,
            "unrealized_pnl": row["unrealized_micros"] / MICROS,
            "drawdown_pct": 100 * (1 - value / peak) if peak > 0 else None,
        }


def _table(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    source = iter(rows)
    batches = []
    while page := list(islice(source, ROWS_PER_BATCH)):
        batches.append(pa.RecordBatch.from_pylist(page, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)
