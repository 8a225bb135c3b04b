"""Walking a book: what an order would get, level by level, never better than what was seen."""

from collections.abc import Mapping, Sequence

import cython

Taken = tuple[int, int, int, int]
"""(price_ticks, lots, lots the level showed, lots of it that earlier orders had taken)."""


@cython.locals(
    sign=cython.longlong,
    i=cython.Py_ssize_t,
    ticks=cython.longlong,
    seen=cython.longlong,
    used=cython.longlong,
    left=cython.longlong,
    take=cython.longlong,
    bound=cython.longlong,
)
def walk(
    level_ticks: Sequence[int],
    level_lots: Sequence[int],
    used_lots: Mapping[int, int],
    wanted_lots: int,
    limit_ticks: int | None,
    buying: bool,
) -> list[Taken]:
    """Return what `wanted_lots` would take from one side of a book, best level first.

    level_ticks, level_lots: the opposite side, best first. used_lots: lots already taken per price
    since the book was seen. No level beyond the limit is touched; the sum never exceeds the depth.
    """
    sign = 1 if buying else -1
    bound = 0 if limit_ticks is None else limit_ticks
    left = wanted_lots
    out: list[Taken] = []
    for i in range(len(level_ticks)):
        if left <= 0:
            break
        ticks = level_ticks[i]
        if limit_ticks is not None and sign * ticks > sign * bound:
            break
        seen = level_lots[i]
        used = used_lots.get(ticks, 0) if used_lots else 0
        take = min(seen - used, left)
        if take > 0:
            out.append((ticks, take, seen, used))
            left -= take
    return out
