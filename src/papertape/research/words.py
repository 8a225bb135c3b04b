"""Figures of a backtest as people read them: in the terminal, in notebooks and in the report."""

from __future__ import annotations

from papertape.clock import NS_PER_S
from papertape.services.metric_registry import BY_NAME

NO_VALUE = "-"
MINUS = "\N{MINUS SIGN}"
PERIODS = {86_400: "1 day", 3_600: "1 hour", 300: "5 minutes", 60: "1 minute", 10: "10 seconds"}
RATIO_MAX = 10_000  # a ratio beyond it says nothing but "very large"

REFUSALS = {
    "stale_book": "book stale or in doubt",
    "no_price": "no price seen yet",
    "not_held": "more than was held",
    "no_depth": "nothing offered at that price",
    "depth": "the book does not hold the whole set",
    "venue_minimum": "below the venue's smallest order",
    "max_order": "order too large",
    "max_position": "position too large",
    "max_daily_loss": "daily loss limit reached",
    "max_exposure": "exposure too large",
    "max_open_orders": "too many resting orders",
    "cash": "not enough free cash",
    "market_closed": "market closed",
    "feed_stale": "data feed not live",
    "invalid": "not a valid signal",
    "duplicate": "the same signal twice",
}


def metric_text(name: str, value: float | None) -> str:
    """Return a metric in its unit."""
    unit = BY_NAME[name].unit
    if value is None:
        return NO_VALUE
    if name == "skill_probability_pct" and not 0.01 <= value <= 99.99:
        return "under 0.01 %" if value < 0.01 else "over 99.99 %"
    if unit == "%":
        return f"{number(value)} %"
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "s":
        return duration(value)
    if unit == "" and abs(value) > RATIO_MAX:
        return f"{MINUS if value < 0 else ''}over {RATIO_MAX:,}"
    return number(value, 3 if name in {"brier", "log_loss"} else 2)


def interval_text(name: str, ends: tuple[float, float] | list[float] | None) -> str:
    """Return an interval in the metric's unit, "" if there is none."""
    if ends is None:
        return ""
    unit = " %" if BY_NAME[name].unit == "%" else ""
    return f"{number(ends[0])} to {number(ends[1])}{unit}"


def number(value: float, digits: int = 2) -> str:
    """Return a number with separators; a small one keeps two digits that say something."""
    if value and abs(value) < 0.1 and digits == 2:
        digits = 4 if abs(value) >= 0.0001 else 6
    text = f"{abs(value):,.{digits}f}"
    return MINUS + text if value < 0 and text.strip("0.,") else text


def change(value: float) -> str:
    """Return an amount with its sign."""
    text = number(value)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def duration(seconds: float) -> str:
    """Return a time span in its two largest units."""
    whole = round(seconds)
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{seconds:.3g} s"


def period_text(seconds: int) -> str:
    """Return a period of returns."""
    return PERIODS.get(seconds, f"{seconds} s")


def span_text(from_ns: int, to_ns: int) -> str:
    """Return how long a run was."""
    return duration((to_ns - from_ns) / NS_PER_S)


def refusal_text(code: str) -> str:
    """Return why signals were refused, in words."""
    return REFUSALS.get(code, code.replace("_", " "))
