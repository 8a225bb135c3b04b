"""Captures of Polymarket's market channel as CSV: whole books and changes, a row per level.

Read by the header's names. Consecutive `book` rows of one token, time and hash are one whole book;
a `price_change` row is the new total at a price, 0 removes it. There is no sequence number and the
hash cannot be computed from such a file, so what proves a book is its top: a book whose bid and ask
cross has missed a change, and is a gap until the venue sent it whole again. So is one whose change
came late or cannot be read.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from papertape.clock import NS_PER_MS
from papertape.core.decimal_text import scaled
from papertape.feeds.importers.files import LineReader, Progress, first_line
from papertape.feeds.importers.polymarket_markets import KnownMarket
from papertape.feeds.importers.report import ImportReport
from papertape.feeds.polymarket_levels import LevelReader
from papertape.model.market_data import (
    BookSeen,
    BookState,
    FeedStateSeen,
    InstrumentSeen,
    MarketData,
    MarketStateSeen,
)

COLUMNS = ("market_slug", "asset_id", "event_type", "price", "side", "size", "hash", "timestamp")
NAME_COLUMNS = ("market_slug", "asset_id", "outcome_name")
SIDES = {"bid": "bids", "ask": "asks", "BUY": "bids", "SELL": "asks"}
SOURCE = "polymarket"
CENT, MILL = 100, 10  # the venue's grids of 0.01 and 0.001, in ticks
NO_SNAPSHOT = "no whole book yet"
CROSSED = "bid and ask cross"


def has_columns(path: Path, wanted: tuple[str, ...]) -> bool:
    """Return whether a CSV file has these columns, in any order."""
    return set(wanted) <= set(first_line(path).split(","))


class _Row(NamedTuple):
    """A row as text, but for its time."""

    token: str
    kind: str
    price: str
    side: str
    size: str
    hash: str
    venue_ms: int


class _Book:
    """One token's levels, and whether they may be believed."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.state: BookState = "gap"
        self.reason = NO_SNAPSHOT
        self.whole_ms = self.changed_ms = 0

    def begin(self, venue_ms: int) -> None:
        """Begin a whole book: its levels follow."""
        self.bids.clear()
        self.asks.clear()
        self.state, self.reason = "live", ""
        self.whole_ms = self.changed_ms = venue_ms

    def fail(self, reason: str) -> None:
        """Stop believing it; the first reason stays."""
        if self.state == "live":
            self.state, self.reason = "gap", reason

    def put(self, side: str, ticks: int, lots: int) -> None:
        """Set the total at a price."""
        levels = self.bids if side == "bids" else self.asks
        if lots:
            levels[ticks] = lots
        else:
            levels.pop(ticks, None)
        if self.bids and self.asks and max(self.bids) >= min(self.asks):
            self.fail(CROSSED)

    def seen(self, symbol: str, ts_ns: int, venue_ms: int) -> BookSeen:
        """Return the book as the engine shall see it."""
        bids, asks = sorted(self.bids.items(), reverse=True), sorted(self.asks.items())
        return BookSeen(
            symbol=symbol,
            ts_ns=ts_ns,
            bid_ticks=[ticks for ticks, _ in bids],
            bid_lots=[lots for _, lots in bids],
            ask_ticks=[ticks for ticks, _ in asks],
            ask_lots=[lots for _, lots in asks],
            venue_ts_ns=venue_ms * NS_PER_MS,
            state=self.state,
            reason=self.reason,
        )


def read_deltas(
    paths: list[Path], names: list[Path], report: ImportReport, progress: Progress | None
) -> Iterator[MarketData]:
    """Yield the books of all files in the order of the venue's time; a file is a market's stream.

    names: files that say what the outcome of a token is called.
    """
    reader = LineReader(paths + paths, progress)
    known = _outcome_names(names)
    levels = LevelReader()
    streams = [_Stream(path, reader, levels, known, report) for path in paths]
    last_ns = 0
    for item in heapq.merge(*(stream.items() for stream in streams), key=lambda item: item.ts_ns):
        if not last_ns:
            yield FeedStateSeen(ts_ns=item.ts_ns, source=SOURCE, state="live")
        last_ns = item.ts_ns
        yield item
    report.dust_levels = levels.dust_levels
    if last_ns:
        yield FeedStateSeen(
            ts_ns=last_ns, source=SOURCE, state="ended", reason="end of the recording"
        )


def _outcome_names(paths: list[Path]) -> dict[str, str]:
    names: dict[str, str] = {}
    for path in paths:
        at = {name: n for n, name in enumerate(first_line(path).split(","))}
        for number, line in LineReader([path], None).lines(path):
            cells = line.decode("utf-8", "replace").strip().split(",")
            if number > 1 and len(cells) == len(at):
                names[cells[at["asset_id"]]] = cells[at["outcome_name"]]
    return names


