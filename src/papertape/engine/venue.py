"""The paper venue: how an order arrives, rests, is triggered and filled as the market moves."""

from __future__ import annotations

from collections.abc import Callable

from papertape.core.matching import ahead_after_cancels, print_reaches
from papertape.engine.market_watch import doubt_of
from papertape.engine.matcher import Matcher
from papertape.engine.working_order import WorkingOrder
from papertape.model.events import OrderAccepted, OrderTriggered, PrintUsed
from papertape.model.market_data import BarSeen, BookSeen, PrintSeen


class Venue:
    """Decides what becomes of orders that have arrived; the matcher carries it out.

    Where the data cannot tell, the answer is the one that costs us: within a bar a stop comes
    before a target, a limit is filled only if the bar trades through it, a resting order only by a
    book that comes to it or, with prints, when the queue before it is gone.
    """

    def __init__(self, matcher: Matcher, send: Callable[[WorkingOrder], None]) -> None:
        """Act through `matcher`; `send` is the way of a triggered stop to the venue."""
        self._matcher = matcher
        self._watch = matcher.watch
        self._rules = matcher.rules
        self._send = send

    # --- arriving -------------------------------------------------------------------------------

    def arrive(self, working: WorkingOrder) -> None:
        """Meet the book that is there now: take, rest, wait, or end."""
        if working.conditional:
            self._wait(working)
            return
        self._matcher.clip_to_held(working)
        if not working.open:
            return
        if self._rules.naive:
            self._fill_naively(working)
            return
        book = self._watch.books.get(working.order.symbol)
        if book is None:
            self._rest(working)  # only bars are seen: it meets the next one
            return
        doubt = doubt_of(book)
        if doubt and self._rules.wait_doubtful:
            working.held = True  # until the book is good again
            self._matcher.pool.add(working)
            return
        if doubt and self._rules.timed:
            self._matcher.close(working, "rejected", f"the book was {doubt} when it arrived")
            return
        self._meet(working, book)

    def _meet(self, working: WorkingOrder, book: BookSeen) -> None:
        order, matcher = working.order, self._matcher
        if working.terms.post_only and matcher.offered(working, book):
            matcher.close(working, "rejected", "post-only: it would have taken")
            return
        if order.time_in_force == "FOK":
            got = sum(level[1] for level in matcher.offered(working, book))
            if got < working.remaining_lots:
                matcher.close(working, "cancelled", f"fill or kill: {_offered(working, got)}")
                return
        matcher.take_levels(working, book, resting=False)
        if not working.open:
            return
        if working.immediate or working.left_micros is not None:
            got = working.quantity_lots - working.remaining_lots
            matcher.close(working, "cancelled", _offered(working, got))
        else:
            self._rest(working)

    def _fill_naively(self, working: WorkingOrder) -> None:
        """Fill the whole order at the signal's price, as if saying it made it so."""
        symbol, matcher = working.order.symbol, self._matcher
        ticks = working.limit_ticks
        if ticks is None:
            ticks = self._watch.screen_ticks(symbol)
        if ticks is None:
            matcher.close(working, "cancelled", "no price has been seen")
            return
        lots = working.remaining_lots
        seen_ns = self._watch.seen_ts_ns(symbol) or matcher.now_ns()
        matcher.fill(working, (ticks, lots, lots, 0), ticks, seen_ns, "taker")
        matcher.filled(working, lots)

    def _rest(self, working: WorkingOrder) -> None:
        """Stand in the queue at the order's price: behind all that is shown there."""
        working.turn("working")
        self._matcher.pool.add(working)
        self.join_queue(working)
        if self._rules.prints or working.latency_ns or working.delay_ns:
            self._matcher.note(
                OrderAccepted(
                    order_id=working.order.order_id,
                    strategy=working.order.strategy,
                    symbol=working.order.symbol,
                    latency_ns=working.latency_ns,
                    ahead_lots=working.ahead_lots,
                )
            )

    def join_queue(self, working: WorkingOrder) -> None:
        """Put an order at the end of the queue at its price."""
        if not self._rules.prints or working.limit_ticks is None:
            return
        shown = self._watch.shown_lots(
            working.order.symbol, working.limit_ticks, bids=working.buying
        )
        working.shown_lots = working.ahead_lots = shown or 0
        working.arrived_ahead_lots = working.ahead_lots
        working.printed_lots = 0

    # --- stops ----------------------------------------------------------------------------------

    def _wait(self, working: WorkingOrder) -> None:
        working.turn("waiting")
        self._matcher.pool.add(working)
        book = self._watch.books.get(working.order.symbol)
        if book is not None:
            if not doubt_of(book):
                self._look_at_stop(working, book)
            return
        bar = self._watch.bars.get(working.order.symbol)
        if bar is not None and working.terms.trail_ticks is not None:
            self._follow(working, bar.close_ticks)

    def _look_at_stop(self, working: WorkingOrder, book: BookSeen) -> None:
        """Trigger a stop at the price that it would trade at: the ask of a BUY, a SELL's bid."""
        side = book.ask_ticks if working.buying else book.bid_ticks
        if not len(side):
            return
        seen = side[0]
        if working.terms.trail_ticks is not None:
            self._follow(working, seen)
        stop = working.stop_ticks
        if stop is not None and (seen >= stop if working.buying else seen <= stop):
            self._trigger(working, stop, seen)
            self._send(working)

    def _follow(self, working: WorkingOrder, seen_ticks: int) -> None:
        """Let a trailing stop follow the best price; it never goes back."""
        trail = working.terms.trail_ticks
        assert trail is not None
        sign = -1 if working.buying else 1
        best = working.best_ticks
        if best is not None and sign * seen_ticks <= sign * best:
            return
        working.best_ticks = seen_ticks
        stop = max(0, seen_ticks - sign * trail)
        if working.stop_ticks is None or sign * stop > sign * working.stop_ticks:
            working.stop_ticks = stop
            self._matcher.amended(working, "the stop follows the best price")

    def _trigger(self, working: WorkingOrder, stop_ticks: int, seen_ticks: int) -> None:
        working.triggered = True
        self._matcher.note(
            OrderTriggered(
                order_id=working.order.order_id,
                strategy=working.order.strategy,
                symbol=working.order.symbol,
                stop_ticks=stop_ticks,
                seen_ticks=seen_ticks,
            )
        )

    # --- the market moves -----------------------------------------------------------------------

    def on_book(self, book: BookSeen) -> None:
        """Look at every open order of the instrument again, oldest first."""
        if doubt_of(book):
            return
        for working in self._matcher.pool.of(book.symbol):
            if not working.open:
                continue  # an order before it in this very list ended it
            if working.state == "sent":
                if working.held:
                    working.held = False
                    self.arrive(working)
            elif working.state == "waiting":
                self._look_at_stop(working, book)
            else:
                self._on_book(working, book)

    def _on_book(self, working: WorkingOrder, book: BookSeen) -> None:
        if self._rules.prints and working.limit_ticks is not None:
            self._move_queue(working)
        self._matcher.clip_to_held(working)
        if working.open:
            self._matcher.take_levels(working, book, resting=True)
            self._settle_rest(working, "the book offered no more")

    def meet_again(self, working: WorkingOrder, book: BookSeen) -> None:
        """Let an order that was amended meet the book it may cross now, as the taker it is."""
        if doubt_of(book):
            return
        if working.terms.post_only and self._matcher.offered(working, book):
            self._matcher.close(working, "rejected", "post-only: it would have taken")
            return
        self._matcher.take_levels(working, book, resting=False)

    def _move_queue(self, working: WorkingOrder) -> None:
        assert working.limit_ticks is not None
        shown = self._watch.shown_lots(
            working.order.symbol, working.limit_ticks, bids=working.buying
        )
        if shown is None:
            return  # the book does not reach down to us: nothing is known
        working.ahead_lots = ahead_after_cancels(
            working.ahead_lots,
            working.shown_lots,
            shown,
            working.printed_lots,
            self._rules.ahead_ppm,
        )
        working.shown_lots, working.printed_lots = shown, 0

    def on_print(self, seen: PrintSeen) -> None:
        """Let a trade of others move the queues at its price, and fill what it reaches."""
        if not self._rules.prints:
            return
        book = self._watch.books.get(seen.symbol)
        if book is not None and doubt_of(book):
            return
        ours = 0
        for working in self._in_priority(seen):
            limit = working.limit_ticks
            if limit is None or not working.open:
                continue
            through = limit != seen.price_ticks
            got = print_reaches(working.ahead_lots, seen.quantity_lots, ours, through)
            if not through:
                working.ahead_lots = max(0, working.ahead_lots - seen.quantity_lots)
                working.printed_lots += seen.quantity_lots
            used = PrintUsed(
                ts_ns=seen.ts_ns, price_ticks=seen.price_ticks, quantity_lots=seen.quantity_lots
            )
            working.seen_print(used)
            self._matcher.clip_to_held(working)
            lots = min(got, working.remaining_lots)
            if lots > 0 and working.open:
                level = (limit, lots, seen.quantity_lots, ours)
                ours += lots
                self._matcher.fill(working, level, limit, seen.ts_ns, "maker")
                self._matcher.filled(working, lots)

    def _in_priority(self, seen: PrintSeen) -> list[WorkingOrder]:
        """Return the resting orders that a print meets: better prices first, then older ones."""
        buying = seen.side == "SELL"  # the taker sold, so bids were hit
        sign = -1 if buying else 1
        met = [
            working
            for working in self._matcher.pool.of(seen.symbol)
            if working.state == "working"
            and working.buying == buying
            and working.limit_ticks is not None
            and sign * working.limit_ticks <= sign * seen.price_ticks
        ]
        return sorted(met, key=lambda working: sign * (working.limit_ticks or 0))

    def on_bar(self, bar: BarSeen) -> None:
        """Let the orders of a bars-only instrument meet the bar: stops first, then limits."""
        if bar.symbol in self._watch.books:
            return
        left = bar.volume_lots
        orders = self._matcher.pool.of(bar.symbol)
        for working in sorted(orders, key=lambda one: one.state != "waiting"):
            if working.open and working.state != "sent":
                left -= self._meet_bar(working, bar, left)

    def _meet_bar(self, working: WorkingOrder, bar: BarSeen, left_lots: int) -> int:
        """Return how much of the bar's volume the order took."""
        price = _bar_price(bar, working.limit_ticks, working.buying)
        if working.state == "waiting":
            at = _bar_stop(bar, working.stop_ticks, working.buying)
            if at is None:
                if working.terms.trail_ticks is not None:
                    self._follow(working, bar.low_ticks if working.buying else bar.high_ticks)
                return 0
            assert working.stop_ticks is not None
            self._trigger(working, working.stop_ticks, at)
            working.turn("working")
            price = at if _within(at, working.limit_ticks, working.buying) else None
        self._matcher.clip_to_held(working)
        lots = min(left_lots, working.remaining_lots) if working.open else 0
        if price is not None and lots > 0:
            free = working.order.order_type != "market" and working.limit_ticks is None
            if working.buying and not self._matcher.can_pay(working, price, lots, free=free):
                self._matcher.close(working, "rejected", "the bar opened at more than the cash")
                return 0
            maker = price == working.limit_ticks and price != bar.open_ticks
            level = (price, lots, bar.volume_lots, bar.volume_lots - left_lots)
            self._matcher.fill(working, level, price, bar.ts_ns, "maker" if maker else "taker")
            self._matcher.filled(working, lots)
        else:
            lots = 0
        self._settle_rest(working, "the next bar did not trade there")
        return lots

    def _settle_rest(self, working: WorkingOrder, reason: str) -> None:
        if working.open and working.immediate:
            self._matcher.close(working, "cancelled", reason)


