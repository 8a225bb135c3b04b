"""One Parquet segment of market data: columns that take items, and give the same items back."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    EventSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
    QuoteSeen,
    VenueClockSeen,
)

NEWS: dict[str, Any] = {
    "instrument": InstrumentSeen,
    "market": MarketSeen,
    "event": EventSeen,
    "market_state": MarketStateSeen,
    "resolved": MarketResolvedSeen,
    "feed_state": FeedStateSeen,
    "venue_clock": VenueClockSeen,
}
KINDS = ("book", "quote", "bar", "print", *NEWS)
BOOK, QUOTE, BAR, PRINT = range(4)
STATES = ("live", "stale", "gap", "unverified", "resyncing")
SIDES = ("BUY", "SELL")
BAR_FIELDS = ("interval_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
LEVELS = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
_ALWAYS = ("mseq", "ts_ns", "venue_ts_ns", "kind", "symbol", "state", *LEVELS)
COMPRESSION_LEVEL = 1  # zstd; neighbouring books repeat each other, so the fastest level is enough
BLOCK_ROWS = 256  # books that share one buffer: what a book that is kept for long holds in memory

_NEWS_CODE = {news: KINDS.index(name) for name, news in NEWS.items()}
_STATE_CODE = {state: code for code, state in enumerate(STATES)}
_SIDE_CODE = {side: code for code, side in enumerate(SIDES)}
_DECODERS = {KINDS.index(name): msgspec.json.Decoder(news) for name, news in NEWS.items()}
_encode = msgspec.json.Encoder().encode


class SegmentBuilder:
    """Takes items in order; `encode` makes the Parquet file, on another thread if you like."""

    def __init__(self, first_mseq: int, opened_s: float = 0.0) -> None:
        """Begin a segment whose first item has this mseq; `opened_s` is the caller's to use."""
        self.first_mseq = first_mseq
        self.opened_s = opened_s
        self.rows = 0
        self.counts = [0] * len(KINDS)
        self._ts, self._venue_ts = array("q"), array("q")
        self._kind, self._state = array("b"), array("b")
        self._symbol, self._reason = array("i"), array("i")
        self._symbols: dict[str, int] = {"": 0}
        self._reasons: dict[str, int] = {"": 0}
        self._levels = {name: array("q") for name in LEVELS}
        self._bid_ends, self._ask_ends = array("i", [0]), array("i", [0])
        self._prints: list[tuple[int, PrintSeen]] = []
        self._bars: list[tuple[int, BarSeen]] = []
        self._bodies: list[tuple[int, MarketData]] = []
        self._adders: dict[type, Callable[[Any], int]] = {
            BookSeen: self._book,
            QuoteSeen: self._quote,
            BarSeen: self._bar,
            PrintSeen: self._print,
        }

    @property
    def levels(self) -> int:
        """Return how many price levels are held: what the memory of a segment goes by."""
        return len(self._levels["bid_ticks"]) + len(self._levels["ask_ticks"])

    @property
    def last_mseq(self) -> int:
        """Return the mseq of the newest item."""
        return self.first_mseq + self.rows - 1

    @property
    def span_ns(self) -> tuple[int, int]:
        """Return engine time of the first and of the last item."""
        return self._ts[0], self._ts[-1]

    def add(self, item: MarketData) -> None:
        """Take the next item."""
        adder = self._adders.get(type(item))
        code = self._news(item) if adder is None else adder(item)
        self._ts.append(item.ts_ns)
        self._kind.append(code)
        self.counts[code] += 1
        self._bid_ends.append(len(self._levels["bid_ticks"]))
        self._ask_ends.append(len(self._levels["ask_ticks"]))
        self.rows += 1

    def _common(self, symbol: str, venue_ts_ns: int, state: int = 0, reason: str = "") -> None:
        code = self._symbols.get(symbol)
        if code is None:
            code = self._symbols[symbol] = len(self._symbols)
        self._symbol.append(code)
        self._reason.append(self._reasons.setdefault(reason, len(self._reasons)) if reason else 0)
        self._venue_ts.append(venue_ts_ns)
        self._state.append(state)

    def _book(self, item: BookSeen) -> int:
        assert len(item.bid_ticks) == len(item.bid_lots), "each level has a price and a size"
        assert len(item.ask_ticks) == len(item.ask_lots), "each level has a price and a size"
        levels = self._levels
        _extend(levels["bid_ticks"], item.bid_ticks)
        _extend(levels["bid_lots"], item.bid_lots)
        _extend(levels["ask_ticks"], item.ask_ticks)
        _extend(levels["ask_lots"], item.ask_lots)
        self._common(item.symbol, item.venue_ts_ns, _STATE_CODE[item.state], item.reason)
        return BOOK

    def _quote(self, item: QuoteSeen) -> int:
        levels = self._levels
        levels["bid_ticks"].append(item.bid_ticks)
        levels["bid_lots"].append(item.bid_lots)
        levels["ask_ticks"].append(item.ask_ticks)
        levels["ask_lots"].append(item.ask_lots)
        self._common(item.symbol, item.venue_ts_ns)
        return QUOTE

    def _bar(self, item: BarSeen) -> int:
        self._bars.append((self.rows, item))
        self._common(item.symbol, item.venue_ts_ns)
        return BAR

    def _print(self, item: PrintSeen) -> int:
        self._prints.append((self.rows, item))
        self._common(item.symbol, item.venue_ts_ns)
        return PRINT

    def _news(self, item: MarketData) -> int:
        self._bodies.append((self.rows, item))
        self._common("", 0)
        return _NEWS_CODE[type(item)]

    def encode(self) -> bytes:
        """Return the segment as a Parquet file."""
        table = pa.table(self._columns())
        sink = pa.BufferOutputStream()
        pq.write_table(
            table,
            sink,
            row_group_size=max(self.rows, 1),
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            use_dictionary=["kind", "symbol", "state", "reason", "side"],
            write_statistics=["mseq", "ts_ns"],
            store_schema=True,
        )
        return bytes(sink.getvalue())

    def _columns(self) -> dict[str, Any]:
        rows = self.rows
        mseq = array("q", range(self.first_mseq, self.first_mseq + rows))
        columns: dict[str, Any] = {
            "mseq": _ints(mseq),
            "ts_ns": _ints(self._ts),
            "venue_ts_ns": _ints(self._venue_ts),
            "kind": _coded(self._kind, pa.int8(), KINDS),
            "symbol": _coded(self._symbol, pa.int32(), tuple(self._symbols)),
            "state": _coded(self._state, pa.int8(), STATES),
            "reason": _coded(self._reason, pa.int32(), tuple(self._reasons)),
        }
        for name in LEVELS:
            ends = self._bid_ends if name.startswith("bid") else self._ask_ends
            offsets = pa.Array.from_buffers(pa.int32(), len(ends), [None, pa.py_buffer(ends)])
            columns[name] = pa.ListArray.from_arrays(offsets, _ints(self._levels[name]))
        prints = self._prints
        columns["price_ticks"] = _sparse(rows, [(at, p.price_ticks) for at, p in prints])
        columns["quantity_lots"] = _sparse(rows, [(at, p.quantity_lots) for at, p in prints])
        sides = array("b", bytes(rows))
        for at, item in prints:
            sides[at] = _SIDE_CODE[item.side]
        columns["side"] = _coded(sides, pa.int8(), SIDES)
        for name in BAR_FIELDS:
            columns[name] = _sparse(rows, [(at, getattr(bar, name)) for at, bar in self._bars])
        bodies: list[str | None] = [None] * rows
        for at, news in self._bodies:
            bodies[at] = _encode(news).decode()
        columns["body"] = pa.array(bodies, pa.string())
        return columns


