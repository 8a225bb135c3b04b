"""PaperTradingEngine: the paper venue. It fills orders from the books it saw, never better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from papertape.core.arithmetic import notional_micros
from papertape.core.fees import fee_weight, fill_fee_micros
from papertape.core.matching import Taken, walk
from papertape.engine.ids import Ids
from papertape.engine.market_watch import MarketWatch
from papertape.model.events import (
    ClosedState,
    Event,
    LegWanted,
    LevelUsed,
    Liquidity,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    Record,
)
from papertape.model.instrument import Instrument
from papertape.model.market_data import BarSeen, BookSeen


class Holdings(Protocol):
    """What the engine must know of the books to price the effect of a fill."""

    cash_micros: int

    def effect(
        self, key: tuple[str, str], buying: bool, lots: int, notional: int
    ) -> tuple[int, int]:
        """Return (change of cost, realised gain) that a fill would have."""
        ...


class WorkingOrder:
    """An order at the paper venue, with what it still wants."""

    __slots__ = ("charged_micros", "instrument", "order", "remaining_lots", "since_ns", "weight")

    def __init__(
        self, order: OrderSubmitted, instrument: Instrument, remaining_lots: int, since_ns: int
    ) -> None:
        """Begin with nothing filled and nothing charged."""
        self.order = order
        self.instrument = instrument
        self.remaining_lots = remaining_lots
        self.since_ns = since_ns
        self.weight = 0
        self.charged_micros = 0

    @property
    def buying(self) -> bool:
        """Return whether this is a BUY."""
        return self.order.side == "BUY"


class LegPlan(msgspec.Struct, frozen=True):
    """What a leg would get right now: exact, because nothing happens between plan and order."""

    filled_lots: int
    notional_micros: int
    fee_micros: int
    worst_ticks: int | None
    waits: bool = False
    """True where only bars are seen: the order meets the next bar, so nothing fills now."""


class PaperTradingEngine:
    """Fills from seen books; an IOC order takes what is there, a GTC order rests.

    A resting order is looked at again on every book of its instrument. When the market comes
    through it, it fills at its own limit, as the maker it was, for no more than the depth that
    crossed it. Instruments that only have bars fill on the next bar: at its open, or at the limit
    if the bar trades through it.
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
    ) -> None:
        """Take the ports: what was seen, what is held, where events go."""
        self._watch = watch
        self._instruments = instruments
        self._holdings = holdings
        self._note = note
        self._now_ns = now_ns
        self._ids = ids
        self._resting: dict[str, dict[str, WorkingOrder]] = {}
        self._resting_count = 0

    # --- asking ---------------------------------------------------------------------------------

    def plan(self, legs: Iterable[LegWanted]) -> list[LegPlan]:
        """Return what each leg would get now; legs on one instrument share its depth."""
        extra: dict[tuple[str, bool], dict[int, int]] = {}
        return [self._plan_leg(leg, extra) for leg in legs]

    def _plan_leg(self, leg: LegWanted, extra: dict[tuple[str, bool], dict[int, int]]) -> LegPlan:
        buying = leg.side == "BUY"
        book = self._watch.books.get(leg.symbol)
        if book is None:
            return LegPlan(0, 0, 0, None, waits=leg.symbol in self._watch.bars)
        used = dict(self._watch.used(leg.symbol, buying=buying))
        mine = extra.setdefault((leg.symbol, buying), {})
        for ticks, lots in mine.items():
            used[ticks] = used.get(ticks, 0) + lots
        taken = _walk_side(book, used, leg.quantity_lots, leg.limit_ticks, buying)
        instrument = self._instruments[leg.symbol]
        filled = notional = fee = weight = 0
        for ticks, lots, _, _ in taken:
            worth = _notional(instrument, ticks, lots)
            fee += fill_fee_micros(
                instrument,
                ticks,
                lots,
                worth,
                maker=False,
                weight_before=weight,
                charged_before_micros=fee,
            )
            weight += fee_weight(instrument, ticks, lots, maker=False)
            notional += worth
            filled += lots
            mine[ticks] = mine.get(ticks, 0) + lots
        return LegPlan(filled, notional, fee, taken[-1][0] if taken else None)

    @property
    def resting_count(self) -> int:
        """Return how many orders rest."""
        return self._resting_count

    def reserved_cash_micros(self) -> int:
        """Return the cash that resting buys may still need, fees at the taker's rate included."""
        return sum(
            self._reserved(working)
            for orders in self._resting.values()
            for working in orders.values()
            if working.buying
        )

    def reserved_micros(self, strategy: str, symbol: str) -> int:
        """Return the cash that a strategy's resting buys of one instrument may still need."""
        return sum(
            self._reserved(working)
            for working in self._resting.get(symbol, {}).values()
            if working.buying and working.order.strategy == strategy
        )

    def _reserved(self, working: WorkingOrder) -> int:
        """Return what a resting buy may cost; a market order waits for the next bar at its mark."""
        ticks, lots = working.order.limit_ticks, working.remaining_lots
        if ticks is None:
            ticks = self._watch.mark_ticks(working.order.symbol) or 0
        worth = _notional(working.instrument, ticks, lots)
        return worth + fill_fee_micros(working.instrument, ticks, lots, worth, maker=False)

    def reserved_lots(self, strategy: str, symbol: str) -> int:
        """Return the lots of a holding that resting sells have already promised."""
        return sum(
            working.remaining_lots
            for working in self._resting.get(symbol, {}).values()
            if working.order.strategy == strategy and not working.buying
        )

    # --- orders ---------------------------------------------------------------------------------

    def submit(self, order: OrderSubmitted) -> WorkingOrder:
        """Take an order that is already on the tape: fill what can be, rest or close the rest."""
        working = WorkingOrder(
            order, self._instruments[order.symbol], order.quantity_lots, self._now_ns()
        )
        book = self._watch.books.get(order.symbol)
        if book is None:
            self._rest(working)  # only bars are seen: it meets the next one
            return working
        used = self._watch.used(order.symbol, buying=working.buying)
        taken = _walk_side(book, used, working.remaining_lots, order.limit_ticks, working.buying)
        for level in taken:
            self._take(working, level, level[0], book.ts_ns, "taker")
        if working.remaining_lots:
            if order.time_in_force == "IOC":
                got = order.quantity_lots - working.remaining_lots
                of = working.instrument.quantity_text
                reason = f"the book offered {of(got)} of {of(order.quantity_lots)}"
                self._close(working, "cancelled", reason)
            else:
                self._rest(working)
        return working

    def cancel(self, order_id: str, reason: str, state: ClosedState = "cancelled") -> bool:
        """Close a resting order; False if it does not rest (any more)."""
        for orders in self._resting.values():
            working = orders.get(order_id)
            if working is not None:
                self._drop(working)
                self._close(working, state, reason)
                return True
        return False

    def cancel_all(self, reason: str, *, strategy: str = "") -> None:
        """Close every resting order, or those of one strategy."""
        for orders in [list(kept.values()) for kept in self._resting.values()]:
            for working in orders:
                if strategy and working.order.strategy != strategy:
                    continue
                self._drop(working)
                self._close(working, "cancelled", reason)

    def expire_symbol(self, symbol: str, reason: str) -> None:
        """Close every resting order of an instrument whose market is over."""
        for working in list(self._resting.get(symbol, {}).values()):
            self._drop(working)
            self._close(working, "expired", reason)

    def restore(self, orders: Iterable[tuple[OrderSubmitted, int, int]]) -> None:
        """Put back the orders that rested when the bot stopped, oldest first."""
        for order, remaining_lots, since_ns in orders:
            instrument = self._instruments[order.symbol]
            self._rest(WorkingOrder(order, instrument, remaining_lots, since_ns))

    # --- the market moves -----------------------------------------------------------------------

    def on_book(self, book: BookSeen) -> None:
        """Look at every resting order of the instrument again, oldest first."""
        resting = self._resting.get(book.symbol)
        if not resting or book.state != "live":
            return
        for working in list(resting.values()):
            limit = working.order.limit_ticks
            used = self._watch.used(book.symbol, buying=working.buying)
            taken = _walk_side(book, used, working.remaining_lots, limit, working.buying)
            for level in taken:
                at = level[0] if limit is None else limit
                self._take(working, level, at, book.ts_ns, "taker" if limit is None else "maker")
            self._settle_rest(working, "the book offered no more")

    def on_bar(self, bar: BarSeen) -> None:
        """Let waiting orders of a bars-only instrument meet the bar."""
        resting = self._resting.get(bar.symbol)
        if not resting or bar.symbol in self._watch.books:
            return
        left = bar.volume_lots
        for working in list(resting.values()):
            price = _bar_price(bar, working.order.limit_ticks, working.buying)
            lots = min(left, working.remaining_lots)
            if price is not None and lots > 0:
                if working.buying and not self._can_pay(working, price, lots):
                    self._drop(working)
                    self._close(working, "rejected", "the bar opened at more than the cash")
                    continue
                left -= lots
                maker = price == working.order.limit_ticks and price != bar.open_ticks
                level = (price, lots, bar.volume_lots, bar.volume_lots - left - lots)
                self._take(working, level, price, bar.ts_ns, "maker" if maker else "taker")
            self._settle_rest(working, "the next bar did not trade there")

    def _can_pay(self, working: WorkingOrder, ticks: int, lots: int) -> bool:
        """Return whether the cash pays a fill whose price risk could not know."""
        worth = _notional(working.instrument, ticks, lots)
        fee = fill_fee_micros(working.instrument, ticks, lots, worth, maker=False)
        return worth + fee <= self._holdings().cash_micros

    def _settle_rest(self, working: WorkingOrder, reason: str) -> None:
        if not working.remaining_lots:
            self._drop(working)
        elif working.order.time_in_force == "IOC":
            self._drop(working)
            self._close(working, "cancelled", reason)

    # --- the parts ------------------------------------------------------------------------------

    def _take(
        self, working: WorkingOrder, level: Taken, ticks: int, seen_ns: int, liquidity: Liquidity
    ) -> None:
        level_ticks, lots, seen_lots, before_lots = level
        order, instrument = working.order, working.instrument
        notional = _notional(instrument, ticks, lots)
        fee = fill_fee_micros(
            instrument,
            ticks,
            lots,
            notional,
            maker=liquidity == "maker",
            weight_before=working.weight,
            charged_before_micros=working.charged_micros,
        )
        key = (order.strategy, order.symbol)
        cost, realized = self._holdings().effect(key, working.buying, lots, notional)
        working.remaining_lots -= lots
        working.weight += fee_weight(instrument, ticks, lots, maker=liquidity == "maker")
        working.charged_micros += fee
        self._watch.use(order.symbol, level_ticks, lots, buying=working.buying)
        self._note(
            OrderFilled(
                fill_id=self._ids.fill(),
                order_id=order.order_id,
                signal_id=order.signal_id,
                strategy=order.strategy,
                symbol=order.symbol,
                side=order.side,
                price_ticks=ticks,
                quantity_lots=lots,
                notional_micros=notional,
                fee_micros=fee,
                cost_micros=cost,
                realized_micros=realized,
                liquidity=liquidity,
                remaining_lots=working.remaining_lots,
                evidence=LevelUsed(
                    price_ticks=level_ticks,
                    seen_lots=seen_lots,
                    taken_before_lots=before_lots,
                    book_ts_ns=seen_ns,
                    book_age_ns=max(0, self._now_ns() - seen_ns),
                    source=self._watch.source,
                ),
            )
        )

    def _close(self, working: WorkingOrder, state: ClosedState, reason: str) -> None:
        self._note(
            OrderClosed(
                order_id=working.order.order_id,
                strategy=working.order.strategy,
                symbol=working.order.symbol,
                state=state,
                remaining_lots=working.remaining_lots,
                reason=reason,
            )
        )

    def _rest(self, working: WorkingOrder) -> None:
        self._resting.setdefault(working.order.symbol, {})[working.order.order_id] = working
        self._resting_count += 1

    def _drop(self, working: WorkingOrder) -> None:
        orders = self._resting[working.order.symbol]
        del orders[working.order.order_id]
        if not orders:
            del self._resting[working.order.symbol]
        self._resting_count -= 1


def _notional(instrument: Instrument, ticks: int, lots: int) -> int:
    return notional_micros(ticks, lots, instrument.tick_nanos * instrument.lot_nanos)


def _walk_side(
    book: BookSeen, used: Mapping[int, int], lots: int, limit_ticks: int | None, buying: bool
) -> list[Taken]:
    if buying:
        level_ticks, level_lots = book.ask_ticks, book.ask_lots
    else:
        level_ticks, level_lots = book.bid_ticks, book.bid_lots
    taken: list[Taken] = walk(level_ticks, level_lots, used, lots, limit_ticks, buying)
    return taken


def _bar_price(bar: BarSeen, limit_ticks: int | None, buying: bool) -> int | None:
    """Return where a bar fills an order: its open, or the limit if it trades through; else None."""
    if limit_ticks is None:
        return bar.open_ticks
    if buying:
        if bar.open_ticks <= limit_ticks:
            return bar.open_ticks
        return limit_ticks if bar.low_ticks < limit_ticks else None
    if bar.open_ticks >= limit_ticks:
        return bar.open_ticks
    return limit_ticks if bar.high_ticks > limit_ticks else None
