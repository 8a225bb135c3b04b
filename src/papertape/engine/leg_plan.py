"""What a leg would get right now: exact where nothing happens between plan and order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import UNSET

from papertape.core.arithmetic import notional_micros
from papertape.core.fees import fee_weight, fill_fee_micros
from papertape.core.matching import lots_for
from papertape.engine.fill_rules import FillRules
from papertape.engine.market_watch import MarketWatch, doubt_of
from papertape.engine.matcher import taken_from
from papertape.engine.working_order import WorkingOrder
from papertape.model.events import LegWanted, OrderSubmitted
from papertape.model.instrument import Instrument
from papertape.model.orders import NO_TERMS, OrderTerms

PPM = 1_000_000
Extra = dict[tuple[str, bool], dict[int, int]]
"""(symbol, buying) -> lots per price that earlier legs of the same plan take"""


class LegPlan(msgspec.Struct, frozen=True):
    """What a leg would get right now."""

    filled_lots: int
    notional_micros: int
    fee_micros: int
    worst_ticks: int | None
    waits: bool = False
    """True where only bars are seen, or the order waits for a price: nothing fills now."""


class Planner:
    """Looks at the books as an order would, and changes nothing."""

    def __init__(
        self, watch: MarketWatch, instruments: Mapping[str, Instrument], rules: FillRules
    ) -> None:
        """Look at these."""
        self._watch = watch
        self._instruments = instruments
        self._rules = rules

    def plan(self, legs: Iterable[LegWanted]) -> list[LegPlan]:
        """Return what each leg would get now; legs on one instrument share its depth."""
        extra: Extra = {}
        return [self._leg(leg, extra) for leg in legs]

    def _leg(self, leg: LegWanted, extra: Extra) -> LegPlan:
        buying = leg.side == "BUY"
        terms = terms_of(leg)
        if terms.stop_ticks is not None or terms.trail_ticks is not None:
            return LegPlan(0, 0, 0, None, waits=True)
        if terms.post_only:
            return LegPlan(0, 0, 0, None)
        instrument = self._instruments[leg.symbol]
        if self._rules.naive:
            return self._naive(leg, instrument)
        if leg.symbol not in self._watch.books:
            return LegPlan(0, 0, 0, None, waits=leg.symbol in self._watch.bars)
        filled = notional = fee = weight = 0
        worst: int | None = None
        for ticks, lots in self._walk(
            leg.symbol, buying, leg.quantity_lots, leg.limit_ticks, extra
        ):
            worth = _worth(instrument, ticks, lots)
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
            worst = ticks
        return LegPlan(filled, notional, fee, worst)

    def _naive(self, leg: LegWanted, instrument: Instrument) -> LegPlan:
        ticks = leg.limit_ticks
        if ticks is None:
            ticks = self._watch.screen_ticks(leg.symbol)
        if ticks is None:
            return LegPlan(0, 0, 0, None)
        worth = _worth(instrument, ticks, leg.quantity_lots)
        return LegPlan(leg.quantity_lots, worth, 0, ticks)

    def _walk(
        self, symbol: str, buying: bool, lots: int, limit_ticks: int | None, extra: Extra
    ) -> list[tuple[int, int]]:
        """Return (ticks, lots) that a leg takes, after what earlier legs take."""
        used = dict(self._watch.used(symbol, buying=buying))
        mine = extra.setdefault((symbol, buying), {})
        for ticks, taken in mine.items():
            used[ticks] = used.get(ticks, 0) + taken
        levels = taken_from(self._watch.books[symbol], used, lots, limit_ticks, buying)
        for ticks, taken, _, _ in levels:
            mine[ticks] = mine.get(ticks, 0) + taken
        return [(ticks, taken) for ticks, taken, _, _ in levels]

    def whole(self, orders: Sequence[WorkingOrder]) -> bool:
        """Return whether good books give every one of these orders in full, all at one time."""
        extra: Extra = {}
        for working in orders:
            book = self._watch.books.get(working.order.symbol)
            if book is None or doubt_of(book):
                return False
            taken = self._walk(
                working.order.symbol,
                working.buying,
                working.remaining_lots,
                working.limit_ticks,
                extra,
            )
            if sum(lots for _, lots in taken) < working.remaining_lots:
                return False
        return True

    def depth_share_ppm(self, order: OrderSubmitted) -> int:
        """Return how many times, in millionths, the book holds what an order wants: thin is low."""
        book = self._watch.books.get(order.symbol)
        if book is None:
            return 0
        buying = order.side == "BUY"
        used = self._watch.used(order.symbol, buying=buying)
        depth = sum(
            lots for _, lots, _, _ in taken_from(book, used, 1 << 62, order.limit_ticks, buying)
        )
        return depth * PPM // order.quantity_lots

    def lots_for_amount(self, leg: LegWanted) -> int:
        """Return the whole lots that the amount a leg may spend buys now, 0 if none."""
        amount = terms_of(leg).spend_micros
        assert amount is not None
        instrument = self._instruments[leg.symbol]
        value = instrument.tick_nanos * instrument.lot_nanos
        book = self._watch.books.get(leg.symbol)
        if book is None or self._rules.naive:
            ticks = self._watch.screen_ticks(leg.symbol)
            return lots_for(amount, ticks, value, 1 << 62) if ticks else 0
        used = self._watch.used(leg.symbol, buying=True)
        levels = taken_from(
            book, used, 1 << 62, leg.limit_ticks, True, amount_micros=amount, value_nanos_sq=value
        )
        return sum(lots for _, lots, _, _ in levels)


def terms_of(leg: LegWanted) -> OrderTerms:
    """Return a leg's terms, the empty ones if it has none."""
    return NO_TERMS if leg.terms is UNSET else leg.terms


def _worth(instrument: Instrument, ticks: int, lots: int) -> int:
    return notional_micros(ticks, lots, instrument.tick_nanos * instrument.lot_nanos)
