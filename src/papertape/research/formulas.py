"""Statistics of returns, equity and round trips: plain functions, each with formula and source.

Returns are fractions per period (0.01 is one percent). A figure that the data cannot give (too few
values, a division by zero) is None, never 0 or infinity. How these definitions differ from those of
empyrical-reloaded stands in docs/metrics.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

TAIL_SHARE = 0.05  # of VaR and CVaR: the worst 5 % of periods
SQN_TRADES_MAX = 100  # Van Tharp: beyond 100 trades SQN would grow without the system being better
LOG_LOSS_CLIP = 0.005  # half a percent: probabilities are stated in whole percents


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean."""
    return math.fsum(values) / len(values) if values else None


def deviation(values: Sequence[float]) -> float | None:
    """Return the sample standard deviation (n - 1); None below two values."""
    if len(values) < 2:
        return None
    centre = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((x - centre) ** 2 for x in values) / (len(values) - 1))


def volatility(returns: Sequence[float], periods_per_year: float) -> float | None:
    """Return s(r) x sqrt(periods per year). Source: standard; GIPS 2020."""
    spread = deviation(returns)
    return None if spread is None else spread * math.sqrt(periods_per_year)


def sharpe(returns: Sequence[float], periods_per_year: float) -> float | None:
    """Return mean(r) / s(r) x sqrt(periods per year). Source: Sharpe (1994), risk-free rate 0."""
    spread = deviation(returns)
    centre = mean(returns)
    if not spread or centre is None or _is_noise(spread, returns):
        return None
    return centre / spread * math.sqrt(periods_per_year)


def sortino(returns: Sequence[float], periods_per_year: float) -> float | None:
    """Return mean(r) / sqrt(mean(min(r, 0)^2)) x sqrt(periods). Source: Sortino & Price (1994)."""
    if len(returns) < 2:
        return None
    downside = math.sqrt(math.fsum(min(x, 0.0) ** 2 for x in returns) / len(returns))
    if not downside or _is_noise(downside, returns):
        return None
    return math.fsum(returns) / len(returns) / downside * math.sqrt(periods_per_year)


def _is_noise(spread: float, values: Sequence[float]) -> bool:
    """Return whether a spread is no more than rounding: then a ratio would be a random number."""
    return spread <= 1e-14 * max(abs(x) for x in values)


def annual_return(growth: float, years: float) -> float | None:
    """Return growth^(1 / years) - 1; growth is end / begin. Source: CAGR."""
    if growth <= 0 or years <= 0:
        return None
    exponent = math.log(growth) / years
    return math.expm1(exponent) if exponent < 50 else None


def calmar(yearly: float | None, drawdown: float) -> float | None:
    """Return annual return / max drawdown. Source: Young (1991), over the whole run."""
    return yearly / drawdown if yearly is not None and drawdown > 0 else None


def max_drawdown(equity: Sequence[float]) -> float:
    """Return max(1 - equity / highest equity so far): a positive fraction. Source: standard."""
    peak, worst = -math.inf, 0.0
    for value in equity:
        peak = max(peak, value)
        if peak > 0:
            worst = max(worst, 1 - value / peak)
    return worst


def value_at_risk(returns: Sequence[float], share: float = TAIL_SHARE) -> float | None:
    """Return the 5th percentile of r, linear between values. Source: historical simulation."""
    if not returns:
        return None
    ordered = sorted(returns)
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def expected_shortfall(returns: Sequence[float], share: float = TAIL_SHARE) -> float | None:
    """Return the mean of the worst 5 % of r (CVaR). Source: Rockafellar & Uryasev (2000)."""
    if not returns:
        return None
    worst = sorted(returns)[: int((len(returns) - 1) * share) + 1]
    return mean(worst)


def profit_factor(nets: Sequence[float]) -> float | None:
    """Return sum of gains / -sum of losses over round trips; None without a loss."""
    lost = -math.fsum(x for x in nets if x < 0)
    return math.fsum(x for x in nets if x > 0) / lost if lost else None


def win_rate(nets: Sequence[float]) -> float | None:
    """Return the share of round trips that earned more than 0 after fees."""
    return sum(x > 0 for x in nets) / len(nets) if nets else None


def system_quality(nets: Sequence[float]) -> float | None:
    """Return mean / s x sqrt(min(n, 100)) of round trips (SQN). Source: Van Tharp (2008)."""
    spread = deviation(nets)
    centre = mean(nets)
    if not spread or centre is None or _is_noise(spread, nets):
        return None
    return centre / spread * math.sqrt(min(len(nets), SQN_TRADES_MAX))


def brier_score(stated: Sequence[float], happened: Sequence[bool]) -> float | None:
    """Return mean((p - outcome)^2); 0 is perfect, 0.25 a coin. Source: Brier (1950)."""
    return mean([(p - hit) ** 2 for p, hit in zip(stated, happened, strict=True)])


def log_loss(stated: Sequence[float], happened: Sequence[bool]) -> float | None:
    """Return -mean(ln p(outcome)), p kept in 0.005 to 0.995. Source: Good (1952)."""
    losses = []
    for p, hit in zip(stated, happened, strict=True):
        kept = min(max(p, LOG_LOSS_CLIP), 1 - LOG_LOSS_CLIP)
        losses.append(-math.log(kept if hit else 1 - kept))
    return mean(losses)


def skewness(values: Sequence[float]) -> float | None:
    """Return the third standardised moment (population form, as scipy.stats.skew)."""
    return _moment(values, 3)


def kurtosis(values: Sequence[float]) -> float | None:
    """Return the fourth standardised moment (population form, normal = 3)."""
    return _moment(values, 4)


def _moment(values: Sequence[float], order: int) -> float | None:
    n = len(values)
    if n < 2:
        return None
    centre = math.fsum(values) / n
    variance = math.fsum((x - centre) ** 2 for x in values) / n
    if not variance or _is_noise(math.sqrt(variance), values):
        return None
    total = math.fsum((x - centre) ** order for x in values) / n
    scale = variance ** (order / 2)  # 0 where it is finer than a float can say
    return float(total / scale) if scale else None
