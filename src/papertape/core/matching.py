"""Walking a book: what an order would get, level by level, never better than what was seen."""

from collections.abc import Mapping, Sequence

import cython

from papertape.core.arithmetic import notional_micros

PPM = 1_000_000
NANOS_SQ_PER_MICRO = 1_000_000_000_000

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


def walk_amount(
    level_ticks: Sequence[int],
    level_lots: Sequence[int],
    used_lots: Mapping[int, int],
    wanted_lots: int,
    amount_micros: int,
    limit_ticks: int | None,
    value_nanos_sq: int,
) -> list[Taken]:
    """Return what an amount of money buys from the asks, in whole lots, best level first.

    value_nanos_sq: tick size x lot size, as in `notional_micros`. The notionals of what is taken
    never exceed the amount, nor their lots `wanted_lots`; what buys no whole lot is left.
    """
    left = amount_micros
    out: list[Taken] = []
    for ticks, lots, seen, used in walk(
        level_ticks, level_lots, used_lots, wanted_lots, limit_ticks, True
    ):
        take = min(lots, lots_for(left, ticks, value_nanos_sq, lots))
        if take > 0:
            out.append((ticks, take, seen, used))
            left -= notional_micros(ticks, take, value_nanos_sq)
        if take < lots:
            break
    return out


def lots_for(amount_micros: int, ticks: int, value_nanos_sq: int, lots_max: int) -> int:
    """Return the most lots, up to `lots_max`, whose worth at a price is within an amount."""
    if ticks <= 0:
        return lots_max
    lots = min(lots_max, amount_micros * NANOS_SQ_PER_MICRO // (ticks * value_nanos_sq) + 1)
    while lots > 0 and notional_micros(ticks, lots, value_nanos_sq) > amount_micros:
        lots -= 1
    return lots


def ahead_after_cancels(
    ahead_lots: int, shown_before: int, shown_now: int, printed_lots: int, ahead_ppm: int | None
) -> int:
    """Return what stands before a resting order when the depth at its price has changed.

    Depth that went without a print was cancelled, before us or behind us: `ahead_ppm` of it (parts
    per million) before us, or with None the same share as of the depth. What is shown is all that
    can stand before us. Sources: E. Rigtorp, "Estimating order queue position" (2013); the queue
    models of hftbacktest, whose risk-averse one is ahead_ppm = 0.
    """
    gone = max(0, shown_before - shown_now - printed_lots)
    if gone and ahead_lots:
        if ahead_ppm is None:
            ahead_lots -= min(ahead_lots, gone * ahead_lots // max(shown_before, ahead_lots))
        else:
            ahead_lots -= min(ahead_lots, gone * ahead_ppm // PPM)
    return min(ahead_lots, shown_now)


def print_reaches(ahead_lots: int, printed_lots: int, ours_lots: int, through: bool) -> int:
    """Return how many lots of a print come to an order with `ahead_lots` before it.

    ours_lots: what earlier orders of ours got of the same print. A print beyond the order's price
    went through its level first, so nobody stands before it any more.
    """
    before = 0 if through else ahead_lots
    return max(0, printed_lots - before - ours_lots)
