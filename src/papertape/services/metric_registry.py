"""The metrics of a backtest: one registry of names, formulas, sources and units.

Reports and pages show a metric's label and formula from here; `research.metrics` computes them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Unit = Literal["", "%", "money", "s", "count"]


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
