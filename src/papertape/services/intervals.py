"""Intervals that say how far a figure can be trusted, from sums that projections keep exactly."""

from __future__ import annotations

import math
from statistics import NormalDist

LEVEL = 0.95
TRIPS_MIN = 10  # below this many round trips nothing is ranked: too few to tell

Interval = tuple[float, float]

_ITERATIONS_MAX = 300  # of the continued fraction; it needs about sqrt(max(a, b))
_TINY = 1e-300


def mean_interval(count: int, total: int, square: int) -> Interval | None:
    """Return the two-sided 95 % t-interval of the mean, given sums of values and of squares.

    mean ± t(0.975, n - 1) · s / √n. Source: Student (1908). None below two values.
    """
    if count < 2:
        return None
    spread = max(0, count * square - total * total)  # n² (n - 1) / n · s², in exact integers
    error = math.sqrt(spread / (count * (count - 1))) / math.sqrt(count)
    reach = t_quantile(count - 1) * error
    return total / count - reach, total / count + reach


def share_interval(hits: int, count: int) -> Interval | None:
    """Return the 95 % score interval of a share, in 0 to 1. Source: Wilson (1927)."""
    if count == 0:
        return None
    z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
    share, scale = hits / count, 1 + z * z / count
    centre = (share + z * z / (2 * count)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, centre - reach), min(1.0, centre + reach)


_known: dict[int, float] = {}


def t_quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t distribution, to 1e-9."""
    found = _known.get(freedom)
    if found is None:
        low, high = 1.9, 13.0
        while high - low > 1e-10:
            middle = (low + high) / 2
            if _t_tails(middle, freedom) > 1 - LEVEL:
                low = middle
            else:
                high = middle
        found = _known[freedom] = (low + high) / 2
        if len(_known) > 1_000:  # sample sizes asked for lately
            del _known[next(iter(_known))]
    return found


def _t_tails(t: float, freedom: int) -> float:
    """Return the probability that |T| > t."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function. Source: DLMF 8.17.22, by Lentz."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _ITERATIONS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _away(1 + even * d), _away(1 + even / c)
        fraction *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _away(1 + odd * d), _away(1 + odd / c)
        fraction *= d * c
        if abs(d * c - 1) < 1e-14:
            break
    return front * fraction / a


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
