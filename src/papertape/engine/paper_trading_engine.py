"""PaperTradingEngine: the paper venue. It fills orders from the books it saw, never better."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

from papertape.engine.fill_rules import FillRules, Latency
from papertape.engine.ids import Ids
from papertape.engine.leg_plan import LegPlan, Planner
from papertape.engine.leg_sequence import LegSequence
from papertape.engine.market_watch import MarketWatch
from papertape.engine.matcher import Holdings, Matcher
from papertape.engine.order_pool import OrderPool
from papertape.engine.ties import Ties
from papertape.engine.timetable import Timetable
from papertape.engine.venue import Venue
from papertape.engine.working_order import WorkingOrder
from papertape.model.events import (
    ClosedState,
    Event,
    LegWanted,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderSubmitted,
    Record,
)
from papertape.model.instrument import Instrument
from papertape.model.market_data import BarSeen, BookSeen, PrintSeen
from papertape.model.open_order import OpenOrder
from papertape.model.orders import Missed

GTD_EARLY_NS = {"polymarket": 60_000_000_000}  # it expires orders a minute early (docs/venues.md)


class PaperTradingEngine:
    """Fills from seen books; an IOC order takes what is there, a GTC order rests.

    A resting order is looked at again on every book of its instrument. When the market comes
    through it, it fills at its own limit, as the maker it was, for no more than the depth that
    crossed it. Instruments that only have bars fill on the next bar: at its open, or at the limit
    if the bar trades through it. With latency, orders and cancels arrive later and meet the book of
    then: whoever moves time runs the `timetable` first.
    """

    def __init__(
        self,
        *,
        watch: MarketWatch,
        instruments: Mapping[str, Instrument],
        holdings: Callable[[], Holdings],
        note: Callable[[Event], Record],
        now_ns: Callable[[], int],
        ids: Ids,
        rules: FillRules | None = None,
        chance: random.Random | None = None,
        market_state: Callable[[str], str] = lambda _: "trading",
    ) -> None:
        """Take the ports: what was seen, what is held, where events go."""
        self.rules = rules or FillRules()
        assert chance is not None or not self.rules.spread_ns, "chance comes in by the door"
        self.pool = OrderPool(watch.mark_ticks)
        self.watch = watch
        self._instruments = instruments
        self._note = note
        self._now_ns = now_ns
        self._ids = ids
        self._market_state = market_state
        self._latency = Latency(self.rules, chance or random.Random(0))
        self.matcher = Matcher(
            watch=watch,
            rules=self.rules,
            pool=self.pool,
            holdings=holdings,
            note=note,
            now_ns=now_ns,
            ids=ids,
        )
        self.venue = Venue(self.matcher, self._triggered)
        self._ties = Ties(self.matcher, self._place, ids.order)
        self.matcher.after_fill = self._ties.after_fill
        self.matcher.after_end = self._ended
        self._planner = Planner(watch, instruments, self.rules)
        self._sequences: dict[str, LegSequence] = {}
        self.timetable = Timetable(now_ns)

    # --- asking ---------------------------------------------------------------------------------

    def plan(self, legs: Iterable[LegWanted]) -> list[LegPlan]:
        """Return what each leg would get now; legs on one instrument share its depth."""
        return self._planner.plan(legs)

    def lots_for_amount(self, leg: LegWanted) -> int:
        """Return the lots that the amount a leg may spend buys of what is seen now."""
        return self._planner.lots_for_amount(leg)

    @property
    def resting_count(self) -> int:
        """Return how many orders are open: on their way, waiting, or resting."""
        return len(self.pool)

    def resting_symbols(self) -> tuple[str, ...]:
        """Return the instruments that have open orders."""
        return self.pool.symbols()

    def reserved_cash_micros(self) -> int:
        """Return the cash that open buys may still need, fees at the taker's rate included."""
        return self.pool.reserved_cash_micros()

    def reserved_micros(self, strategy: str, symbol: str) -> int:
        """Return the cash that a strategy's open buys of one instrument may still need."""
        return self.pool.reserved_micros(strategy, symbol)

    def reserved_lots(self, strategy: str, symbol: str) -> int:
        """Return the lots of a holding that open sells have already promised."""
        return self.pool.reserved_lots(strategy, symbol)

    # --- orders ---------------------------------------------------------------------------------

    def submit(self, order: OrderSubmitted) -> WorkingOrder:
        """Take an order that is already on the tape: at once, or when its latency is over."""
        working = self._working(order)
        self._send(working)
        return working

    def _working(self, order: OrderSubmitted) -> WorkingOrder:
        working = WorkingOrder(
            order, self._instruments[order.symbol], order.quantity_lots, self._now_ns()
        )
        self._expire_later(working)
        return working

    def _send(self, working: WorkingOrder) -> None:
        """Let an order reach the venue: now, or when its latency is over; stops wait with us."""
        if not self.rules.timed or working.conditional:
            self.venue.arrive(working)
            return
        working.latency_ns = self._latency.draw_ns(working.instrument.venue)
        self.pool.add(working)
        self.timetable.later(working.latency_ns, partial(self._arrive, working))

    def _arrive(self, working: WorkingOrder) -> None:
        if not working.open or self._closed_market(working):
            return
        delay_ns = working.instrument.taker_delay_ns if self.rules.taker_delay else 0
        if delay_ns and not working.delay_ns and self._takes(working):
            working.delay_ns = delay_ns
            self.timetable.later(delay_ns, partial(self._arrive, working))
            return
        self.venue.arrive(working)

    def _takes(self, working: WorkingOrder) -> bool:
        book = self.watch.books.get(working.order.symbol)
        if book is None or working.terms.post_only:
            return False
        return bool(self.matcher.offered(working, book))

    def _closed_market(self, working: WorkingOrder) -> bool:
        state = self._market_state(working.instrument.market_id)
        if state != "trading":
            self.matcher.close(working, "rejected", f"the market was {state} when it arrived")
        return state != "trading"

    def _triggered(self, working: WorkingOrder) -> None:
        if self.rules.timed:
            working.turn("sent")
        self._send(working)

    def _place(self, order: OrderSubmitted) -> None:
        """Send an order that the engine made itself: on the tape first."""
        self._note(order)
        self.submit(order)

    def submit_together(
        self, orders: Sequence[OrderSubmitted], done: Callable[[], None] | None = None
    ) -> None:
        """Take orders that arrive at one time and fill all or none; `done` follows if all do."""
        batch = [self._working(order) for order in orders]
        late_ns = 0
        for working in batch:
            late_ns = max(late_ns, self._latency.draw_ns(working.instrument.venue))
            self.pool.add(working)
        for working in batch:
            working.latency_ns = late_ns
        self.timetable.later(late_ns, partial(self._arrive_together, batch, done))

    def _arrive_together(self, batch: list[WorkingOrder], done: Callable[[], None] | None) -> None:
        whole = all(working.open for working in batch) and self._planner.whole(batch)
        whole = whole and all(
            self._market_state(one.instrument.market_id) == "trading" for one in batch
        )
        for working in batch:
            if not working.open:
                continue
            if whole:
                self.venue.arrive(working)
            else:
                self.matcher.close(working, "cancelled", "all or none: a leg was short of depth")
        if whole and done is not None:
            done()

    def submit_in_order(
        self,
        orders: Sequence[OrderSubmitted],
        missed: Missed,
        finish: Callable[[int], None],
    ) -> None:
        """Send legs one after the other, the thinnest first; ids are given as they go."""
        by_depth = sorted(orders, key=self._planner.depth_share_ppm)
        LegSequence(
            by_depth, missed, send=self._send_leg, next_id=self._ids.order, finish=finish
        ).begin()

    def _send_leg(self, order: OrderSubmitted, sequence: LegSequence | None) -> None:
        if sequence is not None:
            self._sequences[order.order_id] = sequence
        self._place(order)

    def _ended(self, working: WorkingOrder) -> None:
        sequence = self._sequences.pop(working.order.order_id, None)
        if sequence is not None:
            sequence.ended(working)

    # --- changing open orders -------------------------------------------------------------------

    def ask_cancel(self, working: WorkingOrder, reason: str) -> None:
        """Take an order back: at once, or when the cancel has arrived; it may fill before."""
        if not self.rules.timed or working.conditional:
            self.cancel(working.order.order_id, reason)
            return
        late_ns = self._latency.draw_ns(working.instrument.venue)
        self._note(
            OrderCancelAsked(
                order_id=working.order.order_id,
                strategy=working.order.strategy,
                symbol=working.order.symbol,
                reason=reason,
                latency_ns=late_ns,
            )
        )
        self.timetable.later(late_ns, partial(self._cancel_arrives, working, reason))

    def _cancel_arrives(self, working: WorkingOrder, reason: str) -> None:
        if not self.cancel(working.order.order_id, reason):
            self._too_late(working, "cancel")

    def _too_late(self, working: WorkingOrder, change: Literal["cancel", "amend"]) -> None:
        self._note(
            OrderChangeRefused(
                order_id=working.order.order_id,
                strategy=working.order.strategy,
                change=change,
                code="too_late",
                reason=f"the order was {working.state} when the {change} arrived",
            )
        )

    def cancel(self, order_id: str, reason: str, state: ClosedState = "cancelled") -> bool:
        """Close an open order now; False if it is not open (any more)."""
        working = self.pool.get(order_id)
        if working is None:
            return False
        self.matcher.close(working, state, reason)
        return True

    def cancel_all(self, reason: str, *, strategy: str = "") -> None:
        """Close every open order, or those of one strategy."""
        for working in self.pool:
            if not working.open or (strategy and working.order.strategy != strategy):
                continue
            self.matcher.close(working, "cancelled", reason)

    def refuse(self, order: OrderSubmitted, reason: str) -> None:
        """End an order that is on the tape and must not be sent any more."""
        self.matcher.close(self._working(order), "cancelled", reason)

    def ask_amend(
        self,
        working: WorkingOrder,
        *,
        quantity_lots: int,
        limit_ticks: int | None,
        stop_ticks: int | None,
        reason: str,
    ) -> None:
        """Change an open order: at once, or when the change has arrived."""
        values = (quantity_lots, limit_ticks, stop_ticks, reason)
        if not self.rules.timed or working.conditional:
            self._amend(working, *values)
            return
        late_ns = self._latency.draw_ns(working.instrument.venue)
        self.timetable.later(late_ns, partial(self._amend, working, *values))

    def _amend(
        self,
        working: WorkingOrder,
        quantity_lots: int,
        limit_ticks: int | None,
        stop_ticks: int | None,
        reason: str,
    ) -> None:
        """Carry out a change; a new price or more of it goes to the end of the queue."""
        if not working.open:
            self._too_late(working, "amend")
            return
        grown = quantity_lots - working.quantity_lots
        if working.remaining_lots + grown <= 0:
            self.matcher.close(working, "cancelled", reason)
            return
        moved = limit_ticks != working.limit_ticks or grown > 0
        working.quantity_lots, working.limit_ticks = quantity_lots, limit_ticks
        working.remaining_lots += grown
        working.stop_ticks = stop_ticks
        self.matcher.amended(working, reason)
        if working.state != "working" or not moved:
            return
        self.pool.requeue(working)
        self.venue.join_queue(working)
        book = self.watch.books.get(working.order.symbol)
        if book is not None:
            self.venue.meet_again(working, book)

    def expire_symbol(self, symbol: str, reason: str) -> None:
        """Close every open order of an instrument whose market is over."""
        for working in self.pool.of(symbol):
            if working.open:
                self.matcher.close(working, "expired", reason)

    def relist(self, instrument: Instrument) -> None:
        """Take a new grid and new fees; a price that is off the grid now is cancelled."""
        for working in self.pool.of(instrument.symbol):
            working.instrument = instrument
            limit = working.limit_ticks
            if working.open and limit is not None and limit % instrument.step_ticks:
                step = instrument.price_text(instrument.step_ticks)
                self.matcher.close(working, "cancelled", f"the tick is {step} now")

    def restore(self, orders: Iterable[OpenOrder]) -> None:
        """Put back the orders that were open when the bot stopped, oldest first.

        What was on its way and would rest arrives with the next market record; what would not, or
        waited for others, is cancelled. A queue is joined at its end.
        """
        late = self.rules.timed or self.rules.wait_doubtful
        for kept in list(orders):
            instrument = self._instruments[kept.order.symbol]
            working = WorkingOrder(kept.order, instrument, kept.remaining_lots, kept.since_ns)
            working.triggered = working.triggered or kept.triggered
            self.pool.add(working)
            self._expire_later(working)
            if working.conditional:
                working.turn("waiting")
            elif kept.arrived or not late:
                working.turn("working")
                self.venue.join_queue(working)
            elif working.immediate:
                self.matcher.close(working, "cancelled", "the bot stopped while it was on its way")
            else:
                self.timetable.later(0, partial(self._arrive, working))

    # --- time -----------------------------------------------------------------------------------

    def _expire_later(self, working: WorkingOrder) -> None:
        expires_ns = working.terms.expires_ns
        if expires_ns is None:
            return
        early_ns = GTD_EARLY_NS.get(working.instrument.venue, 0)
        order_id = working.order.order_id
        self.timetable.later(
            max(0, expires_ns - early_ns - self._now_ns()),
            partial(self._expire, order_id),
        )

    def _expire(self, order_id: str) -> None:
        self.cancel(order_id, "its time is over", "expired")

    # --- the market moves -----------------------------------------------------------------------

    def on_book(self, book: BookSeen) -> None:
        """Look at every open order of the instrument again, oldest first."""
        self.venue.on_book(book)

    def on_bar(self, bar: BarSeen) -> None:
        """Let waiting orders of a bars-only instrument meet the bar."""
        self.venue.on_bar(bar)

    def on_print(self, seen: PrintSeen) -> None:
        """Let a trade of others move the queues at its price."""
        self.venue.on_print(seen)
