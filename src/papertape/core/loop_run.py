# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: `Columns` holds its columns to one length, rows stay below it; what the data itself
# points at (instruments, levels) is held against its range where it is used.
"""Loop: one market row at a time: mark, match what rests, ask the strategy, trade, mark equity."""

from __future__ import annotations

from collections.abc import Callable

from papertape.core.accounts import settlement_micros
from papertape.core.loop_account import Account
from papertape.core.loop_ask import HANDLERS, Asker, Handlers
from papertape.core.loop_columns import (
    BAR,
    BOOK,
    BOOK_STATES,
    NEWS,
    OVER,
    PRINT,
    QUOTE,
    STATE,
    TRADING,
    Columns,
)
from papertape.core.loop_engine import Limits
from papertape.core.loop_rules import Rule
from papertape.core.loop_signals import Check, said
from papertape.core.loop_slot import Slot
from papertape.errors import InvalidInputError
from papertape.model.events import PositionSettled
from papertape.model.instrument import Instrument

FILLED_MARK_NS = 1_000_000_000  # equity is marked at least this often while trades happen
SLICE_ROWS = 1 << 16  # between two calls of `on_progress`: a few milliseconds of work
ON_SETTLE, FORGET = HANDLERS.index("on_settle"), HANDLERS.index("forget")
THE_BAR, THE_QUOTE = BAR, QUOTE  # the same, as C integers in the compiled form


