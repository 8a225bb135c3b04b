"""Fees as the venues round them: the check values of their own documentation."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.desk import outcome, spot
from tests.forms import core_fixture

from papertape.model.instrument import FeeSchedule

fees = core_fixture("fees")
both = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

CURVE = FeeSchedule(kind="curve", taker_ppm=70_000, rebate_ppm=200_000)
KALSHI = FeeSchedule(kind="kalshi", taker_ppm=70_000, maker_ppm=17_500)
TOKEN = outcome("test:rain:YES", fees=CURVE)
CONTRACT = outcome("test:cpi:YES", fees=KALSHI)


@pytest.mark.parametrize(
    ("shares", "price", "fee"),
    [
        (100, "0.50", "1.75"),
        (100, "0.10", "0.63"),
        (100, "0.90", "0.63"),
        (100, "0.99", "0.0693"),
        (5, "0.01", "0.00347"),
        (1, "0", "0"),
        (1, "1", "0"),
    ],
)
def test_polymarket_check_values(fees: ModuleType, shares: int, price: str, fee: str) -> None:
    """Source: docs.polymarket.com/trading/fees at r = 0.07; 0.003465 rounds half up."""
    ticks, lots = int(Fraction(price) * 10_000), shares * 100
    got = fees.fill_fee_micros(TOKEN, ticks, lots, ticks * lots, maker=False)
    assert got == Fraction(fee) * 1_000_000


@pytest.mark.parametrize(
    ("contracts", "price", "fee"), [(100, "0.50", "1.75"), (1, "0.50", "0.02"), (1, "0.01", "0.01")]
)
def test_kalshi_check_values(fees: ModuleType, contracts: int, price: str, fee: str) -> None:
    """Source: Kalshi's fee schedule of 2026-07-07, cents per order, rounded up."""
    ticks, lots = int(Fraction(price) * 10_000), contracts * 100
    got = fees.fill_fee_micros(CONTRACT, ticks, lots, ticks * lots, maker=False)
    assert got == Fraction(fee) * 1_000_000


@both
@given(st.integers(0, 10_000), st.integers(1, 10**9))
def test_the_curve_is_the_formula_at_5_decimals(fees: ModuleType, ticks: int, lots: int) -> None:
    p, shares = Fraction(ticks, 10_000), Fraction(lots, 100)
    exact = shares * Fraction(7, 100) * p * (1 - p)
    want = floor(exact * 100_000 + Fraction(1, 2)) * 10
    assert fees.fill_fee_micros(TOKEN, ticks, lots, ticks * lots, maker=False) == want
    assert fees.fill_fee_micros(TOKEN, ticks, lots, ticks * lots, maker=True) == 0
    rebate = fees.maker_rebate_estimate_micros(TOKEN, ticks, lots, ticks * lots)
    assert rebate == round(Fraction(want, 5))


@both
@given(st.lists(st.tuples(st.integers(1, 9_999), st.integers(1, 50_000)), min_size=1, max_size=6))
def test_kalshi_rounds_up_once_per_order(fees: ModuleType, fills: list[tuple[int, int]]) -> None:
    weight = charged = 0
    exact = Fraction(0)
    for ticks, lots in fills:
        part = fees.fill_fee_micros(
            CONTRACT, ticks, lots, ticks * lots, maker=False,
            weight_before=weight, charged_before_micros=charged,
        )  # fmt: skip
        assert part >= 0
        charged += part
        weight += fees.fee_weight(CONTRACT, ticks, lots, maker=False)
        p = Fraction(ticks, 10_000)
        exact += Fraction(lots, 100) * Fraction(7, 100) * p * (1 - p)
    assert charged == ceil(exact * 100) * 10_000


def test_a_maker_fill_after_a_taker_fill_is_never_paid_for(fees: ModuleType) -> None:
    """The two rates of one order add up; the lower one does not undo what the higher one cost."""
    taken = fees.fill_fee_micros(CONTRACT, 5_000, 10_000, 50_000_000, maker=False)
    weight = fees.fee_weight(CONTRACT, 5_000, 10_000, maker=False)
    made = fees.fill_fee_micros(
        CONTRACT, 5_000, 10_000, 50_000_000, maker=True,
        weight_before=weight, charged_before_micros=taken,
    )  # fmt: skip
    assert (taken, made) == (1_750_000, 440_000)  # 1.75, then up to 1.75 + 0.4375 -> 2.19


@both
@given(st.integers(0, 10**8), st.integers(1, 10**8), st.sampled_from([0, 100, 1_000, 7_500]))
def test_a_proportional_fee_is_that_share_of_the_notional(
    fees: ModuleType, ticks: int, lots: int, ppm: int
) -> None:
    pair = spot(fees=FeeSchedule(kind="proportional", taker_ppm=ppm))
    notional = ticks * lots
    got = fees.fill_fee_micros(pair, ticks, lots, notional, maker=False)
    assert got == round(Fraction(notional * ppm, 1_000_000))


def test_no_schedule_no_fee(fees: ModuleType) -> None:
    assert fees.fill_fee_micros(spot(), 100, 100, 10_000, maker=False) == 0
