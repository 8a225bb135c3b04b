"""Intervals: known quantiles, and the coverage they promise."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.services.intervals import mean_interval, share_interval, t_quantile


@pytest.mark.parametrize(
    ("freedom", "known"),
    [(1, 12.7062047362), (2, 4.3026527297), (5, 2.5705818356), (10, 2.2281388520),
     (30, 2.0422724563), (100, 1.9839715185), (1_000, 1.9623390808), (10**6, 1.9599663568)],
)  # fmt: skip
def test_quantiles_of_students_t(freedom: int, known: float) -> None:
    """The tables of R's qt(0.975, df)."""
    assert t_quantile(freedom) == pytest.approx(known, abs=1e-8)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=60))
def test_the_interval_from_sums_is_the_one_from_values(values: list[int]) -> None:
    found = mean_interval(len(values), sum(values), sum(value * value for value in values))
    assert found is not None
    mean = statistics.fmean(values)
    reach = t_quantile(len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    assert found == pytest.approx((mean - reach, mean + reach), rel=1e-9, abs=1e-3)


def test_too_few_values_have_no_interval() -> None:
    assert mean_interval(0, 0, 0) is None
    assert mean_interval(1, 5, 25) is None
    assert share_interval(0, 0) is None


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    """Twelve trades of a strategy that earns 3 on average: 95 % of intervals contain 3."""
    chance, held = random.Random(11), 0
    for _ in range(4_000):
        values = [round(chance.gauss(3, 20) * 1_000) for _ in range(12)]
        low, high = mean_interval(12, sum(values), sum(v * v for v in values)) or (0, 0)
        held += low <= 3_000 <= high
    assert 0.94 < held / 4_000 < 0.96


def test_wilsons_interval_of_a_share() -> None:
    """8 of 10, as in Newcombe (1998), and never outside 0 to 1."""
    assert share_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert share_interval(0, 4) == pytest.approx((0.0, 0.4899), abs=1e-4)
    assert share_interval(4, 4) == pytest.approx((0.5101, 1.0), abs=1e-4)
