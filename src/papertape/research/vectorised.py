"""Vectorised strategies: bars as Polars frames, their decisions, and the proof of no look-ahead."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from papertape.clock import iso_utc
from papertape.core.loop_columns import BAR, Columns
from papertape.errors import CheckFailedError, ConfigError, InvalidInputError
from papertape.model.instrument import Instrument
from papertape.model.market_data import MarketData
from papertape.model.money import NANOS
from papertape.research.lookahead import LookAheadError
from papertape.research.market_slice import MarketSlice, instruments_of
from papertape.strategies.vectorised import KEEP, VectorStrategy

CUTS = 24  # places where the future is cut off, of each instrument; the last rows always
FIELDS = ("ts_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
PRICES = ("open", "high", "low", "close")

Bars = dict[str, "tuple[array[int], ...]"]
"""FIELDS by symbol"""


def polars() -> Any:
    """Return the Polars library; ConfigError says how to get it."""
    try:
        import polars  # noqa: PLC0415  heavy, and optional
    except ImportError as error:
        need = 'vectorised strategies need Polars: pip install "papertape[research]"'
        raise ConfigError(need) from error
    return polars


def decide_all(
    strategy: VectorStrategy, frames: dict[str, Any], *, check_seed: int | None = None
) -> list[int]:
    """Let a strategy decide on all bars; return the rows where the future was cut off to check it.

    frames: of `bar_frames`. check_seed: chooses those rows, LookAheadError if a decision changes;
    None checks nothing.
    """
    times, targets = {}, {}
    cuts: set[int] = set()
    for symbol, frame in frames.items():
        found = targets_of(strategy, frame, symbol)
        if check_seed is not None:
            decide = partial(targets_of, strategy, symbol=symbol)
            cuts |= check_rows(decide, frame, found, check_seed)
        times[symbol], targets[symbol] = frame["ts_ns"].to_list(), found
    strategy.decide(times, targets)
    return sorted(cuts)


def bar_frames(feed: MarketSlice) -> dict[str, Any]:
    """Return a Polars frame per instrument that has bars in the feed."""
    bars: Bars = {}
    instruments: dict[str, Instrument] = {}
    for chunk in feed.chunks():
        _gather(bars, chunk.columns, chunk.symbols, chunk.begin, chunk.end)
        _listed(instruments, (item for _, item in chunk.whole.news))
    if not bars:
        raise InvalidInputError("data", feed.source, "bars: vectorised strategies decide on bars")
    return {
        symbol: frame_of(symbol, columns, instruments[symbol])
        for symbol, columns in bars.items()
        if symbol in instruments
    }


def frame_of(symbol: str, columns: tuple[array[int], ...], instrument: Instrument) -> Any:
    """Return one instrument's bars as a Polars frame."""
    pl = polars()
    frame = pl.DataFrame({
        name: pl.Series(name, list(column), dtype=pl.Int64)
        for name, column in zip(FIELDS, columns, strict=True)
    })  # fmt: skip
    tick, lot = instrument.tick_nanos / NANOS, instrument.lot_nanos / NANOS
    return frame.with_columns(
        pl.lit(symbol).alias("symbol"),
        *(pl.col(f"{name}_ticks").cast(pl.Float64).mul(tick).alias(name) for name in PRICES),
        pl.col("volume_lots").cast(pl.Float64).mul(lot).alias("volume"),
    )


def targets_of(strategy: VectorStrategy, frame: Any, symbol: str) -> list[int]:
    """Return the decisions of a strategy, KEEP for none; InvalidInputError names what is wrong."""
    pl = polars()
    where = f"{strategy.name}, {symbol}"
    try:
        answer = strategy.signals(frame)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise CheckFailedError(f"{where}: signals() failed on {len(frame)} bars: {said}") from error
    if not isinstance(answer, pl.DataFrame) or "target_lots" not in answer.columns:
        raise InvalidInputError(where, type(answer).__name__, "a frame with the column target_lots")
    column = answer["target_lots"]
    if len(column) != len(frame):
        raise InvalidInputError(
            f"{where}, target_lots", f"{len(column)} rows", f"{len(frame)} rows"
        )
    if not column.dtype.is_integer() and column.dtype != pl.Null:
        raise InvalidInputError(f"{where}, target_lots", str(column.dtype), "whole lots")
    found = column.cast(pl.Int64).fill_null(KEEP).to_list()
    for row, target in enumerate(found):
        if target < KEEP:
            expected = "lots to hold, 0 or more, or null"
            raise InvalidInputError(f"{where}, row {row}, target_lots", target, expected)
    return [int(target) for target in found]


def check_rows(
    decide: Callable[[Any], list[int]], frame: Any, whole: list[int], seed: int
) -> set[int]:
    """Raise LookAheadError naming the first row whose decision changes without the future.

    Returns the rows from which on the bars were taken away.
    """
    rows, chance = len(whole), Random(seed)
    cuts = {chance.randrange(1, rows) for _ in range(CUTS)} if rows > 1 else set()
    cuts |= {cut for cut in (rows - 1, rows - 2, rows - 3) if cut > 0}
    for cut in sorted(cuts):
        part = decide(frame[:cut])
        for row in range(cut):
            if part[row] != whole[row]:
                when = iso_utc(frame["ts_ns"][row])
                raise LookAheadError(
                    f"look-ahead: row {row:,} ({frame['symbol'][row]}, bar closed {when}) wants "
                    f"{_said(whole[row])} lots; without the bars from row {cut:,} on it wants "
                    f"{_said(part[row])}"
                )
    return cuts


def _said(target: int) -> str:
    return "no change of" if target == KEEP else f"{target:,}"


def _gather(bars: Bars, columns: Columns, symbols: Iterable[str], begin: int, end: int) -> None:
    names = list(symbols)
    values = (columns.ts, columns.v0, columns.v1, columns.v2, columns.v3, columns.v4)
    rows: dict[int, list[int]] = {}
    for row in range(begin, end):
        if columns.kinds[row] == BAR:
            rows.setdefault(columns.instrument[row], []).append(row)
    for index, kept in rows.items():
        taken = bars.setdefault(names[index], tuple(array("q") for _ in FIELDS))
        for column, value in zip(taken, values, strict=True):
            column.extend([value[row] for row in kept])


def _listed(instruments: dict[str, Instrument], items: Iterable[MarketData]) -> None:
    for item in items:
        for instrument in instruments_of(item):
            instruments.setdefault(instrument.symbol, instrument)
