"""Price levels as venues write them, `[{"price":"0.01","size":"10.5"},...]`, into integers.

One pass over the bytes, strictly: what is not written in exactly this form gives None, and the
caller reads it with a JSON parser. Numbers are digits with at most one point; no sign, no exponent.
"""

from __future__ import annotations

from array import array

import cython

# before the point; with at most 6 places a value stays far within 64 bits
DIGITS_MAX = cython.declare(cython.int, 12)
TEXT_MAX = cython.declare(cython.Py_ssize_t, 40)  # characters of a number
OPEN = cython.declare(cython.uchar, 91)  # [
SHUT = cython.declare(cython.uchar, 93)  # ]
COMMA = cython.declare(cython.uchar, 44)
QUOTE = cython.declare(cython.uchar, 34)
HEAD, BETWEEN, TAIL = b'{"price":"', b'","size":"', b'"}'
HEAD_SIZE = cython.declare(cython.Py_ssize_t, 10)
BETWEEN_SIZE = cython.declare(cython.Py_ssize_t, 10)
TAIL_SIZE = cython.declare(cython.Py_ssize_t, 2)


@cython.cfunc
@cython.returns(cython.bint)
@cython.locals(
    data=cython.p_uchar,
    at=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    text=cython.p_uchar,
    size=cython.Py_ssize_t,
    n=cython.Py_ssize_t,
)
def _stands(data, at, end, text, size):  # type: ignore[no-untyped-def]
    """Return whether the text stands at this place."""
    if at + size > end:
        return False
    for n in range(size):  # noqa: SIM110  compiled, this is a comparison of bytes
        if data[at + n] != text[n]:
            return False
    return True


@cython.cfunc
@cython.returns(cython.Py_ssize_t)
@cython.locals(
    data=cython.p_uchar, at=cython.Py_ssize_t, end=cython.Py_ssize_t, last=cython.Py_ssize_t
)
def _closing(data, at, end):  # type: ignore[no-untyped-def]
    """Return the place of the quote that ends a number beginning here, `end` if there is none."""
    last = min(at + TEXT_MAX, end)
    while at < last:
        if data[at] == QUOTE:
            return at
        at += 1
    return end


@cython.cfunc
@cython.returns(cython.longlong)
@cython.locals(
    data=cython.p_uchar,
    at=cython.Py_ssize_t,
    stop=cython.Py_ssize_t,
    places=cython.int,
    cut=cython.bint,
    value=cython.longlong,
    whole=cython.int,
    decimals=cython.int,
    code=cython.int,
    after=cython.bint,
)
def _number(data, at, stop, places, cut):  # type: ignore[no-untyped-def]
    """Return a number in units of 10^-places, -1 if it is none.

    Digits finer than that are -1 too unless they are zeros, or cut off with `cut`.
    """
    value = 0
    whole = decimals = 0
    after = False
    while at < stop:
        code = data[at] - 48
        at += 1
        if 0 <= code <= 9:
            if not after:
                whole += 1
                value = value * 10 + code
                if whole > DIGITS_MAX:
                    return -1
                continue
            decimals += 1
            if decimals <= places:
                value = value * 10 + code
            elif code and not cut:
                return -1
        elif code == -2 and not after and whole:  # the point
            after = True
        else:
            return -1
    if not whole or (after and not decimals):
        return -1
    while decimals < places:
        value *= 10
        decimals += 1
    return value


@cython.locals(
    data=cython.p_uchar,
    head=cython.p_uchar,
    between=cython.p_uchar,
    tail=cython.p_uchar,
    at=cython.Py_ssize_t,
    end=cython.Py_ssize_t,
    stop=cython.Py_ssize_t,
    price=cython.longlong,
    size=cython.longlong,
    before=cython.longlong,
    dust=cython.int,
    step=cython.longlong,
    one=cython.longlong,
    rises=cython.bint,
    places=cython.int,
    size_decimals=cython.int,
)
def read_levels(
    raw: bytes, step_ticks: int, one_ticks: int, price_places: int, size_places: int, rising: bool
) -> tuple[array[int], array[int], int] | None:
    """Return (ticks, lots) with rising prices and the number of levels below a lot, left out.

    rising: whether the text lists them so; if not, it must list them falling. None if the text is
    in any other form or order, or if a price is off the step or not between 0 and `one_ticks`.
    """
    if raw == b"[]":
        return array("q"), array("q"), 0
    data, head, between, tail = raw, HEAD, BETWEEN, TAIL
    step, one, rises, end = step_ticks, one_ticks, rising, len(raw)
    places, size_decimals = price_places, size_places
    ticks: list[int] = []
    lots: list[int] = []
    dust = 0
    before = 0 if rises else one
    if end < 2 or data[0] != OPEN or data[end - 1] != SHUT:
        return None
    at = 1
    while True:
        if not _stands(data, at, end, head, HEAD_SIZE):
            return None
        at += HEAD_SIZE
        stop = _closing(data, at, end)
        price = _number(data, at, stop, places, False)
        if price <= 0 or price >= one or price % step:
            return None
        if not _stands(data, stop, end, between, BETWEEN_SIZE):
            return None
        if (price <= before) if rises else (price >= before):
            return None
        before = price
        at = stop + BETWEEN_SIZE
        stop = _closing(data, at, end)
        size = _number(data, at, stop, size_decimals, True)
        if size < 0 or not _stands(data, stop, end, tail, TAIL_SIZE):
            return None
        if size:
            ticks.append(price)
            lots.append(size)
        else:
            dust += 1
        at = stop + TAIL_SIZE
        if at == end - 1:
            break
        if data[at] != COMMA:
            return None
        at += 1
    if not rises:
        ticks.reverse()
        lots.reverse()
    return array("q", ticks), array("q", lots), dust