def _offered(working: WorkingOrder, got_lots: int) -> str:
    of = working.instrument.quantity_text
    return f"the book offered {of(got_lots)} of {of(working.quantity_lots)}"


def _within(ticks: int, limit_ticks: int | None, buying: bool) -> bool:
    if limit_ticks is None:
        return True
    return ticks <= limit_ticks if buying else ticks >= limit_ticks


def _bar_price(bar: BarSeen, limit_ticks: int | None, buying: bool) -> int | None:
    """Return where a bar fills an order: its open, or the limit if it trades through; else None."""
    if limit_ticks is None:
        return bar.open_ticks
    if _within(bar.open_ticks, limit_ticks, buying):
        return bar.open_ticks
    through = bar.low_ticks < limit_ticks if buying else bar.high_ticks > limit_ticks
    return limit_ticks if through else None


def _bar_stop(bar: BarSeen, stop_ticks: int | None, buying: bool) -> int | None:
    """Return where a bar triggers a stop: its open if it gaps over it, the stop if touched."""
    if stop_ticks is None:
        return None
    if buying:
        if bar.open_ticks >= stop_ticks:
            return bar.open_ticks
        return stop_ticks if bar.high_ticks >= stop_ticks else None
    if bar.open_ticks <= stop_ticks:
        return bar.open_ticks
    return stop_ticks if bar.low_ticks <= stop_ticks else None
