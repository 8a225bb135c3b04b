"""arbitrage: complete sets that cost less than they are sure to pay, after fees and depth.

Three forms (docs/venues.md has the formulae and their sources):

- one market, YES + NO below 1: bought and merged at once. Where the venue mirrors its two books
  this cannot be, so a hit is a data alarm, recorded and not traded.
- one exhaustive event, all YES below 1: exactly one pays 1; held to resolution.
- one negRisk event, all NO below n - 1: bought and converted at once.

Sizes come from walking the depth level by level, up to the point where the next step would not pay
any more. All legs or none. What is seen and not taken is recorded with the test that failed. Loses
money only if the set was not exhaustive after all: augmented or nested events are never summed.
"""

from __future__ import annotations

from typing import ClassVar

from papertape.core.accounts import settlement_micros
from papertape.core.arithmetic import notional_micros
from papertape.model.market import EventGroup, Market
from papertape.model.market_data import BookSeen
from papertape.model.money import format_micros
from papertape.model.signal import Leg, Opportunity, SetAction, Signal
from papertape.strategies.base import Answer, Param, Strategy
from papertape.strategies.set_walk import SetLeg, SetWalk, walk_set

NS_PER_S = 1_000_000_000
MICROS = 1_000_000
YES, NO = 0, 1


