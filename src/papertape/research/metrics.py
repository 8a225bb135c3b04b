"""The metrics of a backtest, computed from its collector.

Their names, formulas and units stand in `services.metric_registry`, in the same order. The
definitions are compared with other libraries in docs/metrics.md.
"""

from __future__ import annotations

from typing import Any

from papertape.clock import NS_PER_S
from papertape.model.money import MICROS
from papertape.research import formulas
from papertape.research.bootstrap import of_returns, of_trips
from papertape.research.luck import probabilistic_sharpe

YEAR_S = 365 * 86_400  # markets here never close; other libraries count 252 days
ANNUAL_SPAN_S_MIN = 7 * 86_400  # a year said from less than a week is a guess

Figures = dict[str, float | int | None]
Intervals = dict[str, tuple[float, float]]


Run = Any
"""A finished run: what `Collector` and `LoopMeasures` know of one."""


def measure(run: Run) -> Figures:
    """Return every metric of a finished run by name; None where the data cannot say it."""
    returns = run.returns()
    periods = YEAR_S / (run.period_ns / NS_PER_S)
    span_s = run.span_ns / NS_PER_S
    growth = run.equity_micros / run.initial_micros
    yearly = (
        formulas.annual_return(growth, span_s / YEAR_S) if span_s >= ANNUAL_SPAN_S_MIN else None
    )
    skill = probabilistic_sharpe(returns)
    return {
        "total_return_pct": 100 * (growth - 1),
        "annual_return_pct": _percent(yearly),
        "volatility_pct": _percent(formulas.volatility(returns, periods)),
        "sharpe": formulas.sharpe(returns, periods),
        "sortino": formulas.sortino(returns, periods),
        "calmar": formulas.calmar(yearly, run.drawdown),
        "skill_probability_pct": _percent(skill),
        "max_drawdown_pct": 100 * run.drawdown,
        "drawdown_s": run.drawdown_ns / NS_PER_S,
        "var_pct": _percent(formulas.value_at_risk(returns)),
        "cvar_pct": _percent(formulas.expected_shortfall(returns)),
        **_of_trips(run),
        **_of_trading(run),
    }


def _of_trips(run: Run) -> Figures:
    trips = run.trips
    nets = [net / MICROS for net in trips.net_micros]
    held = sum(trips.closed_ns) - sum(trips.opened_ns)
    return {
        "trips": len(nets),
        "win_rate_pct": _percent(formulas.win_rate(nets)),
        "profit_factor": formulas.profit_factor(nets),
        "expectancy": formulas.mean(nets),
        "sqn": formulas.system_quality(nets),
        "holding_s": held / len(nets) / NS_PER_S if nets else None,
        "brier": formulas.brier_score(trips.stated, trips.happened),
        "log_loss": formulas.log_loss(trips.stated, trips.happened),
    }


def _of_trading(run: Run) -> Figures:
    traded = run.traded_micros
    equity = run.mean_equity_micros
    span = run.span_ns
    return {
        "time_in_market_pct": 100 * run.in_market_ns / span if span else None,
        "exposure_pct": 100 * run.mean_held_micros / equity if equity > 0 else None,
        "turnover": traded / 2 / equity if equity > 0 else None,
        "traded": traded / MICROS,
        "fees": run.fees_micros / MICROS,
        "slippage": run.slippage_micros / MICROS if run.priced_fills else None,
    }


def measure_intervals(run: Run, seed: int) -> Intervals:
    """Return 95 % bootstrap intervals of the headline metrics, in their units; equal seeds agree.

    A metric is absent where the run is too short to say how much it varies.
    """
    periods = YEAR_S / (run.period_ns / NS_PER_S)
    nets = [net / MICROS for net in run.trips.net_micros]
    return of_returns(run.returns(), periods, seed) | of_trips(nets, seed)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
