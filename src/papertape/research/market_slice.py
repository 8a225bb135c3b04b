"""A stretch of a recording as a feed, with the fees that a backtest was asked to pay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from papertape.clock import iso_utc
from papertape.core.loop_columns import NEWS
from papertape.errors import InvalidInputError, WorldError
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    InstrumentSeen,
    MarketData,
    MarketSeen,
    PrintSeen,
    QuoteSeen,
)
from papertape.model.money import PPM
from papertape.research.columns import Chunk, ColumnReader
from papertape.tape.recording import Recording

PRICED = (BookSeen, QuoteSeen, BarSeen, PrintSeen)
FEE_WORDS = "default, none, or parts per million of the notional such as 1000 (0.1 %)"

Fees = FeeSchedule | None
"""None: what the venue charges"""


def parse_fees(value: str | int) -> Fees:
    """Return the fee schedule of `default`, `none` or a rate in parts per million."""
    text = str(value).strip().lower()
    if text == "default":
        return None
    if text == "none":
        return FeeSchedule(kind="none", source="backtest: no fees")
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= PPM and len(text) < 9):
        raise InvalidInputError("fees", value, FEE_WORDS)
    rate = int(text)
    source = f"backtest: {rate} ppm of the notional"
    return FeeSchedule(kind="proportional", taker_ppm=rate, maker_ppm=rate, source=source)


def instruments_of(item: MarketData) -> tuple[Instrument, ...]:
    """Return the instruments that a piece of news lists."""
    if isinstance(item, InstrumentSeen):
        return (item.instrument,)
    return item.instruments if isinstance(item, MarketSeen) else ()


class SliceChunk:
    """Some rows of a segment as columns (implements `services.column_loop.ColumnChunk`)."""

    def __init__(
        self,
        whole: Chunk,
        symbols: Sequence[str],
        begin: int,
        end: int,
        charge: Callable[[MarketData], MarketData] | None,
    ) -> None:
        """Take the rows from `begin` up to `end`; records are charged the run's fees."""
        self.whole, self.columns, self.symbols = whole, whole.columns, symbols
        self.begin, self.end = begin, end
        self._charge = charge

    def item(self, row: int) -> MarketData:
        """Return a row as the record it was."""
        item = self.whole.items.item(row)
        return item if self._charge is None else self._charge(item)


class MarketSlice:
    """The items of a recording within a time range (implements `ports.Feed`).

    Instruments and markets that were listed before the range are listed all the same; prices
    outside it are never seen. stop_after: end after this many items (the future is cut off).
    """

    source = "replay"

    def __init__(
        self,
        recording: Recording,
        *,
        from_ns: int | None = None,
        to_ns: int | None = None,
        fees: Fees = None,
        stop_after: int | None = None,
    ) -> None:
        """Check the range against the recording; WorldError or InvalidInputError if it is empty."""
        manifest = recording.manifest
        if not manifest.segments:
            raise WorldError(f"{manifest.name}: the recording holds nothing")
        if from_ns is not None and to_ns is not None and from_ns >= to_ns:
            raise InvalidInputError("to", iso_utc(to_ns), f"after from: {iso_utc(from_ns)}")
        self.first_ns = max(manifest.first_ts_ns, from_ns or manifest.first_ts_ns)
        self.last_ns = min(manifest.last_ts_ns, to_ns or manifest.last_ts_ns)
        if self.first_ns > self.last_ns:
            wanted = f"{_when(from_ns)} to {_when(to_ns)}"
            spans = f"{iso_utc(manifest.first_ts_ns)} to {iso_utc(manifest.last_ts_ns)}"
            raise InvalidInputError("from/to", wanted, f"within the recording: {spans}")
        self.rows = manifest.rows
        self.read = 0
        self._recording = recording
        self._from_ns = from_ns
        self._fees = fees
        self._stop_after = stop_after
        self.stopped = False

    def stop(self) -> None:
        """End before the next item; safe in a signal handler."""
        self.stopped = True

    def items(self) -> Iterator[MarketData]:
        """Yield the items in order."""
        cut = self._from_ns is not None
        told = 0
        change: Callable[[MarketData], MarketData] | None = (
            self.charged_item if self._fees else None
        )
        for mseq, item in self._recording.items():
            self.read = mseq
            if self.stopped or item.ts_ns > self.last_ns or told == self._stop_after:
                return
            if cut and item.ts_ns < self.first_ns and type(item) in PRICED:
                continue
            told += 1
            yield item if change is None else change(item)

    def chunks(self) -> Iterator[SliceChunk]:
        """Yield the same items as columns, segment by segment (`services.column_loop`)."""
        reader = ColumnReader(self._recording)
        left = -1 if self._stop_after is None else self._stop_after
        charge = self.charged_item if self._fees else None
        for chunk in reader.chunks():
            ts = chunk.columns.ts
            rows = self._rows(chunk)
            if left >= 0:
                rows = _cut(rows, left)
                left -= sum(end - begin for begin, end in rows)
            for begin, end in rows:
                yield SliceChunk(chunk, list(reader.symbols), begin, end, charge)
            if left == 0 or (len(ts) and max(ts) > self.last_ns):
                return

    def _rows(self, chunk: Chunk) -> list[tuple[int, int]]:
        """Return the stretches of rows that `items` yields: news before the range, then the range.

        The range ends with the first row after it, whatever the order of time.
        """
        ts, kinds = chunk.columns.ts, chunk.columns.kinds
        end = next((row for row, ts_ns in enumerate(ts) if ts_ns > self.last_ns), len(ts))
        if self._from_ns is None or not len(ts) or min(ts) >= self.first_ns:
            return [(0, end)]
        kept = [row for row in range(end) if ts[row] >= self.first_ns or kinds[row] == NEWS]
        starts = [row for at, row in enumerate(kept) if not at or row != kept[at - 1] + 1]
        ends = [row + 1 for at, row in enumerate(kept) if at + 1 == len(kept)
                or kept[at + 1] != row + 1]  # fmt: skip
        return list(zip(starts, ends, strict=True))

    def passed(self, chunk: SliceChunk, row: int) -> None:
        """Take note that the rows before this one are done."""
        self.read = chunk.whole.first_mseq + row - 1

    def charged_item(self, item: MarketData) -> MarketData:
        """Return an item whose instruments bear the fees of this run."""
        if self._fees is None:
            return item
        if isinstance(item, InstrumentSeen):
            return msgspec.structs.replace(item, instrument=self.charged(item.instrument))
        if isinstance(item, MarketSeen):
            instruments = tuple(self.charged(one) for one in item.instruments)
            return msgspec.structs.replace(item, instruments=instruments)
        return item

    def charged(self, instrument: Instrument) -> Instrument:
        """Return an instrument with the fees of this run."""
        if self._fees is None:
            return instrument
        return msgspec.structs.replace(instrument, fees=self._fees)


def _cut(rows: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    kept = []
    for begin, end in rows:
        taken = min(end - begin, most)
        if taken > 0:
            kept.append((begin, begin + taken))
        most -= taken
    return kept


def _when(ts_ns: int | None) -> str:
    return "the end" if ts_ns is None else iso_utc(ts_ns)