class Loop(Asker):
    """Runs one strategy over chunks of market data; `feed` them in order, then `finish`.

    The strategy is one of: handlers of a Python strategy, a compiled `rule`, or the `targets`
    column of the data. What a strategy raises ends the run and is told in `failure`; broken books
    and overflowing amounts raise.
    """

    def __init__(
        self, instruments: list[Instrument], account: Account, *, handlers: Handlers,
        rule: Rule | None, limits: Limits | None, tag: str, check: Check | None,
        on_progress: Callable[[int], None] | None, on_news: Callable[[int], None] | None,
    ) -> None:  # fmt: skip
        """Trade for an account; an instrument's index in the data is its place in the list."""
        super().__init__(
            instruments, account, handlers=handlers, rule=rule, limits=limits, tag=tag, check=check
        )
        self.on_progress = on_progress
        self.on_news = on_news

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

    def begin(self, start_ns: int) -> None:
        """Take a piece of news from before the data as an event at its start."""
        if not self.events:
            self.engine.now_ns = start_ns
            self.account.mark(start_ns, True)
        self.events += 1

    def finish(self) -> None:
        """Mark the account a last time."""
        if self.events:
            self.account.mark(self.engine.now_ns, True)
            self.account.finish(self.engine.now_ns)

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
        if columns.venued:
            quote.venue_ts_ns = columns.venue[row]
        slot.has_book = True
        slot.live = (
            not quote.bid_lots or not quote.ask_lots or quote.bid_ticks <= quote.ask_ticks
        )  # a crossed one is not acted on
        slot.deep = False
        slot.bid_used = slot.ask_used = 0
        slot.mark_ticks = quote.bid_ticks if quote.bid_lots else 0
        if slot.resting and slot.trading and slot.live:
            self.engine.meet_book(slot)
            self._tell_fills()
        if self.on_quote is not None and self._interested(slot):
            self._ask_quote(slot)
        if self.on_book is not None and self._interested(slot):
            self._show_quote(slot)
            self._ask_book(slot)
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
        if columns.venued:
            bar.venue_ts_ns = columns.venue[row]
        slot.has_bar = True
        if not slot.has_book:
            slot.mark_ticks = bar.close_ticks
            if slot.resting and slot.trading:
                self.engine.meet_bar(slot)
                self._tell_fills()
        if self.on_bar is not None:
            if self._interested(slot):
                self._ask_bar(slot)
        elif self.rule is not None:
            self._aim(slot, self.rule.target(slot.index, bar.close_ticks))
        elif columns.aimed:
            self._aim(slot, columns.targets[row])

    def _other(self, columns: Columns, row: int, slot: Slot, kind: int) -> None:
        if kind == BOOK:
            self._book(columns, row, slot)
        elif kind == PRINT:
            seen = slot.seen_print
            seen.ts_ns = self.engine.now_ns
            seen.price_ticks, seen.quantity_lots = columns.v0[row], columns.v1[row]
            if columns.venued:
                seen.venue_ts_ns = columns.venue[row]
            seen.side = "BUY" if columns.v2[row] > 0 else "SELL"
            if self.on_print is not None and self._interested(slot):
                self._ask_print(slot)
        elif kind == STATE:
            self.set_state([slot.index], columns.v0[row])
        elif kind == NEWS:
            if self.on_news is not None:
                self.on_news(columns.v0[row])
        else:
            self.resolve([slot.index], [columns.v0[row]], columns.v1[row] == 1)

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
        if columns.venued:
            book.venue_ts_ns = columns.venue[row]
        book.show(columns.level_ticks, columns.level_lots, bids, asks, first_bid, first_ask)
        slot.has_book = slot.deep = True
        slot.used_bids.clear()
        slot.used_asks.clear()
        slot.mark_ticks = columns.level_ticks[first_bid] if bids else 0
        slot.mid_half_ticks = -1
        if bids and asks:
            slot.mid_half_ticks = slot.mark_ticks + columns.level_ticks[first_ask]
        crossed = bids and asks and slot.mark_ticks > columns.level_ticks[first_ask]
        slot.live = columns.v4[row] == 0 and not crossed
        if slot.resting and slot.trading and slot.live:
            self.engine.meet_book(slot)
            self._tell_fills()
        if self.on_book is not None and self._interested(slot):
            self._ask_book(slot)
        if self.rule is not None:
            if slot.mid_half_ticks >= 0:
                self._aim(slot, self.rule.target(slot.index, slot.mid_half_ticks))
        elif columns.aimed:
            self._aim(slot, columns.targets[row])

    # --- markets --------------------------------------------------------------------------------

    def list_anew(self, index: int, instrument: Instrument) -> None:
        """Take an instrument whose step has changed; units and fees stay what they were."""
        slot = self.slots[index]
        if slot.instrument != instrument:
            slot.instrument = instrument
            self.reader.forget()
            self.engine.drop_off_grid(slot, instrument.step_ticks)

    def set_state(self, indices: list[int], state: int) -> None:
        """Take the state of a market's instruments: TRADING, HALTED or OVER."""
        for index in indices:
            slot = self.slots[index]
            slot.trading = state == TRADING
            if state == OVER:
                self.engine.expire(slot)

    def resolve(self, indices: list[int], payouts_micros: list[int], void: bool) -> None:
        """Pay what is held of a market's instruments; void pays the cost back."""
        self.set_state(indices, OVER)
        told = []
        for at, index in enumerate(indices):
            slot = self.slots[index]
            if slot.lots:
                told.append(self._settle(slot, payouts_micros[at], void))
        for index in indices:
            slot = self.slots[index]
            slot.forget()
        for settled in told:
            if self.on_settle is not None:
                self._ask(ON_SETTLE, self.on_settle, settled)
        for index in indices:
            slot = self.slots[index]
            slot.asked = False
            if self.forget is not None:
                self.asking = FORGET
                self.forget(slot.symbol)
                self.asking = 0

    def _settle(self, slot: Slot, payout_micros: int, void: bool) -> PositionSettled:
        lots, cost, instrument = slot.lots, slot.cost, slot.instrument
        cash = cost if void else settlement_micros(lots, instrument.lot_nanos, payout_micros)
        ticks = 0 if void else payout_micros * 1_000 // instrument.tick_nanos
        self.account.settle(slot, ticks, cash, self.engine.now_ns)
        return PositionSettled(
            strategy=self.engine.tag,
            symbol=slot.symbol,
            market_id=instrument.market_id,
            quantity_lots=lots,
            payout_micros=None if void else payout_micros,
            cash_micros=cash,
            cost_micros=-cost,
            realized_micros=cash - cost,
        )
