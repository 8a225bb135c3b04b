"""Captures of Polymarket's market channel: one JSON line per `book` message, full depth.

A line: recv (seconds, the recorder's clock), slug, tick, ltp, and msg verbatim. Beside the file a
markets.csv may say what each token paid. The outcome's name is not in such a capture, so a token
is called by the first digits of its id.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path

import msgspec

from papertape.clock import NS_PER_S
from papertape.core.decimal_text import scaled
from papertape.feeds.importers.files import LineReader, Progress
from papertape.feeds.importers.polymarket_markets import KnownMarket, read_payouts
from papertape.feeds.importers.report import ImportReport
from papertape.feeds.polymarket_levels import (
    BadRecordError,
    BookHash,
    Level,
    LevelReader,
    decode_levels,
    step_ticks_of,
)
from papertape.model.market_data import (
    BookSeen,
    BookState,
    FeedStateSeen,
    InstrumentSeen,
    MarketData,
    MarketResolvedSeen,
    MarketStateSeen,
)

RESOLVE_AFTER_NS = 15 * NS_PER_S  # Up/Down markets pay 15 to 60 s after their end
LATE_MAX_NS = 10 * NS_PER_S  # receive times run back no further within one capture
SOURCE = "polymarket"


class _Message(msgspec.Struct):
    market: str
    asset_id: str
    timestamp: str
    hash: str
    event_type: str
    bids: msgspec.Raw
    asks: msgspec.Raw


class _Line(msgspec.Struct):
    recv: msgspec.Raw
    slug: str
    tick: str
    msg: _Message
    ltp: str = ""


_decode_line = msgspec.json.Decoder(_Line).decode


def read_books(
    paths: list[Path], payouts: Path | None, report: ImportReport, progress: Progress | None
) -> Iterator[MarketData]:
    """Yield what a capture says, in the order of its receive times."""
    return _BookImport(report, read_payouts(payouts, report)).items(paths, progress)


class _BookImport:
    """One pass over the lines; knows each market from a survey before it."""

    def __init__(self, report: ImportReport, payouts: dict[str, int]) -> None:
        self._report = report
        self._payouts = payouts
        self._markets: dict[str, KnownMarket] = {}
        self._due: list[tuple[int, int, MarketData]] = []
        self._last_ns = 0
        self._last_hash: dict[str, str] = {}
        self._levels = LevelReader()

    def items(self, paths: list[Path], progress: Progress | None) -> Iterator[MarketData]:
        """Survey the files, then yield their items."""
        reader = LineReader(paths + paths, progress)
        for path in paths:
            for _, line in reader.lines(path):
                self._survey(line)
        report = self._report
        for path in paths:
            for number, line in reader.lines(path):
                report.rows += 1
                try:
                    yield from self._taken(line)
                except BadRecordError as error:
                    report.refuse(str(error), f"{path.name}:{number}")
        yield from self._due_until(None)
        if self._last_ns:
            yield FeedStateSeen(
                ts_ns=self._last_ns, source=SOURCE, state="ended", reason="end of the recording"
            )

    def _survey(self, line: bytes) -> None:
        """Note which tokens a market has and when it is heard of last; errors come later."""
        slug = _between(line, b'"slug":"')
        token = _between(line, b'"asset_id":"')
        if slug and token:
            market = self._markets.get(slug)
            if market is None:
                market = self._markets[slug] = KnownMarket(slug)
            market.heard(token, line[len(b'{"recv":') : line.find(b",")])

    def _taken(self, line: bytes) -> Iterator[MarketData]:
        try:
            record = _decode_line(line)
        except msgspec.ValidationError:
            raise BadRecordError("fields missing or of the wrong type") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadRecordError("not JSON") from None
        message = record.msg
        if message.event_type != "book":
            raise BadRecordError("not a book message")
        recv_ns = _recv_ns(bytes(record.recv))
        if not recv_ns or recv_ns < self._last_ns - LATE_MAX_NS:
            raise BadRecordError("no usable receive time")
        market = self._markets.get(record.slug)
        if market is None or message.asset_id not in market.tokens:
            raise BadRecordError("no usable market or token id")
        book = self._book(record, market)
        if self._last_hash.get(message.asset_id) == message.hash:
            self._report.duplicates += 1
            return
        self._last_hash[message.asset_id] = message.hash
        if recv_ns < self._last_ns:
            self._report.late += 1
            recv_ns = self._last_ns
        yield from self._due_until(recv_ns)
        yield from self._news(recv_ns, record.tick, market, message.asset_id)
        self._last_ns = book.ts_ns = recv_ns
        yield book

    def _news(self, ts_ns: int, tick: str, market: KnownMarket, token: str) -> Iterator[MarketData]:
        """Yield what must be known before this book: the feed, the market, a new tick."""
        if not self._last_ns:
            yield FeedStateSeen(ts_ns=ts_ns, source=SOURCE, state="live")
        step_ticks = step_ticks_of(tick)
        if not market.listed:
            self._report.markets += 1
            yield market.listing(ts_ns, step_ticks)
            yield MarketStateSeen(ts_ns=ts_ns, market_id=market.market_id, state="trading")
            self._plan_end(market)
        elif market.steps[token] != step_ticks:
            yield InstrumentSeen(ts_ns=ts_ns, instrument=market.instrument(token, step_ticks))

    def _plan_end(self, market: KnownMarket) -> None:
        """Plan the close at the market's end, and the payout after the last that is heard of it."""
        if not market.end_ns:
            return
        closed = MarketStateSeen(ts_ns=market.end_ns, market_id=market.market_id, state="closed")
        heapq.heappush(self._due, (market.end_ns, len(self._due), closed))
        payouts = market.payouts(self._payouts)
        if payouts is None:
            return
        self._report.resolved += 1
        paid_ns = max(market.end_ns + RESOLVE_AFTER_NS, _recv_ns(market.last_recv) + 1)
        resolved = MarketResolvedSeen(
            ts_ns=paid_ns, market_id=market.market_id, payouts_micros=payouts
        )
        heapq.heappush(self._due, (paid_ns, len(self._due) + 1_000_000, resolved))

    def _due_until(self, ts_ns: int | None) -> Iterator[MarketData]:
        while self._due and (ts_ns is None or self._due[0][0] <= ts_ns):
            due_ns, _, item = heapq.heappop(self._due)
            item.ts_ns = self._last_ns = max(due_ns, self._last_ns)
            yield item

    def _book(self, record: _Line, market: KnownMarket) -> BookSeen:
        message = record.msg
        try:
            bids, asks = decode_levels(message.bids), decode_levels(message.asks)
        except msgspec.ValidationError:
            raise BadRecordError("levels of the wrong type") from None
        state: BookState = "live"
        reason = ""
        if not _hash_reproduces(record, bids, asks):
            self._report.unverified += 1
            state, reason = "unverified", "the hash does not come out"
        try:
            venue_ts_ns = scaled(message.timestamp, 0) * 1_000_000
            step_ticks = step_ticks_of(record.tick)
            bid_ticks, bid_lots = self._levels.side(bids, step_ticks)
            ask_ticks, ask_lots = self._levels.side(asks, step_ticks)
            self._report.dust_levels = self._levels.dust_levels
        except ValueError as error:
            raise BadRecordError(f"bad number: {error}") from None
        if sorted(bid_ticks, reverse=True) != bid_ticks or sorted(ask_ticks) != ask_ticks:
            raise BadRecordError("levels out of order")
        if bid_ticks and ask_ticks and bid_ticks[0] >= ask_ticks[0]:
            raise BadRecordError("crossed book")
        if len({*bid_ticks, *ask_ticks}) != len(bid_ticks) + len(ask_ticks):
            raise BadRecordError("a price twice in one book")
        return BookSeen(
            symbol=market.symbol(message.asset_id),
            ts_ns=0,
            bid_ticks=bid_ticks,
            bid_lots=bid_lots,
            ask_ticks=ask_ticks,
            ask_lots=ask_lots,
            venue_ts_ns=venue_ts_ns,
            state=state,
            reason=reason,
        )


def _hash_reproduces(record: _Line, bids: list[Level], asks: list[Level]) -> bool:
    """Return whether the venue's SHA-1 over the book comes out; strings are taken verbatim."""
    if _book_hash(record, bytes(record.msg.bids), bytes(record.msg.asks)) == record.msg.hash:
        return True
    compact = msgspec.json.encode(bids), msgspec.json.encode(asks)
    return _book_hash(record, *compact) == record.msg.hash


def _book_hash(record: _Line, bids: bytes, asks: bytes) -> str:
    message = record.msg
    begun = BookHash(message.market, message.asset_id, message.timestamp, bids, asks)
    return begun.hexdigest(min_size="5", tick=record.tick, neg_risk=False, last_trade=record.ltp)


def _recv_ns(text: bytes) -> int:
    """Return seconds as nanoseconds, cut below; 0 if this is no time."""
    try:
        recv_ns: int = scaled(text.strip(b' "').decode("ascii"), 9, True)
    except (ValueError, UnicodeDecodeError):
        return 0
    return recv_ns


def _between(line: bytes, key: bytes) -> str:
    start = line.find(key) + len(key)
    end = line.find(b'"', start, start + 200)
    return line[start:end].decode("ascii", "ignore") if start >= len(key) and end > 0 else ""
