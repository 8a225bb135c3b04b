"""Exit rules: each ends a position at its own bound, exactly, and goes on after a restart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.desk import CRYPTO_FEE, PAIR, YES, Desk

from papertape.config import load_config
from papertape.engine.exit_manager import ExitRules, Held, RoiStep, TakeProfit, leave
from papertape.errors import ConfigError
from papertape.model.events import ExitMarked, SignalRaised
from papertape.model.signal import Leg, Signal
from papertape.services.exit_rules import exit_rules, rules_from_settings, rules_settings

PPM = 1_000_000
NS_PER_S = 1_000_000_000


def desk_with(rules: ExitRules, **more: Any) -> Desk:
    """Return a desk whose strategy `hand` has these exits, holding 10 YES at 0.50."""
    desk = Desk(exits={"hand": rules}, **more)
    if not more:
        desk.list_market()
        show(desk, 5_000)
        assert desk.send("BUY", 1_000).status == "filled"
    return desk


def show(desk: Desk, bid: int, *, after_s: float = 1.0, lots: int = 10**6) -> None:
    """Show a book without a spread worth the name."""
    desk.book(bids=[(bid, lots)], asks=[(bid, 10**6)], after_s=after_s)


def last_reason(desk: Desk) -> str:
    """Return why the last signal was sent."""
    return str(desk.events(SignalRaised)[-1].reason)


def test_without_rules_nothing_is_marked() -> None:
    desk = desk_with(ExitRules())
    for bid in (9_000, 100):
        show(desk, bid)
    assert desk.held() == 1_000
    assert not desk.events(ExitMarked)


def test_stop_loss() -> None:
    desk = desk_with(ExitRules(stop_ppm=100_000))
    show(desk, 4_600)
    assert desk.held() == 1_000
    show(desk, 4_500)
    assert desk.held() == 0
    assert "stop loss, -10.00% against -10.00%" in last_reason(desk)
    assert desk.events(ExitMarked)[-1].rule == "stop_loss"


def test_a_stop_counts_the_fee_of_the_sale() -> None:
    desk = Desk(exits={"hand": ExitRules(stop_ppm=100_000)})
    desk.list_market(fees=CRYPTO_FEE)
    show(desk, 5_000)
    desk.send("BUY", 1_000)
    show(desk, 4_600)  # 8 % below, and 1.7 cents of fee for 46
    assert desk.held() == 0


def test_take_profit_sells_in_parts() -> None:
    levels = (TakeProfit(gain_ppm=200_000, share_ppm=500_000), TakeProfit(gain_ppm=600_000))
    desk = desk_with(ExitRules(take_profit=levels))
    show(desk, 6_000)
    assert desk.held() == 500
    show(desk, 6_000, after_s=5)
    assert desk.held() == 500  # a level is taken once
    show(desk, 8_000, after_s=5)
    assert desk.held() == 0
    assert "take profit 2 of 2" in last_reason(desk)


def test_a_part_that_found_no_buyer_is_sold_later() -> None:
    level = TakeProfit(gain_ppm=200_000, share_ppm=500_000)
    desk = desk_with(ExitRules(take_profit=(level,)))
    show(desk, 6_000, lots=200)
    assert desk.held() == 800
    show(desk, 6_000, after_s=2)
    assert desk.held() == 500


def test_trailing_stop_begins_where_it_should() -> None:
    desk = desk_with(ExitRules(trail_ppm=100_000, trail_from_ppm=200_000))
    for bid in (5_900, 5_000, 6_500, 6_100):
        show(desk, bid)
        assert desk.held() == 1_000
    show(desk, 6_000)  # best +30 %, now +20 %
    assert desk.held() == 0
    assert "trailing stop" in last_reason(desk)


@pytest.mark.parametrize("from_snapshot", [True, False])
def test_a_trailing_stop_survives_a_restart(from_snapshot: bool) -> None:
    rules = ExitRules(trail_ppm=100_000, trail_from_ppm=200_000)
    desk = desk_with(rules)
    show(desk, 7_000)
    again = desk.restarted(from_snapshot=from_snapshot)
    assert again.view.exits.marks[("hand", YES)].best_ppm == 400_000
    later = desk_with(rules, ledger=again.ledger, view=again.view)
    show(later, 6_600)
    assert later.held() == 1_000
    show(later, 6_500)
    assert later.held() == 0


def test_time_stop_and_return_over_time() -> None:
    desk = desk_with(ExitRules(age_ns_max=60 * NS_PER_S))
    show(desk, 5_000, after_s=59)
    assert desk.held() == 1_000
    show(desk, 5_000)
    assert desk.held() == 0
    steps = (RoiStep(age_ns=0, gain_ppm=500_000), RoiStep(age_ns=30 * NS_PER_S, gain_ppm=100_000))
    desk = desk_with(ExitRules(roi=steps))
    show(desk, 6_000)
    assert desk.held() == 1_000
    show(desk, 6_000, after_s=30)
    assert desk.held() == 0
    assert "return reached" in last_reason(desk)


def test_before_the_market_ends() -> None:
    desk = desk_with(ExitRules(to_end_ns=3_600 * NS_PER_S))
    show(desk, 5_000, after_s=86_400 - 3_700)
    assert desk.held() == 1_000
    show(desk, 5_000, after_s=200)
    assert desk.held() == 0
    assert "the market ends in" in last_reason(desk)


def test_when_the_edge_has_been_earned() -> None:
    desk = Desk(exits={"hand": ExitRules(edge_gone=True)})
    desk.list_market()
    show(desk, 5_000)
    leg = Leg(symbol=YES, side="BUY", quantity_lots=1_000)
    wanted = Signal(legs=(leg,), expected_edge_micros=500_000)  # 5 cents a share
    assert desk.door.process_signal("hand", wanted).status == "filled"
    show(desk, 5_400)
    assert desk.held() == 1_000
    show(desk, 5_500)
    assert desk.held() == 0
    assert "has been earned" in last_reason(desk)


def test_others_and_doubtful_books_are_left_alone() -> None:
    desk = desk_with(ExitRules(stop_ppm=100_000))
    show(desk, 5_000)
    desk.send("BUY", 1_000, strategy="other")
    desk.book(bids=[(1_000, 10**6)], asks=[(1_000, 10**6)], state="gap")
    assert (desk.held(), desk.held(strategy="other")) == (1_000, 1_000)
    desk.book(bids=[], asks=[(1_000, 10**6)])
    assert desk.held() == 1_000  # nobody bids: nothing to sell to
    show(desk, 1_000)
    assert (desk.held(), desk.held(strategy="other")) == (0, 1_000)


def test_bars_move_exits_too() -> None:
    desk = Desk(exits={"hand": ExitRules(stop_ppm=100_000)})
    desk.list_pair()
    desk.bar([1_000_000] * 4, volume=10**9)
    desk.send("BUY", 1_000, symbol=PAIR)
    desk.bar([1_000_000] * 4, volume=10**9)
    assert desk.held(PAIR) == 1_000
    desk.bar([800_000] * 4, volume=10**9)
    desk.bar([800_000] * 4, volume=10**9)
    assert desk.held(PAIR) == 0


@given(
    bids=st.lists(st.integers(1, 99), max_size=40),
    stop=st.integers(1, 50),
    trail=st.integers(1, 50),
    share=st.integers(1, 100),
)
def test_rules_never_sell_more_than_is_held_and_always_stop(
    bids: list[int], stop: int, trail: int, share: int
) -> None:
    rules = ExitRules(
        stop_ppm=stop * 10_000,
        trail_ppm=trail * 10_000,
        trail_from_ppm=50_000,
        take_profit=(TakeProfit(gain_ppm=100_000, share_ppm=share * 10_000),),
    )
    desk = desk_with(rules)
    for bid in bids:
        before = desk.held()
        show(desk, bid * 100, after_s=2)
        assert 0 <= desk.held() <= before
        if bid * 100 <= 5_000 * (100 - stop) // 100:
            assert desk.held() == 0
    assert desk.view.activity.refused_count == 0


def test_losses_come_before_gains() -> None:
    """Where two rules are met at once, the one that ends the position is taken."""
    rules = ExitRules(age_ns_max=1, take_profit=(TakeProfit(gain_ppm=0, share_ppm=1),))
    held = Held(
        lots=10, largest_lots=10, cost_micros=100, worth_micros=100, opened_ns=0, best_ppm=0
    )
    found = leave(rules, held, now_ns=5)
    assert found is not None
    assert (found.rule, found.lots) == ("time_stop", 10)


def test_rules_are_read_from_the_config_and_kept_in_the_settings() -> None:
    exits = {
        "stop_loss_pct": 10, "trailing_stop_pct": "0.5%", "trailing_from_pct": 5,
        "take_profit": [{"gain_pct": 20, "share_pct": 50}, {"gain_pct": 150}],
        "time_stop_s": 600, "roi": [{"gain_pct": 30}, {"after_s": 60, "gain_pct": "2.5"}],
        "before_end_s": 30, "edge_gone": True,
    }  # fmt: skip
    config = load_config(overrides={"strategies.momentum.exits": exits})
    rules = exit_rules(config)
    found = rules["momentum"]
    assert (found.stop_ppm, found.trail_ppm, found.trail_from_ppm) == (100_000, 5_000, 50_000)
    assert found.take_profit[1] == TakeProfit(gain_ppm=1_500_000, share_ppm=PPM)
    assert found.roi[1] == RoiStep(age_ns=60 * NS_PER_S, gain_ppm=25_000)
    assert rules_from_settings(rules_settings(rules, ("momentum",))) == rules
    assert not exit_rules(load_config())


@pytest.mark.parametrize(
    ("exits", "said"),
    [
        ({"stop_loss": 10}, "stop_loss"),
        ({"stop_loss_pct": -1}, "stop_loss_pct"),
        ({"take_profit": [{"gain_pct": 20}, {"gain_pct": 10}]}, "the levels must rise"),
        ({"roi": [{"after_s": 5, "gain_pct": 1}, {"gain_pct": 1}]}, "the steps must rise"),
        ({"time_stop_s": 0}, "time_stop_s"),
    ],
)
def test_wrong_rules_are_named(exits: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        exit_rules(load_config(overrides={"strategies.momentum.exits": exits}))
    assert said in str(refused.value)
