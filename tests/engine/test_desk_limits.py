"""The limits that people set on top: each says no with value and bound; closing goes through."""

from __future__ import annotations

import pytest
from tests.engine.desk import CRYPTO_FEE, NO, PAIR, YES, Desk

from papertape.config import load_config
from papertape.engine.desk_limits import NO_LIMITS
from papertape.model.events import SignalRefused
from papertape.services.door_parts import desk_limits

DAY_S = 86_400


def refusal(desk: Desk) -> tuple[str, str, str]:
    """Return code, value and bound of the newest refusal on the tape."""
    event: SignalRefused = desk.events(SignalRefused)[-1]
    assert event.reason
    return event.code, event.value, event.bound


def desk_with(**risk: object) -> Desk:
    """Return a desk with one market and deep books at 0.50/0.52."""
    desk = Desk(risk=risk)
    desk.list_market()
    for symbol in (YES, NO):
        desk.book(symbol, bids=[(5_000, 10**7)], asks=[(5_200, 10**7)])
    return desk


def test_by_default_there_are_none() -> None:
    assert desk_limits(load_config().risk) == NO_LIMITS


def test_a_market_is_bounded_by_its_worst_outcome() -> None:
    desk = desk_with(max_market_usd=60)
    assert desk.send("BUY", 10_000).status == "filled"  # 52 at risk
    assert desk.send("BUY", 2_000).code == "max_market"
    assert refusal(desk) == ("max_market", "62.4", "60")
    assert desk.send("BUY", 10_000, symbol=NO, strategy="other").status == "filled"  # a hedge
    assert desk.send("BUY", 5_000).status == "filled"  # 100 pairs: 4 at risk, and 26 more
    assert desk.send("SELL", 15_000).status == "filled"


def test_an_event_is_bounded_by_its_worst_end() -> None:
    desk = Desk(risk={"max_event_usd": 60})
    desk.list_event(("ann", "bob", "cyd"))
    for slug in ("ann", "bob", "cyd"):
        desk.book(f"test:{slug}:YES", bids=[(3_000, 10**7)], asks=[(3_200, 10**7)])
    assert desk.send("BUY", 10_000, symbol="test:ann:YES").status == "filled"  # 32 if another wins
    assert desk.send("BUY", 10_000, symbol="test:bob:YES").code == "max_event"
    assert refusal(desk) == ("max_event", "64", "60")  # if cyd wins
    set_of_three = [f"test:{slug}:YES" for slug in ("ann", "bob", "cyd")]
    assert desk.send_set(set_of_three, 50_000).status == "filled"  # earns, whoever wins


@pytest.mark.parametrize("key", ["max_strategy_usd", "max_venue_usd"])
def test_strategy_and_venue_are_bounded_with_what_rests(key: str) -> None:
    desk = desk_with(**{key: 100})
    assert desk.send("BUY", 10_000, 5_000, tif="GTC").status == "resting"  # 50
    assert desk.send("BUY", 9_000, symbol=NO).status == "filled"  # 46.80
    assert desk.send("BUY", 1_000).code == key.removesuffix("_usd")
    other = desk.send("BUY", 1_000, strategy="other")
    assert other.status == ("filled" if key == "max_strategy_usd" else "refused")


def test_a_fall_from_the_top_stops_opening_also_after_a_restart() -> None:
    desk = desk_with(max_drawdown_pct="0.5%")
    desk.send("BUY", 50_000)  # 260 of 10,000
    desk.book(YES, bids=[(4_000, 10**7)], asks=[(4_200, 10**7)], after_s=11)
    assert desk.send("BUY", 100).code == "max_drawdown"  # 60 of 10,000 are gone
    assert refusal(desk)[1:] == ("0.60%", "0.50%")
    assert desk.send("SELL", 10_000).status == "filled"
    again = Desk(risk={"max_drawdown_pct": "0.5%"}, ledger=desk.ledger, view=desk.view)
    again.book(YES, bids=[(4_000, 10**7)], asks=[(4_200, 10**7)])
    assert again.send("BUY", 100).code == "max_drawdown"


