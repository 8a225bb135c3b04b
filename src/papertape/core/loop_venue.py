# cython: annotation_typing=False
"""The loop's paper venue: the same fills as live, on slots.

Quotes and books fill at once from the depth that was seen, which stays taken until it is shown
anew; instruments with bars only fill on the next bar, at its open or at the limit if it trades
through. Source of the rules: `engine.paper_trading_engine`; tests hold both to the same trades.
"""

from __future__ import annotations

from papertape.core.fees import fee_weight
from papertape.core.loop_account import Account, added
from papertape.core.loop_slot import Order, Slot, Want
from papertape.core.matching import walk
from papertape.model.events import OrderFilled


class Venue:
    """Fills, rests and expires orders for one account."""

    def __init__(self, account: Account, slots: list[Slot], tag: str, tell: bool) -> None:
        """Trade for `account`; with `tell`, keep a record of each fill until it is collected."""
        self.account = account
        self.slots = slots
        self.tag = tag
        self.tell = tell
        self.told: list[OrderFilled] = []
        self.now_ns = 0
        self.orders = self.signals = self.cancelled = self.resting_count = 0
        self.numbered = 0  # signals that did not bring an id of their own
        self.signal_id = ""  # of the signal in hand, if it brought one

    # --- orders ---------------------------------------------------------------------------------

    def submit(self, want: Want, gtc: bool) -> None:
        """Fill what can be; rest or drop what is left."""
        slot = want.slot
        self.orders += 1
        if slot.has_book and not slot.deep:
            left = self.offered(slot, want.buying, want.limited, want.limit_ticks)
            lots = min(left, want.lots)
            ticks = slot.quote.ask_ticks if want.buying else slot.quote.bid_ticks
            if lots == want.lots:
                self._fill_once(slot, want, ticks)
                return
        order = Order(slot)
        order.decided, order.confidence = self.decided_half_ticks(slot), want.confidence
        order.buying, order.lots, order.remaining = want.buying, want.lots, want.lots
        order.limited, order.limit_ticks = want.limited, want.limit_ticks
        order.number, order.signal, order.signal_id = self.orders, self.numbered, self.signal_id
        order.gtc = gtc and want.limited
        if slot.has_book:
            self._take_all(order, False)
            if not order.remaining:
                return
            if not order.gtc:
                self.cancelled += 1
                return
        slot.resting.append(order)
        self.resting_count += 1

    def _fill_once(self, slot: Slot, want: Want, ticks: int) -> None:
        """Fill a whole order from a quote."""
        buying, lots = want.buying, want.lots
        worth = slot.notional(ticks, lots)
        fee = slot.fee(ticks, lots, worth, False)
        if buying:
            slot.ask_used += lots
        else:
            slot.bid_used += lots
        self.account.fill(
            slot, buying, ticks, lots, worth, fee, self.now_ns, self.orders, False,
            self.decided_half_ticks(slot), want.confidence,
        )  # fmt: skip
        if self.tell:
            self._tell(
                slot, buying, self.orders, self.signal_id or f"r1.s{self.numbered}", False, 0
            )

    def _take_all(self, order: Order, resting: bool) -> None:
        """Let an order take what the book shows at no worse than its limit."""
        slot = order.slot
        maker = resting and order.limited
        if slot.deep:
            for ticks, lots, _, _ in self.walk(
                slot, order.buying, order.remaining, order.limit_ticks if order.limited else None
            ):
                used = slot.used_asks if order.buying else slot.used_bids
                used[ticks] = used.get(ticks, 0) + lots
                self._take(order, order.limit_ticks if maker else ticks, lots, maker)
            return
        left = self.offered(slot, order.buying, order.limited, order.limit_ticks)
        lots = min(left, order.remaining)
        if lots <= 0:
            return
        if order.buying:
            slot.ask_used += lots
        else:
            slot.bid_used += lots
        ticks = slot.quote.ask_ticks if order.buying else slot.quote.bid_ticks
        self._take(order, order.limit_ticks if maker else ticks, lots, maker)

    def _take(self, order: Order, ticks: int, lots: int, maker: bool) -> None:
        """Book one fill of an order."""
        slot = order.slot
        worth = slot.notional(ticks, lots)
        if slot.per_order:
            fee = slot.any_fee(ticks, lots, worth, maker, order.weight, order.charged)
            order.weight += fee_weight(slot.instrument, ticks, lots, maker=bool(maker))
        else:
            fee = slot.fee(ticks, lots, worth, maker)
        order.charged = added(order.charged, fee)
        order.remaining -= lots
        self.account.fill(
            slot, order.buying, ticks, lots, worth, fee, self.now_ns, order.number, maker,
            order.decided, order.confidence,
        )  # fmt: skip
        if self.tell:
            signal_id = order.signal_id or f"r1.s{order.signal}"
            self._tell(slot, order.buying, order.number, signal_id, maker, order.remaining)

    def _tell(
        self, slot: Slot, buying: bool, number: int, signal_id: str, maker: bool, remaining: int
    ) -> None:
        """Keep the last fill as the record that a strategy's `on_fill` gets."""
        row = self.account.last_row()
        self.told.append(
            OrderFilled(
                fill_id=f"r1.f{self.account.fills}",
                order_id=f"r1.o{number}",
                signal_id=signal_id,
                strategy=self.tag,
                symbol=slot.symbol,
                side="BUY" if buying else "SELL",
                price_ticks=row[3],
                quantity_lots=row[4],
                notional_micros=row[5],
                fee_micros=row[6],
                cost_micros=row[7],
                realized_micros=row[8],
                liquidity="maker" if maker else "taker",
                remaining_lots=remaining,
            )
        )

    # --- the market moves -----------------------------------------------------------------------

    def meet_book(self, slot: Slot) -> None:
        """Look at every resting order of an instrument again, oldest first."""
        for order in list(slot.resting):
            self._take_all(order, True)
            self._after_meeting(order)

    def meet_bar(self, slot: Slot) -> None:
        """Let waiting orders of a bars-only instrument meet the bar."""
        bar = slot.bar
        left = bar.volume_lots
        for order in list(slot.resting):
            ticks = self._bar_price(slot, order)
            lots = min(left, order.remaining)
            if ticks >= 0 and lots > 0:
                if order.buying and not self._can_pay(slot, ticks, lots):
                    order.gtc = False  # rejected: the bar opened at more than the cash
                    self._after_meeting(order)
                    continue
                left -= lots
                maker = order.limited and ticks == order.limit_ticks and ticks != bar.open_ticks
                self._take(order, ticks, lots, maker)
            self._after_meeting(order)

    def _can_pay(self, slot: Slot, ticks: int, lots: int) -> bool:
        """Return whether the cash pays a fill whose price risk could not know."""
        worth = slot.notional(ticks, lots)
        return added(worth, slot.fee(ticks, lots, worth, False)) <= self.account.cash

    def _bar_price(self, slot: Slot, order: Order) -> int:
        """Return where a bar fills an order: its open, or the limit if traded through; else -1."""
        bar = slot.bar
        if not order.limited:
            return bar.open_ticks
        limit = order.limit_ticks
        if order.buying:
            if bar.open_ticks <= limit:
                return bar.open_ticks
            return limit if bar.low_ticks < limit else -1
        if bar.open_ticks >= limit:
            return bar.open_ticks
        return limit if bar.high_ticks > limit else -1

    def _after_meeting(self, order: Order) -> None:
        if order.remaining and order.gtc:
            return
        if order.remaining:
            self.cancelled += 1
        order.slot.resting.remove(order)
        self.resting_count -= 1

    def drop_off_grid(self, slot: Slot, step_ticks: int) -> None:
        """Close resting orders whose limit is not on the grid any more."""
        for order in list(slot.resting):
            if order.limited and order.limit_ticks % step_ticks:
                order.gtc = False
                self._after_meeting(order)

    def expire(self, slot: Slot) -> None:
        """Close every resting order of an instrument whose market is over."""
        self.resting_count -= len(slot.resting)
        self.cancelled += len(slot.resting)
        slot.resting.clear()

    # --- what there is ----------------------------------------------------------------------

    def walk(
        self, slot: Slot, buying: bool, lots: int, limit: int | None
    ) -> list[tuple[int, int, int, int]]:
        """Return (ticks, lots, shown, taken before) of what an order would take of a deep book."""
        book = slot.book
        if buying:
            found = walk(book.ask_ticks, book.ask_lots, slot.used_asks, lots, limit, True)
        else:
            found = walk(book.bid_ticks, book.bid_lots, slot.used_bids, lots, limit, False)
        return list(found)

    def offered(self, slot: Slot, buying: bool, limited: bool, limit: int) -> int:
        """Return what is left of the quote's side at no worse than the limit."""
        quote = slot.quote
        if buying:
            if limited and quote.ask_ticks > limit:
                return 0
            return quote.ask_lots - slot.ask_used
        if limited and quote.bid_ticks < limit:
            return 0
        return quote.bid_lots - slot.bid_used

    def decided_half_ticks(self, slot: Slot) -> int:
        """Return the mid right now in half ticks, a bar's close without a book; -1 if one-sided."""
        if not slot.has_book:
            return 2 * slot.bar.close_ticks if slot.has_bar else -1
        if slot.deep:
            return slot.mid_half_ticks
        quote = slot.quote
        return quote.bid_ticks + quote.ask_ticks if quote.bid_lots and quote.ask_lots else -1

    def mark_of(self, slot: Slot) -> int:
        """Return what a long is valued at right now, 0 if nothing was seen."""
        return slot.mark_ticks if slot.has_book or slot.has_bar else 0
