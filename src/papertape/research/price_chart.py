"""The price of the instrument that was traded most, with its fills: read again for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from papertape.clock import NS_PER_MS
from papertape.model.instrument import Instrument
from papertape.model.market_data import BarSeen, BookSeen, InstrumentSeen, MarketSeen, QuoteSeen
from papertape.model.money import NANOS
from papertape.research.charts import even_steps
from papertape.research.market_slice import MarketSlice
from papertape.services.series import BoundedSeries

FILLS_MAX = 120  # marks on the line: of more, every n-th is shown


def price_chart(feed: MarketSlice, trades: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return symbol, line and fills of the instrument with most trades; None without a trade.

    trades: rows of the tape's trades, oldest first. feed: the run's market data, from its start.
    """
    counts: Counter[str] = Counter()
    fills: dict[str, list[tuple[int, bool]]] = {}
    for row in trades:
        counts[row["symbol"]] += 1
        fills.setdefault(row["symbol"], []).append(
            (row["ts_ns"] // NS_PER_MS, row["side"] == "BUY")
        )
    if not counts:
        return None
    symbol = counts.most_common(1)[0][0]
    line, what, instrument = _line(feed, symbol)
    if instrument is None or not line:
        return None
    scale = instrument.tick_nanos / NANOS / 2
    every = -(-len(fills[symbol]) // FILLS_MAX)
    return {
        "symbol": symbol,
        "what": what,
        "outcome": instrument.kind == "outcome",
        "points": [[ts_ns // NS_PER_MS, value * scale] for ts_ns, value in even_steps(line)],
        "fills": fills[symbol][::every],
    }


def _line(feed: MarketSlice, symbol: str) -> tuple[list[tuple[int, float]], str, Instrument | None]:
    """Return the price in half ticks over time, what price it is, and the instrument."""
    line = BoundedSeries()
    instrument: Instrument | None = None
    what = "close"
    for item in feed.items():
        if isinstance(item, BarSeen):
            if item.symbol == symbol:
                line.add(item.ts_ns, 2 * item.close_ticks)
        elif isinstance(item, BookSeen | QuoteSeen):
            twice = _mid(item) if item.symbol == symbol else None
            if twice is not None:
                what = "mid"
                line.add(item.ts_ns, twice)
        elif isinstance(item, MarketSeen):
            instrument = next((i for i in item.instruments if i.symbol == symbol), instrument)
        elif isinstance(item, InstrumentSeen) and item.instrument.symbol == symbol:
            instrument = item.instrument
    return [(ts_ns, value) for ts_ns, value, _ in line.samples()], what, instrument


def _mid(item: BookSeen | QuoteSeen) -> int | None:
    if isinstance(item, BookSeen):
        return item.mid_half_ticks()
    return item.bid_ticks + item.ask_ticks if item.bid_lots and item.ask_lots else None
