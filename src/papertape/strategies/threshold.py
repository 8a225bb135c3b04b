"""threshold: markets about a coin's price, against the coin's own price.

Idea: with spot S, strike K, a volatility per root second s and t seconds left, the chance that the
end is above K is N(ln(S / K) / (s sqrt(t))): the digital option of Black and Scholes (1973) without
drift, since minutes have none worth the name. Where a token asks less than its chance by more than
fees and `edge_cents`, it is bought; it is sold when somebody bids more than it is worth, and else
held to the resolution. Loses money when volatility is about to jump, and when the market resolves
on another source or an average (docs/venues.md): `edge_cents` has to pay for that.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import NormalDist
from typing import ClassVar

from papertape.model.instrument import Instrument
from papertape.model.market import Market
from papertape.model.market_data import BarSeen, BookSeen
from papertape.model.signal import Leg, Opportunity, Signal
from papertape.strategies.base import Answer, Param, Strategy
from papertape.strategies.crypto_questions import CryptoQuestion, crypto_question
from papertape.strategies.long_only import MICROS, NS_PER_S
from papertape.strategies.sizing import edge_micros, lots_for_micros, taker_fee_ticks
from papertape.strategies.window import Volatility

NORMAL = NormalDist()
SAMPLES_MAX = 20_000  # spot prices kept for strikes: at one a second more than five hours
KEEP_NS = 5 * 3_600 * NS_PER_S  # the longest up-or-down window, and some
LEFT_LEAST_S = 5  # nearer to the end everybody else knows more


class Threshold(Strategy):
    """Buy outcome tokens below their chance from spot, volatility and time left."""

    name: ClassVar[str] = "threshold"
    summary: ClassVar[str] = "Markets about a coin's price, against the coin's own price."
    params: ClassVar[tuple[Param, ...]] = (
        Param("edge_cents", float, 6.0, 0.1, 50, "cents", "least edge after the fee"),
        Param("exit_cents", float, 1.0, 0, 50, "cents", "bid over worth that ends it"),
        Param("volatility_s", int, 600, 30, 86_400, "s", "span of the realised volatility"),
        Param("spot_age_s", int, 5, 1, 600, "s", "oldest spot price that counts"),
        Param("order_usd", float, 10.0, 1, 1_000_000, "USD", "size of an entry"),
        Param("held_usd_max", float, 30.0, 1, 1_000_000, "USD", "most put into one token"),
        Param("rest_s", int, 20, 0, 86_400, "s", "pause per token after acting"),
        Param("low_cents", int, 5, 0, 99, "cents", "no entry below this price"),
        Param("high_cents", int, 95, 1, 100, "cents", "no entry above this price"),
    )
    edge_cents: float
    exit_cents: float
    volatility_s: int
    spot_age_s: int
    order_usd: float
    held_usd_max: float
    rest_s: int
    low_cents: int
    high_cents: int

    def on_start(self) -> None:
        """Forget all prices."""
        self._spots: dict[str, Spot] = {}  # by asset
        self._questions: dict[str, CryptoQuestion | None] = {}
        self._acted_ns: dict[str, int] = {}

    def forget(self, symbol: str) -> None:
        """Let go of an instrument's question."""
        self._acted_ns.pop(symbol, None)
        self._questions.pop(self.context.instruments[symbol].market_id, None)

    def on_bar(self, bar: BarSeen) -> Answer:
        """Take a closed bar as the price of the coin, where there is no book."""
        if self.context.book(bar.symbol) is None:
            self._price(self.context.instruments[bar.symbol], bar.ts_ns, bar.close_ticks)
        return None

    def on_book(self, book: BookSeen) -> Answer:
        """Learn the price of a coin, or judge a token."""
        instrument = self.context.instruments[book.symbol]
        if instrument.kind == "spot":
            mid = book.mid_half_ticks()
            if mid is not None and book.state == "live":
                self._price(instrument, book.ts_ns, mid // 2)
            return None
        market = self.context.markets.get(instrument.market_id)
        if market is None or not self.context.tradable(book.symbol):
            return None
        if market.market_id not in self._questions:
            self._questions[market.market_id] = crypto_question(market)
        question = self._questions[market.market_id]
        if question is None or book.state != "live":
            return None
        chance = self._chance(question, market, instrument, book.ts_ns)
        return None if chance is None else self._judge(book, instrument, chance)

    # --- worth ----------------------------------------------------------------------------------

    def _price(self, instrument: Instrument, ts_ns: int, ticks: int) -> None:
        asset = instrument.symbol.rpartition(":")[2].partition("/")[0]
        spot = self._spots.get(asset)
        if spot is None:
            spot = self._spots[asset] = Spot(instrument, self.volatility_s)
        if spot.symbol == instrument.symbol:  # the first source of a coin is its only one
            spot.add(ts_ns, ticks)

    def _chance(
        self, question: CryptoQuestion, market: Market, instrument: Instrument, ts_ns: int
    ) -> float | None:
        """Return the chance that the token pays, None where the data cannot tell."""
        spot = self._spots.get(question.asset)
        left_s = (market.end_ns - ts_ns) / NS_PER_S
        if spot is None or left_s < LEFT_LEAST_S:
            return None
        if ts_ns - spot.ts_ns > self.spot_age_s * NS_PER_S:
            return None
        strike = spot.strike(question, self.spot_age_s * NS_PER_S)
        volatility = spot.volatility.per_root_second()
        if strike is None or not volatility:
            return None
        moved = math.log(spot.ticks / strike)
        above = NORMAL.cdf(moved / (volatility * math.sqrt(left_s)))
        pays_yes = above if question.side == "above" else 1 - above
        return pays_yes if market.symbols[0] == instrument.symbol else 1 - pays_yes

    # --- deciding -------------------------------------------------------------------------------

    def _judge(self, book: BookSeen, instrument: Instrument, chance: float) -> Answer:
        worth_ticks = chance * instrument.one_ticks
        cent = instrument.one_ticks / 100
        held = self.held_lots(book.symbol)
        rested = book.ts_ns - self._acted_ns.get(book.symbol, 0) >= self.rest_s * NS_PER_S
        if held and len(book.bid_ticks) and rested:
            bid = book.bid_ticks[0]
            if bid - taker_fee_ticks(instrument, bid) >= worth_ticks + self.exit_cents * cent:
                self._acted_ns[book.symbol] = book.ts_ns
                leg = Leg(symbol=book.symbol, side="SELL", quantity_lots=held, limit_ticks=bid)
                return Signal(legs=(leg,), reason=f"bid above its worth of {chance:.3f}")
        if not rested or not len(book.ask_ticks):
            return None
        ask = book.ask_ticks[0]
        edge_ticks = worth_ticks - ask - taker_fee_ticks(instrument, ask)
        if edge_ticks < self.edge_cents * cent:
            return None
        return self._enter(book, instrument, chance, edge_ticks)

    def _enter(
        self, book: BookSeen, instrument: Instrument, chance: float, edge_ticks: float
    ) -> Answer:
        ask, cent = book.ask_ticks[0], instrument.one_ticks / 100
        if not self.low_cents * cent <= ask <= self.high_cents * cent:
            return None
        self._acted_ns[book.symbol] = book.ts_ns
        price = instrument.price_text(ask)
        lots = min(
            lots_for_micros(instrument, ask, round(self.order_usd * MICROS)),
            lots_for_micros(instrument, ask, round(self.held_usd_max * MICROS))
            - self.held_lots(book.symbol),
        )
        if lots < max(instrument.min_lots, 1):
            return Opportunity(
                symbols=(book.symbol,),
                test="held",
                figure=f"{chance:.3f} against {price}",
                reason=f"{self.held_usd_max:g} in this token is enough",
            )
        leg = Leg(symbol=book.symbol, side="BUY", quantity_lots=lots, limit_ticks=ask)
        return Signal(
            legs=(leg,),
            reason=f"worth {chance:.3f} by spot and volatility, asked {price}",
            confidence_pct=min(round(100 * chance), 100),
            expected_edge_micros=edge_micros(instrument, 2 * edge_ticks, lots),
        )


class Spot:
    """A coin's price over the last hours, its volatility, and what it was at a moment."""

    def __init__(self, instrument: Instrument, volatility_s: int) -> None:
        """Start empty; only this instrument's prices are taken."""
        self.symbol = instrument.symbol
        self.volatility = Volatility(volatility_s * NS_PER_S)
        self.ts_ns = 0
        self.ticks = 0
        self._tick_nanos = instrument.tick_nanos
        self._samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES_MAX)

    def add(self, ts_ns: int, ticks: int) -> None:
        """Take a price; one a second is kept."""
        if ticks <= 0:
            return
        self.ts_ns, self.ticks = ts_ns, ticks
        self.volatility.add(ts_ns, ticks)
        if not self._samples or ts_ns - self._samples[-1][0] >= NS_PER_S:
            self._samples.append((ts_ns, ticks))
        while self._samples[0][0] < ts_ns - KEEP_NS:
            self._samples.popleft()

    def strike(self, question: CryptoQuestion, apart_ns: int) -> float | None:
        """Return the strike in ticks; None if the price at its moment was not seen."""
        if question.strike is not None:
            return float(question.strike) * 1e9 / self._tick_nanos
        near = None
        for ts_ns, ticks in reversed(self._samples):
            if ts_ns <= question.start_ns:
                near = (ts_ns, ticks)
                break
        if near is None or question.start_ns - near[0] > apart_ns:
            return None
        return float(near[1])
