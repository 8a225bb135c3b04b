"""The figures of trading: one registry of names, formulas and units, one computation from sums.

Pages show a figure's formula from here, so what is shown is what is computed. The wording is that
of the metrics of backtests where the figure is the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from papertape.clock import NS_PER_S
from papertape.model.money import MICROS
from papertape.services import results
from papertape.services.intervals import Interval, mean_interval, share_interval
from papertape.services.results import Sums

Unit = Literal["change", "money", "%", "%change", "ratio", "count", "s"]

CURVE_SHARE_MIN = 1e-12  # a fall smaller than this is rounding


class Figure(msgspec.Struct, frozen=True):
    """What a figure is called, how it is computed, and its unit."""

    name: str
    label: str
    formula: str
    unit: Unit


FIGURES: tuple[Figure, ...] = (
    Figure("net_pnl", "Net P&L", "realised P&L - fees, booked in the range", "change"),
    Figure("gross_pnl", "Gross P&L",
           "sum of (what came in - average cost of what went out), before fees", "change"),
    Figure("fees", "Fees", "sum of what venues charged, by each venue's schedule", "money"),
    Figure("total_return_pct", "Total return",
           "equity now / equity at the beginning of the range - 1, of the whole account",
           "%change"),
    Figure("net_return_pct", "Net P&L in percent", "net P&L / initial cash", "%change"),
    Figure("round_trips", "Round trips",
           "stretches from flat to flat that ended in the range, per strategy and instrument or "
           "complete set", "count"),
    Figure("win_rate_pct", "Win rate",
           "round trips that earned more than 0 after fees / all; 95 % score interval (Wilson)",
           "%"),
    Figure("profit_factor", "Profit factor", "sum of gains / sum of losses, after fees", "ratio"),
    Figure("expectancy", "Expectancy",
           "mean of what a round trip earned after fees; 95 % interval: mean ± t s / √n",
           "change"),
    Figure("average_win", "Average win", "sum of gains / round trips that gained", "change"),
    Figure("average_loss", "Average loss", "sum of losses / round trips that lost", "change"),
    Figure("sharpe_per_trip", "Sharpe per trade",
           "mean / s of what round trips earned; s: sample deviation (n - 1); not annualised",
           "ratio"),
    Figure("max_drawdown_pct", "Max drawdown", "largest 1 - equity / highest equity so far", "%"),
    Figure("drawdown_s", "Longest drawdown",
           "longest time from the first mark below a high to the first mark at it again, or to "
           "the end", "s"),
    Figure("exposure_pct", "Average exposure",
           "positions at mark / equity, both averaged over the account's samples", "%"),
    Figure("turnover", "Turnover", "(bought + sold) / 2 / (equity, averaged over its samples)",
           "ratio"),
    Figure("holding_s", "Average holding time", "mean time from first fill to flat", "s"),
    Figure("fills", "Fills", "fills booked in the range", "count"),
    Figure("traded", "Traded", "bought + sold, notional", "money"),
)  # fmt: skip
"""Every figure, in the order of the page."""


class Fall(NamedTuple):
    """The worst drawdown of a curve as a share, and how long the longest one lasted."""

    share: float = 0.0
    longest_ns: int = 0
    lasting: bool = False  # whether the longest one has not ended


class Basis(NamedTuple):
    """What figures are made of: exact sums, the account's beginning, its samples, its curve."""

    sums: Sums
    initial_micros: int
    marks: Sums
    fall: Fall | None
    growth: float | None = None
    """equity now over equity at the beginning; of the whole account only"""


class Measured(NamedTuple):
    """A figure's value, the interval it lies in, and how many values it stands on."""

    value: float | int | None
    interval: Interval | None = None
    n: int | None = None


