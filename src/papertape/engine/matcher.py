"""Matcher: what an order that is at the venue gets from what was seen of the market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import UNSET, UnsetType

from papertape.core.matching import Taken, walk, walk_amount
from papertape.engine.fill_rules import FillRules
from papertape.engine.ids import Ids
from papertape.engine.market_watch import MarketWatch
from papertape.engine.order_pool import OrderPool
from papertape.engine.working_order import WorkingOrder
from papertape.model.events import (
    ClosedState,
    Event,
    FillDetail,
    LevelUsed,
    Liquidity,
    OrderAmended,
    OrderClosed,
    OrderFilled,
    Record,
)
from papertape.model.market_data import BookSeen

NO_DETAIL = FillDetail()


class Holdings(Protocol):
    """What the engine must know of the books to price the effect of a fill."""

    cash_micros: int

    def effect(
        self, key: tuple[str, str], buying: bool, lots: int, notional_micros: int
    ) -> tuple[int, int]:
        """Return (change of cost, realised gain) that a fill would have."""
        ...

    def held_lots(self, key: tuple[str, str]) -> int:
        """Return how many lots are held."""
        ...


class Matcher:
    """Fills, closes and resizes orders, each change on the tape as it happens.

    `after_fill` and `after_end` tell whoever ties orders together; they may send and close orders.
    """

    def __init__(
        self,
        *,
        watch: MarketWatch,
        rules: FillRules,
        pool: OrderPool,
        holdings: Callable[[], Holdings],
        note: Callable[[Event], Record],
        now_ns: Callable[[], int],
        ids: Ids,
    ) -> None:
        """Take the ports."""
        self.watch = watch
        self.rules = rules
        self.pool = pool
        self.note = note
        self.now_ns = now_ns
        self._holdings = holdings
        self._ids = ids
        self.after_fill: Callable[[WorkingOrder, int], None] = _nothing
        self.after_end: Callable[[WorkingOrder], None] = _nothing

    # --- taking from a book ---------------------------------------------------------------------

    def offered(self, working: WorkingOrder, book: BookSeen) -> list[Taken]:
        """Return what the book gives this order now, level by level."""
        used = self.watch.used(working.order.symbol, buying=working.buying)
        return taken_from(
            book,
            used,
            working.remaining_lots,
            working.limit_ticks,
            working.buying,
            amount_micros=working.left_micros,
            value_nanos_sq=working.instrument.tick_nanos * working.instrument.lot_nanos,
        )

    def take_levels(self, working: WorkingOrder, book: BookSeen, *, resting: bool) -> None:
        """Let an order take what the book gives: a resting limit at its own price, as the maker."""
        limit = working.limit_ticks
        maker = resting and limit is not None
        filled = 0
        for level in self.offered(working, book):
            at = limit if maker and limit is not None else level[0]
            if self._may_lack_cash(working, resting) and not self.can_pay(working, at, level[1]):
                self.close(working, "rejected", "the price rose beyond the free cash")
                break
            self.watch.use(working.order.symbol, level[0], level[1], buying=working.buying)
            self.fill(working, level, at, book.ts_ns, "maker" if maker else "taker")
            filled += level[1]
        if filled:
            self.filled(working, filled)

    def _may_lack_cash(self, working: WorkingOrder, resting: bool) -> bool:
        """Return whether a buy may meet a price that risk could not know."""
        if not working.buying or working.limit_ticks is not None:
            return False
        return resting or self.rules.timed or working.order.order_type != "market"

    def can_pay(self, working: WorkingOrder, ticks: int, lots: int, *, free: bool = True) -> bool:
        """Return whether the cash pays a fill; `free`: the cash that no other order needs."""
        worth = working.notional(ticks, lots)
        fee = working.fee(ticks, lots, worth, maker=False)
        others = self.pool.reserved_cash_micros(but=working) if free else 0
        return worth + fee <= self._holdings().cash_micros - others

    def clip_to_held(self, working: WorkingOrder) -> None:
        """Let a sell shrink to what is held: the rest was sold, merged or settled elsewhere."""
        if working.buying or working.instrument.kind not in {"outcome", "spot"}:
            return
        held = self._holdings().held_lots(working.key)
        if held >= working.remaining_lots:
            return
        self.resize(working, held - working.remaining_lots, "no more than that is held")

    # --- changes, each on the tape --------------------------------------------------------------

    def fill(
        self, working: WorkingOrder, level: Taken, ticks: int, seen_ns: int, liquidity: Liquidity
    ) -> None:
        """Book one fill of an order; `filled` follows when its walk is over."""
        level_ticks, lots, seen_lots, before_lots = level
        order = working.order
        maker = liquidity == "maker"
        notional = working.notional(ticks, lots)
        fee = 0 if self.rules.naive else working.fee(ticks, lots, notional, maker=maker)
        cost, realized = self._holdings().effect(working.key, working.buying, lots, notional)
        working.booked(ticks, lots, notional, fee, maker=maker)
        self.note(
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
                    book_age_ns=max(0, self.now_ns() - seen_ns),
                    source=self.watch.source,
                    detail=self._detail(working),
                ),
            )
        )

    def _detail(self, working: WorkingOrder) -> FillDetail | UnsetType:
        detail = FillDetail(
            model="" if self.rules.model == "pessimistic" else self.rules.model,
            latency_ns=working.latency_ns,
            delay_ns=working.delay_ns,
            ahead_lots=working.arrived_ahead_lots,
            prints=working.prints,
        )
        return UNSET if detail == NO_DETAIL else detail

    def filled(self, working: WorkingOrder, lots: int) -> None:
        """End an order that wants no more, and tell of the fill."""
        done = working.open and not working.remaining_lots
        if done:
            working.turn("filled")
            self.pool.drop(working)
        self.after_fill(working, lots)
        if done:
            self.after_end(working)

    def close(self, working: WorkingOrder, state: ClosedState, reason: str) -> None:
        """End an order that is not filled in full."""
        working.turn("closed")
        self.pool.drop(working)
        self.note(
            OrderClosed(
                order_id=working.order.order_id,
                strategy=working.order.strategy,
                symbol=working.order.symbol,
                state=state,
                remaining_lots=working.remaining_lots,
                reason=reason,
            )
        )
        self.after_end(working)

    def resize(self, working: WorkingOrder, by_lots: int, reason: str) -> None:
        """Change what an order still wants; nothing left ends it."""
        if working.remaining_lots + by_lots <= 0:
            self.close(working, "cancelled", reason)
            return
        working.remaining_lots += by_lots
        working.quantity_lots += by_lots
        self.amended(working, reason)

    def amended(self, working: WorkingOrder, reason: str) -> None:
        """Put an order's new values on the tape."""
        self.note(
            OrderAmended(
                order_id=working.order.order_id,
                strategy=working.order.strategy,
                symbol=working.order.symbol,
                quantity_lots=working.quantity_lots,
                remaining_lots=working.remaining_lots,
                limit_ticks=working.limit_ticks,
                stop_ticks=working.stop_ticks,
                reason=reason,
            )
        )


def taken_from(
    book: BookSeen,
    used: Mapping[int, int],
    lots: int,
    limit_ticks: int | None,
    buying: bool,
    *,
    amount_micros: int | None = None,
    value_nanos_sq: int = 0,
) -> list[Taken]:
    """Return what lots, or an amount of money, would take from the side that is opposite."""
    if buying:
        ticks, depth = book.ask_ticks, book.ask_lots
    else:
        ticks, depth = book.bid_ticks, book.bid_lots
    taken: list[Taken]
    if amount_micros is not None:
        taken = walk_amount(ticks, depth, used, lots, amount_micros, limit_ticks, value_nanos_sq)
        return taken
    taken = walk(ticks, depth, used, lots, limit_ticks, buying)
    return taken


def _nothing(*_: object) -> None:
    """Do nothing: nobody ties orders together."""
