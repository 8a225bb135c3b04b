"""Numbers from outside become exact integers here, by one rule, or are refused.

The rule is strict because Python's own parsers are not: `int("١٢")` is 12, `float("1_0")` is 10,
`int(Decimal("1e2000000"))` runs for minutes, and `True` is an integer.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

from papertape.errors import InvalidInputError

MICROS = 1_000_000  # money: 1e-6 of the quote currency
NANOS = 1_000_000_000  # sizes of ticks and lots: 1e-9
PPM = 1_000_000  # rates: parts per million
INT_BITS_MAX = 63

NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,18})?", re.ASCII)

Number = int | Decimal | str | float
"""A number as people and libraries hand it in; a float counts as its shortest decimal form."""


def parse_number(value: object, field: str) -> Decimal:
    """Return a number from outside as an exact Decimal, or refuse it by field name.

    Takes int, Decimal, decimal string, or float (at its shortest decimal form). Refuses bool, NaN,
    infinity, exponents, separators, non-ASCII digits, more than 15 digits before or 18 after the
    point, without ever computing with the value.
    """
    text = _plain_text(value)
    if text is None or not NUMBER.fullmatch(text):
        raise InvalidInputError(field, value, "a finite decimal number such as 12.5")
    return Decimal(text)


def _plain_text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int.__repr__(value) if value.bit_length() <= INT_BITS_MAX else None
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) >= 1e15:
            return None
        return format(Decimal(float.__repr__(value)), "f")  # numpy's float has a repr of its own
    if isinstance(value, Decimal):
        if not value.is_finite() or not -19 < value.adjusted() < 15:
            return "0" if value.is_finite() and not value else None
        return format(value, "f")
    return None


def to_units(value: object, unit_nanos: int, field: str) -> int:
    """Return how many units of `unit_nanos` (1e-9) the number is; it must be a whole count."""
    number = parse_number(value, field)
    units, rest = divmod(number.scaleb(9), unit_nanos)
    if rest:
        unit = format_nanos(unit_nanos)
        raise InvalidInputError(field, value, f"a multiple of {unit}")
    count = int(units)
    if count.bit_length() > INT_BITS_MAX:
        raise InvalidInputError(field, value, "small enough to count exactly")
    return count


def to_micros(value: object, field: str) -> int:
    """Return money as micro-units (1e-6); finer amounts are refused."""
    return to_units(value, 1_000, field)


def format_nanos(nanos: int) -> str:
    """Return a count of 1e-9 as a plain decimal string without trailing zeros."""
    sign = "-" if nanos < 0 else ""
    whole, rest = divmod(abs(nanos), NANOS)
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:09d}".rstrip("0")


def format_micros(micros: int) -> str:
    """Return money as a plain decimal string without trailing zeros."""
    return format_nanos(micros * 1_000)


def micros_to_number(micros: int) -> float:
    """Return money for JSON: a number with at most 6 decimals."""
    return micros / MICROS


def nanos_to_number(nanos: int) -> float:
    """Return a price or quantity for JSON: a number with at most 9 decimals."""
    return nanos / NANOS
