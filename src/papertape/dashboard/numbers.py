"""The one formatter of numbers on the Python side; `static/js/format.js` is its twin.

Both read tests/data/format_cases.json. Rounding is decimal, half-even, on the shortest decimal form
of the number, so that 1.015 is 1.02 and not what its binary form happens to be.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

NO_VALUE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_PRICE_DECIMALS_BELOW_ONE = 6

Figure = int | float | Decimal | None


def money(value: Figure) -> str:
    """Return an amount: `1,234.56`."""
    return _shown(value, 2, 2)


def change(value: Figure) -> str:
    """Return a change of an amount, signed: `+12.40`."""
    return _shown(value, 2, 2, plus=True)


def cents(price: Figure) -> str:
    """Return the price of an outcome token, a probability, in cents."""
    number = _decimal(price)
    return NO_VALUE if number is None else f"{_shown(number.scaleb(2), 1, 2)} ¢"


def price(value: Figure) -> str:
    """Return a price of anything else, with more decimals below 1."""
    number = _decimal(value)
    if number is None:
        return NO_VALUE
    return _shown(number, 2, _PRICE_DECIMALS_BELOW_ONE if abs(number) < 1 else 2)


def percent(value: Figure) -> str:
    """Return a percentage with one decimal; 12.3 means 12.3 %."""
    return NO_VALUE if _decimal(value) is None else f"{_shown(value, 1, 1)} %"


def percent_change(value: Figure) -> str:
    """Return a change in percent, signed."""
    return NO_VALUE if _decimal(value) is None else f"{_shown(value, 1, 1, plus=True)} %"


def quantity(value: Figure) -> str:
    """Return a count of shares or coins with as many decimals as it has, at most five."""
    return _shown(value, 0, 5)


def exact(value: Figure) -> str:
    """Return an amount as it is booked: with every decimal down to a millionth."""
    return _shown(value, 0, 6)


def exact_change(value: Figure) -> str:
    """Return a change as it is booked, signed."""
    return _shown(value, 0, 6, plus=True)


def age(ms: Figure) -> str:
    """Return how old something is, in its one largest unit."""
    number = _decimal(ms)
    if number is None:
        return NO_VALUE
    whole = max(0, int(number))
    if whole < _MINUTE_MS:
        return f"{whole // _SECOND_MS} s"
    if whole < _HOUR_MS:
        return f"{whole // _MINUTE_MS} min"
    if whole < 2 * _DAY_MS:
        return f"{whole // _HOUR_MS} h"
    return f"{whole // _DAY_MS} d"


def countdown(ms: Figure) -> str:
    """Return how long something still takes, in its two largest units."""
    number = _decimal(ms)
    if number is None:
        return NO_VALUE
    if number <= 0:
        return "due"
    minutes, seconds = divmod(int(number) // _SECOND_MS, 60)
    hours, minutes_left = divmod(minutes, 60)
    if not minutes:
        return f"{seconds} s"
    if not hours:
        return f"{minutes} min {seconds} s"
    if number < _DAY_MS:
        return f"{hours} h {minutes_left} min"
    return f"{hours // 24} d {hours % 24} h"


def _decimal(value: Figure) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    return Decimal(value)


def _shown(value: Figure, least: int, most: int, *, plus: bool = False) -> str:
    number = _decimal(value)
    if number is None:
        return NO_VALUE
    rounded = number.quantize(Decimal(1).scaleb(-most), rounding=ROUND_HALF_EVEN)
    text = f"{abs(rounded):,f}"
    whole, _, decimals = text.partition(".")
    kept = decimals.rstrip("0").ljust(least, "0")
    text = f"{whole}.{kept}" if kept else whole
    if not rounded:
        return text
    if rounded < 0:
        return MINUS + text
    return f"+{text}" if plus else text
