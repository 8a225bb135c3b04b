"""MarketWatch: what has been seen of each instrument, and how much of it our orders have taken."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from papertape.model.market_data import BarSeen, BookSeen, PrintSeen, QuoteSeen, parts_of
from papertape.model.ports import BoardDepth, BoardPrint, BoardQuote

EMPTY: dict[int, int] = {}
LEVELS_SHOWN = 10  # of each side of a book, to people
PRINTS_KEPT = 20  # the newest of an instrument, for people


class DepthSeen(NamedTuple):
    """What there is to tell of an instrument's depth, taken quickly and told in another thread."""

    symbol: str
    book: BookSeen | None
    bar: BarSeen | None
    prints: tuple[PrintSeen, ...]

    def told(self) -> BoardDepth:
        """Return the best levels and the prints, the newest first."""
        prints = tuple(
            BoardPrint(each.ts_ns, each.price_ticks, each.quantity_lots, each.side)
            for each in reversed(self.prints)
        )
        if self.book is None:
            seen = self.bar or self.prints[-1]
            return BoardDepth(
                symbol=self.symbol, ts_ns=seen.ts_ns, bid_ticks=(), bid_lots=(), ask_ticks=(),
                ask_lots=(), prints=prints,
            )  # fmt: skip
        book = self.book
        return BoardDepth(
            symbol=self.symbol,
            ts_ns=book.ts_ns,
            bid_ticks=tuple(book.bid_ticks[:LEVELS_SHOWN]),
            bid_lots=tuple(book.bid_lots[:LEVELS_SHOWN]),
            ask_ticks=tuple(book.ask_ticks[:LEVELS_SHOWN]),
            ask_lots=tuple(book.ask_lots[:LEVELS_SHOWN]),
            prints=prints,
        )


def doubt_of(book: BookSeen) -> str:
    """Return what is wrong with a book: stale, gap, unverified, crossed; "" if nothing is."""
    if book.state != "live":
        return book.state
    if len(book.bid_ticks) and len(book.ask_ticks) and book.bid_ticks[0] > book.ask_ticks[0]:
        return "crossed"
    return ""


