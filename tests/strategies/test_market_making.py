"""Quotes that rest where they should, move with the market, and are taken back in time."""

from __future__ import annotations

from typing import Any

from tests.engine.desk import YES, Desk

from papertape.model.events import OrderAmended, OrderClosed, OrderSubmitted, SignalRaised
from papertape.strategies.market_making import MarketMaking

DAY_S = 86_400


def quoting(**more: Any) -> Desk:
    """Return a desk with one market and the strategy with plain numbers."""
    values = {
        "half_spread_cents": 2, "wild_multiple": 0, "lean_cents": 2, "order_usd": 5,
        "held_usd_max": 20, "requote_s": 0, "rest_s": 0,
    }  # fmt: skip
    strategy = MarketMaking(**(values | more))
    desk = Desk({strategy.name: strategy})
    desk.list_market()
    return desk


def show(desk: Desk, mid: int, *, spread: int = 600, after_s: float = 1.0, **more: Any) -> None:
    """Show a two-sided book."""
    half = spread // 2
    bids, asks = [(mid - half, 10**5)], [(mid + half, 10**5)]
    desk.book(bids=bids, asks=asks, after_s=after_s, **more)


def resting(desk: Desk) -> dict[str, tuple[int, int]]:
    """Return (ticks, lots) of what rests, by side."""
    found: dict[str, tuple[int, int]] = {}
    for kept in desk.view.orders.open.values():
        assert kept.order.side not in found, "one quote a side"
        found[kept.order.side] = (kept.price_ticks, kept.remaining_lots)
    return found


def test_a_bid_rests_below_fair_value_and_follows_it() -> None:
    desk = quoting()
    show(desk, 5_000)
    assert resting(desk) == {"BUY": (4_800, 1_041)}  # 5.00 at 48 cents
    show(desk, 5_050)
    assert resting(desk)["BUY"][0] == 4_800  # half a cent is not worth the place in the queue
    show(desk, 5_200)
    assert resting(desk)["BUY"][0] == 5_000
    assert len(desk.events(OrderAmended)) == 1
    assert len(desk.events(OrderSubmitted)) == 1
    edge = desk.events(SignalRaised)[0].expected_edge_micros
    assert edge == 1_041 * 200  # two cents a share, in micros


def test_what_was_bought_is_offered_above_and_the_bid_leans_down() -> None:
    desk = quoting(lean_cents=8)
    show(desk, 5_000)
    desk.book(bids=[(4_500, 10**5)], asks=[(4_700, 10**5)], after_s=1)  # comes through the bid
    assert desk.held(strategy="market_making") == 1_041
    show(desk, 4_600)
    quotes = resting(desk)
    assert quotes["SELL"][1] == 1_041
    assert 4_700 <= quotes["SELL"][0] < 4_800  # leaned down from 4,800
    assert quotes["BUY"][0] < 4_400
    desk.book(bids=[(5_300, 10**5)], asks=[(5_500, 10**5)], after_s=1)
    assert desk.held(strategy="market_making") == 0


def test_full_inventory_only_sells() -> None:
    desk = quoting(held_usd_max=6)
    show(desk, 5_000)
    desk.book(bids=[(4_500, 10**5)], asks=[(4_700, 10**5)], after_s=1)
    show(desk, 4_600)
    assert set(resting(desk)) == {"SELL"}


def test_quotes_are_taken_back_when_the_book_is_doubtful_or_one_sided() -> None:
    for doubtful in ({"state": "gap"}, {"bids": []}):
        desk = quoting()
        show(desk, 5_000)
        assert resting(desk)
        desk.book(**({"bids": [(4_700, 10)], "asks": [(5_300, 10)]} | doubtful), after_s=1)
        assert not resting(desk)
        assert desk.events(OrderClosed)[-1].state == "cancelled"


def test_the_end_of_a_market_a_wide_one_and_the_rims_are_left() -> None:
    desk = quoting(end_s=60)
    show(desk, 5_000)
    show(desk, 5_000, after_s=DAY_S - 30)
    assert not resting(desk)
    for mid, spread in ((5_000, 3_000), (900, 400), (9_500, 400)):
        desk = quoting()
        show(desk, mid, spread=spread)
        assert not resting(desk), mid


def test_it_rests_after_it_was_hit() -> None:
    desk = quoting(rest_s=30)
    show(desk, 5_000)
    desk.book(bids=[(4_500, 10**5)], asks=[(4_700, 10**5)], after_s=1)
    show(desk, 4_600, after_s=5)
    assert set(resting(desk)) == {"SELL"}
    show(desk, 4_600, after_s=30)
    assert set(resting(desk)) == {"BUY", "SELL"}


def test_a_restart_finds_its_quotes() -> None:
    desk = quoting()
    show(desk, 5_000)
    strategy = MarketMaking(
        half_spread_cents=2, wild_multiple=0, order_usd=5, held_usd_max=20, requote_s=0
    )
    again = Desk({strategy.name: strategy}, ledger=desk.ledger, view=desk.view)
    show(again, 5_400)
    assert resting(again) == {"BUY": (5_200, 1_041)}
    assert len(again.events(OrderSubmitted)) == 1
    assert again.held(YES, "market_making") == 0
