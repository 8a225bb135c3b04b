"""What each figure is made of: the exact numbers that its formula takes, by name."""

from __future__ import annotations

import math
from typing import NamedTuple

from papertape.clock import NS_PER_S
from papertape.model.money import MICROS
from papertape.services import results
from papertape.services.figures import Basis, Unit


class Input(NamedTuple):
    """A number that goes into a figure."""

    label: str
    value: float | int
    unit: Unit


def inputs(basis: Basis) -> dict[str, list[Input]]:
    """Return the inputs of every figure by name; a figure of a whole curve has none."""
    sums = basis.sums
    trips = Input("round trips", sums[results.TRIPS], "count")
    gained = Input("round trips that gained", sums[results.WINS], "count")
    lost = Input("round trips that lost", sums[results.LOSSES], "count")
    realized = _money("realised P&L", sums[results.REALIZED], "change")
    fees = _money("fees", sums[results.FEES])
    gains = _money("sum of gains", sums[results.WON])
    losses = _money("sum of losses", sums[results.LOST])
    earned = _money("earned by round trips after fees", sums[results.NET], "change")
    traded = _money("traded, bought and sold", sums[results.VOLUME])
    initial = _money("initial cash", basis.initial_micros)
    net = _money("net P&L", sums[results.REALIZED] - sums[results.FEES], "change")
    return {
        "net_pnl": [realized, fees],
        "gross_pnl": [net, fees],
        "fees": [Input("fills", sums[results.FILLS], "count"), traded],
        "total_return_pct": _growth(basis),
        "net_return_pct": [net, initial],
        "round_trips": [gained, lost],
        "win_rate_pct": [gained, trips],
        "profit_factor": [gains, losses],
        "expectancy": [earned, trips, *_spread(basis)],
        "average_win": [gains, gained],
        "average_loss": [losses, lost],
        "sharpe_per_trip": [earned, trips, *_spread(basis)],
        "max_drawdown_pct": [],
        "drawdown_s": [],
        "exposure_pct": _samples(basis),
        "turnover": [traded, *_samples(basis)[:1]],
        "holding_s": [Input("time held, together", sums[results.HELD] / NS_PER_S, "s"), trips],
        "fills": [traded],
        "traded": [Input("fills", sums[results.FILLS], "count")],
    }


def _money(label: str, micros: int, unit: Unit = "money") -> Input:
    return Input(label, micros / MICROS, unit)


def _growth(basis: Basis) -> list[Input]:
    if basis.growth is None:
        return []
    return [Input("equity now / equity at the beginning", basis.growth, "ratio")]


def _spread(basis: Basis) -> list[Input]:
    """Return s, the sample deviation of what round trips earned."""
    count, net = basis.sums[results.TRIPS], basis.sums[results.NET]
    spread = count * basis.sums[results.SQUARE] - net * net
    if count < 2 or spread < 0:
        return []
    return [Input("s", math.sqrt(spread / (count * (count - 1))) / MICROS, "money")]


def _samples(basis: Basis) -> list[Input]:
    samples, equity, positions = basis.marks
    if not samples:
        return []
    return [
        _money("equity, mean of its samples", round(equity / samples)),
        _money("positions at mark, mean", round(positions / samples)),
        Input("samples", samples, "count"),
    ]
