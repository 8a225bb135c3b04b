"""Exact integer arithmetic for money: products past 64 bits, one half-even rounding.

Results fit in a signed 64-bit integer or raise OverflowError, compiled or not.
"""

import cython

INT64_MAX = 9_223_372_036_854_775_807


def checked(value: int) -> int:
    """Return the integer if it fits in a signed 64-bit integer, else raise OverflowError."""
    if not -INT64_MAX <= value <= INT64_MAX:
        raise OverflowError("an amount does not fit in 64 bits")
    return value


def div_half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded half to even; denominator > 0, any size of integer."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return checked(quotient)


def div_half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded half up; numerator >= 0, denominator > 0."""
    return checked((2 * numerator + denominator) // (2 * denominator))


def div_ceil(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded up; denominator > 0."""
    return checked(-(-numerator // denominator))


def notional_micros(ticks: int, lots: int, value_nanos_sq: int) -> int:
    """Return the worth of lots at a price, in micros, rounded half-even once.

    value_nanos_sq: tick size x lot size, both in 1e-9 of their unit, so 1e-18 of the currency.
    """
    return scaled_product(ticks, lots, value_nanos_sq, 1_000_000_000_000)


@cython.locals(a=cython.longlong, b=cython.longlong)
def scaled_product(first: int, second: int, numerator: int, denominator: int) -> int:
    """Return first x second x numerator / denominator, half-even; never wraps, any sign of first.

    The usual case stays in 64 bits: when numerator / denominator is 1 and both factors are small.
    Everything else goes through Python's unbounded integers.
    """
    if numerator == denominator and -(1 << 31) < first < (1 << 31) and 0 <= second < (1 << 31):
        a = first
        b = second
        return a * b
    return div_half_even(first * second * numerator, denominator)