class _Stream:
    """One file: rows into messages, messages into books."""

    def __init__(
        self,
        path: Path,
        reader: LineReader,
        levels: LevelReader,
        names: dict[str, str],
        report: ImportReport,
    ) -> None:
        header = first_line(path).split(",")
        self._path = path
        self._reader = reader
        self._levels = levels
        self._names = names
        self._report = report
        self._columns = len(header)
        self._at = {name: header.index(name) for name in COLUMNS}
        self._outcome_at = header.index("outcome_name") if "outcome_name" in header else None
        self._books: dict[str, _Book] = {}
        self._told: dict[str, BookState] = {}
        self._step = CENT
        self._last_ns = 0

    def items(self) -> Iterator[MarketData]:
        """Yield the market, then its books, with times that do not run back."""
        market = self._survey()
        if market is None:
            return
        group: list[_Row] = []
        for number, line in self._reader.lines(self._path):
            if number == 1:
                continue
            self._report.rows += 1
            row = self._row(market, line, f"{self._path.name}:{number}")
            if group and (row is None or _message_of(group[0]) != _message_of(row)):
                yield from self._message(market, group)
                group = []
            if row is not None:
                group.append(row)
                continue
            for token, book in self._books.items():  # it may have been a change of any of them
                book.fail("a row that cannot be read")
                yield from self._tell(market, token, book, self._last_ns // NS_PER_MS)
        if group:
            yield from self._message(market, group)

    def _survey(self) -> KnownMarket | None:
        """Return the file's market with its tokens; a file that names none has nothing to say."""
        market: KnownMarket | None = None
        slug_at, token_at = self._at["market_slug"], self._at["asset_id"]
        for number, line in self._reader.lines(self._path):
            cells = line.decode("ascii", "ignore").strip().split(",")
            if number == 1 or len(cells) != self._columns:
                continue
            if market is None:
                market = KnownMarket(cells[slug_at], names=self._names)
            if cells[slug_at] == market.slug:
                market.heard(cells[token_at], b"")
                if self._outcome_at is not None:
                    self._names.setdefault(cells[token_at], cells[self._outcome_at])
        return market if market is not None and market.tokens else None

    def _row(self, market: KnownMarket, line: bytes, place: str) -> _Row | None:
        """Return a row, None for one that cannot be read: it is counted."""
        try:
            cells = line.decode("ascii").strip().split(",")
            if len(cells) != self._columns:
                raise ValueError("not as many columns as the header")
            _, token, kind, price, side, size, digest, stamp = [cells[n] for n in self._at.values()]
            if token not in market.tokens:
                raise ValueError("a token of another market")
            if kind not in {"book", "price_change"} or side not in SIDES:
                raise ValueError("an event type or a side that is not known")
            return _Row(token, kind, price, SIDES[side], size, digest, scaled(stamp, 0))
        except ValueError as error:
            reason = "not ASCII" if isinstance(error, UnicodeDecodeError) else str(error)
            self._report.refuse(reason, place)
            return None

    def _message(self, market: KnownMarket, rows: list[_Row]) -> Iterator[MarketData]:
        """Fold one message and yield what it changed."""
        first = rows[0]
        ts_ns = self._last_ns = max(first.venue_ms * NS_PER_MS, self._last_ns)
        if not market.listed:
            self._report.markets += 1
            yield market.listing(ts_ns, self._step)
            yield MarketStateSeen(ts_ns=ts_ns, market_id=market.market_id, state="trading")
        book = self._books.setdefault(first.token, _Book())
        if first.kind == "book":
            book.begin(first.venue_ms)
        elif first.venue_ms < book.whole_ms:
            self._report.late += 1
            return  # it is in the whole book already
        elif first.venue_ms < book.changed_ms:
            self._report.late += 1
            book.fail("a change came late")
        book.changed_ms = max(book.changed_ms, first.venue_ms)
        for row in rows:
            yield from self._put(market, book, row, ts_ns)
        yield from self._tell(market, first.token, book, first.venue_ms)

    def _tell(
        self, market: KnownMarket, token: str, book: _Book, venue_ms: int
    ) -> Iterator[BookSeen]:
        """Yield the book if it is live, or if that it is not is news."""
        told = self._told.get(token)
        if book.state == "live" or (told is not None and told != book.state):
            self._report.gaps += book.state != "live"
            self._told[token] = book.state
            yield book.seen(market.symbol(token), self._last_ns, venue_ms)

    def _put(
        self, market: KnownMarket, book: _Book, row: _Row, ts_ns: int
    ) -> Iterator[InstrumentSeen]:
        try:
            if row.price not in self._levels.prices(self._step):
                ticks = scaled(row.price, 4)
                if ticks % self._step and not ticks % MILL:
                    self._step = MILL
                    for token in market.tokens:
                        instrument = market.instrument(token, MILL, ts_ns)
                        yield InstrumentSeen(ts_ns=ts_ns, instrument=instrument)
            ticks = self._levels.prices(self._step)[row.price]
            lots = self._levels.sizes[row.size]
        except ValueError as error:
            self._report.refuse(f"bad number: {error}", self._path.name)
            book.fail("a level that cannot be one")
            return
        if row.kind == "price_change" or lots:
            book.put(row.side, ticks, lots)


def _message_of(row: _Row) -> tuple[str, str, int, str]:
    return row.token, row.kind, row.venue_ms, row.hash
