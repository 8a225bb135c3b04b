"""momentum and mean_reversion: each trades on a fixture, and closes what it opens."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.desk import CRYPTO_FEE, PAIR, YES, Desk

from papertape.strategies.long_only import LongOnly
from papertape.strategies.mean_reversion import MeanReversion
from papertape.strategies.momentum import Momentum

FLAT = [5_000] * 12
UP, DOWN = [5_000, 5_300, 5_700, 6_100, 6_500], [5_000, 4_700, 4_300, 3_900, 3_500]
PATHS: dict[str, tuple[type[LongOnly], list[int], str]] = {
    "momentum reaches its target": (Momentum, [*FLAT, *UP, 7_500, 8_800, 9_700, 9_700], "target"),
    "momentum is stopped": (Momentum, [*FLAT, *UP, 5_500, 4_800, 4_800], "stop"),
    "momentum grows old": (Momentum, [*FLAT, *UP, *([6_500] * 30)], "held for"),
    "reversion comes back": (MeanReversion, [*FLAT, *DOWN, 4_500, 5_000, 5_200, 5_200], "average"),
    "reversion is stopped": (MeanReversion, [*FLAT, *DOWN, 2_000, 1_000, 1_000], "stop"),
    "reversion grows old": (MeanReversion, [*FLAT, *DOWN, *([3_500] * 30)], "held for"),
}


def made(kind: type[LongOnly], **more: Any) -> LongOnly:
    """Return the strategy with short times."""
    values = {"window_s": 60, "warm_s": 5, "hold_s": 20, "rest_s": 5, "order_usd": 100}
    return kind(**(values | more))


def follow(desk: Desk, path: list[int], symbol: str = YES) -> None:
    """Show a book per second along a path of mid prices, spread one cent."""
    for mid in path:
        bids, asks = [(mid, 10**6)], [(mid + 100, 10**6)]
        desk.book(symbol, bids=bids, asks=asks, after_s=1)


@pytest.mark.parametrize(("kind", "path", "why"), PATHS.values(), ids=PATHS)
def test_it_enters_and_leaves(kind: type[LongOnly], path: list[int], why: str) -> None:
    desk = Desk({kind.name: made(kind)})
    desk.list_market(fees=CRYPTO_FEE)
    follow(desk, path)
    sides = [fill.side for fill in desk.fills()]
    assert sides[:2] == ["BUY", "SELL"]
    reasons = [row["reason"] for row in reversed(desk.view.activity.recent_signals)]
    assert why in reasons[1]
    if len(sides) % 2 == 0:
        assert desk.held(strategy=kind.name) == 0
    bought = desk.fills()[0]
    assert 0 < bought.notional_micros <= 100_000_000
    assert desk.view.activity.refused_count == 0


@pytest.mark.parametrize("kind", [Momentum, MeanReversion])
def test_a_quiet_market_is_left_alone(kind: type[LongOnly]) -> None:
    desk = Desk({kind.name: made(kind)})
    desk.list_market(fees=CRYPTO_FEE)
    follow(desk, [5_000, 5_100] * 40)
    assert not desk.fills()


@pytest.mark.parametrize(("kind", "path"), [(Momentum, UP), (MeanReversion, DOWN)])
def test_bars_only_pairs_are_traded_on_the_next_bar(kind: type[LongOnly], path: list[int]) -> None:
    desk = Desk({kind.name: made(kind, window_s=1_200, warm_s=60, hold_s=240, rest_s=60)})
    desk.list_pair()
    closes = [*[1_000_000] * 12, *[200 * close for close in path], *[200 * path[-1]] * 8]
    for close in closes:
        desk.bar([close] * 4, volume=10**9)
    sides = [fill.side for fill in desk.fills()]
    assert sides[:2] == ["BUY", "SELL"]
    assert desk.fills()[0].evidence is not None
    assert desk.held(PAIR, kind.name) == 0 or len(sides) % 2


@pytest.mark.parametrize("kind", [Momentum, MeanReversion])
def test_what_it_held_before_a_restart_is_closed_after_it(kind: type[LongOnly]) -> None:
    path = [*FLAT, *(UP if kind is Momentum else DOWN)]
    desk = Desk({kind.name: made(kind)})
    desk.list_market(fees=CRYPTO_FEE)
    follow(desk, path)
    assert desk.held(strategy=kind.name) > 0
    again = Desk({kind.name: made(kind)}, ledger=desk.ledger, view=desk.view)
    follow(again, [path[-1]] * 30)
    assert again.held(strategy=kind.name) == 0


@pytest.mark.parametrize("kind", [Momentum, MeanReversion])
def test_a_market_that_ends_takes_its_position_along(kind: type[LongOnly]) -> None:
    desk = Desk({kind.name: made(kind)})
    desk.list_market(fees=CRYPTO_FEE)
    follow(desk, [*FLAT, *(UP if kind is Momentum else DOWN)])
    desk.turn("test:rain", "closed")
    follow(desk, [9_000, 100] * 20)
    desk.resolve("test:rain", (1_000_000, 0))
    assert desk.held(strategy=kind.name) == 0
    assert [fill.side for fill in desk.fills()] == ["BUY"]
    assert desk.view.activity.refused_count == 0


def test_one_sided_books_invent_no_price() -> None:
    strategies: dict[str, Any] = {kind.name: made(kind) for kind in (Momentum, MeanReversion)}
    desk = Desk(strategies)
    desk.list_market()
    for _ in range(100):
        desk.book(asks=[(100, 1_000)], after_s=1)
        desk.book(bids=[(9_900, 1_000)], after_s=1)
    assert not desk.fills()


def test_memory_of_markets_that_are_over_is_let_go() -> None:
    strategy = made(Momentum)
    desk = Desk({"momentum": strategy})
    for n in range(50):
        desk.list_market(f"m{n}")
        follow(desk, [5_000] * 3, f"test:m{n}:YES")
        desk.resolve(f"test:m{n}", (1_000_000, 0))
    assert len(strategy._windows) <= 2
