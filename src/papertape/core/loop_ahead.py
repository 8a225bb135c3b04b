# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: rows stay below the columns' length; instruments are held against the slots.
"""Runs ahead of the live engine: shows rows to strategies, and calls the engine where it is needed.

Most rows change nothing but what was last seen: nobody trades, nothing rests, equity is not due.
Those are told here, without an object per row. The rest is the live engine's own: signals go by its
door, orders meet the books there, news are its news. So a run over columns decides, fills and
writes what a run over records does, because the same code does it.
"""

from __future__ import annotations

from array import array
from typing import Any, Protocol

from papertape.core.loop_ask import book_references, references
from papertape.core.loop_columns import BAR, BOOK, BOOK_STATES, PRINT, QUOTE, Columns
from papertape.core.loop_views import BarView, BookView, PrintView, QuoteView

FILLED_MARK_NS = 1_000_000_000  # as the live loop: between two marks while trades happen
A_BAR, A_QUOTE, A_BOOK, A_PRINT = BAR, QUOTE, BOOK, PRINT  # the same, as C integers
BOOKS_OF_QUOTES = 5  # on_book of instruments that have quotes; the other kinds are their handlers
KINDS = 6


class Owner(Protocol):
    """The live side."""

    def routes(self, symbol: str, kind: int) -> list[tuple[str, Any]]:
        """Return whom to ask about a kind of row: tag and handler."""
        ...

    def answered(self, answers: list[tuple[str, Any]]) -> None:
        """Trade what strategies answered to the row in hand."""
        ...

    def failed(self, tag: str, error: BaseException) -> None:
        """Take note that a strategy raised."""
        ...

    def mark(self) -> None:
        """Mark the account, before the row in hand is seen."""
        ...


class Seen:
    """What was last seen of one instrument."""

    def __init__(self, symbol: str) -> None:
        """Begin with nothing seen, and live: unlisted until the live side says otherwise."""
        self.symbol = symbol
        self.bar, self.quote = BarView(symbol), QuoteView(symbol)
        self.book, self.seen_print = BookView(symbol), PrintView(symbol)
        self.side_ticks, self.side_lots = array("q", (0, 0)), array("q", (0, 0))
        self.routes: list[Any] = [None] * KINDS
        self.live = True  # every row of it goes to the live engine
        self.new_bar = self.new_book = self.new_mark = False
        self.deep = self.has_book = self.listed_dirty = False
        self.mark_ticks = 0

    def show_quote(self) -> None:
        """Let the book look at the quote, as a book of one level per side."""
        quote, book = self.quote, self.book
        ticks, lots = self.side_ticks, self.side_lots
        ticks[0], ticks[1] = quote.bid_ticks, quote.ask_ticks
        lots[0], lots[1] = quote.bid_lots, quote.ask_lots
        book.ts_ns, book.venue_ts_ns, book.state = quote.ts_ns, quote.venue_ts_ns, BOOK_STATES[0]
        book.show(
            memoryview(ticks), memoryview(lots), 1 if quote.bid_lots else 0,
            1 if quote.ask_lots else 0, 0, 1,
        )  # fmt: skip

    def newest_book(self) -> Any:
        """Return the newest book as a record that stays."""
        if not self.deep:
            self.show_quote()
        return self.book.record()

    def no_routes(self) -> None:
        """Ask anew whom to ask."""
        self.routes = [None] * KINDS