class MarketWatch:
    """The newest book, bar and print of every instrument, on the run's own clock."""

    def __init__(self, source: str) -> None:
        """Begin with nothing seen; `source` names the feed in evidence and on the board."""
        self.source = source
        self._parts = parts_of(source)
        self._silent: set[str] = set()
        self.books: dict[str, BookSeen] = {}
        self.bars: dict[str, BarSeen] = {}
        self.last_ticks: dict[str, int] = {}
        self._used_asks: dict[str, dict[int, int]] = {}
        self._used_bids: dict[str, dict[int, int]] = {}
        self._prints: dict[str, deque[PrintSeen]] = {}
        self._changed: set[str] = set()
        self._deep: set[str] = set()  # whose levels or prints changed since they were told

    def hear(self, source: str, *, alive: bool) -> None:
        """Note that a source of market data came alive or fell silent."""
        if alive:
            self._silent.discard(source)
        else:
            self._silent.add(source)

    def silence_of(self, venue: str) -> str:
        """Return which source is silent on which this venue's prices rest, "" if none is.

        Of a feed of several venues each stands for itself; any other source stands for all.
        """
        for source in sorted(self._silent):
            if len(self._parts) < 2 or source == venue or source not in self._parts:
                return source
        return ""

    def see_book(self, book: BookSeen) -> None:
        """Take a whole book; what our orders took from the old one is forgotten with it."""
        symbol = book.symbol
        self.books[symbol] = book
        self._used_asks.pop(symbol, None)
        self._used_bids.pop(symbol, None)
        self._changed.add(symbol)

    def see_quote(self, quote: QuoteSeen) -> BookSeen:
        """Take a quote as a book of one level per side and return that book."""
        book = BookSeen(
            symbol=quote.symbol,
            ts_ns=quote.ts_ns,
            venue_ts_ns=quote.venue_ts_ns,
            bid_ticks=(quote.bid_ticks,) if quote.bid_lots else (),
            bid_lots=(quote.bid_lots,) if quote.bid_lots else (),
            ask_ticks=(quote.ask_ticks,) if quote.ask_lots else (),
            ask_lots=(quote.ask_lots,) if quote.ask_lots else (),
        )
        self.see_book(book)
        return book

    def see_bar(self, bar: BarSeen) -> None:
        """Take a closed bar."""
        self.bars[bar.symbol] = bar
        if bar.symbol not in self.books:
            self._used_asks.pop(bar.symbol, None)
            self._used_bids.pop(bar.symbol, None)
        self.last_ticks[bar.symbol] = bar.close_ticks
        self._changed.add(bar.symbol)

    def see_print(self, seen: PrintSeen) -> None:
        """Take a trade of others."""
        symbol = seen.symbol
        self.last_ticks[symbol] = seen.price_ticks
        prints = self._prints.get(symbol)
        if prints is None:
            prints = self._prints[symbol] = deque(maxlen=PRINTS_KEPT)
        prints.append(seen)
        self._deep.add(symbol)

    def forget(self, symbol: str) -> None:
        """Drop what was seen of an instrument whose market is over."""
        for kept in (self.books, self.bars, self._used_asks, self._used_bids, self._prints):
            kept.pop(symbol, None)
        self._changed.discard(symbol)
        self._deep.discard(symbol)

    def used(self, symbol: str, *, buying: bool) -> dict[int, int]:
        """Return lots taken per price since the book was seen, of the side an order would take."""
        return (self._used_asks if buying else self._used_bids).get(symbol, EMPTY)

    def use(self, symbol: str, ticks: int, lots: int, *, buying: bool) -> None:
        """Note that an order took lots from a level."""
        side = self._used_asks if buying else self._used_bids
        used = side.setdefault(symbol, {})
        used[ticks] = used.get(ticks, 0) + lots

    def shown_lots(self, symbol: str, ticks: int, *, bids: bool) -> int | None:
        """Return the depth shown at a price, None where the book does not reach that far."""
        book = self.books.get(symbol)
        if book is None:
            return None
        levels, lots = (book.bid_ticks, book.bid_lots) if bids else (book.ask_ticks, book.ask_lots)
        sign = -1 if bids else 1
        for at in range(len(levels)):
            if levels[at] == ticks:
                return lots[at]
            if sign * levels[at] > sign * ticks:
                return 0
        return None

    def screen_ticks(self, symbol: str) -> int | None:
        """Return the price on a screen: the mid, the one side there is, or the last bar's close."""
        book = self.books.get(symbol)
        if book is not None:
            half_ticks = book.mid_half_ticks()
            if half_ticks is not None:
                return half_ticks // 2
            side = book.ask_ticks if len(book.ask_ticks) else book.bid_ticks
            return side[0] if len(side) else None
        bar = self.bars.get(symbol)
        return None if bar is None else bar.close_ticks

    def mark_ticks(self, symbol: str) -> int | None:
        """Return what a long is valued at: the bid, 0 if nobody bids, else the last bar's close."""
        book = self.books.get(symbol)
        if book is not None:
            return book.bid_ticks[0] if len(book.bid_ticks) else 0
        bar = self.bars.get(symbol)
        return None if bar is None else bar.close_ticks

    def seen_ts_ns(self, symbol: str) -> int | None:
        """Return when the instrument's price was last seen."""
        seen = self.books.get(symbol) or self.bars.get(symbol)
        return None if seen is None else seen.ts_ns

    def changed_quotes(self) -> list[BoardQuote]:
        """Return the quotes that changed since the last call."""
        changed, self._changed = self._changed, set()
        self._deep |= changed
        return [self._quote(symbol) for symbol in sorted(changed)]

    def changed_depths(self) -> list[DepthSeen]:
        """Return books and prints of what changed since the last call, quotes told or not."""
        deep, self._deep = self._deep, set()
        books, bars, prints = self.books, self.bars, self._prints
        return [
            DepthSeen(symbol, books.get(symbol), bars.get(symbol), tuple(prints.get(symbol, ())))
            for symbol in deep
        ]

    def _quote(self, symbol: str) -> BoardQuote:
        book = self.books.get(symbol)
        if book is None:
            bar = self.bars[symbol]
            close = bar.close_ticks
            return BoardQuote(
                symbol=symbol,
                bid_ticks=close,
                bid_lots=bar.volume_lots,
                ask_ticks=close,
                ask_lots=bar.volume_lots,
                last_ticks=close,
                ts_ns=bar.ts_ns,
                venue_ts_ns=bar.venue_ts_ns,
                state="live",
                source=self.source,
            )
        has_bid, has_ask = len(book.bid_ticks), len(book.ask_ticks)
        return BoardQuote(
            symbol=symbol,
            bid_ticks=book.bid_ticks[0] if has_bid else 0,
            bid_lots=book.bid_lots[0] if has_bid else 0,
            ask_ticks=book.ask_ticks[0] if has_ask else 0,
            ask_lots=book.ask_lots[0] if has_ask else 0,
            last_ticks=self.last_ticks.get(symbol),
            ts_ns=book.ts_ns,
            venue_ts_ns=book.venue_ts_ns,
            state=book.state,
            source=self.source,
        )
