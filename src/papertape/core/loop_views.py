# cython: annotation_typing=False
"""What a strategy sees in the loop: one object per instrument and kind, filled anew per event.

The attributes are those of `BarSeen`, `QuoteSeen`, `BookSeen` and `PrintSeen`. One that a strategy
keeps stays as it is: the loop sees that it is held and shows the next event in a new object.
`copy.copy(seen)` gives the real record, here and in a live run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cython

from papertape.model.instrument import Side
from papertape.model.market_data import BarSeen, BookSeen, BookState, PrintSeen, QuoteSeen


class BarView:
    """A closed bar, as `BarSeen`."""

    def __init__(self, symbol: str) -> None:
        """Begin with nothing seen."""
        self.symbol = symbol
        self.ts_ns = self.interval_ns = self.venue_ts_ns = 0
        self.open_ticks = self.high_ticks = self.low_ticks = self.close_ticks = 0
        self.volume_lots = 0

    def take(self, bar: BarView) -> None:
        """Show what another shows."""
        self.ts_ns, self.interval_ns, self.venue_ts_ns = bar.ts_ns, bar.interval_ns, bar.venue_ts_ns
        self.open_ticks, self.high_ticks = bar.open_ticks, bar.high_ticks
        self.low_ticks, self.close_ticks = bar.low_ticks, bar.close_ticks
        self.volume_lots = bar.volume_lots

    def __copy__(self) -> BarSeen:
        return BarSeen(
            symbol=self.symbol,
            ts_ns=self.ts_ns,
            interval_ns=self.interval_ns,
            open_ticks=self.open_ticks,
            high_ticks=self.high_ticks,
            low_ticks=self.low_ticks,
            close_ticks=self.close_ticks,
            volume_lots=self.volume_lots,
            venue_ts_ns=self.venue_ts_ns,
        )


class QuoteView:
    """Best bid and ask, as `QuoteSeen`."""

    def __init__(self, symbol: str) -> None:
        """Begin with nothing seen."""
        self.symbol = symbol
        self.ts_ns = self.venue_ts_ns = 0
        self.bid_ticks = self.bid_lots = self.ask_ticks = self.ask_lots = 0

    def take(self, quote: QuoteView) -> None:
        """Show what another shows."""
        self.ts_ns, self.venue_ts_ns = quote.ts_ns, quote.venue_ts_ns
        self.bid_ticks, self.bid_lots = quote.bid_ticks, quote.bid_lots
        self.ask_ticks, self.ask_lots = quote.ask_ticks, quote.ask_lots

    def __copy__(self) -> QuoteSeen:
        return QuoteSeen(
            symbol=self.symbol,
            ts_ns=self.ts_ns,
            bid_ticks=self.bid_ticks,
            bid_lots=self.bid_lots,
            ask_ticks=self.ask_ticks,
            ask_lots=self.ask_lots,
            venue_ts_ns=self.venue_ts_ns,
        )


class PrintView:
    """A trade of others, as `PrintSeen`."""

    def __init__(self, symbol: str) -> None:
        """Begin with nothing seen."""
        self.symbol = symbol
        self.ts_ns = self.venue_ts_ns = 0
        self.price_ticks = self.quantity_lots = 0
        self.side: Side = "BUY"

    def take(self, seen: PrintView) -> None:
        """Show what another shows."""
        self.ts_ns, self.venue_ts_ns = seen.ts_ns, seen.venue_ts_ns
        self.price_ticks, self.quantity_lots, self.side = (
            seen.price_ticks, seen.quantity_lots, seen.side,
        )  # fmt: skip

    def __copy__(self) -> PrintSeen:
        return PrintSeen(
            symbol=self.symbol,
            ts_ns=self.ts_ns,
            price_ticks=self.price_ticks,
            quantity_lots=self.quantity_lots,
            side=self.side,
            venue_ts_ns=self.venue_ts_ns,
        )


class Levels:
    """One column of one side of a book, best first: a window on the data, not a copy of it."""

    def __init__(self) -> None:
        """Begin empty."""
        self.column: Sequence[int] = memoryview(b"").cast("q")
        self.start = 0
        self.count = 0

    def __len__(self) -> int:
        return self.count

    @cython.locals(place=cython.Py_ssize_t)
    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return self.whole()[at]
        place = at
        if place < 0:
            place += self.count
        if not 0 <= place < self.count:
            raise IndexError("no such level")
        return self.column[self.start + place]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Levels):
            return self.whole() == other.whole()
        return isinstance(other, tuple) and self.whole() == other

    def __hash__(self) -> int:
        raise TypeError("a side of a book changes with the next one: hash a tuple of it")

    def __iter__(self) -> Iterator[int]:
        return iter(self.whole())

    def whole(self) -> tuple[int, ...]:
        """Return the levels as a tuple that stays."""
        return tuple([self.column[self.start + at] for at in range(self.count)])


class BookView:
    """A whole book, as `BookSeen`; its sides are sequences that change with the next book."""

    def __init__(self, symbol: str) -> None:
        """Begin with nothing seen."""
        self.symbol = symbol
        self.ts_ns = self.venue_ts_ns = 0
        self.state: BookState = "live"
        self.reason = ""
        self.bid_ticks = Levels()
        self.bid_lots = Levels()
        self.ask_ticks = Levels()
        self.ask_lots = Levels()

    def take(self, book: BookView) -> None:
        """Show what another shows."""
        self.ts_ns, self.venue_ts_ns, self.state = book.ts_ns, book.venue_ts_ns, book.state
        column = book.bid_ticks.column
        self.show(
            column, book.bid_lots.column, book.bid_ticks.count, book.ask_ticks.count,
            book.bid_ticks.start, book.ask_ticks.start,
        )  # fmt: skip

    def show(
        self, ticks: Sequence[int], lots: Sequence[int], bids: int, asks: int, at_bid: int,
        at_ask: int,
    ) -> None:  # fmt: skip
        """Look at `bids` levels from `at_bid` on and at `asks` levels from `at_ask` on."""
        self.bid_ticks.column = self.ask_ticks.column = ticks
        self.bid_lots.column = self.ask_lots.column = lots
        self.bid_ticks.start = self.bid_lots.start = at_bid
        self.ask_ticks.start = self.ask_lots.start = at_ask
        self.bid_ticks.count = self.bid_lots.count = bids
        self.ask_ticks.count = self.ask_lots.count = asks

    def mid_half_ticks(self) -> int | None:
        """Return twice the mid price in ticks, None if one-sided."""
        if not self.bid_ticks.count or not self.ask_ticks.count:
            return None
        return self.bid_ticks[0] + self.ask_ticks[0]

    def __copy__(self) -> BookSeen:
        return self.record()

    def record(self) -> BookSeen:
        """Return the book as a record that stays."""
        return BookSeen(
            symbol=self.symbol,
            ts_ns=self.ts_ns,
            bid_ticks=self.bid_ticks.whole(),
            bid_lots=self.bid_lots.whole(),
            ask_ticks=self.ask_ticks.whole(),
            ask_lots=self.ask_lots.whole(),
            state=self.state,
            venue_ts_ns=self.venue_ts_ns,
        )