@pytest.mark.parametrize("from_snapshot", [True, False])
def test_a_losing_streak_rests_its_strategy_alone(from_snapshot: bool) -> None:
    desk = desk_with(max_losing_streak=3, losing_streak_rest_s=600)
    for _ in range(3):
        assert desk.send("BUY", 100).status == "filled"
        desk.send("SELL", 100)
        desk.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)], after_s=1)
    assert desk.send("BUY", 100).code == "losing_streak"
    assert refusal(desk)[1:] == ("3", "3")
    assert desk.send("BUY", 100, strategy="other").status == "filled"
    again = desk.restarted(from_snapshot=from_snapshot)
    limited = Desk(
        risk={"max_losing_streak": 3, "losing_streak_rest_s": 600},
        ledger=again.ledger,
        view=again.view,
    )
    limited.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)], after_s=1)
    assert limited.send("BUY", 100).code == "losing_streak"
    limited.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)], after_s=600)
    assert limited.send("BUY", 100).status == "filled"  # it has rested


def test_a_win_ends_the_streak() -> None:
    desk = desk_with(max_losing_streak=2)
    for bid in (5_000, 6_000, 5_000):
        desk.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)], after_s=1)
        assert desk.send("BUY", 100).status == "filled"
        desk.book(bids=[(bid, 10**7)], asks=[(bid + 200, 10**7)], after_s=1)
        desk.send("SELL", 100)
    assert desk.send("BUY", 100).status == "filled"


def test_orders_within_a_minute_are_bounded() -> None:
    desk = desk_with(max_orders_per_min=3)
    for _ in range(3):
        desk.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)], after_s=1)
        assert desk.send("BUY", 100).status == "filled"
    assert desk.send("BUY", 200).code == "max_orders_per_min"
    assert desk.send("SELL", 100).status == "filled"
    desk.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)], after_s=61)
    assert desk.send("BUY", 200).status == "filled"


def test_a_price_far_from_the_middle_is_refused() -> None:
    desk = Desk(risk={"price_collar_pct": 2})
    desk.list_market()
    desk.book(bids=[(5_000, 10**5)], asks=[(5_200, 1_000), (5_400, 10**5)])
    assert desk.send("BUY", 1_000).status == "filled"  # one point above the middle
    assert desk.send("BUY", 2_000).code == "price_collar"  # walks to three points
    assert refusal(desk)[1:] == ("3.00%", "2.00%")
    desk.list_pair()
    desk.book(PAIR, bids=[(100_000, 10**7)], asks=[(100_100, 150_000), (105_000, 10**7)])
    assert desk.send("BUY", 100_000, symbol=PAIR).status == "filled"
    assert desk.send("BUY", 200_000, symbol=PAIR).code == "price_collar"


def test_the_last_seconds_of_a_market_are_left() -> None:
    desk = desk_with(time_to_end_s_min=60)
    assert desk.send("BUY", 1_000).status == "filled"
    desk.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)], after_s=DAY_S - 59)
    assert desk.send("BUY", 1_000).code == "ends_soon"
    assert refusal(desk)[1:] == ("59", "60")
    assert desk.send("SELL", 1_000).status == "filled"


def test_reduce_only_closes_and_opens_nothing() -> None:
    desk = desk_with()
    desk.send("BUY", 1_000)
    closing = Desk(risk={"reduce_only": True}, ledger=desk.ledger, view=desk.view)
    closing.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)])
    assert closing.send("BUY", 1_000).code == "reduce_only"
    assert closing.send("SELL", 1_000).status == "filled"


def test_limits_count_what_is_to_be_paid_with_its_fee() -> None:
    desk = Desk(risk={"max_strategy_usd": 52})
    desk.list_market(fees=CRYPTO_FEE)
    desk.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)])
    assert desk.send("BUY", 10_000).code == "max_strategy"
    assert desk.send("BUY", 9_000).status == "filled"
