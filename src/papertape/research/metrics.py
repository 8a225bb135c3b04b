"""The metrics of a backtest: one registry of names, formulas, sources and units, one computation.

Reports and pages show a metric's formula from here, so what is shown is what is computed. The
definitions are compared with other libraries in docs/metrics.md.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.clock import NS_PER_S
from papertape.model.money import MICROS
from papertape.research import formulas
from papertape.research.bootstrap import of_returns, of_trips
from papertape.research.collector import Collector
from papertape.research.luck import probabilistic_sharpe

Unit = Literal["", "%", "money", "s", "count"]

YEAR_S = 365 * 86_400  # markets here never close; other libraries count 252 days
ANNUAL_SPAN_S_MIN = 7 * 86_400  # a year said from less than a week is a guess


class Metric(msgspec.Struct, frozen=True):
    """What a figure is called, how it is computed, who says so, and its unit."""

    name: str
    label: str
    formula: str
    source: str
    unit: Unit = ""


METRICS: tuple[Metric, ...] = (
    Metric("total_return_pct", "Total return", "equity at end / initial cash - 1",
           "standard", "%"),
    Metric("annual_return_pct", "Annual return",
           "(equity at end / initial cash)^(365 days / span) - 1; not said below 7 days",
           "compound annual growth rate", "%"),
    Metric("volatility_pct", "Volatility, annual",
           "s(r) x sqrt(periods per year); r: return per period, s: sample deviation (n - 1)",
           "standard; 365 days a year", "%"),
    Metric("sharpe", "Sharpe ratio, annual",
           "mean(r) / s(r) x sqrt(periods per year), risk-free rate 0", "Sharpe (1994)"),
    Metric("sortino", "Sortino ratio, annual",
           "mean(r) / sqrt(mean(min(r, 0)^2)) x sqrt(periods per year)",
           "Sortino & Price (1994)"),
    Metric("calmar", "Calmar ratio", "annual return / max drawdown, over the whole run",
           "Young (1991)"),
    Metric("skill_probability_pct", "Probability that Sharpe > 0",
           "Phi(SR sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)), SR per period",
           "Bailey & Lopez de Prado (2012), probabilistic Sharpe ratio", "%"),
    Metric("max_drawdown_pct", "Max drawdown",
           "largest 1 - equity / highest equity so far, over every mark of equity",
           "standard", "%"),
    Metric("drawdown_s", "Longest drawdown",
           "longest time from the first mark below a high to the first mark at it again, or to "
           "the end", "standard", "s"),
    Metric("var_pct", "Value at risk, 95 %",
           "5th percentile of r, linear between values: one period in twenty is worse",
           "historical simulation", "%"),
    Metric("cvar_pct", "Expected shortfall, 95 %", "mean of the worst 5 % of r",
           "Rockafellar & Uryasev (2000)", "%"),
    Metric("trips", "Round trips",
           "stretches from flat to flat, per strategy and instrument or complete set",
           "papertape", "count"),
    Metric("win_rate_pct", "Win rate", "round trips that earned more than 0 after fees / all",
           "standard", "%"),
    Metric("profit_factor", "Profit factor", "sum of gains / sum of losses, after fees",
           "standard"),
    Metric("expectancy", "Expectancy", "mean of what a round trip earned after fees",
           "Van Tharp (1998), in money", "money"),
    Metric("sqn", "System quality (SQN)",
           "mean / s x sqrt(min(n, 100)) of what round trips earned", "Van Tharp (2008)"),
    Metric("holding_s", "Average holding time", "mean time from first fill to flat",
           "papertape", "s"),
    Metric("time_in_market_pct", "Time in market", "time with anything held / span",
           "papertape", "%"),
    Metric("exposure_pct", "Average exposure",
           "(equity - cash, averaged over time) / (equity, averaged over time)", "papertape", "%"),
    Metric("turnover", "Turnover", "(bought + sold) / 2 / (equity, averaged over time)",
           "after SEC form N-1A, with both sides averaged", ""),
    Metric("traded", "Traded", "bought + sold, notional", "papertape", "money"),
    Metric("fees", "Fees", "sum of what venues charged, by each venue's schedule",
           "docs/venues.md", "money"),
    Metric("slippage", "Slippage",
           "sum of (fill price - mid when the order was decided) x quantity, against us; on bars "
           "the mid is the close that was seen", "Perold (1988), execution part", "money"),
    Metric("brier", "Brier score",
           "mean((stated confidence - outcome)^2); outcome 1 if the round trip earned; 0.25: coin",
           "Brier (1950)"),
    Metric("log_loss", "Log loss",
           "-mean(ln probability given to what happened), kept within 0.5 % and 99.5 %; "
           "0.693: coin", "Good (1952)"),
)  # fmt: skip
"""Every metric, in the order of reports."""

BY_NAME = {metric.name: metric for metric in METRICS}

Figures = dict[str, float | int | None]
Intervals = dict[str, tuple[float, float]]


def measure(run: Collector) -> Figures:
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


def _of_trips(run: Collector) -> Figures:
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


def _of_trading(run: Collector) -> Figures:
    traded = run.bought_micros + run.sold_micros
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


def measure_intervals(run: Collector, seed: int) -> Intervals:
    """Return 95 % bootstrap intervals of the headline metrics, in their units; equal seeds agree.

    A metric is absent where the run is too short to say how much it varies.
    """
    periods = YEAR_S / (run.period_ns / NS_PER_S)
    nets = [net / MICROS for net in run.trips.net_micros]
    return of_returns(run.returns(), periods, seed) | of_trips(nets, seed)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
