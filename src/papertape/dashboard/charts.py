"""Data of the five charts, one function each, as plain JSON values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from papertape.clock import iso_utc
from papertape.dashboard import numbers
from papertape.dashboard.follower import Follower
from papertape.model.money import MICROS

SLICES_MAX = 8  # of a pie, cash and "other" included
POINTS = 500

Chart = dict[str, Any]


def allocation(follower: Follower) -> Chart:
    """Return where the account's money is: cash, the biggest positions, and the rest together."""
    view = follower.view
    if view.run is None:
        return {"labels": [], "values": [], "percents": [], "symbols": []}
    worth: dict[str, int] = {}
    for (_, symbol), position in view.portfolio.accounts.positions.items():
        value = view.portfolio.value_micros(symbol, position)
        value = position.cost_micros if value is None else value
        worth[symbol] = worth.get(symbol, 0) + value
    ranked = sorted(worth.items(), key=lambda item: (-item[1], item[0]))
    shown, rest = ranked, 0
    if len(ranked) > SLICES_MAX - 1:
        shown, rest = ranked[: SLICES_MAX - 2], sum(value for _, value in ranked[SLICES_MAX - 2 :])
    slices = [("Cash", "", view.portfolio.accounts.cash_micros)]
    slices += [(_label(follower, symbol), symbol, value) for symbol, value in shown]
    if len(shown) < len(ranked):
        slices.append(("Other", "", rest))
    total = sum(value for _, _, value in slices)
    return {
        "labels": [label for label, _, _ in slices],
        "values": [value / MICROS for _, _, value in slices],
        "percents": [round(100 * value / total, 4) if total else 0.0 for _, _, value in slices],
        "symbols": [symbol for _, symbol, _ in slices],
    }


def _label(follower: Follower, symbol: str) -> str:
    instrument = follower.view.instruments.get(symbol)
    market = follower.view.markets.get(instrument.market_id) if instrument else None
    if market is None or instrument is None:
        return symbol.partition(":")[2] or symbol
    return f"{market.question} · {instrument.outcome}"


def distribution(follower: Follower) -> Chart:
    """Return the histogram of what closed trades earned after fees."""
    found = follower.view.strategies.distribution
    rows = found.rows()
    return {
        "labels": [
            f"{numbers.change(low / MICROS)} to {numbers.change(high / MICROS)}"
            for low, high, _ in rows
        ],
        "values": [count for _, _, count in rows],
        "edges": [[low / MICROS, high / MICROS] for low, high, _ in rows],
        "wins": found.wins,
        "losses": found.losses,
        "breakeven": found.breakeven,
    }


def cumulative(
    follower: Follower,
    *,
    strategy: str | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    points: int = POINTS,
) -> Chart:
    """Return net realised P&L, equity and drawdown over time; of one strategy only its P&L."""
    view = follower.view
    initial = view.portfolio.accounts.initial_micros
    if strategy is None:
        samples = [(ts, net, equity) for ts, equity, net in view.equity.points(points)]
    else:
        score = view.strategies.scores.get(strategy)
        curve = score.points(points) if score else []
        samples = [(ts, net, initial + net) for ts, net, _ in curve]
    below = falls([equity for _, _, equity in samples], initial)
    kept = [
        (ts, net, equity, fall)
        for (ts, net, equity), fall in zip(samples, below, strict=True)
        if (from_ns is None or ts >= from_ns) and (to_ns is None or ts <= to_ns)
    ]
    return {
        "labels": [iso_utc(ts) for ts, _, _, _ in kept],
        "ts_ns": [ts for ts, _, _, _ in kept],
        "values": [net / MICROS for _, net, _, _ in kept],
        "equity": [None if strategy else equity / MICROS for _, _, equity, _ in kept],
        "drawdown_pct": [fall for _, _, _, fall in kept],
    }


def falls(equities: list[int], peak: int) -> list[float]:
    """Return how far each value stands below the highest so far, in percent."""
    found = []
    for equity in equities:
        peak = max(peak, equity)
        found.append(round(100 * (peak - equity) / peak, 4) if peak > 0 else 0.0)
    return found


def pnl(follower: Follower, by: str = "day") -> Chart:
    """Return net realised P&L per UTC day or hour."""
    curve = follower.view.equity
    rows = curve.by_day if by == "day" else curve.by_hour
    return {
        "by": by,
        "labels": list(rows),
        "values": [micros / MICROS for micros in rows.values()],
    }


def strategies(follower: Follower) -> Chart:
    """Return the strategies side by side, best first."""
    rows = follower.view.strategy_rows()
    return {
        "labels": [row["strategy"] for row in rows],
        "values": [row["net_pnl"] for row in rows],
        "realized": [row["realized_pnl"] for row in rows],
        "unrealized": [row["unrealized_pnl"] for row in rows],
        "fees": [row["fees"] for row in rows],
        "trades": [row["trades"] for row in rows],
        "win_rate": [row["win_rate"] for row in rows],
    }


CHARTS: dict[str, Callable[[Follower], Chart]] = {
    "allocation": allocation,
    "distribution": distribution,
    "cumulative": cumulative,
    "pnl": pnl,
    "strategies": strategies,
}


def all_charts(follower: Follower) -> dict[str, Chart]:
    """Return the data of every chart as it is shown at first."""
    return {name: chart(follower) for name, chart in CHARTS.items()}