class Ahead:
    """Goes through rows until one needs the live engine."""

    def __init__(self, owner: Owner, equity_every_ns: int, caught: tuple[Any, ...]) -> None:
        """Call `owner` where needed. caught: what a strategy may raise."""
        self.owner = owner
        self.caught = caught
        self.slots: list[Seen] = []
        self.dirty: list[Seen] = []
        self.equity_every_ns = equity_every_ns
        self.now_ns = self.stepped_ns = self.marked_ns = 0
        self.due_ns = (1 << 63) - 1
        self.traded = False  # since the last mark
        self.stopped = False
        self.row = -1
        self.calls = 0
        self.asking = ""

    def add(self, symbol: str) -> Seen:
        """Make room for the next instrument."""
        slot = Seen(symbol)
        self.slots.append(slot)
        return slot

    def run(self, columns: Columns, begin: int, end: int) -> int:
        """Tell rows from `begin` on; return the first that is not told: it is the engine's."""
        for row in range(begin, end):
            if self.stopped:
                return row
            kind = columns.kinds[row]
            index = columns.instrument[row]
            if not A_BAR <= kind <= A_PRINT or not 0 <= index < len(self.slots):
                return row
            slot = self.slots[index]
            if columns.ts[row] > self.due_ns:  # something happens on its own before this row
                return row
            if slot.live or (kind == A_BOOK and columns.v4[row]):  # a book that is not live
                return row
            self.row = row
            self._time(columns.ts[row])
            if kind == A_BAR:
                self._bar(columns, row, slot)
            elif kind == A_QUOTE:
                self._quote(columns, row, slot)
            elif kind == A_BOOK:
                self._book(columns, row, slot)
            else:
                self._print(columns, row, slot)
        return end

    def _time(self, ts_ns: int) -> None:
        """Let time pass to a row; equity is marked between two moments, as live."""
        self.now_ns = max(self.now_ns, ts_ns)
        passed = self.now_ns - self.marked_ns
        if (
            passed >= FILLED_MARK_NS
            and (self.traded or passed >= self.equity_every_ns)
            and self.now_ns > self.stepped_ns
        ):
            self.owner.mark()
        self.stepped_ns = self.now_ns

    def show(self, columns: Columns, row: int) -> Seen:
        """Take a row as seen, without telling anybody: the engine will be told the record."""
        slot, kind = self.slots[columns.instrument[row]], columns.kinds[row]
        if kind == A_BAR:
            self._show_bar(columns, row, slot)
        elif kind == A_QUOTE:
            self._show_quote(columns, row, slot)
        elif kind == A_BOOK:
            self._show_book(columns, row, slot)
        elif kind == A_PRINT:
            self._show_print(columns, row, slot)
        return slot

    # --- rows -----------------------------------------------------------------------------------

    def _show_bar(self, columns: Columns, row: int, slot: Seen) -> None:
        bar = slot.bar
        bar.ts_ns, bar.venue_ts_ns = columns.ts[row], columns.venue[row]
        bar.open_ticks, bar.high_ticks = columns.v0[row], columns.v1[row]
        bar.low_ticks, bar.close_ticks = columns.v2[row], columns.v3[row]
        bar.volume_lots = columns.v4[row]
        slot.new_bar = True
        if not slot.has_book:
            slot.mark_ticks = bar.close_ticks
        self._note(slot)

    def _show_quote(self, columns: Columns, row: int, slot: Seen) -> None:
        quote = slot.quote
        quote.ts_ns, quote.venue_ts_ns = columns.ts[row], columns.venue[row]
        quote.bid_ticks, quote.bid_lots = columns.v0[row], columns.v1[row]
        quote.ask_ticks, quote.ask_lots = columns.v2[row], columns.v3[row]
        slot.deep, slot.has_book, slot.new_book = False, True, True
        slot.mark_ticks = quote.bid_ticks if quote.bid_lots else 0
        self._note(slot)

    def _show_book(self, columns: Columns, row: int, slot: Seen) -> None:
        book = slot.book
        book.ts_ns, book.venue_ts_ns = columns.ts[row], columns.venue[row]
        book.state = BOOK_STATES[columns.v4[row]]
        book.show(
            columns.level_ticks, columns.level_lots, columns.v1[row], columns.v3[row],
            columns.v0[row], columns.v2[row],
        )  # fmt: skip
        slot.deep, slot.has_book, slot.new_book = True, True, True
        slot.mark_ticks = columns.level_ticks[columns.v0[row]] if columns.v1[row] else 0
        self._note(slot)

    def _show_print(self, columns: Columns, row: int, slot: Seen) -> None:
        seen = slot.seen_print
        seen.ts_ns, seen.venue_ts_ns = columns.ts[row], columns.venue[row]
        seen.price_ticks, seen.quantity_lots = columns.v0[row], columns.v1[row]
        seen.side = "BUY" if columns.v2[row] > 0 else "SELL"

    def _note(self, slot: Seen) -> None:
        slot.new_mark = True
        if not slot.listed_dirty:
            slot.listed_dirty = True
            self.dirty.append(slot)

    def _bar(self, columns: Columns, row: int, slot: Seen) -> None:
        self._show_bar(columns, row, slot)
        routes = slot.routes[A_BAR]
        if routes is None:
            routes = self._routes(slot, A_BAR)
        if routes:
            bar = slot.bar
            before = references(bar)
            self._ask(routes, bar)
            if references(bar) > before:  # a strategy kept it: it stays, the next is a new one
                slot.bar = BarView(slot.symbol)
                slot.bar.take(bar)

    def _quote(self, columns: Columns, row: int, slot: Seen) -> None:
        self._show_quote(columns, row, slot)
        routes = slot.routes[A_QUOTE]
        if routes is None:
            routes = self._routes(slot, A_QUOTE)
        if routes:
            quote = slot.quote
            before = references(quote)
            self._ask(routes, quote)
            if references(quote) > before:
                slot.quote = QuoteView(slot.symbol)
                slot.quote.take(quote)
        routes = slot.routes[BOOKS_OF_QUOTES]
        if routes is None:
            routes = self._routes(slot, BOOKS_OF_QUOTES)
        if routes:
            slot.show_quote()
            self._ask_book(routes, slot)

    def _book(self, columns: Columns, row: int, slot: Seen) -> None:
        self._show_book(columns, row, slot)
        routes = slot.routes[A_BOOK]
        if routes is None:
            routes = self._routes(slot, A_BOOK)
        if routes:
            self._ask_book(routes, slot)

    def _print(self, columns: Columns, row: int, slot: Seen) -> None:
        self._show_print(columns, row, slot)
        routes = slot.routes[A_PRINT]
        if routes is None:
            routes = self._routes(slot, A_PRINT)
        if routes:
            seen = slot.seen_print
            before = references(seen)
            self._ask(routes, seen)
            if references(seen) > before:
                slot.seen_print = PrintView(slot.symbol)
                slot.seen_print.take(seen)

    # --- asking ---------------------------------------------------------------------------------

    def _routes(self, slot: Seen, kind: int) -> list[Any]:
        found: list[Any] = self.owner.routes(slot.symbol, kind)
        slot.routes[kind] = found
        return found

    def _ask_book(self, routes: list[Any], slot: Seen) -> None:
        book = slot.book
        before = book_references(book)
        self._ask(routes, book)
        if book_references(book) > before:
            slot.book = BookView(slot.symbol)
            slot.book.take(book)
            if not slot.deep:  # a quote's book looks at these two
                slot.side_ticks, slot.side_lots = array("q", (0, 0)), array("q", (0, 0))

    def _ask(self, routes: list[Any], seen: Any) -> None:
        """Ask everybody, then trade what they answered."""
        answers = None
        for at in range(len(routes)):
            route = routes[at]
            self.calls += 1
            self.asking = route[0]
            try:
                answer = route[1](seen)
            except self.caught as error:
                answer = None
                self.asking = ""
                self.owner.failed(route[0], error)
            self.asking = ""
            if answer is not None:
                if answers is None:
                    answers = []
                answers.append((route[0], answer))
        if answers is not None:
            self.owner.answered(answers)
