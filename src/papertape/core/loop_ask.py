# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: rows stay below the length that `Columns` holds every column to.
"""The loop's strategy side: whom to ask about what was seen, and what to do with the answer."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from sys import getrefcount
from typing import Any

import cython

from papertape.core.loop_account import Account
from papertape.core.loop_columns import BOOK_STATES
from papertape.core.loop_engine import Engine, Limits
from papertape.core.loop_rules import Rule
from papertape.core.loop_signals import (
    Check,
    Failure,
    SetsWantedError,
    SignalReader,
    Wish,
    listed,
    said,
    wished_before,
)
from papertape.core.loop_slot import Slot, Want
from papertape.core.loop_views import BarView, BookView, PrintView, QuoteView
from papertape.errors import InvalidInputError
from papertape.model.instrument import Instrument
from papertape.model.market_data import BookSeen
from papertape.model.signal import Opportunity, Signal

FOLLOW_UPS_MAX = 1_000  # signals out of one row: beyond it a strategy is feeding itself
HANDLERS = (
    "", "on_bar", "on_quote", "on_book", "on_print", "on_fill", "on_settle", "forget", "wants",
)  # fmt: skip
ON_BAR, ON_QUOTE, ON_BOOK, ON_PRINT, ON_FILL, ON_SETTLE, FORGET, WANTS = range(1, 9)

Handlers = Mapping[str, Callable[[Any], Any]]
"""The handlers that a strategy overrides, by name: on_bar, on_quote, on_book, on_print, on_fill,
on_settle, forget, wants."""


def references(seen: Any) -> int:
    """Return how many hold an object; more after a handler than before: the strategy kept it."""
    if cython.compiled:
        return int(Py_REFCNT(seen))  # type: ignore[name-defined]  # noqa: F821  from the .pxd
    return getrefcount(seen)


def book_references(book: BookView) -> int:
    """Return how many hold a book or one of its sides."""
    sides = references(book.bid_ticks) + references(book.bid_lots)
    return sides + references(book.ask_ticks) + references(book.ask_lots) + references(book)


class Asker:
    """Asks one strategy, in one of its forms, and trades what it answers."""

    def __init__(
        self, instruments: list[Instrument], account: Account, *, handlers: Handlers,
        rule: Rule | None, limits: Limits | None, tag: str, check: Check | None,
    ) -> None:  # fmt: skip
        """Make a slot per instrument; its index in the data is its place in `instruments`."""
        self.slots = [Slot(index, one) for index, one in enumerate(instruments)]
        self.by_symbol = {slot.symbol: slot for slot in self.slots}
        if not self.slots:
            raise InvalidInputError("instruments", instruments, "at least one instrument")
        assert len(self.by_symbol) == len(self.slots), "two instruments with one symbol"
        self.account = account
        self.on_bar, self.on_quote = handlers.get("on_bar"), handlers.get("on_quote")
        self.on_book, self.on_print = handlers.get("on_book"), handlers.get("on_print")
        self.on_fill, self.on_settle = handlers.get("on_fill"), handlers.get("on_settle")
        self.forget, self.wants = handlers.get("forget"), handlers.get("wants")
        self.engine = Engine(account, self.slots, tag, self.on_fill is not None, limits)
        self.rule = rule
        if rule is not None:
            rule.begin(len(self.slots))
        self.reader = SignalReader(self.by_symbol, check)
        self.events = self.before = self.row = self.skipped = 0
        self.asking = 0
        self.failure: tuple[int, str, str] | None = None
        self.wished: list[Wish] = []
        self.wished_at = -1
        self.chosen: set[str] = set()
        self.grouped = False
        self.cannot = ""
        self.aim_wants = [Want(self.slots[0], True, 1)]
        self.side_ticks = [array("q", (0, 0)) for _ in self.slots]
        self.side_lots = [array("q", (0, 0)) for _ in self.slots]

    def guarded(self, doing: str, call: Callable[[], Any]) -> Any:
        """Call a strategy's code outside the data; what it raises becomes the failure."""
        try:
            return call()
        except (Exception, SystemExit) as error:  # noqa: BLE001  a strategy may fail in any way
            self.failure = (self.events, doing, said(error))
            return None

    # --- asking ---------------------------------------------------------------------------------

    def _interested(self, slot: Slot) -> bool:
        """Return whether the strategy wants to hear of an instrument; it is asked once."""
        if not slot.asked:
            slot.asked = True
            if self.wants is not None:
                self.asking = WANTS
                slot.wanted = bool(self.wants(slot.instrument))
                self.asking = 0
        return slot.wanted

    def _ask_bar(self, slot: Slot) -> None:
        """Show a bar; one that is kept stays as it is, the next comes in a new object."""
        bar = slot.bar
        before = references(bar)
        self._ask(ON_BAR, self.on_bar, bar)
        if references(bar) > before:
            slot.bar = BarView(slot.symbol)
            slot.bar.take(bar)

    def _ask_quote(self, slot: Slot) -> None:
        quote = slot.quote
        before = references(quote)
        self._ask(ON_QUOTE, self.on_quote, quote)
        if references(quote) > before:
            slot.quote = QuoteView(slot.symbol)
            slot.quote.take(quote)

    def _ask_book(self, slot: Slot) -> None:
        book = slot.book
        before = book_references(book)
        self._ask(ON_BOOK, self.on_book, book)
        if book_references(book) > before:
            slot.book = BookView(slot.symbol)
            slot.book.take(book)
            if not slot.deep:  # a quote's book looks at these two
                self.side_ticks[slot.index] = array("q", (0, 0))
                self.side_lots[slot.index] = array("q", (0, 0))

    def _ask_print(self, slot: Slot) -> None:
        seen = slot.seen_print
        before = references(seen)
        self._ask(ON_PRINT, self.on_print, seen)
        if references(seen) > before:
            slot.seen_print = PrintView(slot.symbol)
            slot.seen_print.take(seen)

    def _show_quote(self, slot: Slot) -> None:
        """Let the book view look at the quote as a book of one level per side."""
        quote, book = slot.quote, slot.book
        ticks, lots = self.side_ticks[slot.index], self.side_lots[slot.index]
        ticks[0], ticks[1] = quote.bid_ticks, quote.ask_ticks
        lots[0], lots[1] = quote.bid_lots, quote.ask_lots
        book.ts_ns, book.venue_ts_ns, book.state = quote.ts_ns, quote.venue_ts_ns, BOOK_STATES[0]
        book.show(
            memoryview(ticks), memoryview(lots), 1 if quote.bid_lots else 0,
            1 if quote.ask_lots else 0, 0, 1,
        )  # fmt: skip

    def _aim(self, slot: Slot, target: int) -> None:
        """Trade to a target when it changes: a market order for what is missing or too much."""
        if target != slot.aim and target >= 0:
            slot.aim = target
            lots = target - slot.lots
            if lots and not self.engine.alive:
                self.engine.signals += 1
                self.engine.numbered += 1
                self.engine.refuse("feed_stale", "")
            elif lots:
                want = self.aim_wants[0]
                want.slot, want.buying, want.lots = slot, lots > 0, abs(lots)
                self.engine.signals += 1
                self.engine.numbered += 1
                self.engine.decide(self.aim_wants, False, False)

    def _ask(self, handler: int, call: Any, seen: Any) -> None:
        self.asking = handler
        answer = call(seen)
        if answer is not None:
            self._answer(answer)
        self.asking = 0

    def _tell_fills(self) -> None:
        """Tell the strategy of fills of resting orders, oldest first."""
        if not self.engine.told or self.on_fill is None:
            return
        told, self.engine.told = self.engine.told, []
        for fill in told:
            self._ask(ON_FILL, self.on_fill, fill)

    def _answer(self, answer: Any) -> None:
        """Trade what a handler answered, and the follow-ups of its fills after it."""
        if type(answer) is Signal and self.on_fill is None:
            self._signal(answer)
            return
        waiting = listed(answer)
        done = 0
        while waiting:
            one = waiting.pop(0)
            if isinstance(one, Opportunity):
                self.skipped += 1
                continue
            self._signal(one)
            told, self.engine.told = self.engine.told, []
            for fill in told:
                if self.on_fill is not None:
                    self.asking = ON_FILL
                    waiting += listed(self.on_fill(fill))
            done += 1
            if done > FOLLOW_UPS_MAX:
                raise Failure(f"answers its own fills, {FOLLOW_UPS_MAX} times on one row")

    def _signal(self, signal: Any) -> None:
        engine = self.engine
        engine.signals += 1
        try:
            wish = self.reader.read(signal)
        except SetsWantedError as error:
            self.cannot = str(error)
            raise
        except InvalidInputError as error:
            engine.numbered += 1
            engine.refuse("invalid", error.field)
            return
        symbol = wish.symbol
        if wish.grouped:
            self.grouped = True
        if not engine.alive:
            engine.numbered += not wish.signal_id
            engine.refuse("feed_stale", "")
            return
        if wish.signal_id in self.chosen:
            engine.refuse("duplicate", symbol)
            return
        engine.signal_id = wish.signal_id
        if not wish.signal_id:
            engine.numbered += 1
        if self.wished_at == self.before + self.row:
            if wished_before(wish, self.wished):
                engine.refuse("duplicate", symbol)
                return
            self.wished.append(wish)
        else:
            self.wished = [wish]
            self.wished_at = self.before + self.row
        asking, self.asking = self.asking, 0  # from here on a mistake is ours, not the strategy's
        if engine.decide(wish.wants, wish.gtc, wish.all_or_none) and wish.signal_id:
            self.chosen.add(wish.signal_id)
        self.asking = asking

    # --- what strategies may look at ------------------------------------------------------------

    def book_of(self, symbol: str) -> BookSeen | None:
        """Return the newest book of an instrument as a record that stays."""
        slot = self.by_symbol.get(symbol)
        if slot is None or not slot.has_book:
            return None
        if not slot.deep:
            self._show_quote(slot)
        return slot.book.record()

    def held_lots(self, symbol: str) -> int:
        """Return what is held of an instrument."""
        slot = self.by_symbol.get(symbol)
        return 0 if slot is None else slot.lots

    def tradable(self, symbol: str) -> bool:
        """Return whether the instrument's market trades."""
        return bool(self.by_symbol[symbol].trading)
