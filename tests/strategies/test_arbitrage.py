"""arbitrage: sets that pay are bought whole, what does not pay is told with test and figure."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.engine.desk import CASH_MICROS, CRYPTO_FEE, NO, NO_FEE, YES, Desk, outcome

from papertape.model.events import (
    DataAlarm,
    OpportunitySkipped,
    OrderSubmitted,
    SetsConverted,
    SetsMerged,
    SignalRaised,
)
from papertape.model.instrument import FeeSchedule
from papertape.model.market_data import InstrumentSeen
from papertape.strategies.arbitrage import Arbitrage
from papertape.strategies.set_walk import SetLeg, walk_set

RACE = ("adler", "brandt", "corvo", "dunn")
POLITICS_FEE = FeeSchedule(kind="curve", taker_ppm=40_000)


def desk_of(**params: Any) -> Desk:
    """Return a desk on which arbitrage runs."""
    return Desk({"arbitrage": Arbitrage(**params)})


def race(
    desk: Desk, side: str, asks: list[int], depth: int = 10_000, fees: FeeSchedule = POLITICS_FEE,
    **more: Any,
) -> None:  # fmt: skip
    """List the event of four and show an ask per outcome; the set is whole with the last one."""
    desk.list_event(RACE, fees=fees, **more)
    for slug, ask in zip(RACE, asks, strict=True):
        desk.book(f"test:{slug}:{side}", asks=[(ask, depth)])


class TestInsideAMarket:
    """YES + NO below 1."""

    @staticmethod
    def show(desk: Desk, yes: int, no: int, *, mirrored: bool, fees: FeeSchedule = NO_FEE) -> None:
        desk.list_market(mirrored=mirrored, fees=fees)
        desk.book(YES, asks=[(yes, 10_000)])
        desk.book(NO, asks=[(no, 10_000)])

    def test_is_bought_and_merged_at_once(self) -> None:
        desk = desk_of()
        self.show(desk, 5_200, 4_600, mirrored=False)
        (merged,) = desk.events(SetsMerged)
        assert merged.realized_micros == 2_000_000  # 100 shares, 2 cents each
        assert desk.cash == CASH_MICROS + 2_000_000
        (raised,) = desk.events(SignalRaised)
        assert (raised.all_or_none, raised.then) == (True, "merge")
        assert raised.expected_edge_micros == 2_000_000

    def test_of_mirrored_books_is_an_alarm_and_no_trade(self) -> None:
        desk = desk_of()
        self.show(desk, 5_200, 4_600, mirrored=True)
        (alarm,) = desk.events(DataAlarm)
        assert (alarm.test, alarm.symbols) == ("mirror", (YES, NO))
        assert "0.98" in alarm.figure
        assert not desk.events(OrderSubmitted)
        assert not desk.events(OpportunitySkipped)

    def test_eaten_by_fees_is_told_and_not_traded(self) -> None:
        desk = desk_of()
        self.show(desk, 5_200, 4_600, mirrored=False, fees=CRYPTO_FEE)
        (skipped,) = desk.events(OpportunitySkipped)
        assert skipped.test == "fees"
        assert "0.02" in skipped.figure
        assert not desk.events(OrderSubmitted)

    @pytest.mark.parametrize(("yes", "no"), [(5_200, 4_800), (5_200, 4_900)])
    def test_at_1_or_above_nobody_speaks_of_it(self, yes: int, no: int) -> None:
        desk = desk_of()
        self.show(desk, yes, no, mirrored=False)
        assert not desk.events(OpportunitySkipped)
        assert not desk.events(SignalRaised)

    def test_at_nothing_at_all_it_is_bought_too(self) -> None:
        """A price of 0 is a price; a set that costs nothing divides by nothing."""
        desk = desk_of()
        self.show(desk, 0, 0, mirrored=False)
        (merged,) = desk.events(SetsMerged)
        assert merged.realized_micros == 100_000_000

    def test_an_old_or_doubtful_book_does_not_count(self) -> None:
        desk = desk_of(book_age_s=5)
        desk.list_market()
        desk.book(YES, asks=[(5_200, 10_000)])
        desk.book(NO, asks=[(4_600, 10_000)], after_s=5.1)
        desk.book(YES, asks=[(5_200, 10_000)], state="gap")
        assert not desk.events(SignalRaised)

    def test_a_closed_market_is_left_alone(self) -> None:
        desk = desk_of()
        desk.list_market()
        desk.book(YES, asks=[(5_200, 10_000)])
        desk.turn("test:rain", "closed")
        desk.book(NO, asks=[(4_600, 10_000)])
        assert not desk.events(SignalRaised)


class TestEvents:
    """All YES of an exhaustive event, all NO of a negRisk event."""

    def test_all_yes_below_1_after_fees_are_bought_and_held(self) -> None:
        desk = desk_of()
        race(desk, "YES", [2_200, 2_200, 2_200, 2_200])
        (raised,) = desk.events(SignalRaised)
        assert (len(raised.legs), raised.then) == (4, "none")
        assert {desk.held(f"test:{s}:YES", "arbitrage") for s in RACE} == {10_000}
        for n, slug in enumerate(RACE):
            desk.resolve(f"test:{slug}", (1_000_000, 0) if n == 2 else (0, 1_000_000))
        books = desk.view.portfolio.accounts
        assert books.realized_micros == 12_000_000
        net = books.realized_micros - books.fees_micros
        assert raised.expected_edge_micros == net
        (row,) = desk.view.strategy_rows()
        assert (row["wins"], row["losses"]) == (1, 0)

    def test_all_no_below_n_minus_1_are_converted_at_once(self) -> None:
        desk = desk_of()
        race(desk, "NO", [7_200, 7_200, 7_200, 7_200])
        (converted,) = desk.events(SetsConverted)
        assert converted.cash_micros == 300_000_000
        (raised,) = desk.events(SignalRaised)
        assert raised.expected_edge_micros == desk.cash - CASH_MICROS
        assert desk.cash > CASH_MICROS
        assert desk.view.portfolio.accounts.positions == {}

    def test_fees_decide(self) -> None:
        desk = desk_of()
        race(desk, "YES", [2_400, 2_400, 2_500, 2_500])  # 2 cents of gap, 3 cents of fees
        (skipped,) = desk.events(OpportunitySkipped)
        assert (skipped.test, len(skipped.symbols)) == ("fees", 4)
        assert not desk.events(OrderSubmitted)

    @pytest.mark.parametrize(
        "kind", [{"augmented": True}, {"neg_risk": False}], ids=["augmented", "nested"]
    )
    @pytest.mark.parametrize(("side", "ask"), [("YES", 1_000), ("NO", 5_000)])
    def test_what_is_not_exhaustive_is_never_summed(
        self, kind: dict[str, bool], side: str, ask: int
    ) -> None:
        desk = desk_of()
        race(desk, side, [ask] * 4, **kind)
        assert not desk.events(SignalRaised)
        (skipped,) = desk.events(OpportunitySkipped)
        assert skipped.test == "exhaustive"

    def test_a_set_with_an_outcome_unlisted_unseen_or_closed_is_no_set(self) -> None:
        for spoil in ("unlisted", "unseen", "closed"):
            desk = desk_of()
            desk.list_event(RACE)
            if spoil == "unlisted":
                del desk.view.markets["test:dunn"]
            for slug in RACE[:3]:
                desk.book(f"test:{slug}:YES", asks=[(1_000, 100)])
            if spoil == "closed":
                desk.turn("test:adler", "closed")
                desk.book("test:dunn:YES", asks=[(1_000, 100)])
            assert not desk.events(SignalRaised), spoil

    def test_too_little_depth_is_told(self) -> None:
        desk = desk_of()
        race(desk, "YES", [2_200] * 4, depth=499, min_lots=500)
        (skipped,) = desk.events(OpportunitySkipped)
        assert skipped.test == "depth"
        assert "4.99" in skipped.figure

    def test_a_leg_below_the_venues_smallest_amount_is_told(self) -> None:
        desk = desk_of()
        desk.list_event(RACE, fees=NO_FEE)
        for slug in RACE:
            token = desk.view.instruments[f"test:{slug}:YES"]
            small = structs.replace(token, min_notional_micros=1_000_000)
            desk.step(InstrumentSeen(ts_ns=0, instrument=small))
        for slug, ask in zip(RACE, (100, 3_000, 3_000, 3_000), strict=True):
            desk.book(f"test:{slug}:YES", asks=[(ask, 9_900)])
        (skipped,) = desk.events(OpportunitySkipped)
        assert (skipped.test, skipped.figure) == ("amount", "test:adler:YES 0.99")
        assert desk.view.activity.refused_count == 0

    def test_too_little_profit_is_told(self) -> None:
        desk = desk_of(profit_usd_min=50)
        race(desk, "YES", [2_200] * 4)
        (skipped,) = desk.events(OpportunitySkipped)
        assert skipped.test == "profit"

    def test_all_legs_or_none_when_somebody_was_faster(self) -> None:
        desk = desk_of()
        desk.list_event(RACE)
        for slug in RACE[:3]:
            desk.book(f"test:{slug}:YES", asks=[(2_200, 1_000)])
        desk.send("BUY", 1, symbol="test:adler:YES")
        desk.book("test:dunn:YES", asks=[(2_200, 1_000)])
        assert [e.strategy for e in desk.events(OrderSubmitted)] == ["hand"]
        assert desk.view.activity.refusals_by_reason == {"depth": 1}

    def test_it_does_not_say_the_same_on_every_book(self) -> None:
        desk = desk_of()
        race(desk, "YES", [2_400, 2_400, 2_500, 2_500])
        for _ in range(20):
            desk.book("test:dunn:YES", asks=[(2_500, 10_000)], after_s=0.1)
        assert len(desk.events(OpportunitySkipped)) == 1


levels = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 40)), min_size=1, max_size=4,
    unique_by=lambda level: level[0],
)  # fmt: skip


def marginal_lots(sides: list[list[tuple[int, int]]], rate: Fraction, pays: int) -> int:
    """Return how many lots pay, found lot by lot: the reference."""
    queues = [[p for p, depth in sorted(side) for _ in range(depth)] for side in sides]
    lots = 0
    for prices in zip(*queues, strict=False):
        cost = sum(Fraction(p, 100) * (1 + rate * (1 - Fraction(p, 100))) for p in prices)
        if cost >= pays:
            break
        lots += 1
    return lots


@given(
    st.lists(levels, min_size=2, max_size=4),
    st.sampled_from([0, 40_000, 70_000]),
    st.integers(1, 3),
)
def test_the_size_is_what_a_walk_lot_by_lot_finds(
    sides: list[list[tuple[int, int]]], ppm: int, pays: int
) -> None:
    token = outcome(YES, fees=FeeSchedule(kind="curve", taker_ppm=ppm) if ppm else NO_FEE)
    legs = [
        SetLeg(token, [100 * p for p, _ in sorted(side)], [d for _, d in sorted(side)])
        for side in sides
    ]
    walk = walk_set(legs, pays * 1_000_000, 10**15)
    want = marginal_lots(sides, Fraction(ppm, 1_000_000), pays)
    assert walk.lots == want
    exact = Fraction(0)
    for side in sides:
        left = want
        for price, depth in sorted(side):
            p, take = Fraction(price, 100), min(left, depth)
            exact += Fraction(take, 100) * p * (1 + Fraction(ppm, 1_000_000) * (1 - p))
            left -= take
    exact = Fraction(want * pays, 100) - exact
    steps = sum(len(side) for side in sides)
    assert abs(Fraction(walk.profit_micros, 1_000_000) - exact) <= Fraction(
        steps * len(sides), 10**5
    )
    for worst, side in zip(walk.worst_ticks, sides, strict=True):
        reached = sum(depth for price, depth in side if 100 * price <= worst)
        assert reached >= want


@given(st.lists(levels, min_size=2, max_size=3), st.integers(0, 30_000_000))
def test_the_budget_holds(sides: list[list[tuple[int, int]]], budget: int) -> None:
    token = outcome(YES, fees=CRYPTO_FEE)
    legs = [
        SetLeg(token, [100 * p for p, _ in sorted(side)], [d for _, d in sorted(side)])
        for side in sides
    ]
    walk = walk_set(legs, 3_000_000, budget)
    spent = walk.lots * 30_000 - walk.profit_micros
    assert spent <= budget + 100  # the rounding of the fees of a few levels
