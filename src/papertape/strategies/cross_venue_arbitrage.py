"""cross_venue_arbitrage: one question on two venues, bought on both sides below what it pays.

Idea: YES here and NO there pay 1 together, whatever happens, if it really is one question. Bought
where both asks and both fees together cost less than 1, level by level, all or none; no merge is
possible, so both stay until both venues have resolved. Which questions are one is for a person to
say (`pair_file.py`): pairs that nobody has confirmed are shown and never traded. Loses money, and
then all of it, when the two venues resolve differently after all.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from papertape.model.market import Market
from papertape.model.market_data import BookSeen
from papertape.model.signal import Leg, Opportunity, Signal
from papertape.strategies.base import Answer, Param, Strategy, TextParam
from papertape.strategies.pair_file import QuestionPair, read_pairs
from papertape.strategies.set_walk import SetLeg, SetWalk, walk_set

NS_PER_S = 1_000_000_000
MICROS = 1_000_000
YES, NO = 0, 1
YEAR_S = 365 * 86_400


class CrossVenueArbitrage(Strategy):
    """Buy both sides of a confirmed pair below 1 after fees; hold to both resolutions."""

    name: ClassVar[str] = "cross_venue_arbitrage"
    summary: ClassVar[str] = "One question on two venues, both sides below what they pay."
    texts: ClassVar[tuple[TextParam, ...]] = (
        TextParam("pairs_file", "", "file in which a person confirms pairs of markets"),
    )
    params: ClassVar[tuple[Param, ...]] = (
        Param("profit_usd_min", float, 0.5, 0, 100_000, "USD", "least profit of a pair"),
        Param(
            "return_pct_min", float, 0.0, 0, 10_000, "% a year", "least return on what is locked"
        ),
        Param("order_usd", float, 200.0, 1, 1_000_000, "USD", "most that a pair may cost"),
        Param("rest_s", int, 30, 0, 86_400, "s", "pause per pair after acting, or saying why not"),
        Param("book_age_s", int, 5, 1, 3600, "s", "oldest book of a leg that counts"),
    )
    pairs_file: str
    profit_usd_min: float
    return_pct_min: float
    order_usd: float
    rest_s: int
    book_age_s: int

    def on_start(self) -> None:
        """Read the pairs."""
        self._pairs = read_pairs(Path(self.pairs_file).expanduser()) if self.pairs_file else ()
        self._acted_ns: dict[str, int] = {}
        self._said: dict[str, tuple[str, int]] = {}

    def on_book(self, book: BookSeen) -> Answer:
        """Look at the pairs that this instrument's market is part of."""
        instrument = self.context.instruments[book.symbol]
        market = self.context.markets.get(instrument.market_id)
        if market is None or len(market.symbols) != 2:
            return None
        answers = []
        for pair in self._pairs:
            other_id = pair.partner(market.market_id)
            other = None if other_id is None else self.context.markets.get(other_id)
            if other is not None and len(other.symbols) == 2:
                answer = self._pair(pair, market, other, market.symbols.index(book.symbol), book)
                if answer is not None:
                    answers.append(answer)
        return answers

    def _pair(
        self, pair: QuestionPair, market: Market, other: Market, side: int, book: BookSeen
    ) -> Signal | Opportunity | None:
        """Judge one side here against the side there that pays when this one does not."""
        against = side if pair.polarity == "inverse" else 1 - side
        legs = (book.symbol, other.symbols[against])
        walk = self._walk(legs, book.ts_ns)
        if walk is None or walk.gross_micros <= 0:
            return None
        key = f"{pair.name}:{legs[0]}:{legs[1]}"
        if pair.missing:
            words = f"nobody has confirmed {', '.join(pair.missing)}"
            return self._seen(key, legs, "unconfirmed", f"sum {walk.first_cost_text}", words, book)
        return self._act(key, pair, legs, walk, max(market.end_ns, other.end_ns), book)

    def _act(
        self, key: str, pair: QuestionPair, legs: tuple[str, str], walk: SetWalk, end_ns: int,
        book: BookSeen,
    ) -> Signal | Opportunity | None:  # fmt: skip
        if walk.profit_micros <= 0:
            figure = f"gross {walk.gross_text}, fees {walk.first_fee_text} a share"
            return self._seen(key, legs, "fees", figure, "fees eat the gap", book)
        if walk.lots < max(walk.min_lots, 1):
            figure = f"{walk.quantity_text} shares"
            return self._seen(key, legs, "depth", figure, "below the smallest order", book)
        if walk.profit_micros < self.profit_usd_min * MICROS:
            words = f"profit below {self.profit_usd_min:g}"
            return self._seen(key, legs, "profit", walk.profit_text, words, book)
        locked_s = max((end_ns - book.ts_ns) // NS_PER_S, 1)
        cost = walk.first_cost_micros + walk.first_fee_micros
        yearly_pct = 100 * (walk.pays_micros - cost) / max(cost, 1) * YEAR_S / locked_s
        if yearly_pct < self.return_pct_min:
            figure = f"{yearly_pct:.1f} % a year"
            return self._seen(key, legs, "return", figure, "locked for too little", book)
        if book.ts_ns - self._acted_ns.get(key, -YEAR_S * NS_PER_S) < self.rest_s * NS_PER_S:
            return None
        self._acted_ns[key] = book.ts_ns
        self._said.pop(key, None)
        return Signal(
            legs=tuple(
                Leg(symbol=symbol, side="BUY", quantity_lots=walk.lots, limit_ticks=worst)
                for symbol, worst in zip(legs, walk.worst_ticks, strict=True)
            ),
            reason=f"{pair.name} at {walk.first_cost_text}, pays 1 on one of two venues",
            confidence_pct=95,
            all_or_none=True,
            expected_edge_micros=walk.profit_micros,
        )

    def _walk(self, legs: tuple[str, str], now_ns: int) -> SetWalk | None:
        found = []
        for symbol in legs:
            book = self.context.book(symbol)
            if book is None or not len(book.ask_ticks) or not self.context.tradable(symbol):
                return None
            if book.state != "live" or now_ns - book.ts_ns > self.book_age_s * NS_PER_S:
                return None
            found.append(SetLeg(self.context.instruments[symbol], book.ask_ticks, book.ask_lots))
        if len({leg.instrument.lot_nanos for leg in found}) > 1:
            return None  # the two venues count in different lots: no size is the same on both
        return walk_set(found, MICROS, round(self.order_usd * MICROS))

    def _seen(
        self, key: str, legs: tuple[str, str], test: str, figure: str, reason: str, book: BookSeen
    ) -> Opportunity | None:
        said, (before, said_ns) = f"{test} {figure}", self._said.get(key, ("", 0))
        if before == said or book.ts_ns - said_ns < self.rest_s * NS_PER_S:
            return None
        self._said[key] = (said, book.ts_ns)
        return Opportunity(symbols=legs, test=test, figure=figure, reason=reason)
