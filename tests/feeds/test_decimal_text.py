"""Decimal text to scaled integers: exact, strict, the same compiled and plain."""

from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.forms import core_fixture

decimal_text = core_fixture("decimal_text")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # a module, without state
@given(st.integers(0, 10**9 - 1), st.text("0123456789", max_size=12), st.integers(0, 9))
def test_the_value_is_the_decimals_own(decimal_text, whole, part, decimals):
    text = f"{whole}.{part}" if part else str(whole)
    exact = Decimal(text).scaleb(decimals)
    cut = int(exact.to_integral_value(ROUND_DOWN))
    assert decimal_text.scaled(text, decimals, True) == cut
    if exact == cut:
        assert decimal_text.scaled(text, decimals) == cut
    else:
        with pytest.raises(ValueError, match="finer than the grid"):
            decimal_text.scaled(text, decimals)


@pytest.mark.parametrize(
    "text",
    ["", ".", ".5", "5.", "-1", "+1", "1e5", "1_0", " 1", "1 ", "1,0", "١٢", "1.2.3", "nan", "0x1"],
)
def test_anything_but_plain_digits_is_refused(decimal_text, text):
    with pytest.raises(ValueError, match="not a plain decimal number"):
        decimal_text.scaled(text, 4)


@pytest.mark.parametrize(
    ("text", "decimals"), [("9" * 19, 0), ("9223372036854775808", 0), ("1" * 12, 9), ("1" * 400, 0)]
)
def test_what_does_not_fit_in_64_bits_is_refused(decimal_text, text, decimals):
    with pytest.raises(ValueError, match="too large"):
        decimal_text.scaled(text, decimals)


def test_times_of_this_century_fit_in_nanoseconds(decimal_text):
    assert decimal_text.scaled("1776323404.7760892", 9, True) == 1_776_323_404_776_089_200
