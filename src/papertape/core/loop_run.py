# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: `Columns` holds its columns to one length, rows stay below it; what the data itself
# points at (instruments, levels) is held against its range where it is used.
"""Loop: one market row at a time: mark, match what rests, ask the strategy, trade, mark equity."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from typing import Any

from papertape.core.accounts import settlement_micros
from papertape.core.loop_account import Account
from papertape.core.loop_columns import BAR, BOOK, BOOK_STATES, OVER, PRINT, QUOTE, STATE, Columns
from papertape.core.loop_engine import Engine, Limits
from papertape.core.loop_rules import Rule
from papertape.core.loop_signals import (
    Check,
    Failure,
    SignalReader,
    Wish,
    listed,
    said,
    wished_before,
)
from papertape.core.loop_slot import Slot, Want
from papertape.errors import InvalidInputError
from papertape.model.events import PositionSettled
from papertape.model.instrument import Instrument
from papertape.model.market_data import BookSeen
from papertape.model.signal import Opportunity, Signal

FILLED_MARK_NS = 1_000_000_000  # equity is marked at least this often while trades happen
FOLLOW_UPS_MAX = 1_000  # signals out of one row: beyond it a strategy is feeding itself
SLICE_ROWS = 1 << 16  # between two calls of `on_progress`: a few milliseconds of work
HANDLERS = ("", "on_bar", "on_quote", "on_book", "on_print", "on_fill", "on_settle", "forget")
ON_BAR, ON_QUOTE, ON_BOOK, ON_PRINT, ON_FILL, ON_SETTLE, FORGET = range(1, 8)
THE_BAR, THE_QUOTE = BAR, QUOTE  # the same, as C integers in the compiled form

Handlers = Mapping[str, Callable[[Any], Any]]
"""The handlers that a strategy overrides, by name: on_bar, on_quote, on_book, on_print, on_fill,
on_settle, forget."""


class Loop:
    """Runs one strategy over chunks of market data; `feed` them in order, then `finish`.

    The strategy is one of: handlers of a Python strategy, a compiled `rule`, or the `targets`
    column of the data. What a strategy raises ends the run and is told in `failure`; broken books
    and overflowing amounts raise.
    """

    def __init__(
        self, instruments: list[Instrument], initial_cash_micros: int, *, handlers: Handlers,
        rule: Rule | None, limits: Limits | None, tag: str, check: Check | None,
        equity_every_ns: int, on_progress: Callable[[int], None] | None,
    ) -> None:  # fmt: skip
        """Open the account; an instrument's index in the data is its place in `instruments`."""
        self.slots = [Slot(index, one) for index, one in enumerate(instruments)]
        self.by_symbol = {slot.symbol: slot for slot in self.slots}
        if not self.slots:
            raise InvalidInputError("instruments", instruments, "at least one instrument")
        assert len(self.by_symbol) == len(self.slots), "two instruments with one symbol"
        self.account = Account(initial_cash_micros, equity_every_ns)
        self.on_bar, self.on_quote = handlers.get("on_bar"), handlers.get("on_quote")
        self.on_book, self.on_print = handlers.get("on_book"), handlers.get("on_print")
        self.on_fill, self.on_settle = handlers.get("on_fill"), handlers.get("on_settle")
        self.forget = handlers.get("forget")
        self.engine = Engine(self.account, self.slots, tag, self.on_fill is not None, limits)
        self.rule = rule
        if rule is not None:
            rule.begin(len(self.slots))
        self.reader = SignalReader(self.by_symbol, check)
        self.on_progress = on_progress
        self.events = self.before = self.row = self.skipped = 0
        self.asking = 0
        self.failure: tuple[int, str, str] | None = None
        self.wished: list[Wish] = []
        self.wished_at = -1
        self.chosen: set[str] = set()
        self.aim_wants = [Want(self.slots[0], True, 1)]
        self.side_ticks = [array("q", (0, 0)) for _ in self.slots]
        self.side_lots = [array("q", (0, 0)) for _ in self.slots]

    # --- data -----------------------------------------------------------------------------------

    def feed(self, columns: Columns) -> bool:
        """Process a chunk; return whether the run goes on, False after a strategy's failure."""
        columns.check()
        if columns.instruments_seen > len(self.slots) and columns.rows:
            raise InvalidInputError(
                f"{columns.name}, instrument", columns.instruments_seen - 1, "a listed one"
            )
        if columns.rows and columns.ts[0] < self.engine.now_ns:
            raise InvalidInputError(f"{columns.name}, row 0, ts_ns", columns.ts[0], "in order")
        for slot in self.slots:
            slot.bar.interval_ns = columns.intervals.get(slot.index, columns.interval_ns)
        self.before, begin = self.events, 0
        while begin < columns.rows and self.failure is None:
            end = min(columns.rows, begin + SLICE_ROWS)
            self._run_guarded(columns, begin, end)
            if self.on_progress is not None:
                self.on_progress(self.events)
            begin = end
        return self.failure is None

    def want(self, index: int, wanted: Any) -> None:
        """Ask the strategy about an instrument, or not."""
        slot = self.slots[index]
        slot.wanted = bool(wanted)

    def finish(self) -> None:
        """Mark the account a last time."""
        if self.events:
            self.account.mark(self.engine.now_ns, True)

    def guarded(self, doing: str, call: Callable[[], Any]) -> Any:
        """Call a strategy's code outside the data; what it raises becomes the failure."""
        try:
            return call()
        except (Exception, SystemExit) as error:  # noqa: BLE001  a strategy may fail in any way
            self.failure = (self.events, doing, said(error))
            return None

    def _run_guarded(self, columns: Columns, begin: int, end: int) -> None:
        try:
            self._run(columns, begin, end)
        except (Exception, SystemExit) as error:
            if not self.asking:
                raise
            self.events = self.before + self.row + 1
            self.failure = (self.events - 1, HANDLERS[self.asking], said(error))
            self.asking = 0

    def _run(self, columns: Columns, begin: int, end: int) -> None:
        engine, account = self.engine, self.account
        ts, kinds, instrument = columns.ts, columns.kinds, columns.instrument
        mixed, many, kind = columns.mixed, columns.many, columns.kind
        slot, count = self.slots[0], len(self.slots)
        for row in range(begin, end):
            now_ns = ts[row]
            if now_ns - account.marked_ns >= FILLED_MARK_NS and now_ns > engine.now_ns:
                account.mark(now_ns, False)  # between two moments, as live
            engine.now_ns = now_ns
            self.row = row
            if many:
                index = instrument[row]
                if not 0 <= index < count:
                    raise InvalidInputError("instrument", index, "unchanged during a run")
                slot = self.slots[index]
            if mixed:
                kind = kinds[row]
            if kind == THE_QUOTE:
                self._quote(columns, row, slot, now_ns)
            elif kind == THE_BAR:
                self._bar(columns, row, slot, now_ns)
            else:
                self._other(columns, row, slot, kind)
        self.events = self.before + end

    # --- prices ---------------------------------------------------------------------------------

    def _quote(self, columns: Columns, row: int, slot: Slot, now_ns: int) -> None:
        quote = slot.quote
        quote.ts_ns = slot.book_ns = now_ns
        quote.bid_ticks, quote.bid_lots = columns.v0[row], columns.v1[row]
        quote.ask_ticks, quote.ask_lots = columns.v2[row], columns.v3[row]
        slot.has_book = slot.live = True
        slot.deep = False
        slot.bid_used = slot.ask_used = 0
        slot.mark_ticks = quote.bid_ticks if quote.bid_lots else 0
        if slot.resting and slot.trading:
            self.engine.meet_book(slot)
            self._tell_fills()
        if self.on_quote is not None and slot.wanted:
            self._ask(ON_QUOTE, self.on_quote, quote)
        if self.on_book is not None and slot.wanted:
            self._show_quote(slot)
            self._ask(ON_BOOK, self.on_book, slot.book)
        if self.rule is not None:
            if quote.bid_lots and quote.ask_lots:
                self._aim(slot, self.rule.target(slot.index, quote.bid_ticks + quote.ask_ticks))
        elif columns.aimed:
            self._aim(slot, columns.targets[row])

    def _bar(self, columns: Columns, row: int, slot: Slot, now_ns: int) -> None:
        bar = slot.bar
        bar.ts_ns = now_ns
        bar.open_ticks, bar.high_ticks = columns.v0[row], columns.v1[row]
        bar.low_ticks, bar.close_ticks = columns.v2[row], columns.v3[row]
        bar.volume_lots = columns.v4[row]
        slot.has_bar = True
        if not slot.has_book:
            slot.mark_ticks = bar.close_ticks
            if slot.resting and slot.trading:
                self.engine.meet_bar(slot)
                self._tell_fills()
        if self.on_bar is not None:
            if slot.wanted:
                self._ask(ON_BAR, self.on_bar, bar)
        elif self.rule is not None:
            self._aim(slot, self.rule.target(slot.index, bar.close_ticks))
        elif columns.aimed:
            self._aim(slot, columns.targets[row])

    def _show_quote(self, slot: Slot) -> None:
        """Let the book view look at the quote as a book of one level per side."""
        quote, book = slot.quote, slot.book
        ticks, lots = self.side_ticks[slot.index], self.side_lots[slot.index]
        ticks[0], ticks[1] = quote.bid_ticks, quote.ask_ticks
        lots[0], lots[1] = quote.bid_lots, quote.ask_lots
        book.ts_ns, book.state = quote.ts_ns, BOOK_STATES[0]
        book.show(
            memoryview(ticks), memoryview(lots), 1 if quote.bid_lots else 0,
            1 if quote.ask_lots else 0, 0, 1,
        )  # fmt: skip

    def _other(self, columns: Columns, row: int, slot: Slot, kind: int) -> None:
        if kind == BOOK:
            self._book(columns, row, slot)
        elif kind == PRINT:
            seen = slot.seen_print
            seen.ts_ns = self.engine.now_ns
            seen.price_ticks, seen.quantity_lots = columns.v0[row], columns.v1[row]
            seen.side = "BUY" if columns.v2[row] > 0 else "SELL"
            if self.on_print is not None and slot.wanted:
                self._ask(ON_PRINT, self.on_print, seen)
        elif kind == STATE:
            slot.trading = columns.v0[row] == 1
            if columns.v0[row] == OVER:
                self.engine.expire(slot)
        else:
            self._settle(slot, columns.v0[row], columns.v1[row] == 1)

    def _book(self, columns: Columns, row: int, slot: Slot) -> None:
        book = slot.book
        bids, asks, levels = columns.v1[row], columns.v3[row], len(columns.level_ticks)
        first_bid, first_ask = columns.v0[row], columns.v2[row]
        if (
            min(bids, asks, first_bid, first_ask) < 0
            or max(first_bid + bids, first_ask + asks) > levels
            or not 0 <= columns.v4[row] < len(BOOK_STATES)
        ):
            raise InvalidInputError("book", row, "unchanged during a run")
        book.ts_ns = slot.book_ns = self.engine.now_ns
        book.state = BOOK_STATES[columns.v4[row]]
        book.show(columns.level_ticks, columns.level_lots, bids, asks, first_bid, first_ask)
        slot.has_book = slot.deep = True
        slot.live = columns.v4[row] == 0
        slot.used_bids.clear()
        slot.used_asks.clear()
        slot.mark_ticks = columns.level_ticks[first_bid] if bids else 0
        if slot.resting and slot.trading and slot.live:
            self.engine.meet_book(slot)
            self._tell_fills()
        if self.on_book is not None and slot.wanted:
            self._ask(ON_BOOK, self.on_book, book)
        if self.rule is not None:
            if bids and asks:
                mid = book.bid_ticks[0] + book.ask_ticks[0]
                self._aim(slot, self.rule.target(slot.index, mid))
        elif columns.aimed:
            self._aim(slot, columns.targets[row])

    def _settle(self, slot: Slot, payout_micros: int, void: bool) -> None:
        """Pay what is held at resolution; void pays the cost back."""
        self.engine.expire(slot)
        slot.trading = False
        lots, cost = slot.lots, slot.cost
        if lots:
            instrument = slot.instrument
            cash = cost if void else settlement_micros(lots, instrument.lot_nanos, payout_micros)
            ticks = 0 if void else payout_micros * 1_000 // instrument.tick_nanos
            self.account.settle(slot, ticks, cash, self.engine.now_ns)
            if self.on_settle is not None:
                told = PositionSettled(
                    strategy=self.engine.tag,
                    symbol=slot.symbol,
                    market_id=instrument.market_id,
                    quantity_lots=lots,
                    payout_micros=None if void else payout_micros,
                    cash_micros=cash,
                    cost_micros=-cost,
                    realized_micros=cash - cost,
                )
                slot.forget()
                self._ask(ON_SETTLE, self.on_settle, told)
        slot.forget()
        if self.forget is not None:
            self.asking = FORGET
            self.forget(slot.symbol)
            self.asking = 0

    # --- strategies -----------------------------------------------------------------------------

    def _aim(self, slot: Slot, target: int) -> None:
        """Trade to a target when it changes: a market order for what is missing or too much."""
        if target != slot.aim and target >= 0:
            slot.aim = target
            lots = target - slot.lots
            if lots:
                want = self.aim_wants[0]
                want.slot, want.buying, want.lots = slot, lots > 0, abs(lots)
                self.engine.signals += 1
                self.engine.numbered += 1
                self.engine.decide(self.aim_wants, False, False)

    def _ask(self, handler: int, call: Callable[[Any], Any], seen: Any) -> None:
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
        except InvalidInputError as error:
            engine.numbered += 1
            engine.refuse("invalid", error.field)
            return
        symbol = wish.symbol
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
