"""Captures of Polymarket's market channel: one JSON line per `book` message, full depth.

A line: recv (seconds, the recorder's clock), slug, tick, ltp, and msg verbatim. Beside the file a
markets.csv may say what each token paid. The outcome's name is not in such a capture, so a token
is called by the first digits of its id.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import msgspec

from papertape.clock import NS_PER_S
from papertape.core.decimal_text import scaled
from papertape.feeds.importers.files import LineReader, Progress
from papertape.feeds.importers.polymarket_markets import (
    ONE_TICKS,
    TICK_DECIMALS,
    KnownMarket,
    read_payouts,
)
from papertape.feeds.importers.report import ImportReport
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
LOT_DECIMALS = 2  # a lot is 0.01 share
SIZES_KEPT_MAX = 200_000  # size texts remembered; neighbouring books repeat each other
SOURCE = "polymarket"


class _Level(msgspec.Struct, gc=False):
    price: str
    size: str


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


class _BadRecordError(Exception):
    """One record cannot be taken; the text is the reason it is counted under."""


class _Prices(dict[str, int]):
    """Price texts in ticks, checked when first met; only valid ones are kept."""

    def __init__(self, step_ticks: int) -> None:
        super().__init__()
        self._step_ticks = step_ticks

    def __missing__(self, text: str) -> int:
        ticks: int = scaled(text, TICK_DECIMALS)
        if ticks % self._step_ticks:
            raise ValueError("a price off the tick")
        if not 0 < ticks < ONE_TICKS:
            raise ValueError("a price outside 0 to 1")
        self[text] = ticks
        return ticks


class _Sizes(dict[str, int]):
    """Size texts in lots, cut to the lot; the newest are kept."""

    def __missing__(self, text: str) -> int:
        if len(self) >= SIZES_KEPT_MAX:
            self.clear()
        lots: int = scaled(text, LOT_DECIMALS, True)
        self[text] = lots
        return lots


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_levels = msgspec.json.Decoder(list[_Level]).decode


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
        self._prices: dict[int, _Prices] = {}
        self._sizes = _Sizes()

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
                except _BadRecordError as error:
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
            raise _BadRecordError("fields missing or of the wrong type") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _BadRecordError("not JSON") from None
        message = record.msg
        if message.event_type != "book":
            raise _BadRecordError("not a book message")
        recv_ns = _recv_ns(bytes(record.recv))
        if not recv_ns or recv_ns < self._last_ns - LATE_MAX_NS:
            raise _BadRecordError("no usable receive time")
        market = self._markets.get(record.slug)
        if market is None or message.asset_id not in market.tokens:
            raise _BadRecordError("no usable market or token id")
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
        step_ticks = _step_ticks(tick)
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
            bids, asks = _decode_levels(message.bids), _decode_levels(message.asks)
        except msgspec.ValidationError:
            raise _BadRecordError("levels of the wrong type") from None
        state: BookState = "live"
        if not _hash_reproduces(record, bids, asks):
            self._report.unverified += 1
            state = "unverified"
        try:
            venue_ts_ns = scaled(message.timestamp, 0) * 1_000_000
            step_ticks = _step_ticks(record.tick)
            bid_ticks, bid_lots = self._side(bids, step_ticks)
            ask_ticks, ask_lots = self._side(asks, step_ticks)
        except ValueError as error:
            raise _BadRecordError(f"bad number: {error}") from None
        if sorted(bid_ticks, reverse=True) != bid_ticks or sorted(ask_ticks) != ask_ticks:
            raise _BadRecordError("levels out of order")
        if bid_ticks and ask_ticks and bid_ticks[0] >= ask_ticks[0]:
            raise _BadRecordError("crossed book")
        if len({*bid_ticks, *ask_ticks}) != len(bid_ticks) + len(ask_ticks):
            raise _BadRecordError("a price twice in one book")
        return BookSeen(
            symbol=market.symbol(message.asset_id),
            ts_ns=0,
            bid_ticks=bid_ticks,
            bid_lots=bid_lots,
            ask_ticks=ask_ticks,
            ask_lots=ask_lots,
            venue_ts_ns=venue_ts_ns,
            state=state,
        )

    def _side(self, levels: list[_Level], step_ticks: int) -> tuple[list[int], list[int]]:
        """Return prices and sizes best first: the venue writes the best level last.

        Sizes are cut to the lot of 0.01 share, so depth is never overstated.
        """
        prices = self._prices.get(step_ticks)
        if prices is None:
            prices = self._prices[step_ticks] = _Prices(step_ticks)
        sizes = self._sizes
        levels.reverse()
        ticks = [prices[level.price] for level in levels]
        lots = [sizes[level.size] for level in levels]
        if 0 in lots:
            self._report.dust_levels += lots.count(0)
            ticks = [price for price, size in zip(ticks, lots, strict=True) if size]
            lots = [size for size in lots if size]
        return ticks, lots


def _hash_reproduces(record: _Line, bids: list[_Level], asks: list[_Level]) -> bool:
    """Return whether the venue's SHA-1 over the book comes out; strings are taken verbatim."""
    if _book_hash(record, bytes(record.msg.bids), bytes(record.msg.asks)) == record.msg.hash:
        return True
    compact = msgspec.json.encode(bids), msgspec.json.encode(asks)
    return _book_hash(record, *compact) == record.msg.hash


def _book_hash(record: _Line, bids: bytes, asks: bytes) -> str:
    message = record.msg
    head = (
        f'{{"market":"{message.market}","asset_id":"{message.asset_id}",'
        f'"timestamp":"{message.timestamp}","hash":"","bids":'
    )
    tail = (
        f',"min_order_size":"5","tick_size":"{record.tick}","neg_risk":false,'
        f'"last_trade_price":"{record.ltp}"}}'
    )
    body = b"".join([head.encode(), bids, b',"asks":', asks, tail.encode()])
    return sha1(body, usedforsecurity=False).hexdigest()


def _step_ticks(tick: str) -> int:
    try:
        step_ticks: int = scaled(tick, TICK_DECIMALS)
    except ValueError:
        raise _BadRecordError("bad number: the tick") from None
    if not 0 < step_ticks <= ONE_TICKS // 10:
        raise _BadRecordError("bad number: the tick")
    return step_ticks


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
