"""The strategies that wait to be asked: each trades on a fixture, for the right reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.engine.desk import CRYPTO_FEE, PAIR, T0_NS, YES, Desk, market_of, outcome, spot

from papertape.clock import NS_PER_S
from papertape.model.events import SignalRaised
from papertape.model.market_data import InstrumentSeen, MarketSeen, PrintSeen
from papertape.strategies.base import Strategy
from papertape.strategies.news import Headline, News
from papertape.strategies.statistical_arbitrage import StatisticalArbitrage
from papertape.strategies.threshold import Threshold
from papertape.strategies.volatility_breakout import VolatilityBreakout

SHORT = {"warm_s": 5, "hold_s": 20, "rest_s": 5, "order_usd": 100}
OTHER = "test:ETH/USDT"
QUIET = [5_000, 5_100, 5_000, 5_200, 5_100] * 5


def desk_with(strategy: Strategy, **listing: Any) -> Desk:
    """Return a desk with one market and one strategy."""
    desk = Desk({strategy.name: strategy})
    desk.list_market(fees=CRYPTO_FEE, **listing)
    return desk


def show(desk: Desk, mid: int, symbol: str = YES, *, after_s: float = 1.0) -> None:
    """Show a deep book around a price, spread one cent."""
    desk.book(symbol, bids=[(mid, 10**6)], asks=[(mid + 100, 10**6)], after_s=after_s)


def prints(desk: Desk, lots: int, symbol: str = YES) -> None:
    """Show a trade of others."""
    seen = PrintSeen(symbol=symbol, ts_ns=0, price_ticks=5_000, quantity_lots=lots, side="BUY")
    desk.step(seen)


def sides(desk: Desk) -> list[str]:
    """Return the sides of the fills in order."""
    return [fill.side for fill in desk.fills()]


def reasons(desk: Desk) -> list[str]:
    """Return why each signal was sent, oldest first."""
    return [event.reason for event in desk.events(SignalRaised)]


# --- volatility_breakout ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ([5_900, 6_400, 6_900, 6_300, 6_300], "trailing stop"),
        ([5_900] * 30, "held for"),
    ],
)
def test_a_break_of_a_quiet_range_is_bought(after: list[int], why: str) -> None:
    desk = desk_with(VolatilityBreakout(window_s=20, cost_multiple=0, **SHORT))
    for mid in [*QUIET, 5_600, *after]:
        show(desk, mid)
    assert sides(desk)[:2] == ["BUY", "SELL"]
    assert "above the range" in reasons(desk)[0]
    assert why in reasons(desk)[1]
    assert desk.events(SignalRaised)[0].expected_edge_micros is not None


def test_a_wide_range_is_no_quiet_one() -> None:
    desk = desk_with(VolatilityBreakout(window_s=20, cost_multiple=0, **SHORT))
    for mid in [*[3_000, 7_000] * 15, 7_900, 8_500]:
        show(desk, mid)
    assert not desk.fills()


def test_a_range_that_does_not_pay_the_costs_is_left() -> None:
    desk = desk_with(VolatilityBreakout(window_s=20, cost_multiple=50, **SHORT))
    for mid in [*QUIET, 5_600, 5_900]:
        show(desk, mid)
    assert not desk.fills()


# --- news ---------------------------------------------------------------------------------------


def burst(desk: Desk, *, usual: int, spike: int, path: Sequence[int]) -> None:
    """Show a minute of usual volume, then a burst with a rise."""
    for _ in range(60):
        prints(desk, usual)
        show(desk, 5_000)
    for mid in path:
        prints(desk, spike)
        show(desk, mid)


RISE = [5_300, 5_700, 6_100, 6_500]


def test_a_jump_with_a_burst_of_volume_is_bought_and_left() -> None:
    desk = desk_with(News(spike_s=5, usual_s=60, cost_multiple=0, **SHORT))
    burst(desk, usual=100, spike=5_000, path=[*RISE, *[7_500] * 3])
    assert sides(desk)[:2] == ["BUY", "SELL"]
    assert "times the usual volume" in reasons(desk)[0]
    assert "target" in reasons(desk)[1]


@pytest.mark.parametrize(
    ("usual", "spike", "path"),
    [
        (100, 100, RISE),  # a rise on the usual volume
        (100, 5_000, [5_000] * 6),  # volume, and the price stays
        (0, 5_000, RISE),  # nothing is known of what is usual
    ],
)
def test_half_of_the_signs_is_no_news(usual: int, spike: int, path: list[int]) -> None:
    desk = desk_with(News(spike_s=5, usual_s=60, cost_multiple=0, **SHORT))
    for _ in range(60):
        if usual:
            prints(desk, usual)
        show(desk, 5_000)
    for mid in path:
        prints(desk, spike)
        show(desk, mid)
    assert not desk.fills()


class Wire:
    """A news source with one headline."""

    def __init__(self, ts_ns: int, symbol: str) -> None:
        self.headline = Headline(ts_ns=ts_ns, symbols=(symbol,), text="it will rain")

    def headlines(self, after_ns: int, until_ns: int) -> Sequence[Headline]:
        """Return the headline once it is out."""
        return [self.headline] if after_ns < self.headline.ts_ns <= until_ns else []


@pytest.mark.parametrize(("symbol", "trades"), [(YES, True), ("test:snow:YES", False)])
def test_with_a_source_a_headline_is_the_sign(symbol: str, trades: bool) -> None:
    class Wired(News):
        source = Wire(T0_NS + 21 * NS_PER_S, symbol)

    desk = desk_with(Wired(spike_s=5, usual_s=60, cost_multiple=0, **SHORT))
    for mid in [*[5_000] * 20, *RISE]:
        prints(desk, 10**6)  # volume alone says nothing here
        show(desk, mid)
    assert bool(desk.fills()) is trades
    if trades:
        assert "headline: it will rain" in reasons(desk)[0]


# --- statistical_arbitrage ----------------------------------------------------------------------


def pairs(strategy: Strategy) -> Desk:
    """Return a desk with two pairs."""
    desk = Desk({strategy.name: strategy})
    desk.list_pair()
    desk.step(InstrumentSeen(ts_ns=0, instrument=spot(OTHER)))
    return desk


def tell(desk: Desk, first: int, second: int) -> None:
    """Show both pairs, a second later."""
    for symbol, mid in ((PAIR, first), (OTHER, second)):
        desk.book(
            symbol, bids=[(mid, 10**9)], asks=[(mid + 1, 10**9)], after_s=float(symbol == PAIR)
        )


def test_the_pair_that_fell_behind_is_bought_and_sold_when_it_is_back() -> None:
    strategy = StatisticalArbitrage(
        window_s=60, warm_s=20, hold_s=300, rest_s=5, order_usd=100, cost_multiple=0
    )
    desk = pairs(strategy)
    for second in range(60):
        tell(desk, 6_400_000 + second % 3, 320_000 + second % 2)
    for _ in range(3):
        tell(desk, 6_400_000, 316_000)
    assert [(fill.symbol, fill.side) for fill in desk.fills()] == [(OTHER, "BUY")]
    assert f"behind {PAIR}" in reasons(desk)[0]
    for _ in range(10):
        tell(desk, 6_400_000, 320_000)
    assert [(fill.symbol, fill.side) for fill in desk.fills()][1] == (OTHER, "SELL")
    assert reasons(desk)[1] in ("the ratio has come back", "the ratio has turned")
    assert desk.held(OTHER, strategy.name) == 0


def test_a_relation_that_breaks_is_left_with_a_loss() -> None:
    strategy = StatisticalArbitrage(
        window_s=60, warm_s=20, hold_s=300, rest_s=5, order_usd=100, cost_multiple=0
    )
    desk = pairs(strategy)
    for second in range(60):
        tell(desk, 6_400_000 + second % 3, 320_000 + second % 2)
    for price in (316_000, 314_000, 308_000, 300_000):
        tell(desk, 6_400_000, price)
    assert sides(desk)[:2] == ["BUY", "SELL"]
    assert "broken" in reasons(desk)[1]
    assert desk.view.portfolio.get_summary()["realized_pnl"] < 0


def test_pairs_that_move_together_are_left_alone() -> None:
    desk = pairs(StatisticalArbitrage(window_s=60, warm_s=20, cost_multiple=0))
    for second in range(120):
        tell(desk, 6_400_000 + 20_000 * (second % 7), 320_000 + 1_000 * (second % 7))
    assert not desk.fills()


def test_a_price_that_is_old_is_no_peer() -> None:
    desk = pairs(StatisticalArbitrage(window_s=60, warm_s=20, apart_s=5, cost_multiple=0))
    for second in range(60):
        tell(desk, 6_400_000 + second % 3, 320_000 + second % 2)
    for _ in range(40):
        desk.book(OTHER, bids=[(300_000, 10**9)], asks=[(300_001, 10**9)], after_s=1)
    assert len(desk.fills()) <= 1  # while the other price was young enough


# --- threshold ----------------------------------------------------------------------------------

QUESTION = "Will the price of Bitcoin be above $64,000 today?"


def coin_desk(*, end_s: int, question: str = QUESTION) -> Desk:
    """Return a desk with a coin and a market on it that ends after so many seconds."""
    desk = Desk({"threshold": Threshold(volatility_s=60, order_usd=100)})
    desk.list_pair()
    market = msgspec.structs.replace(
        market_of("rain"), question=question, end_ns=T0_NS + end_s * NS_PER_S
    )
    tokens = tuple(outcome(symbol, fees=CRYPTO_FEE) for symbol in market.symbols)
    desk.step(MarketSeen(ts_ns=0, market=market, instruments=tokens))
    return desk


def coin_path(desk: Desk, centre: int, *, swing: int, seconds: int) -> None:
    """Let the coin swing around a price, a step each second."""
    for second in range(seconds):
        mid = centre + (swing if second % 2 else -swing)
        desk.book(PAIR, bids=[(mid, 10**9)], asks=[(mid + 1, 10**9)], after_s=1)


@pytest.mark.parametrize(("coin", "symbol"), [(6_500_000, YES), (6_300_000, "test:rain:NO")])
def test_the_token_below_its_chance_is_bought(coin: int, symbol: str) -> None:
    """64,000 is 1.5 % away and a second moves 0.03 %: five minutes make it about three spreads."""
    desk = coin_desk(end_s=360)
    coin_path(desk, coin, swing=1_000, seconds=60)
    for token in (YES, "test:rain:NO"):
        show(desk, 6_000, token, after_s=0)
    assert [(fill.symbol, fill.side) for fill in desk.fills()] == [(symbol, "BUY")]
    edge = desk.events(SignalRaised)[0].expected_edge_micros
    assert edge is not None
    assert edge > 0
    show(desk, 9_900, symbol, after_s=30)  # somebody pays all that it may be worth
    coin_path(desk, 6_400_000, swing=1_000, seconds=3)  # and the coin is back at the strike
    show(desk, 9_900, symbol, after_s=0)
    assert sides(desk) == ["BUY", "SELL"]


def test_without_a_fresh_coin_nothing_is_worth_anything() -> None:
    desk = coin_desk(end_s=360)
    coin_path(desk, 6_500_000, swing=1_000, seconds=60)
    show(desk, 6_000, after_s=10)
    assert not desk.fills()


def test_another_question_has_no_chance() -> None:
    desk = coin_desk(end_s=360, question="Will Bitcoin hit $64,000 by tonight?")
    coin_path(desk, 6_500_000, swing=1_000, seconds=60)
    show(desk, 6_000, after_s=0)
    assert not desk.fills()


def test_no_more_than_enough_of_one_token() -> None:
    desk = Desk({"threshold": Threshold(volatility_s=60, order_usd=20, held_usd_max=30, rest_s=0)})
    desk.list_pair()
    market = msgspec.structs.replace(
        market_of("rain"), question=QUESTION, end_ns=T0_NS + 360 * NS_PER_S
    )
    tokens = tuple(outcome(symbol, fees=CRYPTO_FEE) for symbol in market.symbols)
    desk.step(MarketSeen(ts_ns=0, market=market, instruments=tokens))
    coin_path(desk, 6_500_000, swing=1_000, seconds=60)
    for _ in range(5):
        show(desk, 6_000, after_s=0.1)
    assert sum(fill.notional_micros for fill in desk.fills()) <= 30_000_000
    assert len(desk.fills()) == 2
