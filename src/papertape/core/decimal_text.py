"""Decimal text from outside becomes a scaled integer, without a float in between."""

import cython

TIMES_TEN_MAX = 922_337_203_685_477_579  # what can take one more digit within 64 bits


@cython.locals(
    value=cython.longlong,
    whole_digits=cython.int,
    decimals_seen=cython.int,
    after_point=cython.bint,
    dropped=cython.bint,
    places=cython.int,
)
def scaled(text: str, decimals: int, floor: bool = False) -> int:
    """Return a non-negative decimal number as an integer of 10^-decimals units.

    decimals: 0 to 9. Digits finer than that raise ValueError, or are cut off with `floor`. ASCII
    digits and at most one point inside them; no sign, exponent, space or separator.
    """
    places = decimals
    assert 0 <= places <= 9, "decimals are 0 to 9"
    value = 0
    whole_digits = decimals_seen = 0
    after_point = dropped = False
    for char in text:
        if "0" <= char <= "9":
            if not after_point:
                whole_digits += 1
            else:
                decimals_seen += 1
            if after_point and decimals_seen > places:
                dropped = dropped or char != "0"
                continue
            if value > TIMES_TEN_MAX:
                raise ValueError("the number is too large")
            value = value * 10 + (ord(char) - 48)
        elif char == "." and not after_point and whole_digits:
            after_point = True
        else:
            raise ValueError("not a plain decimal number")
    if not whole_digits or (after_point and not decimals_seen):
        raise ValueError("not a plain decimal number")
    if dropped and not floor:
        raise ValueError("finer than the grid")
    while decimals_seen < places:
        decimals_seen += 1
        if value > TIMES_TEN_MAX:
            raise ValueError("the number is too large")
        value *= 10
    return value