def measure(basis: Basis) -> dict[str, Measured]:
    """Return every figure by name; None where the data cannot say it."""
    sums, initial = basis.sums, basis.initial_micros
    trips = sums[results.TRIPS]
    net = sums[results.REALIZED] - sums[results.FEES]
    samples, equity, positions = basis.marks
    fall = basis.fall
    won, lost = sums[results.WINS], sums[results.LOSSES]
    return {
        "net_pnl": Measured(net / MICROS),
        "gross_pnl": Measured(sums[results.REALIZED] / MICROS),
        "fees": Measured(sums[results.FEES] / MICROS, n=sums[results.FILLS]),
        "total_return_pct": Measured(
            None if basis.growth is None else 100 * (basis.growth - 1)
        ),
        "net_return_pct": Measured(100 * net / initial if initial else None),
        "round_trips": Measured(trips),
        "win_rate_pct": win_rate(sums),
        "profit_factor": Measured(_over(sums[results.WON], sums[results.LOST]), n=trips),
        "expectancy": expectancy(sums),
        "average_win": Measured(_over(sums[results.WON], won * MICROS), n=won),
        "average_loss": Measured(_over(-sums[results.LOST], lost * MICROS), n=lost),
        "sharpe_per_trip": Measured(sharpe_per_trip(sums), n=trips),
        "max_drawdown_pct": Measured(None if fall is None else 100 * fall.share),
        "drawdown_s": Measured(None if fall is None else fall.longest_ns / NS_PER_S),
        "exposure_pct": Measured(
            100 * positions / equity if equity > 0 else None, n=samples
        ),
        "turnover": Measured(
            sums[results.VOLUME] * samples / 2 / equity if equity > 0 else None
        ),
        "holding_s": Measured(_over(sums[results.HELD], trips * NS_PER_S), n=trips),
        "fills": Measured(sums[results.FILLS]),
        "traded": Measured(sums[results.VOLUME] / MICROS),
    }  # fmt: skip


def expectancy(sums: Sums) -> Measured:
    """Return the mean of what round trips earned, in money, with its interval."""
    trips, net = sums[results.TRIPS], sums[results.NET]
    found = mean_interval(trips, net, sums[results.SQUARE])
    interval = None if found is None else (found[0] / MICROS, found[1] / MICROS)
    return Measured(_over(net, trips * MICROS), interval, trips)


def win_rate(sums: Sums) -> Measured:
    """Return the share of round trips that gained, in percent, with its interval."""
    wins, trips = sums[results.WINS], sums[results.TRIPS]
    found = share_interval(wins, trips)
    interval = None if found is None else (100 * found[0], 100 * found[1])
    return Measured(100 * wins / trips if trips else None, interval, trips)


def sharpe_per_trip(sums: Sums) -> float | None:
    """Return mean / sample deviation of what round trips earned; None without a deviation."""
    count, net = sums[results.TRIPS], sums[results.NET]
    spread = count * sums[results.SQUARE] - net * net
    if count < 2 or spread <= 0:
        return None
    return net / count / math.sqrt(spread / (count * (count - 1)))


def fall_of(points: Sequence[tuple[int, int]], base_micros: int = 0) -> Fall:
    """Return the worst fall of (ts_ns, micros) points, each plus `base_micros`.

    The first point is the first high. A drawdown lasts from the first point below its high to the
    first point at it again.
    """
    if not points:
        return Fall()
    worst, longest_ns, lasting = 0.0, 0, False
    below_ns: int | None = None
    high = points[0][1] + base_micros
    for ts_ns, micros in points:
        value = micros + base_micros
        if value < high:
            below_ns = ts_ns if below_ns is None else below_ns
            worst = max(worst, 1 - value / high) if high > 0 else worst
        if below_ns is not None and ts_ns - below_ns >= longest_ns:
            longest_ns, lasting = ts_ns - below_ns, value < high
        if value >= high:
            below_ns, high = None, value
    return Fall(worst if worst > CURVE_SHARE_MIN else 0.0, longest_ns, lasting)


def _over(above: int, below: int) -> float | None:
    return above / below if below else None
