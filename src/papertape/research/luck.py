"""How much of a result may be luck: what many tries, short samples and fat tails do to a best one.

Sharpe ratios here are per period, not annual; multiply by the root of the periods in a year.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from statistics import NormalDist

import msgspec

from papertape.research.formulas import deviation, kurtosis, mean, sharpe, skewness

EULER_GAMMA = 0.5772156649015329
LEVEL = 0.95  # of confidence: at or above it a result is called more than luck
BLOCKS = (16, 14, 12, 10, 8, 6, 4)  # of time, to be dealt out in halves; the paper takes 16
BLOCK_PERIODS_MIN = 2  # returns in a block: one says nothing about how returns vary
CELLS_MAX = 4_000_000  # tries x splits: a second or two; more tries are split fewer times

_NORMAL = NormalDist()


class Moments(msgspec.Struct, frozen=True):
    """What the luck of a Sharpe ratio depends on: count, ratio per period, skew, kurtosis."""

    count: int
    ratio: float
    skew: float
    tail: float

    @classmethod
    def of(cls, returns: Sequence[float]) -> Moments | None:
        """Return the moments of returns per period; None where they have no spread."""
        ratio, skew, tail = sharpe(returns, 1.0), skewness(returns), kurtosis(returns)
        if ratio is None or skew is None or tail is None:
            return None
        return cls(len(returns), ratio, skew, tail)

    @property
    def spread(self) -> float:
        """Return (n - 1) times the variance of the ratio: 1 - skew SR + (kurtosis - 1) / 4 SR^2.

        Source: Mertens (2002); Bailey & Lopez de Prado (2012). Small samples can make it negative.
        """
        return 1 - self.skew * self.ratio + (self.tail - 1) / 4 * self.ratio**2


def probability_above(moments: Moments | None, benchmark: float = 0.0) -> float | None:
    """Return the probability that the true Sharpe ratio is above `benchmark`.

    Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)).
    Source: Bailey & Lopez de Prado (2012), The Sharpe Ratio Efficient Frontier.
    """
    if moments is None or moments.spread <= 0:
        return None
    distance = (moments.ratio - benchmark) * math.sqrt(moments.count - 1)
    return _NORMAL.cdf(distance / math.sqrt(moments.spread))


def probabilistic_sharpe(returns: Sequence[float], benchmark: float = 0.0) -> float | None:
    """Return `probability_above` of returns per period."""
    return probability_above(Moments.of(returns), benchmark)


def track_record_periods(
    moments: Moments | None, benchmark: float = 0.0, level: float = LEVEL
) -> float | None:
    """Return how many periods a ratio must be held to be above `benchmark` at a confidence level.

    1 + (1 - skew SR + (kurtosis - 1) / 4 SR^2) (Phi^-1(level) / (SR - SR*))^2; None if the ratio
    is not above it: no length is enough. Source: Bailey & Lopez de Prado (2012), minimum track
    record length.
    """
    if moments is None or moments.spread <= 0 or moments.ratio <= benchmark:
        return None
    return 1 + moments.spread * (_NORMAL.inv_cdf(level) / (moments.ratio - benchmark)) ** 2


def expected_max_sharpe(trials: float, variance: float) -> float:
    """Return the best Sharpe ratio to expect of `trials` strategies without skill.

    sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), g Euler's constant, V the variance
    of the trials' Sharpe ratios. Source: Bailey & Lopez de Prado (2014), The Deflated Sharpe Ratio.
    """
    if trials <= 1 or variance <= 0:
        return 0.0
    high = _NORMAL.inv_cdf(1 - 1 / trials)
    higher = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return max(0.0, math.sqrt(variance) * ((1 - EULER_GAMMA) * high + EULER_GAMMA * higher))


def deflated_sharpe(returns: Sequence[float], trials: Sequence[float]) -> float | None:
    """Return the probability that the best of many trials has skill at all.

    returns: of the best one, per period. trials: Sharpe ratios per period of all that were tried.
    Source: Bailey & Lopez de Prado (2014), Journal of Portfolio Management 40 (5).
    """
    return probabilistic_sharpe(returns, luck_of(trials))


def luck_of(trials: Sequence[float]) -> float:
    """Return the best Sharpe ratio that this many tries, spread like these, give without skill."""
    spread = deviation(trials)
    return expected_max_sharpe(len(trials), 0.0 if spread is None else spread**2)


def independent_trials(returns: Sequence[Sequence[float]]) -> float | None:
    """Return how many independent tries as many correlated ones are worth: r + (1 - r) N.

    returns: per period, of each try, equally long. r: mean correlation of all pairs; tries
    that never moved are left out. Source: Bailey & Lopez de Prado (2014), appendix 3.
    """
    total: list[float] = []
    count = 0
    for one in returns:
        centre = mean(one) or 0.0
        length = math.sqrt(math.fsum((x - centre) ** 2 for x in one))
        if length < 1e-15:
            continue
        count += 1
        unit = [(x - centre) / length for x in one]
        total = [a + b for a, b in zip(total, unit, strict=True)] if total else unit
    if count < 2:
        return float(count) or None
    mutual = (math.fsum(x * x for x in total) - count) / (count * (count - 1))
    mutual = min(1.0, max(0.0, mutual))
    return mutual + (1 - mutual) * count


# --- overfitting --------------------------------------------------------------------------------


class Overfitting(msgspec.Struct, frozen=True):
    """What became, out of sample, of the try that was best in sample, over all ways to halve time.

    probability: share of splits whose best try ends in the lower half of all tries out of sample.
    loss: share of splits whose best try loses out of sample. slope: of its Sharpe ratio out of
    sample by that in sample. pairs: (in sample, out of sample) Sharpe ratio per split; logits: of
    the relative rank.
    """

    probability: float
    loss: float
    slope: float | None
    blocks: int
    pairs: tuple[tuple[float, float], ...]
    logits: tuple[float, ...]


def block_count(tries: int, periods: int) -> int | None:
    """Return how many blocks of time these many tries are split into; None if there is too little.

    More blocks make more splits: C(16, 8) is 12,870.
    """
    for blocks in BLOCKS:
        enough = periods >= BLOCK_PERIODS_MIN * blocks
        if enough and tries * math.comb(blocks, blocks // 2) <= max(CELLS_MAX, 6 * tries):
            return blocks
    return None


def overfitting(
    returns: Sequence[Sequence[float]], blocks: int | None = None
) -> Overfitting | None:
    """Return the probability of backtest overfitting; None below two tries or four blocks.

    returns: per period, of each try, equally long, in time order; the first few are left out where
    the blocks would not be equal. Combinatorially symmetric cross-validation with the Sharpe
    ratio: half of the blocks in sample, the other half out of sample, every way there is.
    Source: Bailey, Borwein, Lopez de Prado & Zhu (2015), The Probability of Backtest Overfitting.
    """
    periods = len(returns[0]) if returns else 0
    count = blocks or block_count(len(returns), periods)
    if len(returns) < 2 or count is None or periods < BLOCK_PERIODS_MIN * count:
        return None
    pairs, logits = [], []
    for half, other in _halves(returns, count):
        for inside, outside in ((half, other), (other, half)):
            best = max(range(len(inside)), key=inside.__getitem__)
            found = outside[best]
            below = sum(x < found for x in outside)
            same = sum(x == found for x in outside)
            rank = (below + (same + 1) / 2) / (len(outside) + 1)
            pairs.append((inside[best], found))
            logits.append(math.log(rank / (1 - rank)))
    return Overfitting(
        probability=sum(logit <= 1e-12 for logit in logits) / len(logits),
        loss=sum(outside < 0 for _, outside in pairs) / len(pairs),
        slope=_slope(pairs),
        blocks=count,
        pairs=tuple(pairs),
        logits=tuple(logits),
    )


def _halves(
    returns: Sequence[Sequence[float]], blocks: int
) -> Iterator[tuple[list[float], list[float]]]:
    """Yield the Sharpe ratios of all tries over one half of the blocks, and over the other."""
    size = len(returns[0]) // blocks
    skip = len(returns[0]) - size * blocks
    ends = [skip + size * block for block in range(blocks + 1)]
    sums = [_Sums.of(returns, ends[b], ends[b + 1]) for b in range(blocks)]
    middle = blocks // 2
    low, high = _subsets(sums[:middle]), _subsets(sums[middle:])
    all_low, count = (1 << middle) - 1, size * middle
    for chosen in combinations(range(1, blocks), middle - 1):
        mask = 1 | sum(1 << block for block in chosen)  # block 0 is in one half of each pair
        a, b = mask & all_low, mask >> middle
        half = low[a].plus(high[b])
        other = low[all_low ^ a].plus(high[all_low ^ b])
        yield half.sharpes(count), other.sharpes(count)


class _Sums:
    """Sum and sum of squares of returns over some blocks, per try."""

    __slots__ = ("one", "two")

    def __init__(self, one: list[float], two: list[float]) -> None:
        self.one = one
        self.two = two

    @classmethod
    def of(cls, returns: Sequence[Sequence[float]], start: int, end: int) -> _Sums:
        parts = [one[start:end] for one in returns]
        return cls(
            [math.fsum(part) for part in parts], [math.fsum(x * x for x in p) for p in parts]
        )

    def plus(self, other: _Sums) -> _Sums:
        return _Sums(
            [a + b for a, b in zip(self.one, other.one, strict=True)],
            [a + b for a, b in zip(self.two, other.two, strict=True)],
        )

    def sharpes(self, count: int) -> list[float]:
        """Return the ratios; a try that did not move has 0."""
        root, last = math.sqrt, (count - 1) / count
        return [
            a / root(left) if (left := (b * count - a * a) / last) > 1e-12 * b * count else 0.0
            for a, b in zip(self.one, self.two, strict=True)
        ]


def _subsets(sums: Sequence[_Sums]) -> list[_Sums]:
    """Return the sums over every subset, by its bit mask."""
    tries = len(sums[0].one)
    found = [_Sums([0.0] * tries, [0.0] * tries)]
    for one in sums:
        found += [subset.plus(one) for subset in found]
    return found


def _slope(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return the slope of the least-squares line."""
    centre_x = math.fsum(x for x, _ in pairs) / len(pairs)
    centre_y = math.fsum(y for _, y in pairs) / len(pairs)
    spread = math.fsum((x - centre_x) ** 2 for x, _ in pairs)
    if spread < 1e-18:
        return None
    return math.fsum((x - centre_x) * (y - centre_y) for x, y in pairs) / spread
