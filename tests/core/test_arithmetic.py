"""Exact arithmetic: against Fraction, past 64 bits, in both forms of the core."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.forms import core_fixture

arithmetic = core_fixture("arithmetic")
both = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

INT64 = 2**63 - 1
ints = st.one_of(st.integers(-(2**80), 2**80), st.integers(-100, 100))
counts = st.one_of(st.integers(1, 2**80), st.integers(1, 100))


def fits(value: int) -> bool:
    """Return whether the core may return this."""
    return -INT64 <= value <= INT64


@both
@given(ints, counts)
def test_half_even_is_that_of_fractions(arithmetic: ModuleType, top: int, under: int) -> None:
    want = round(Fraction(top, under))  # Python rounds halves to even
    if fits(want):
        assert arithmetic.div_half_even(top, under) == want
    else:
        with pytest.raises(OverflowError):
            arithmetic.div_half_even(top, under)


@both
@given(st.integers(0, 2**80), counts)
def test_half_up_and_ceiling_are_those_of_fractions(
    arithmetic: ModuleType, top: int, under: int
) -> None:
    exact = Fraction(top, under)
    for name, want in (
        ("div_half_up", floor(exact + Fraction(1, 2))),
        ("div_ceil", ceil(exact)),
    ):
        if fits(want):
            assert getattr(arithmetic, name)(top, under) == want
        else:
            with pytest.raises(OverflowError):
                getattr(arithmetic, name)(top, under)


def test_halves_go_to_the_even_neighbour(arithmetic: ModuleType) -> None:
    got = [arithmetic.div_half_even(n, 2) for n in (-5, -3, -1, 1, 3, 5)]
    assert got == [-2, -2, 0, 0, 2, 2]


@both
@given(
    st.integers(-INT64, INT64),
    st.integers(0, INT64),
    st.sampled_from([1, 10**12, 10**13, 100_000 * 10_000_000, 7]),
)
def test_a_product_past_64_bits_is_refused_and_never_wraps(
    arithmetic: ModuleType, ticks: int, lots: int, value: int
) -> None:
    want = round(Fraction(ticks * lots * value, 10**12))
    if fits(want):
        assert arithmetic.notional_micros(ticks, lots, value) == want
    else:
        with pytest.raises(OverflowError):
            arithmetic.notional_micros(ticks, lots, value)


@pytest.mark.parametrize("ticks", [2**31 - 1, 2**31, 2**31 + 1, 2**32, -(2**31), -(2**31) - 1])
@pytest.mark.parametrize("lots", [0, 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_the_short_way_ends_where_64_bits_end(
    arithmetic: ModuleType, ticks: int, lots: int
) -> None:
    got_or_refused = None
    try:
        got_or_refused = arithmetic.notional_micros(ticks, lots, 10**12)
    except OverflowError:
        assert not fits(ticks * lots)
    else:
        assert got_or_refused == ticks * lots


def test_checked_takes_what_fits_and_nothing_else(arithmetic: ModuleType) -> None:
    assert arithmetic.checked(INT64) == INT64
    assert arithmetic.checked(-INT64) == -INT64
    for beyond in (INT64 + 1, -INT64 - 1, 10**400):
        with pytest.raises(OverflowError):
            arithmetic.checked(beyond)