class Arbitrage(Strategy):
    """Buy complete sets below what they pay; sized by depth, all legs or none."""

    name: ClassVar[str] = "arbitrage"
    summary: ClassVar[str] = "Complete sets bought below what they are sure to pay."
    params: ClassVar[tuple[Param, ...]] = (
        Param("profit_usd_min", float, 0.05, 0, 100_000, "USD", "least profit of a set after fees"),
        Param("order_usd", float, 1000.0, 1, 1_000_000, "USD", "most that a set may cost"),
        Param("held_usd_max", float, 500.0, 0, 1_000_000, "USD", "most sets kept until they pay"),
        Param("rest_s", int, 10, 0, 3600, "s", "pause per set after acting, or saying why not"),
        Param("book_age_s", int, 5, 1, 3600, "s", "oldest book of a leg that counts"),
    )
    profit_usd_min: float
    order_usd: float
    held_usd_max: float
    rest_s: int
    book_age_s: int

    def on_start(self) -> None:
        """Forget what was acted on."""
        self._acted_ns: dict[str, int] = {}
        self._skipped: dict[str, tuple[str, int]] = {}

    def on_book(self, book: BookSeen) -> Answer:
        """Look at the sets that this instrument is part of."""
        market = self._market(book.symbol)
        if market is None or len(market.symbols) != 2:
            return None
        answers = []
        inside = self._inside(market, book.ts_ns)
        if inside is not None:
            answers.append(inside)
        group = self.context.groups.get(market.event_id)
        if group is not None:
            index = market.symbols.index(book.symbol)
            answer = self._event(group, index, book.ts_ns)
            if answer is not None:
                answers.append(answer)
        return answers

    def forget(self, symbol: str) -> None:
        """Let go of what was said about the instrument's market."""
        market_id = self.context.instruments[symbol].market_id
        self._acted_ns.pop(market_id, None)
        self._skipped.pop(market_id, None)

    # --- the forms ------------------------------------------------------------------------------

    def _inside(self, market: Market, now_ns: int) -> Signal | Opportunity | None:
        walk = self._walk(market.symbols, MICROS, now_ns)
        if walk is None or walk.gross_micros <= 0:
            return None
        if market.mirrored:
            figure = f"YES + NO at {walk.first_cost_text}"
            reason = "mirrored books cannot sum below 1: stale or torn data"
            return self._seen(market.market_id, market.symbols, "mirror", figure, reason, now_ns)
        return self._act(market.market_id, market.symbols, walk, "merge", now_ns)

    def _event(self, group: EventGroup, index: int, now_ns: int) -> Signal | Opportunity | None:
        markets = [self.context.markets.get(market_id) for market_id in group.market_ids]
        legs = tuple(market.symbols[index] for market in markets if market is not None)
        count = len(group.market_ids)
        if len(legs) < max(count, 2):
            return None
        pays = MICROS if index == YES else MICROS * (count - 1)
        walk = self._walk(legs, pays, now_ns)
        if walk is None or walk.gross_micros <= 0:
            return None
        key = f"{group.event_id}:{'YES' if index == YES else 'NO'}"
        if not group.exhaustive:
            figure = f"sum {walk.first_cost_text}"
            reason = "the named outcomes are not exhaustive: the sum means nothing"
            return self._seen(key, legs, "exhaustive", figure, reason, now_ns)
        return self._act(key, legs, walk, "none" if index == YES else "convert", now_ns)

    # --- deciding -------------------------------------------------------------------------------

    def _act(
        self, key: str, legs: tuple[str, ...], walk: SetWalk, then: SetAction, now_ns: int
    ) -> Signal | Opportunity | None:
        if now_ns - self._acted_ns.get(key, 0) < self.rest_s * NS_PER_S:
            return None
        if walk.profit_micros <= 0:
            figure = f"gross {walk.gross_text}, fees {walk.first_fee_text} a share"
            return self._seen(key, legs, "fees", figure, "fees eat the gap", now_ns)
        if walk.lots < walk.min_lots:
            figure = f"{walk.quantity_text} shares"
            reason = "the depth is below the venue's smallest order"
            return self._seen(key, legs, "depth", figure, reason, now_ns)
        least = self._below_minimum(legs, walk)
        if least:
            reason = "a leg is below the venue's smallest amount"
            return self._seen(key, legs, "amount", least, reason, now_ns)
        if walk.profit_micros < self.profit_usd_min * MICROS:
            reason = f"profit below {self.profit_usd_min:g}"
            return self._seen(key, legs, "profit", walk.profit_text, reason, now_ns)
        if then == "none" and self._held_micros(legs, walk) > self.held_usd_max * MICROS:
            figure = format_micros(self._held_micros(legs, walk))
            return self._seen(key, legs, "held", figure, "enough of these sets is held", now_ns)
        self._acted_ns[key] = now_ns
        self._skipped.pop(key, None)
        return Signal(
            legs=tuple(
                Leg(symbol=symbol, side="BUY", quantity_lots=walk.lots, limit_ticks=worst)
                for symbol, worst in zip(legs, walk.worst_ticks, strict=True)
            ),
            reason=f"set of {len(legs)} at {walk.first_cost_text}, pays {walk.pays_text}",
            confidence_pct=99,
            all_or_none=True,
            then=then,
            expected_edge_micros=walk.profit_micros,
        )

    def _below_minimum(self, legs: tuple[str, ...], walk: SetWalk) -> str:
        """Return what the smallest leg comes to if the venue would not take it, "" if all can."""
        for symbol, worst in zip(legs, walk.worst_ticks, strict=True):
            leg = self.context.instruments[symbol]
            worth = notional_micros(worst, walk.lots, leg.tick_nanos * leg.lot_nanos)
            if worth < leg.min_notional_micros:
                return f"{symbol} {format_micros(worth)}"
        return ""

    def _held_micros(self, legs: tuple[str, ...], walk: SetWalk) -> int:
        """Return what the sets held would pay if these were bought as well."""
        lots = min(self.held_lots(symbol) for symbol in legs) + walk.lots
        lot_nanos = self.context.instruments[legs[0]].lot_nanos
        return settlement_micros(lots, lot_nanos, walk.pays_micros)

    def _seen(
        self, key: str, legs: tuple[str, ...], test: str, figure: str, reason: str, now_ns: int
    ) -> Opportunity | None:
        """Return a skipped opportunity, once per set and figure: not on every book again."""
        said = f"{test} {figure}"
        before, said_ns = self._skipped.get(key, ("", 0))
        if before == said or now_ns - said_ns < self.rest_s * NS_PER_S:
            return None
        self._skipped[key] = (said, now_ns)
        return Opportunity(
            symbols=legs, test=test, figure=figure, reason=reason, alarm=test == "mirror"
        )

    def _walk(self, symbols: tuple[str, ...], pays_micros: int, now_ns: int) -> SetWalk | None:
        legs = []
        for symbol in symbols:
            book = self.context.book(symbol)
            if book is None or not len(book.ask_ticks) or not self.context.tradable(symbol):
                return None
            if book.state != "live" or now_ns - book.ts_ns > self.book_age_s * NS_PER_S:
                return None
            legs.append(SetLeg(self.context.instruments[symbol], book.ask_ticks, book.ask_lots))
        return walk_set(legs, pays_micros, round(self.order_usd * MICROS))

    def _market(self, symbol: str) -> Market | None:
        instrument = self.context.instruments.get(symbol)
        return None if instrument is None else self.context.markets.get(instrument.market_id)
