"""ColumnLoop: the trading loop over columns, as fast as the compiled core, with the same tape.

What nobody acts on is told by `core.loop_ahead`, without a record per event. Signals, fills, news,
books that are not live and rows that resting orders must meet are the trading loop's own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from papertape.core.loop_ahead import Ahead, Seen
from papertape.core.loop_columns import Columns
from papertape.errors import AccountsBrokenError
from papertape.model.market_data import BookSeen, MarketData, Priced, parts_of
from papertape.services.run_context import RunContext
from papertape.services.trading_loop import TradingLoop

ROWS_PER_LOOK = 1 << 14  # between two looks at the outside: some milliseconds
NEVER_NS = (1 << 63) - 1
HANDLERS = ("", "on_bar", "on_quote", "on_book", "on_print", "on_book")  # by kind in `Ahead`


class ColumnChunk(Protocol):
    """A stretch of rows, and their records."""

    columns: Columns
    symbols: Sequence[str]
    begin: int
    end: int

    def item(self, row: int) -> MarketData:
        """Return a row as the record it was."""
        ...


class ColumnFeed(Protocol):
    """A feed whose data lies in columns."""

    source: str
    stopped: bool

    def chunks(self) -> Iterator[ColumnChunk]:
        """Yield the chunks in order."""
        ...

    def passed(self, chunk: Any, row: int) -> None:
        """Take note that the rows before this one are done."""
        ...


class Counter(Protocol):
    """A sink that numbers records and keeps none."""

    mseq: int


class ColumnLoop(TradingLoop):
    """A trading loop that can also run ahead over columns (implements `loop_ahead.Owner`)."""

    def look_ahead(
        self, feed: ColumnFeed, counter: Counter, caught: tuple[type[BaseException], ...]
    ) -> Ahead:
        """Prepare to run a feed of columns. counter: its sink. caught: what may be raised."""
        self._counter = counter
        self._ahead = Ahead(self, self._equity_every_ns, caught)
        self._ahead.now_ns = self._clock.now_ns()
        self._seen: dict[str, Seen] = {}
        self._resting: set[str] = set()
        self._base = 0
        self._feed = feed
        return self._ahead

    def run_columns(self) -> None:
        """Process the feed to its end."""
        feed, context = self._feed, _Context(self._view, self._watch, self._clock)
        context.look(self, self._ahead, self._seen)
        self._manager.start(context)
        began = time.perf_counter()
        self._sync(listed=True)
        for chunk in feed.chunks():
            self._chunk(chunk)
            if feed.stopped:
                break
        self._flush()
        self.busy_s = time.perf_counter() - began
        self._end(feed.source)

    def _chunk(self, chunk: ColumnChunk) -> None:
        ahead, feed = self._ahead, self._feed
        for symbol in chunk.symbols[len(ahead.slots) :]:
            self._seen[symbol] = ahead.add(symbol)
        row = chunk.begin
        self._base = self.events - row
        while row < chunk.end and not feed.stopped:
            until = min(chunk.end, row + ROWS_PER_LOOK)
            row = ahead.run(chunk.columns, row, until)
            self._count(row)
            if row < until and not feed.stopped:
                self._live(chunk, row)
                row += 1
            feed.passed(chunk, row)
            self._on_idle()

    def _count(self, row: int) -> None:
        """Let rows before this one count as processed."""
        self.events = self._base + row
        self._counter.mseq = self.events

    def _live(self, chunk: ColumnChunk, row: int) -> None:
        """Let the trading loop process a row."""
        ahead, item = self._ahead, chunk.item(row)
        self._flush()
        self._stepped_ns, self._marked_ns = ahead.stepped_ns, ahead.marked_ns
        if self._engine.timetable.due_ns() is not None:  # it happens after the row before this one
            self._clock.set_ns(ahead.now_ns)
            self._scribe.at(self._clock.now_ns(), self.events)
        priced = isinstance(item, Priced)
        self._first_price(self._feed.source, item)
        self.step(item)
        ahead.now_ns, ahead.stepped_ns = self._clock.now_ns(), self._stepped_ns
        if priced:
            ahead.show(chunk.columns, row)
            self._known()
        else:
            self._forget()
        self._sync(listed=not priced or isinstance(item, BookSeen))

    # --- what runs ahead asks for ---------------------------------------------------------------

    def routes(self, symbol: str, kind: int) -> list[tuple[str, Any]]:
        """Return whom to ask about a kind of row: tag and handler."""
        self._here()
        found = self._manager.routes(HANDLERS[kind], symbol)
        self._scribe.commit()
        return found

    def answered(self, answers: list[tuple[str, Any]]) -> None:
        """Trade what strategies answered to the row in hand."""
        self._here()
        self._flush()
        try:
            asked = [
                (tag, one) for tag, answer in answers for one in self._manager.listed(tag, answer)
            ]
            self._trade(asked)
            self._scribe.commit()
        except (AccountsBrokenError, OverflowError) as error:
            self._halt(f"the books broke: {error}")
            raise
        self._sync()

    def failed(self, tag: str, error: BaseException) -> None:
        """Take note that a strategy raised: it is asked no more."""
        self._here()
        self._flush()
        self._manager.fail(tag, error)
        self._scribe.commit()
        self._sync(listed=True)

    def mark(self) -> None:
        """Mark the account before the row in hand is seen."""
        self._here()
        for slot in self._ahead.dirty:
            if slot.new_mark:
                self._view.portfolio.mark(slot.symbol, slot.mark_ticks)
                slot.new_mark = False
        self._mark(self._ahead.now_ns)
        self._scribe.commit()
        self._sync()

    def show_book(self, slot: Seen) -> None:
        """Let the market watch know an instrument's newest book."""
        self._watch.see_book(slot.newest_book())
        slot.new_book = False

    # --- keeping both sides alike ---------------------------------------------------------------

    def _here(self) -> None:
        """Move the clock, the numbers and the scribe to the row in hand."""
        ahead = self._ahead
        self._count(ahead.row + 1)
        self._clock.set_ns(ahead.now_ns)
        self._scribe.at(ahead.now_ns, self.events)

    def _flush(self) -> None:
        """Let the live side know what was seen."""
        for slot in self._ahead.dirty:
            if slot.new_bar:
                self._watch.see_bar(slot.bar.__copy__())
            if slot.new_book:
                self.show_book(slot)
            if slot.new_mark:
                self._view.portfolio.mark(slot.symbol, slot.mark_ticks)
        self._known()

    def _known(self) -> None:
        for slot in self._ahead.dirty:
            slot.new_bar = slot.new_book = slot.new_mark = slot.listed_dirty = False
        self._ahead.dirty = []

    def _forget(self) -> None:
        """After news: whatever the market watch has forgotten is forgotten here too."""
        for symbol, slot in self._seen.items():
            slot.has_book = symbol in self._watch.books
            slot.no_routes()

    def _sync(self, *, listed: bool = False) -> None:
        """Take over what the live side has done: marks, trades, what rests, what is listed."""
        ahead = self._ahead
        ahead.marked_ns = self._marked_ns
        traded = self._view.trades.fills + self._view.trades.settled
        ahead.traded = traded != self._fills_marked
        ahead.stopped = self._feed.stopped
        resting = set(self._engine.resting_symbols())
        if listed:
            spoken = self._view.feed_states.keys() >= set(parts_of(self._feed.source))
            known = self._view.instruments if spoken else ()
            for symbol, slot in self._seen.items():
                slot.live = symbol not in known or symbol in resting or self._doubts.doubts(symbol)
                slot.no_routes()
        elif resting != self._resting:
            for symbol in resting ^ self._resting:
                self._seen[symbol].live = symbol in resting or self._doubts.doubts(symbol)
        self._resting = resting
        due_ns = self._engine.timetable.due_ns()
        ahead.due_ns = NEVER_NS if due_ns is None else due_ns


class _Context(RunContext):
    """What strategies may look at; an instrument's newest book is made when it is asked for."""

    def look(self, loop: ColumnLoop, ahead: Ahead, seen: dict[str, Seen]) -> None:
        self._loop, self._ahead, self._seen = loop, ahead, seen

    def now_ns(self) -> int:
        """Return the run's time."""
        return max(self._ahead.now_ns, self._clock.now_ns())

    def book(self, symbol: str) -> BookSeen | None:
        """Return the newest book of an instrument."""
        slot = self._seen.get(symbol)
        if slot is not None and slot.new_book:
            self._loop.show_book(slot)
        return self._watch.books.get(symbol)
