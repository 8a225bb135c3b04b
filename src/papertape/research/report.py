"""The report: one HTML file that needs nothing else, neither a server nor the network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from papertape import __version__
from papertape.errors import WorldError
from papertape.research import words
from papertape.services.metric_registry import BY_NAME, Metric
from papertape.tape.files import write_atomic

PAGE = Path(__file__).parent / "page"
STATIC = Path(__file__).parents[1] / "dashboard" / "static"  # the look and the chart libraries
STYLES = ("tables.css", "search.css", "report.css")  # what narrow screens change stands last
LIBRARIES = ("lightweight-charts.js", "chart.js")

GROUPS: Mapping[str, Sequence[str]] = {
    "Return": (
        "total_return_pct", "annual_return_pct", "sharpe", "sortino", "calmar",
        "skill_probability_pct",
    ),
    "Risk": ("volatility_pct", "max_drawdown_pct", "drawdown_s", "var_pct", "cvar_pct"),
    "Round trips": (
        "trips", "win_rate_pct", "profit_factor", "expectancy", "sqn", "holding_s",
    ),
    "Trading": (
        "time_in_market_pct", "exposure_pct", "turnover", "traded", "fees", "slippage",
    ),
    "Stated confidence": ("brier", "log_loss"),
}  # fmt: skip
HEADLINES = (
    "total_return_pct", "sharpe", "max_drawdown_pct", "win_rate_pct", "profit_factor", "fees",
)  # fmt: skip
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Row = dict[str, Any]


def write_report(path: Path, document: Row, first: list[Row], last: list[Row]) -> Path:
    """Write the report of a result to `path` and return it; WorldError if it cannot be written."""
    return write_page(path, render(document, first, last))


def write_page(path: Path, text: str) -> Path:
    """Write a page to `path` and return it; WorldError if it cannot be written."""
    body = text.encode()
    try:
        write_atomic(path, body)
    except OSError as error:
        raise WorldError(f"{path}: the report cannot be written: {error.strerror}") from error
    return path


def render(document: Row, first: list[Row], last: list[Row]) -> str:
    """Return the report as HTML. document: Result.to_dict with its charts; trades oldest first."""
    text = (PAGE / "report.html").read_text(encoding="utf-8")
    metrics, intervals = document["metrics"], document["intervals"]
    return fill_page(
        text,
        "report.js",
        document["charts"],
        run=document,
        headlines=[_figure(BY_NAME[name], metrics, intervals) for name in HEADLINES],
        groups={
            title: [_figure(BY_NAME[name], metrics, intervals) for name in names]
            for title, names in GROUPS.items()
            if any(metrics.get(name) is not None for name in names)
        },
        years=month_table(document["charts"]["months"]),
        month_names=MONTHS,
        costs=cost_rows(document["charts"]["costs"]),
        answers=document.get("fill_answers", []),
        band=band_shape(document.get("fill_band", [])),
        first=first,
        last=last,
        hidden=max(0, document["trades"] + document["settled"] - len(first) - len(last)),
    )  # fmt: skip


def fill_page(text: str, script: str, data: object, **values: Any) -> str:
    """Return a page of its template's text, with the look, the libraries and what it draws."""
    return (
        _environment()
        .from_string(text)
        .render(
            version=__version__,
            styles=Markup(_styles()),
            scripts=[Markup(_script(body)) for body in _scripts(script)],
            data=Markup(_block(data)),
            **values,
        )
    )


def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        number=words.number,
        change=words.change,
        period=words.period_text,
        span=words.duration,
        refusal=words.refusal_text,
        clock=_clock,
        tone=_tone,
        arrow=_arrow,
        symbol=_symbol,
    )
    return environment


def _figure(metric: Metric, metrics: Row, intervals: Row) -> Row:
    value = metrics.get(metric.name)
    signed = metric.name in {"total_return_pct", "annual_return_pct", "expectancy"}
    plus = "+" if signed and value and value > 0 else ""
    return {
        "name": metric.name,
        "label": metric.label,
        "text": plus + words.metric_text(metric.name, value),
        "tone": _tone(value) if signed else "",
        "arrow": _arrow(value) if signed else "",
        "interval": words.interval_text(metric.name, intervals.get(metric.name)),
        "formula": metric.formula,
        "source": metric.source,
    }


def month_table(months: Sequence[Row]) -> dict[str, list[float | None]]:
    """Return by year the twelve months' returns in percent and the year's."""
    years: dict[str, list[float | None]] = {}
    for row in months:
        year, month = row["month"].split("-")
        cells = years.setdefault(year, [None] * 13)
        change = row["return_pct"]
        cells[int(month) - 1] = change
        if change is not None:
            cells[12] = 100 * ((1 + (cells[12] or 0.0) / 100) * (1 + change / 100) - 1)
    return years


def band_shape(ends: Sequence[Sequence[float]]) -> str:
    """Return [lowest, highest] values in time order as a polygon of 1000 by 100, "" for none."""
    if len(ends) < 2:
        return ""
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    span = (high - low) or 1.0

    def at(number: int, value: float) -> str:
        return f"{1000 * number / (len(ends) - 1):.1f},{100 - 100 * (value - low) / span:.1f}"

    over = [at(number, end[1]) for number, end in enumerate(ends)]
    under = [at(number, end[0]) for number, end in enumerate(ends)]
    return " ".join([*over, *reversed(under)])


def cost_rows(costs: Mapping[str, float]) -> list[Row]:
    """Return how the result came about, step by step, each with its share of the widest step."""
    steps = [
        ("P&L at mid prices", costs["at_mid"], "what the decisions were worth before any cost"),
        ("Slippage", -costs["slippage"], "paid against the mid when the order was decided"),
        ("Fees, taker", -costs["fees_taker"], "by the venue's schedule"),
        ("Fees, maker", -costs["fees_maker"], "by the venue's schedule"),
        ("Net P&L", costs["net"], "what is left"),
    ]
    widest = max((abs(value) for _, value, _ in steps), default=0.0) or 1.0
    return [
        {"label": label, "value": value, "note": note, "share": 100 * abs(value) / widest}
        for label, value, note in steps
        if value or label != "Fees, maker"
    ]


# --- parts of the page --------------------------------------------------------------------------


@cache
def _styles() -> str:
    tokens = (STATIC / "css" / "tokens.css").read_text(encoding="utf-8")
    sheets = (PAGE / name for name in STYLES)
    return tokens + "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)


@cache
def _scripts(own: str) -> tuple[str, ...]:
    bodies = []
    for name in LIBRARIES:
        path = STATIC / "vendor" / name
        try:
            bodies.append(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise WorldError(
                f"{path}: the chart libraries are missing; run `make setup`"
            ) from error
    bodies += [(PAGE / name).read_text(encoding="utf-8") for name in ("base.js", own)]
    return tuple(bodies)


def _script(body: str) -> str:
    assert "</script" not in body.lower(), "a script must not end its own element"
    return body


def _block(data: object) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _clock(ts_ns: int) -> str:
    when = datetime.fromtimestamp(ts_ns // 1_000_000_000, tz=UTC)
    return when.strftime("%Y-%m-%d %H:%M:%S")


def _tone(value: float | None) -> str:
    return "" if not value else "gain" if value > 0 else "loss"


def _arrow(value: float | None) -> str:
    return (
        ""
        if not value
        else "\N{BLACK UP-POINTING TRIANGLE}"
        if value > 0
        else ("\N{BLACK DOWN-POINTING TRIANGLE}")
    )


def _symbol(symbol: str) -> str:
    return symbol.split(":", 1)[-1]
