"""market_making: a bid and an ask around the middle, leaned against what is held.

Idea: who waits earns the spread from those who cannot. One post-only bid rests below fair value,
and where something is held, one post-only ask above it. With inventory both quotes move down, so
that the next trade more likely sells than buys (Avellaneda and Stoikov 2008, Quantitative Finance
8(3): the reservation price falls with inventory, volatility and time left). Outcome tokens have no
short side, so nothing is offered that is not held. Loses money when it is filled by those who know
more ("adverse selection"): the price goes on through the quote. Before a market ends that is
everybody.
"""

from __future__ import annotations

from typing import ClassVar

from papertape.model.events import OrderFilled
from papertape.model.instrument import Instrument, Side
from papertape.model.market_data import BookSeen
from papertape.model.orders import Amend, Cancel, Terms
from papertape.model.signal import Leg, Signal
from papertape.strategies.base import Answer, Param, Strategy, Wish
from papertape.strategies.long_only import HALF, MICROS, NS_PER_S
from papertape.strategies.sizing import edge_micros, lots_for_micros
from papertape.strategies.window import Volatility

SPAN_S = 120  # of the volatility that widens the quotes


class MarketMaking(Strategy):
    """Quote both sides of outcome tokens, leaned against inventory, wider when it is wild."""

    name: ClassVar[str] = "market_making"
    summary: ClassVar[str] = "Rests a bid and an ask around fair value, leaned against inventory."
    params: ClassVar[tuple[Param, ...]] = (
        Param("half_spread_cents", float, 3.0, 0.1, 20, "cents", "least distance from fair value"),
        Param("wild_multiple", float, 3.0, 0, 20, "x", "of the volatility of a second, on top"),
        Param("lean_cents", float, 2.0, 0, 20, "cents", "how far full inventory moves the quotes"),
        Param("order_usd", float, 10.0, 1, 100_000, "USD", "size of a quote"),
        Param("held_usd_max", float, 40.0, 1, 1_000_000, "USD", "inventory at which it only sells"),
        Param("requote_cents", float, 1.0, 0.1, 20, "cents", "a quote this far off is moved"),
        Param("requote_s", float, 2.0, 0, 600, "s", "least time between two moves of a quote"),
        Param("rest_s", float, 60.0, 0, 3600, "s", "no new bid for so long after one was filled"),
        Param("spread_cents_max", float, 10.0, 0.5, 50, "cents", "a wider market is left alone"),
        Param("end_s", int, 60, 0, 86_400, "s", "no bid in the last seconds of a market"),
        Param("low_cents", int, 10, 0, 99, "cents", "no bid below this price"),
        Param("high_cents", int, 90, 1, 100, "cents", "no bid above this price"),
    )
    half_spread_cents: float
    wild_multiple: float
    lean_cents: float
    order_usd: float
    held_usd_max: float
    requote_cents: float
    requote_s: float
    rest_s: float
    spread_cents_max: float
    end_s: int
    low_cents: int
    high_cents: int

    def on_start(self) -> None:
        """Forget all quotes; what rests is read from the books of the run."""
        self._volatility: dict[str, Volatility] = {}
        self._moved_ns: dict[tuple[str, Side], int] = {}
        self._bought_ns: dict[str, int] = {}

    def wants(self, instrument: Instrument) -> bool:
        """Return whether it is an outcome token."""
        return instrument.kind == "outcome"

    def forget(self, symbol: str) -> None:
        """Let go of an instrument."""
        self._volatility.pop(symbol, None)
        self._bought_ns.pop(symbol, None)
        for side in ("BUY", "SELL"):
            self._moved_ns.pop((symbol, side), None)

    def on_fill(self, fill: OrderFilled) -> Answer:
        """Rest after a bid was filled, and offer what it brought."""
        if fill.side == "BUY":
            self._bought_ns[fill.symbol] = self.context.now_ns()
        self._moved_ns.pop((fill.symbol, "SELL"), None)
        return None

    def on_book(self, book: BookSeen) -> Answer:
        """Keep one quote on each side where it should be."""
        symbol, mid = book.symbol, book.mid_half_ticks()
        instrument = self.context.instruments[symbol]
        resting = {kept.order.side: kept for kept in self.open_orders(symbol)}
        if not self.context.tradable(symbol):
            return None
        if mid is None or book.state != "live":
            return Cancel(symbol=symbol, reason="no two-sided live book") if resting else None
        volatility = self._volatility.get(symbol)
        if volatility is None:
            volatility = self._volatility[symbol] = Volatility(SPAN_S * NS_PER_S)
        volatility.add(book.ts_ns, mid)
        wanted = self._wanted(book, instrument, mid, volatility)
        wishes: list[Wish] = []
        for side in ("BUY", "SELL"):
            kept, quote = resting.get(side), wanted.get(side)
            if kept is not None and quote is None:
                wishes.append(Cancel(order_id=kept.order.order_id, reason="not wanted any more"))
            elif quote is not None:
                ticks, lots = quote
                if kept is None:
                    if self._may_move(symbol, side, book.ts_ns):
                        wishes.append(self._quote(instrument, side, ticks, lots, mid))
                elif self._is_off(instrument, kept.order.limit_ticks or 0, ticks) and (
                    self._may_move(symbol, side, book.ts_ns)
                ):
                    reason = f"fair value is {instrument.price_text(mid // HALF)}"
                    wishes.append(
                        Amend(order_id=kept.order.order_id, limit_ticks=ticks, reason=reason)
                    )
        return wishes

    def _wanted(
        self, book: BookSeen, instrument: Instrument, mid: int, volatility: Volatility
    ) -> dict[Side, tuple[int, int]]:
        """Return (ticks, lots) of the quotes that should rest, by side."""
        cent = instrument.one_ticks / 100
        spread = book.ask_ticks[0] - book.bid_ticks[0]
        if spread > self.spread_cents_max * cent:
            return {}
        fair = mid / HALF
        held = self.held_lots(book.symbol)
        full = lots_for_micros(instrument, max(round(fair), 1), round(self.held_usd_max * MICROS))
        lean = self.lean_cents * cent * min(held / full, 1.0) if full else 0.0
        wild = self.wild_multiple * (volatility.per_root_second() or 0.0) * fair
        half = max(self.half_spread_cents * cent, wild)
        found: dict[Side, tuple[int, int]] = {}
        bid = self._down(instrument, min(fair - half - lean, book.ask_ticks[0] - 1))
        lots = lots_for_micros(instrument, bid, round(self.order_usd * MICROS)) if bid > 0 else 0
        if lots and held + lots <= full and self._may_bid(book, instrument, bid):
            found["BUY"] = (bid, lots)
        if held:
            ask = self._up(instrument, max(fair + half - lean, book.bid_ticks[0] + 1))
            if ask < instrument.one_ticks:
                found["SELL"] = (ask, held)
        return found

    def _may_bid(self, book: BookSeen, instrument: Instrument, bid: int) -> bool:
        market = self.context.markets.get(instrument.market_id)
        cent = instrument.one_ticks / 100
        bought_ns = self._bought_ns.get(book.symbol)
        if bought_ns is not None and book.ts_ns - bought_ns < self.rest_s * NS_PER_S:
            return False
        late = market is not None and market.end_ns - book.ts_ns < self.end_s * NS_PER_S
        return not late and self.low_cents * cent <= bid <= self.high_cents * cent

    def _may_move(self, symbol: str, side: Side, ts_ns: int) -> bool:
        last_ns = self._moved_ns.get((symbol, side))
        if last_ns is not None and ts_ns - last_ns < self.requote_s * NS_PER_S:
            return False
        self._moved_ns[symbol, side] = ts_ns
        return True

    def _is_off(self, instrument: Instrument, resting: int, wanted: int) -> bool:
        return abs(resting - wanted) >= self.requote_cents * instrument.one_ticks / 100

    def _quote(self, instrument: Instrument, side: Side, ticks: int, lots: int, mid: int) -> Signal:
        away = abs(ticks * HALF - mid)
        terms = Terms(post_only=True)
        leg = Leg(
            symbol=instrument.symbol, side=side, quantity_lots=lots, limit_ticks=ticks, terms=terms
        )
        return Signal(
            legs=(leg,),
            reason=f"fair value {instrument.price_text(mid // HALF)}",
            time_in_force="GTC",
            expected_edge_micros=edge_micros(instrument, away, lots) if side == "BUY" else None,
        )

    @staticmethod
    def _down(instrument: Instrument, ticks: float) -> int:
        return int(ticks // instrument.step_ticks) * instrument.step_ticks

    @staticmethod
    def _up(instrument: Instrument, ticks: float) -> int:
        return -int(-ticks // instrument.step_ticks) * instrument.step_ticks