def _extend(column: array[int], values: Sequence[int]) -> None:
    if isinstance(values, memoryview) and values.format == "q":
        column.frombytes(values.cast("B"))
    else:
        column.extend(values)


def _ints(values: array[int]) -> Any:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])


def _coded(codes: array[int], code_type: Any, names: tuple[str, ...]) -> Any:
    indices = pa.Array.from_buffers(code_type, len(codes), [None, pa.py_buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _sparse(rows: int, values: list[tuple[int, int]]) -> Any:
    """Return a column that is 0 but at the given rows; `kind` says where it means something."""
    column = array("q", bytes(8 * rows))
    for at, value in values:
        column[at] = value
    return _ints(column)


# --- reading --------------------------------------------------------------------------------------


def decode_segment(body: bytes, after_mseq: int = 0) -> Iterator[tuple[int, MarketData]]:
    """Yield (mseq, item) of a Parquet segment; levels are views on 8-byte integers, not copies.

    Views share a buffer per 256 rows, so that one book kept for long does not keep a segment.
    """
    columns = _Columns(pq.ParquetFile(pa.BufferReader(body)))
    start = max(after_mseq + 1 - columns.first_mseq, 0)
    for at in range(start, columns.rows, BLOCK_ROWS):
        yield from columns.block(at, min(at + BLOCK_ROWS, columns.rows))


class SegmentItems:
    """The items of a segment by row; neighbours are decoded together."""

    def __init__(self, body: bytes) -> None:
        """Take a Parquet segment; nothing is decoded yet."""
        self._body = body
        self._columns: _Columns | None = None
        self._start = -1
        self._block: list[tuple[int, MarketData]] = []

    def item(self, row: int) -> MarketData:
        """Return the item of a row."""
        if self._columns is None:
            self._columns = _Columns(pq.ParquetFile(pa.BufferReader(self._body)))
        start = row - row % BLOCK_ROWS
        if start != self._start:
            end = min(start + BLOCK_ROWS, self._columns.rows)
            self._start, self._block = start, list(self._columns.block(start, end))
        return self._block[row - start][1]


def decode_news(file: Any, kinds: Any) -> list[tuple[int, MarketData]]:
    """Return (row, item) of a segment's news. kinds: its column `kind`."""
    bodies = file.read(columns=["body"], use_threads=False)["body"].to_pylist()
    names = kinds.to_pylist()
    return [
        (row, _DECODERS[KINDS.index(names[row])].decode(body))
        for row, body in enumerate(bodies)
        if body is not None
    ]


class _Columns:
    """The columns of a segment as flat Python values and buffers; rare ones are read at need."""

    def __init__(self, file: Any) -> None:
        self._file = file
        known = set(file.schema_arrow.names)
        wanted = [name for name in (*_ALWAYS, "reason") if name in known]
        self._table = file.read(columns=wanted, use_threads=False)
        self.rows = self._table.num_rows
        self.first_mseq = self._table["mseq"][0].as_py() if self.rows else 0
        self.ts_ns = self._numbers("ts_ns")
        self.venue_ts_ns = self._numbers("venue_ts_ns")
        self.kind = self._names("kind", {name: code for code, name in enumerate(KINDS)})
        self.symbol = self._names("symbol", None)
        self.state = self._names("state", None)
        # recordings of format 1 say nothing of reasons
        self.reason = self._names("reason", None) if "reason" in known else [""] * self.rows
        self.bid_ends = _view(self._whole("bid_ticks").offsets, "i").tolist()
        self.ask_ends = _view(self._whole("ask_ticks").offsets, "i").tolist()
        self.bid_ticks, self.bid_lots = self._values("bid_ticks"), self._values("bid_lots")
        self.ask_ticks, self.ask_lots = self._values("ask_ticks"), self._values("ask_lots")
        self._cells: dict[str, list[Any]] = {}

    def block(self, start: int, end: int) -> Iterator[tuple[int, MarketData]]:
        """Yield the items of some rows; their books share one buffer per column."""
        bid_from, ask_from = self.bid_ends[start], self.ask_ends[start]
        bid_to, ask_to = self.bid_ends[end], self.ask_ends[end]
        bid_ticks = memoryview(self.bid_ticks[bid_from:bid_to].tobytes()).cast("q")
        bid_lots = memoryview(self.bid_lots[bid_from:bid_to].tobytes()).cast("q")
        ask_ticks = memoryview(self.ask_ticks[ask_from:ask_to].tobytes()).cast("q")
        ask_lots = memoryview(self.ask_lots[ask_from:ask_to].tobytes()).cast("q")
        bids = [at - bid_from for at in self.bid_ends[start : end + 1]]
        asks = [at - ask_from for at in self.ask_ends[start : end + 1]]
        first_mseq = self.first_mseq
        rows = zip(
            range(first_mseq + start, first_mseq + end), self.kind[start:end],
            self.symbol[start:end], self.ts_ns[start:end], self.venue_ts_ns[start:end],
            self.state[start:end], self.reason[start:end],
            pairwise(bids), pairwise(asks), strict=True,
        )  # fmt: skip
        for mseq, kind, symbol, ts_ns, venue_ts_ns, state, reason, (b0, b1), (a0, a1) in rows:
            if kind == BOOK:
                yield mseq, BookSeen(
                    symbol=symbol, ts_ns=ts_ns, venue_ts_ns=venue_ts_ns, state=state,
                    reason=reason,
                    bid_ticks=bid_ticks[b0:b1], bid_lots=bid_lots[b0:b1],
                    ask_ticks=ask_ticks[a0:a1], ask_lots=ask_lots[a0:a1],
                )  # fmt: skip
            elif kind == QUOTE:
                yield mseq, QuoteSeen(
                    symbol=symbol, ts_ns=ts_ns, venue_ts_ns=venue_ts_ns, bid_ticks=bid_ticks[b0],
                    bid_lots=bid_lots[b0], ask_ticks=ask_ticks[a0], ask_lots=ask_lots[a0],
                )  # fmt: skip
            else:
                yield mseq, self._other(mseq - first_mseq, kind, symbol, ts_ns, venue_ts_ns)

    def _other(self, at: int, kind: int, symbol: str, ts_ns: int, venue_ts_ns: int) -> MarketData:
        if kind == PRINT:
            return PrintSeen(
                symbol=symbol, ts_ns=ts_ns, venue_ts_ns=venue_ts_ns,
                price_ticks=self._cell("price_ticks", at),
                quantity_lots=self._cell("quantity_lots", at), side=self._cell("side", at),
            )  # fmt: skip
        if kind == BAR:
            return BarSeen(
                symbol=symbol, ts_ns=ts_ns, venue_ts_ns=venue_ts_ns,
                **{name: self._cell(name, at) for name in BAR_FIELDS},
            )  # fmt: skip
        item: MarketData = _DECODERS[kind].decode(self._cell("body", at))
        return item

    def _cell(self, name: str, at: int) -> Any:
        column = self._cells.get(name)
        if column is None:
            self._table = self._file.read(columns=[name], use_threads=False)
            if name == "side":
                column = self._names(name, None)
            elif name == "body":
                column = self._whole(name).to_pylist()
            else:
                column = self._numbers(name)
            self._cells[name] = column
        return column[at]

    def _whole(self, name: str) -> Any:
        column = self._table[name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            assert column.num_chunks <= 1, "a segment is one row group"
            column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
        return column

    def _numbers(self, name: str) -> list[int]:
        return _view(self._whole(name), "q").tolist()

    def _names(self, name: str, codes: dict[str, int] | None) -> list[Any]:
        column = self._whole(name)
        names = column.dictionary.to_pylist()
        values = names if codes is None else [codes[each] for each in names]
        width: Literal["b", "i"] = "b" if column.indices.type.bit_width == 8 else "i"
        return [values[code] for code in _view(column.indices, width).tolist()]

    def _values(self, name: str) -> memoryview[int]:
        return _view(self._whole(name).values, "q")


def _view(column: Any, width: Literal["b", "i", "q"]) -> memoryview[int]:
    buffer = column.buffers()[1]
    if buffer is None or not len(column):
        return memoryview(b"").cast(width)
    start: int = column.offset
    return memoryview(buffer).cast("B").cast(width)[start : start + len(column)]
