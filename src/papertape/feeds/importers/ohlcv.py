"""One-minute candles as CSV: timestamp_ms (open time), open, high, low, close, volume."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from papertape.clock import NS_PER_MS
from papertape.core.decimal_text import scaled
from papertape.errors import InvalidInputError
from papertape.feeds.importers.files import LineReader, Progress, plain_name
from papertape.feeds.importers.report import ImportReport
from papertape.feeds.importers.suspects import FileWatch
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market_data import BarSeen, FeedStateSeen, InstrumentSeen, MarketData

HEADER = "timestamp_ms,open,high,low,close,volume"
MINUTE_MS = 60_000
MINUTE_NS = MINUTE_MS * NS_PER_MS
PRICE_DECIMALS = 2  # Binance quotes BTC/USDT and ETH/USDT in steps of 0.01
LOT_DECIMALS = 5
COLUMNS = 6
SOURCE = "binance"
SPOT_FEES = FeeSchedule(
    kind="proportional",
    taker_ppm=1_000,
    maker_ppm=1_000,
    dated="2021-03-26",
    source="Binance spot, base tier, 0.1 %",
)

_PAIR = re.compile(r"([A-Z0-9]{2,10}?)(USDT|USDC|USD|BTC|ETH|EUR)(?=[_.\-]|$)", re.ASCII)


def symbol_of(path: Path) -> str:
    """Return the symbol that a file's name says, such as binance:BTC/USDT for BTCUSDT_1m.csv."""
    match = _PAIR.match(plain_name(path))
    if match is None:
        raise InvalidInputError("source", path.name, "a file named after its pair, as BTCUSDT_1m")
    return f"{SOURCE}:{match[1]}/{match[2]}"


def read_bars(
    paths: list[Path], report: ImportReport, progress: Progress | None
) -> Iterator[MarketData]:
    """Yield the bars of all files in the order of their close.

    Several files of one pair become one series: a bar that two files hold is taken once.
    """
    reader = LineReader(paths, progress)
    symbols = sorted({symbol_of(path) for path in paths})
    series = {
        symbol: [
            _file_bars(path, symbol, reader, report) for path in paths if symbol_of(path) == symbol
        ]
        for symbol in symbols
    }
    yield from told(SOURCE, [_instrument(symbol) for symbol in symbols], series, report)


def told(
    source: str,
    instruments: Sequence[Instrument],
    series: Mapping[str, list[Iterator[BarSeen]]],
    report: ImportReport,
) -> Iterator[MarketData]:
    """Yield the bars of all instruments in the order of their close, with a beginning and an end.

    series: by symbol, the bars of each of its files; a bar that two of them hold is taken once.
    """
    ts_ns = 0
    merged = [_series(files, report) for files in series.values()]
    for bar in heapq.merge(*merged, key=_when):
        if not ts_ns:
            yield FeedStateSeen(ts_ns=bar.ts_ns, source=source, state="live")
            for instrument in instruments:
                yield InstrumentSeen(ts_ns=bar.ts_ns, instrument=instrument)
        ts_ns = bar.ts_ns
        yield bar
    if ts_ns:
        yield FeedStateSeen(
            ts_ns=ts_ns, source=source, state="ended", reason="end of the recording"
        )


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        symbol=symbol,
        venue=SOURCE,
        kind="spot",
        quote_currency=symbol.partition("/")[2],
        tick_nanos=10 ** (9 - PRICE_DECIMALS),
        lot_nanos=10 ** (9 - LOT_DECIMALS),
        min_lots=1,
        min_notional_micros=5_000_000,
        fees=SPOT_FEES,
    )


def _when(bar: BarSeen) -> tuple[int, str]:
    return bar.ts_ns, bar.symbol


def _series(files: list[Iterator[BarSeen]], report: ImportReport) -> Iterator[BarSeen]:
    """Yield one pair's bars in order of time, each once, counting duplicates and gaps."""
    last_ns = 0
    for bar in heapq.merge(*files, key=_when):
        if bar.ts_ns == last_ns:
            report.duplicates += 1
            continue
        report.gaps += bool(last_ns) and bar.ts_ns - last_ns > bar.interval_ns
        last_ns = bar.ts_ns
        yield bar


def _file_bars(
    path: Path, symbol: str, reader: LineReader, report: ImportReport
) -> Iterator[BarSeen]:
    """Yield the well-formed bars of one file; time must rise within it."""
    last_ns = 0
    watch = FileWatch(report, path.name, "ms")
    for number, line in reader.lines(path):
        if number == 1:
            continue  # the header, checked when the format was recognised
        report.rows += 1
        try:
            bar = _bar(symbol, line)
            if bar.ts_ns < last_ns:
                raise ValueError("time runs back")
        except ValueError as error:
            report.refuse(str(error), f"{path.name}:{number}")
            continue
        last_ns = bar.ts_ns
        watch.look(bar, f"{path.name}:{number}")
        yield bar


def _bar(symbol: str, line: bytes) -> BarSeen:
    """Return the bar of a line; ValueError says under which reason it is refused."""
    fields = line.decode("ascii").rstrip("\r\n").split(",")
    if len(fields) != COLUMNS:
        raise ValueError("not six columns")
    open_ms = scaled(fields[0], 0)
    if open_ms % MINUTE_MS or not 0 < open_ms < 10**13:
        raise ValueError("not the start of a minute in milliseconds")
    opened, high, low, close = [scaled(text, PRICE_DECIMALS) for text in fields[1:5]]
    if low > min(opened, close) or high < max(opened, close) or not low:
        raise ValueError("high and low do not hold open and close")
    close_ns = open_ms * NS_PER_MS + MINUTE_NS
    return BarSeen(
        symbol=symbol,
        ts_ns=close_ns,
        interval_ns=MINUTE_NS,
        open_ticks=opened,
        high_ticks=high,
        low_ticks=low,
        close_ticks=close,
        volume_lots=scaled(fields[5], LOT_DECIMALS, True),
        venue_ts_ns=close_ns,
    )
