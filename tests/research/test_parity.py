"""The compiled loop = plain Python = the live loop, trade by trade, on generated markets."""

from __future__ import annotations

from random import Random
from types import ModuleType
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.desk import T0_NS, outcome, spot
from tests.forms import compiled, core_fixture, plain
from tests.research.parity import live, looped, same

from papertape import Leg, Signal, Strategy
from papertape.clock import NS_PER_S
from papertape.config import Risk
from papertape.model.instrument import FeeSchedule, Instrument
from papertape.model.market_data import BarSeen, BookSeen, PrintSeen, QuoteSeen
from papertape.services.door_parts import risk_limits
from papertape.strategies.mean_reversion import MeanReversion
from papertape.strategies.momentum import Momentum

loop = core_fixture("loop")

LIMITS = risk_limits(Risk())
FEES = {
    "none": FeeSchedule(),
    "proportional": FeeSchedule(kind="proportional", taker_ppm=1_000, maker_ppm=400),
    "curve": FeeSchedule(kind="curve", taker_ppm=70_000),
    "square curve": FeeSchedule(kind="curve", taker_ppm=250_000, exponent=2),
    "kalshi": FeeSchedule(kind="kalshi", taker_ppm=70_000, maker_ppm=17_500),
}


class Dice(Strategy):
    """Sends whatever comes into its head: every kind of order, many of them impossible."""

    name: ClassVar[str] = "dice"

    def __init__(self, seed: int, lots_max: int, *, told: bool) -> None:
        super().__init__()
        self.random, self.lots_max, self.told = Random(seed), lots_max, told

    def roll(self, symbol: str, ticks: int) -> Any:
        dice = self.random
        if dice.random() < 0.6:
            return None
        signals = [self.signal(symbol, ticks) for _ in range(1 + (dice.random() < 0.2))]
        if dice.random() < 0.05:
            signals.append(signals[0])
        return signals if len(signals) > 1 else signals[0]

    def signal(self, symbol: str, ticks: int) -> Signal:
        dice = self.random
        held = self.held_lots(symbol)
        side: Any = "SELL" if held and dice.random() < 0.5 else "BUY"
        lots = dice.choice([1, dice.randint(1, self.lots_max), held or 1, self.lots_max * 100])
        step = self.context.instruments[symbol].step_ticks
        limit = max(0, (ticks // step + dice.randint(-3, 3)) * step)
        if dice.random() < 0.02:
            limit += 1  # off the grid of an outcome token
        legs = [
            Leg(
                symbol=symbol, side=side, quantity_lots=lots,
                limit_ticks=None if dice.random() < 0.5 else limit,
            )
        ]  # fmt: skip
        others = [s for s in self.context.instruments if s != symbol]
        if others and dice.random() < 0.1:
            legs.append(Leg(symbol=dice.choice(others), side="BUY", quantity_lots=lots))
        if dice.random() < 0.02:
            legs = [Leg(symbol="test:nothing:YES", side=side, quantity="1.5")]
        whole = dice.random() < 0.1
        return Signal(
            legs=tuple(legs),
            time_in_force="GTC" if dice.random() < 0.4 and not whole else "IOC",
            all_or_none=whole,
            reason="dice",
            signal_id=str(dice.randint(1, 50)) if dice.random() < 0.05 else "",
        )

    def on_bar(self, bar: BarSeen) -> Any:
        return self.roll(bar.symbol, bar.close_ticks)

    def on_quote(self, quote: QuoteSeen) -> Any:
        return self.roll(quote.symbol, quote.ask_ticks)

    def on_book(self, book: BookSeen) -> Any:
        return self.roll(book.symbol, book.ask_ticks[0] if len(book.ask_ticks) else 100)

    def on_print(self, seen: PrintSeen) -> Any:
        return self.roll(seen.symbol, seen.price_ticks)


class Talkative(Dice):
    """Also answers its own fills, now and then."""

    name: ClassVar[str] = "talkative"

    def on_fill(self, fill: Any) -> Any:
        if self.random.random() < 0.7:
            return None
        return self.signal(fill.symbol, fill.price_ticks)


def market(seed: int, count: int, instruments: list[Instrument], kinds: str) -> list[Any]:
    """Return a random market of the given kinds of record: b bars, q quotes, d deep books, p."""
    dice = Random(seed)
    now = T0_NS
    prices = {one.symbol: 5_000 if one.kind == "outcome" else 3_000_000 for one in instruments}
    items: list[Any] = []
    for _ in range(count):
        now += dice.choice([0, NS_PER_S // 10, NS_PER_S, 20 * NS_PER_S, 3_600 * NS_PER_S])
        one = dice.choice(instruments)
        step = one.step_ticks if one.kind == "outcome" else 100
        top = one.one_ticks - step if one.kind == "outcome" else 10**9
        price = min(max(prices[one.symbol] + dice.randint(-3, 3) * step, 4 * step), top - 4 * step)
        prices[one.symbol] = price
        kind = dice.choice(kinds)
        items.append(_item(dice, one.symbol, now, price, step, kind))
    return items


def _item(dice: Random, symbol: str, now: int, price: int, step: int, kind: str) -> Any:
    def lots() -> int:
        return dice.choice([0, 1, 50, 1_000, 100_000])

    if kind == "b":
        high, low = price + dice.randint(0, 3) * step, price - dice.randint(0, 3) * step
        return BarSeen(
            symbol=symbol, ts_ns=now, interval_ns=60 * NS_PER_S,
            open_ticks=dice.randint(low, high), high_ticks=high, low_ticks=low,
            close_ticks=price, volume_lots=lots(),
        )  # fmt: skip
    if kind == "q":
        return QuoteSeen(
            symbol=symbol, ts_ns=now, bid_ticks=price - step, bid_lots=lots(),
            ask_ticks=price + step, ask_lots=lots(),
        )  # fmt: skip
    if kind == "p":
        return PrintSeen(
            symbol=symbol, ts_ns=now, price_ticks=price, quantity_lots=1 + lots(), side="SELL"
        )
    bids, asks = dice.randint(0, 4), dice.randint(0, 4)
    return BookSeen(
        symbol=symbol, ts_ns=now,
        bid_ticks=[price - (1 + at) * step for at in range(bids)],
        bid_lots=[1 + lots() for _ in range(bids)],
        ask_ticks=[price + (1 + at) * step for at in range(asks)],
        ask_lots=[1 + lots() for _ in range(asks)],
        state=dice.choice(["live"] * 9 + ["stale"]),
    )  # fmt: skip


def traders(fees: FeeSchedule, kind: str) -> list[Instrument]:
    """Return two instruments of a kind."""
    if kind == "outcome":
        return [outcome(f"test:rain:{side}", fees=fees, min_lots=2) for side in ("YES", "NO")]
    return [spot("test:BTC/USDT", fees=fees), spot("test:ETH/USDT", fees=fees)]


@pytest.mark.parametrize("fees", FEES.values(), ids=FEES)
@pytest.mark.parametrize("kinds", ["b", "q", "d", "bqdp"])
def test_the_loop_trades_as_the_live_engine_does(
    loop: ModuleType, fees: FeeSchedule, kinds: str
) -> None:
    instruments = traders(
        fees, "outcome" if "curve" in fees.kind or fees.kind == "kalshi" else "spot"
    )
    items = market(1, 1_500, instruments, kinds)
    lots = 3_000 if instruments[0].kind == "outcome" else 1_000
    desk = live(items, instruments, Dice(7, lots, told=False))
    result = looped(loop, items, instruments, Dice(7, lots, told=False), limits=LIMITS, parts=3)
    assert result.failure is None
    assert result.fills > 20
    same(desk, result, instruments)


@pytest.mark.parametrize("form", [compiled, plain], ids=["compiled", "plain"])
@given(seed=st.integers(0, 10**9), kinds=st.sampled_from(["b", "q", "d", "bq", "bqdp"]))
def test_random_orders_on_random_markets(form: Any, seed: int, kinds: str) -> None:
    loop = form("loop")
    dice = Random(seed)
    kind = dice.choice(["outcome", "spot"])
    fees = [f for f in FEES.values() if kind == "outcome" or f.kind in {"none", "proportional"}]
    instruments = traders(dice.choice(fees), kind)
    items = market(seed, 120, instruments, kinds)
    make = dice.choice([Dice, Talkative])
    lots = dice.choice([10, 3_000, 10_000_000])
    desk = live(items, instruments, make(seed, lots, told=True))
    strategy = make(seed, lots, told=True)
    result = looped(loop, items, instruments, strategy, limits=LIMITS, parts=dice.randint(1, 4))
    assert result.failure is None
    same(desk, result, instruments)


@pytest.mark.parametrize("make", [Momentum, MeanReversion])
@pytest.mark.parametrize("kinds", ["b", "q", "d"])
def test_shipped_strategies_trade_alike(loop: ModuleType, make: Any, kinds: str) -> None:
    instruments = traders(FEES["none"], "outcome")
    items = market(3, 3_000, instruments, kinds)
    values = {"window_s": 3600, "hold_s": 7200, "order_usd": 20.0, "warm_s": 0, "rest_s": 0}
    desk = live(items, instruments, make(**values))
    result = looped(loop, items, instruments, make(**values), limits=LIMITS)
    assert result.failure is None
    same(desk, result, instruments)
