"""What each end of a market or an event brings, against settling it for real."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.desk import Desk

from papertape.services.outcomes import Stake, event_matrix, market_matrix, stakes_of

SLUGS = ("ann", "bob", "cyd")
ONE = 1_000_000


def event_desk(*, neg_risk: bool = True, augmented: bool = False) -> Desk:
    """Return a desk with a race of three and deep books."""
    desk = Desk()
    desk.list_event(SLUGS, neg_risk=neg_risk, augmented=augmented)
    for slug, yes in zip(SLUGS, (5_000, 3_000, 1_000), strict=True):
        desk.book(f"test:{slug}:YES", bids=[(yes, 10**7)], asks=[(yes + 100, 10**7)])
        desk.book(f"test:{slug}:NO", bids=[(9_900 - yes, 10**7)], asks=[(10_000 - yes, 10**7)])
    return desk


def test_yes_and_no_of_a_market_lose_nothing_but_the_spread() -> None:
    desk = event_desk()
    desk.send("BUY", 1_000, symbol="test:ann:YES")  # 10 at 0.51
    desk.send("BUY", 1_000, symbol="test:ann:NO")  # 10 at 0.50
    market = desk.view.markets["test:ann"]
    matrix = market_matrix(desk.view, market, stakes_of(desk.view, market.symbols))
    assert matrix.cost_micros == 10_100_000
    assert [world.pnl_micros for world in matrix.worlds] == [-100_000, -100_000]
    assert matrix.worst_micros == matrix.expected_micros == -100_000


def test_a_nested_event_is_never_summed() -> None:
    """Both YES of two dates may lose: the worst is the sum, whatever the prices add up to."""
    desk = event_desk(neg_risk=False)
    for slug in SLUGS:
        desk.send("BUY", 1_000, symbol=f"test:{slug}:YES")
    group = desk.view.groups["race"]
    symbols = [f"test:{slug}:YES" for slug in SLUGS]
    matrix = event_matrix(desk.view, group, stakes_of(desk.view, symbols))
    assert matrix.worst_micros == -matrix.cost_micros == -9_300_000
    exhaustive = event_desk()
    for slug in SLUGS:
        exhaustive.send("BUY", 1_000, symbol=f"test:{slug}:YES")
    group = exhaustive.view.groups["race"]
    matrix = event_matrix(exhaustive.view, group, stakes_of(exhaustive.view, symbols))
    assert {world.pnl_micros for world in matrix.worlds} == {700_000}


def test_without_prices_nothing_is_expected() -> None:
    desk = Desk()
    market = desk.list_market()
    matrix = market_matrix(desk.view, market, {"test:rain:YES": Stake(100, 400_000)})
    assert matrix.expected_micros is None
    assert [world.chance_ppm for world in matrix.worlds] == [None, None]
    assert matrix.worst_micros == -400_000


@settings(max_examples=60, deadline=None)
@given(
    buys=st.lists(
        st.tuples(st.sampled_from(SLUGS), st.sampled_from(("YES", "NO")), st.integers(1, 2_000)),
        min_size=1,
        max_size=8,
    ),
    winner=st.sampled_from(SLUGS),
)
def test_a_world_is_what_settling_it_pays(buys: list[tuple[str, str, int]], winner: str) -> None:
    desk = event_desk()
    for slug, side, lots in buys:
        desk.send("BUY", lots, symbol=f"test:{slug}:{side}")
    group = desk.view.groups["race"]
    symbols = [f"test:{slug}:{side}" for slug in SLUGS for side in ("YES", "NO")]
    matrix = event_matrix(desk.view, group, stakes_of(desk.view, symbols))
    spent = sum(fill.notional_micros for fill in desk.fills())
    assert matrix.cost_micros == spent
    before = desk.cash + spent
    for slug in SLUGS:
        payouts = (ONE, 0) if slug == winner else (0, ONE)
        desk.resolve(f"test:{slug}", payouts)
    world = matrix.worlds[SLUGS.index(winner)]
    assert desk.cash - before == world.pnl_micros
    assert matrix.worst_micros <= world.pnl_micros
