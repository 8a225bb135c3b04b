"""Fees of Polymarket are dated."""

from datetime import date

import pytest

from papertape.errors import InvalidInputError
from papertape.feeds.polymarket_fees import fee_for


@pytest.mark.parametrize(
    ("category", "on", "kind", "taker_ppm", "exponent"),
    [
        ("crypto", date(2026, 4, 16), "curve", 72_000, 1),
        ("crypto", date(2026, 7, 24), "curve", 70_000, 1),
        ("crypto", date(2026, 3, 5), "none", 0, 1),
        ("crypto_15m", date(2026, 1, 5), "curve", 250_000, 2),
        ("crypto_15m", date(2026, 3, 6), "curve", 72_000, 1),
        ("sports", date(2025, 6, 17), "none", 0, 1),
        ("sports", date(2026, 7, 9), "curve", 30_000, 1),
        ("sports", date(2026, 7, 10), "curve", 50_000, 1),
        ("politics", date(2026, 11, 22), "curve", 40_000, 1),
        ("economics", date(2026, 11, 22), "curve", 50_000, 1),
        ("geopolitics", date(2026, 11, 22), "none", 0, 1),
    ],
)
def test_a_market_pays_the_rate_of_its_day(category, on, kind, taker_ppm, exponent):
    fees = fee_for(category, on)
    assert (fees.kind, fees.taker_ppm, fees.exponent) == (kind, taker_ppm, exponent)
    assert fees.maker_ppm == 0
    assert fees.dated and fees.source


def test_an_unknown_category_is_named_with_its_nearest():
    with pytest.raises(InvalidInputError) as caught:
        fee_for("crytpo", date(2026, 4, 16))
    assert caught.value.nearest == "crypto"
