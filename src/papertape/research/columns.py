"""A recording as columns for the loop: one segment at a time, so that any length fits in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from papertape.core.loop_columns import BAR, BOOK, NEWS, PRINT, QUOTE, Columns
from papertape.core.loop_load import MIXED_INTERVALS, SegmentRows
from papertape.errors import InvalidInputError, WorldError
from papertape.model.market_data import MarketData
from papertape.tape.manifest import SegmentEntry
from papertape.tape.recording import Recording
from papertape.tape.segment import (
    BAR_FIELDS,
    KINDS,
    LEVELS,
    SIDES,
    STATES,
    SegmentItems,
    decode_news,
)

KIND_CODES = {"bar": BAR, "quote": QUOTE, "book": BOOK, "print": PRINT}
ALWAYS = ("mseq", "ts_ns", "venue_ts_ns", "kind", "symbol", "state")
OF_KIND = {"bar": BAR_FIELDS, "print": ("price_ticks", "quantity_lots", "side")}


class Chunk(msgspec.Struct, frozen=True):
    """A segment as columns, the pieces of news in it, and where prices begin by instrument.

    news: (row, item); in the columns they are numbered from `first_news` on. first_rows: by
    instrument, -1 where the segment has no price of it. mixed: instruments whose bars differ in
    length.
    """

    columns: Columns
    items: SegmentItems
    first_mseq: int
    first_news: int
    news: list[tuple[int, MarketData]]
    first_rows: array[int]
    mixed: list[int]


class ColumnReader:
    """Reads the segments of a recording in order, and knows the instruments by index so far."""

    def __init__(self, recording: Recording) -> None:
        """Begin before the first segment."""
        self._recording = recording
        self.symbols: dict[str, int] = {}
        self.news = 0

    def chunks(self) -> Iterator[Chunk]:
        """Yield the segments; WorldError names one that cannot be read."""
        for entry in self._recording.manifest.segments:
            body = self._recording.body(entry)
            try:
                yield self._chunk(entry, body)
            except (pa.ArrowException, KeyError, InvalidInputError) as error:
                raise WorldError(f"{entry.file}: the segment cannot be read: {error}") from error

    def _chunk(self, entry: SegmentEntry, body: bytes) -> Chunk:
        file = pq.ParquetFile(pa.BufferReader(body))
        table = file.read(columns=list(ALWAYS), use_threads=False)
        kinds = _whole(table["kind"])
        present = set(pc.unique(kinds).to_pylist())
        codes = _mapped(kinds, {name: KIND_CODES.get(name, NEWS) for name in KINDS})
        instrument = self._instruments(_whole(table["symbol"]))
        states = _mapped(_whole(table["state"]), {name: at for at, name in enumerate(STATES)})
        levels, ends = self._levels(file, table.num_rows, present)
        rows = SegmentRows(codes, instrument, states, ends[0], ends[1], levels)
        for kind in present & OF_KIND.keys():
            part = file.read(columns=list(OF_KIND[kind]), use_threads=False)
            columns = [_whole(part[name]) for name in OF_KIND[kind]]
            if kind == "bar":
                rows.with_bars(*columns)
            else:
                sides = _mapped(columns[2], {SIDES[0]: 1, SIDES[1]: -1})
                rows.with_prints(columns[0], columns[1], sides)
        count = len(self.symbols)
        intervals, firsts = array("q", bytes(8 * count)), array("q", [-1] * count)
        values = rows.values(self.news, intervals, firsts)
        news = decode_news(file, kinds) if present - KIND_CODES.keys() else []
        chunk = Chunk(
            columns=Columns(
                _whole(table["ts_ns"]), values, kinds=codes, instrument=instrument,
                venue_ts_ns=_whole(table["venue_ts_ns"]),
                level_ticks=_joined(levels[0], levels[2]), level_lots=_joined(levels[1], levels[3]),
                intervals={at: length for at, length in enumerate(intervals) if length > 0},
                name=entry.file,
            ),
            items=SegmentItems(body),
            first_mseq=entry.first_mseq,
            first_news=self.news,
            news=news,
            first_rows=firsts,
            mixed=[at for at, length in enumerate(intervals) if length == MIXED_INTERVALS],
        )  # fmt: skip
        self.news += len(news)
        return chunk

    def _instruments(self, symbol: Any) -> Any:
        names = symbol.dictionary.to_pylist()
        for name in names:
            if name:
                self.symbols.setdefault(name, len(self.symbols))
        return _mapped(symbol, {name: self.symbols.get(name, 0) for name in names})

    def _levels(self, file: Any, rows: int, present: set[str]) -> tuple[Any, Any]:
        if not present & {"book", "quote"}:
            nothing, flat = array("q"), array("q", bytes(8 * (rows + 1)))
            return (nothing, nothing, nothing, nothing), (flat, flat)
        table = file.read(columns=list(LEVELS), use_threads=False)
        lists = {name: _whole(table[name]) for name in LEVELS}
        ends = tuple(
            pc.cast(lists[side].offsets, pa.int64()) for side in ("bid_ticks", "ask_ticks")
        )
        return tuple(lists[name].values for name in LEVELS), ends


def _whole(column: Any) -> Any:
    joined = column.combine_chunks()
    if isinstance(joined, pa.ChunkedArray):
        return joined.chunk(0) if joined.num_chunks else pa.array([], joined.type)
    return joined


def _mapped(column: Any, codes: dict[str, int]) -> Any:
    """Return a dictionary column as 64-bit codes of our own."""
    of_names = pa.array([codes[name] for name in column.dictionary.to_pylist()], pa.int64())
    return of_names.take(column.indices)


def _joined(first: Any, second: Any) -> Any:
    if not len(first):
        return second
    return pa.concat_arrays([first, second])
