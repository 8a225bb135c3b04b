"""Confidence intervals by the stationary bootstrap: how far a figure might have come out otherwise.

Blocks of random length keep what neighbours have to do with each other. Figures that are functions
of sums cost one subtraction per block, because prefix sums are made once.
Source: Politis & Romano (1994), The Stationary Bootstrap; mean block length n^(1/3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from random import Random

RESAMPLES = 1_000  # the ends of a 95 % interval then stand on 25 values each
BLOCKS_MAX = 400_000  # drawn in all, about a second; longer series are resampled less often
RESAMPLES_MIN = 100
LEVEL = 0.95
VALUES_MIN = 8  # fewer say nothing about how they vary

Statistic = Callable[[int, Sequence[float]], float | None]
"""(count, sum of each column) -> figure"""


def intervals(
    columns: Sequence[Sequence[float]], statistics: Mapping[str, Statistic], seed: int
) -> dict[str, tuple[float, float]]:
    """Return the 95 % percentile interval of each statistic; absent where it has none.

    columns: values of equal length whose sums the statistics are made of. The same seed gives the
    same intervals.
    """
    count = len(columns[0]) if columns else 0
    if count < VALUES_MIN:
        return {}
    sums = [[0.0, *accumulate(column)] for column in columns]
    block = max(1.0, count ** (1 / 3))
    resamples = max(RESAMPLES_MIN, min(RESAMPLES, int(BLOCKS_MAX * block / count)))
    chance = Random(seed)
    drawn: dict[str, list[float]] = {name: [] for name in statistics}
    for _ in range(resamples):
        totals = _resample(sums, count, block, chance)
        for name, statistic in statistics.items():
            value = statistic(count, totals)
            if value is not None and math.isfinite(value):
                drawn[name].append(value)
    return {name: _ends(values) for name, values in drawn.items() if len(values) >= 0.9 * resamples}


def _resample(
    sums: Sequence[Sequence[float]], count: int, block: float, chance: Random
) -> list[float]:
    """Return the columns' sums over `count` values, drawn as blocks from a circle of values."""
    totals = [0.0] * len(sums)
    left = count
    scale = math.log1p(-1 / block) if block > 1 else None
    while left:
        start = int(chance.random() * count)
        length = 1 if scale is None else 1 + int(math.log(1 - chance.random()) / scale)
        length = min(length, left)
        left -= length
        for index, prefix in enumerate(sums):
            end = start + length
            if end <= count:
                totals[index] += prefix[end] - prefix[start]
            else:
                totals[index] += prefix[count] - prefix[start] + prefix[end - count]
    return totals


def _ends(values: list[float]) -> tuple[float, float]:
    values.sort()
    cut = int((1 - LEVEL) / 2 * len(values))
    return values[cut], values[-1 - cut]


# --- the headline figures as functions of sums --------------------------------------------------


def of_returns(
    returns: Sequence[float], periods_per_year: float, seed: int
) -> dict[str, tuple[float, float]]:
    """Return intervals of total return (in percent), volatility, Sharpe and Sortino."""
    if any(x <= -1 for x in returns):
        return {}
    columns = (
        returns,
        [x * x for x in returns],
        [min(x, 0.0) ** 2 for x in returns],
        [math.log1p(x) for x in returns],
    )
    root = math.sqrt(periods_per_year)

    def spread(n: int, sums: Sequence[float]) -> float:
        return math.sqrt(max(sums[1] - sums[0] ** 2 / n, 0.0) / (n - 1))

    def ratio(n: int, sums: Sequence[float]) -> float | None:
        below = spread(n, sums)
        return sums[0] / n / below * root if below > 1e-15 else None

    def downside(n: int, sums: Sequence[float]) -> float | None:
        below = math.sqrt(max(sums[2], 0.0) / n)
        return sums[0] / n / below * root if below > 1e-15 else None

    statistics: dict[str, Statistic] = {
        "total_return_pct": lambda n, sums: 100 * math.expm1(sums[3]),
        "volatility_pct": lambda n, sums: 100 * spread(n, sums) * root,
        "sharpe": ratio,
        "sortino": downside,
    }
    return intervals(columns, statistics, seed)


def of_trips(nets: Sequence[float], seed: int) -> dict[str, tuple[float, float]]:
    """Return intervals of win rate (in percent), expectancy, profit factor and SQN."""
    columns = (
        nets,
        [x * x for x in nets],
        [float(x > 0) for x in nets],
        [max(x, 0.0) for x in nets],
    )

    def factor(n: int, sums: Sequence[float]) -> float | None:
        lost = sums[3] - sums[0]
        return sums[3] / lost if lost > 1e-9 else None

    def quality(n: int, sums: Sequence[float]) -> float | None:
        spread = math.sqrt(max(sums[1] - sums[0] ** 2 / n, 0.0) / (n - 1))
        return sums[0] / n / spread * math.sqrt(min(n, 100)) if spread > 1e-12 else None

    statistics: dict[str, Statistic] = {
        "win_rate_pct": lambda n, sums: 100 * sums[2] / n,
        "expectancy": lambda n, sums: sums[0] / n,
        "profit_factor": factor,
        "sqn": quality,
    }
    return intervals(columns, statistics, seed)
