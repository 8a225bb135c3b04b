"""The report of a walk-forward: equity out of sample, in sample beside out of sample, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from papertape.clock import iso_utc
from papertape.research.metrics import Figures
from papertape.research.report import PAGE, fill_page, write_page
from papertape.research.sweep_report import luck_figure
from papertape.research.verdict import percent_text
from papertape.research.walk_result import Spans, WalkForwardResult, params_text
from papertape.research.words import NO_VALUE, interval_text, metric_text, number
from papertape.services.metric_registry import BY_NAME

TABLE = ("total_return_pct", "sharpe", "max_drawdown_pct")
HEADLINES = ("total_return_pct", "sharpe", "max_drawdown_pct")

Row = dict[str, Any]


def write_walk_report(path: Path, result: WalkForwardResult) -> Path:
    """Write the report as one HTML file that needs nothing else, and return its path."""
    return write_page(path, render_walk(result))


def render_walk(result: WalkForwardResult) -> str:
    """Return the report as HTML."""
    text = (PAGE / "walk.html").read_text(encoding="utf-8")
    windows = [
        {
            "number": one.number,
            "test": _when(one.test),
            "params": params_text(one.params),
            "tries": one.tries,
            "cells": [
                metric_text(name, figures.get(name))
                for name in TABLE
                for figures in (one.inside, one.outside)
            ],
            "failure": one.failure,
        }
        for one in result.windows
    ]
    return fill_page(
        text,
        "walk.js",
        _data(result),
        run=result.facts,
        words=result.words,
        grade=_grade(result),
        headlines=_headlines(result),
        windows=windows,
        columns=[BY_NAME[name].label for name in TABLE],
        paths=len(result.paths),
        objective=result.objective.label,
    )


def _grade(result: WalkForwardResult) -> str:
    skill = result.luck["skill_pct"]
    if skill is None:
        return "unknown"
    return "more" if skill >= 95 else "unclear" if skill >= 50 else "luck"


def _headlines(result: WalkForwardResult) -> list[Row]:
    luck = result.luck
    rows = []
    for name in HEADLINES:
        metric = BY_NAME[name]
        text = interval_text(name, result.intervals.get(name))
        note = f"95 %: {text}" if text else "out of sample"
        figure = metric_text(name, result.metrics.get(name))
        rows.append(luck_figure(metric.label, figure, note, metric.formula, metric.source))
    kept = luck["kept_pct"]
    return [
        *rows,
        luck_figure(
            "Above 0", percent_text(luck["skill_pct"]), "95 % is asked for",
            "probabilistic Sharpe ratio of the returns out of sample",
            "Bailey & Lopez de Prado (2012)",
        ),
        luck_figure(
            "Left of in-sample Sharpe", NO_VALUE if kept is None else f"{number(kept, 0)} %",
            f"{_ratio(luck['in_sample_sharpe'])} in, {_ratio(luck['out_of_sample_sharpe'])} out",
            "mean Sharpe ratio of the windows out of sample / mean of the chosen in sample",
            "after Pardo (2008), walk-forward efficiency",
        ),
        luck_figure(
            "Windows that earned", f"{number(luck['windows_that_earned_pct'] or 0.0, 0)} %",
            f"of {len(result.windows)}", "windows with a return above 0 out of sample / all",
            "papertape",
        ),
    ]  # fmt: skip


def _ratio(value: float | None) -> str:
    return NO_VALUE if value is None else number(value)


def _when(spans: Spans) -> str:
    from_ns, to_ns = spans[0][0], spans[-1][1]
    more = f" in {len(spans)} parts" if len(spans) > 1 else ""
    return f"{_day(from_ns)} to {_day(to_ns)}{more}"


def _day(ts_ns: int) -> str:
    return iso_utc(ts_ns)[:16].replace("T", " ")


def _data(result: WalkForwardResult) -> Row:
    def sharpe(figures: Figures) -> float | None:
        return figures.get("sharpe")

    return {
        "equity": result.points,
        "windows": [
            {"number": one.number, "in": sharpe(one.inside), "out": sharpe(one.outside)}
            for one in result.windows
        ],
        "paths": list(result.paths),
    }
