"""The leaderboard: strategies by what they can be trusted to earn, not by luck."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from typing import Any

from papertape.clock import NS_PER_S
from papertape.dashboard import periods
from papertape.dashboard.follower import Follower
from papertape.model.money import MICROS
from papertape.services import results
from papertape.services.figures import (
    FIGURES,
    Basis,
    Fall,
    expectancy,
    fall_of,
    measure,
    win_rate,
)
from papertape.services.intervals import LEVEL, TRIPS_MIN
from papertape.services.results import SIZE, Sums

CURVE_POINTS = 240  # per strategy: as many as the chart has pixels for
METHOD = (
    f"Ranked by the lower end of the {100 * LEVEL:.0f} % interval of what a round trip earns "
    "after fees (mean ± t · s / √n, trips taken as independent). "
    f"Below {TRIPS_MIN} round trips a strategy has no rank."
)
FORMULAS = {figure.name: figure.formula for figure in FIGURES}
NO_MARKS = [0, 0, 0]

Row = dict[str, Any]
Points = list[tuple[int, int]]


def leaderboard(follower: Follower, period: str) -> dict[str, Any]:
    """Return strategies in order of rank, their curves, and how the rank is made."""
    from_s = periods.begins_s(period, periods.now_ns(follower))
    by_strategy = sums_by_strategy(follower, from_s)
    rows, curves = [], {}
    for name in sorted(follower.view.strategies.scores.keys() | by_strategy.keys()):
        points = curve(follower, name, from_s)
        curves[name] = [[ts_ns, micros / MICROS] for ts_ns, micros in points]
        rows.append(_row(follower, name, by_strategy.get(name, [0] * SIZE), points))
    rows.sort(key=_place)
    for place, row in enumerate(rows, start=1):
        row["rank"] = place if row["round_trips"] >= TRIPS_MIN else None
    return {
        **periods.told(period, from_s),
        "level": LEVEL,
        "trips_min": TRIPS_MIN,
        "method": METHOD,
        "formulas": FORMULAS,
        "rows": rows,
        "curves": curves,
    }


def sums_by_strategy(follower: Follower, from_s: int) -> dict[str, Sums]:
    """Return the sums of each strategy since a second."""
    found: dict[str, Sums] = {}
    for cell, sums in follower.view.results.select(from_s=from_s):
        known = found.get(cell.strategy)
        found[cell.strategy] = sums if known is None else list(map(add, known, sums))
    return found


def curve(follower: Follower, strategy: str, from_s: int) -> Points:
    """Return (ts_ns, net micros) of a strategy since a second, beginning at 0."""
    score = follower.view.strategies.scores.get(strategy)
    samples = score.points(CURVE_POINTS * 2) if score else []
    from_ns = from_s * NS_PER_S
    before = [net for ts_ns, net, _ in samples if ts_ns < from_ns]
    base = before[-1] if before else 0
    points = [(ts_ns, net - base) for ts_ns, net, _ in samples if ts_ns >= from_ns]
    if points and before:
        points.insert(0, (from_ns, 0))
    return points


def _row(follower: Follower, name: str, sums: Sums, points: Sequence[tuple[int, int]]) -> Row:
    initial = follower.view.portfolio.accounts.initial_micros
    fall: Fall = fall_of([(points[0][0], 0), *points] if points else (), initial)
    figures = measure(Basis(sums, initial, NO_MARKS, fall))
    mean, hits = expectancy(sums), win_rate(sums)
    score = follower.view.strategies.scores.get(name)
    low, high = mean.interval or (None, None)
    win_low, win_high = hits.interval or (None, None)
    return {
        "strategy": name,
        "status": score.status if score else "stopped",
        "rank": None,
        "verdict": verdict(sums[results.TRIPS], mean.interval),
        "round_trips": sums[results.TRIPS],
        "wins": sums[results.WINS],
        "losses": sums[results.LOSSES],
        "mean": mean.value,
        "low": low,
        "high": high,
        "win_rate": hits.value,
        "win_rate_low": win_low,
        "win_rate_high": win_high,
        "net_pnl": figures["net_pnl"].value,
        "realized_pnl": figures["gross_pnl"].value,
        "fees": figures["fees"].value,
        "unrealized_pnl": follower.view.unrealized_micros(name) / MICROS,
        "profit_factor": figures["profit_factor"].value,
        "sharpe": figures["sharpe_per_trip"].value,
        "max_drawdown_pct": figures["max_drawdown_pct"].value,
        "holding_s": figures["holding_s"].value,
        "fills": sums[results.FILLS],
        "traded": figures["traded"].value,
        **edge(sums),
    }


def edge(sums: Sums) -> Row:
    """Return what was expected and what came of it, over the trips whose signals said so."""
    trips = sums[results.EDGE_TRIPS]
    return {
        "edge_trips": trips,
        "edge_expected": sums[results.EDGE_EXPECTED] / MICROS if trips else None,
        "edge_realized": sums[results.EDGE_NET] / MICROS if trips else None,
    }


def verdict(trips: int, interval: tuple[float, float] | None) -> str:
    """Return what can be said: none, few, earns, loses or unclear."""
    if trips == 0:
        return "none"
    if trips < TRIPS_MIN or interval is None:
        return "few"
    low, high = interval
    if low > 0:
        return "earns"
    return "loses" if high < 0 else "unclear"


def _place(row: Row) -> tuple[bool, float, float, str]:
    """Order: those with a rank by the lower end, then the others by what they earned."""
    if row["round_trips"] >= TRIPS_MIN:
        return False, -row["low"], -row["mean"], row["strategy"]
    return True, 0.0, -row["net_pnl"], row["strategy"]
