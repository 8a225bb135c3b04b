"""Tables of candles become one recording: a series per pair, however many files hold it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from papertape.errors import InvalidInputError
from papertape.feeds.importers.files import Progress
from papertape.feeds.importers.ohlcv import SOURCE as BINANCE
from papertape.feeds.importers.ohlcv import SPOT_FEES, told
from papertape.feeds.importers.report import ImportReport
from papertape.feeds.importers.suspects import FileWatch
from papertape.feeds.importers.tables import Layout, layout_of, pair_of, table_bars
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market_data import BarSeen, MarketData

VENUE = "import"  # of tables that do not say where they come from
ASSUMED_FEES = FeeSchedule(
    kind="proportional",
    taker_ppm=1_000,
    maker_ppm=1_000,
    source="assumed: 0.1 % of the notional; the table does not say its venue",
)
NANO_DIGITS = 9


def read_tables(
    paths: list[Path], report: ImportReport, progress: Progress | None, symbol: str = ""
) -> Iterator[MarketData]:
    """Yield the bars of all tables in the order of their close.

    symbol: of all files, such as binance:XRP/ETH; without it each file is named after its pair.
    """
    layouts = {path: layout_of(path) for path in paths}
    symbols = {path: checked_symbol(symbol) or f"{VENUE}:{pair_of(path)}" for path in paths}
    instruments, series = [], {}
    for one in sorted(set(symbols.values())):
        mine = [path for path in paths if symbols[path] == one]
        shared = _shared(mine, layouts)
        instruments.append(_instrument(one, shared))
        series[one] = [_watched(path, one, shared[path], report, progress) for path in mine]
    yield from told(symbols[paths[0]].partition(":")[0], instruments, series, report)


def checked_symbol(symbol: str) -> str:
    """Return a symbol as venue:BASE/QUOTE; InvalidInputError if it is none."""
    venue, colon, pair = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    whole = all(part and part.isascii() and part.isprintable() for part in (venue, base, quote))
    if symbol and not (colon and slash and whole):
        raise InvalidInputError("symbol", symbol, "venue:BASE/QUOTE such as binance:XRP/ETH")
    return symbol


def _shared(paths: list[Path], layouts: dict[Path, Layout]) -> dict[Path, Layout]:
    """Return the layouts of one pair's files with the finest grid of all of them."""
    first = layouts[paths[0]]
    price = max(layouts[path].price_decimals for path in paths)
    size = max(layouts[path].lot_decimals for path in paths)
    for path in paths:
        if layouts[path].interval_ns != first.interval_ns:
            said = f"bars of {layouts[path].interval_ns // 10**9} s"
            expected = f"bars of {first.interval_ns // 10**9} s as {paths[0].name} has"
            raise InvalidInputError(path.name, said, expected)
    return {
        path: msgspec.structs.replace(layouts[path], price_decimals=price, lot_decimals=size)
        for path in paths
    }


def _instrument(symbol: str, layouts: dict[Path, Layout]) -> Instrument:
    layout = next(iter(layouts.values()))
    venue = symbol.partition(":")[0]
    return Instrument(
        symbol=symbol,
        venue=venue,
        kind="spot",
        quote_currency=symbol.rpartition("/")[2],
        tick_nanos=10 ** (NANO_DIGITS - layout.price_decimals),
        lot_nanos=10 ** (NANO_DIGITS - layout.lot_decimals),
        fees=SPOT_FEES if venue == BINANCE else ASSUMED_FEES,
    )


def _watched(
    path: Path, symbol: str, layout: Layout, report: ImportReport, progress: Progress | None
) -> Iterator[BarSeen]:
    watch = FileWatch(report, path.name, layout.unit)
    for place, bar in table_bars(path, symbol, layout, report, progress):
        watch.look(bar, place)
        yield bar
