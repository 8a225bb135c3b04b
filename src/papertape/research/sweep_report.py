"""The report of a sweep: the map of parameters, all tries, the best one, and luck in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from papertape.research.charts import bins_of
from papertape.research.formulas import sharpe
from papertape.research.metrics import YEAR_S
from papertape.research.report import PAGE, fill_page, write_page
from papertape.research.sweep_result import SHOWN, SweepResult, Trial
from papertape.research.verdict import Verdict, percent_text
from papertape.research.words import NO_VALUE, interval_text, metric_text, number
from papertape.services.metric_registry import BY_NAME

MAPPED_MAX = 20_000  # tries in the document: two megabytes; the best of more
LINES_MAX = 800  # through parallel coordinates: more are one grey block
MARKED = 10  # best tries that stand out
ROWS = 25  # of the table

Row = dict[str, Any]


def write_sweep_report(path: Path, result: SweepResult) -> Path:
    """Write the report as one HTML file that needs nothing else, and return its path."""
    return write_page(path, render_sweep(result))


def render_sweep(result: SweepResult) -> str:
    """Return the report as HTML."""
    text = (PAGE / "sweep.html").read_text(encoding="utf-8")
    ranked = result.ranked
    verdict = result.verdict
    data = _data(result, ranked)
    failed = next((one for one in result.trials if one.outcome.failure), None)
    return fill_page(
        text,
        "sweep.js",
        data,
        run=result.facts,
        verdict=verdict,
        headlines=_headlines(result),
        objective=result.objectives[0].label,
        several=len(result.objectives) > 1,
        best=result.best,
        best_words=_words_of(result.best),
        best_equity=bool(data["equity"]),
        best_run=result.backtest.run_id if result.backtest else "",
        lines=len(data["moving"]) > 0,
        marked=min(MARKED, len(ranked)),
        spread_words=_spread_words(verdict),
        columns=_columns(result),
        rows=_rows(result, ranked),
        first_failure="" if failed is None else f"{_words_of(failed)}: {failed.outcome.failure}",
        repeat=_repeat(result),
    )


def _words_of(one: Trial | None) -> str:
    return "" if one is None else ", ".join(f"{k} {v:g}" for k, v in one.params.items())


def _headlines(result: SweepResult) -> list[Row]:
    verdict, best = result.verdict, result.best
    figures = {} if best is None else best.outcome.figures
    first = result.objectives[0]
    return [
        {
            "label": f"Best {first.label}",
            "text": metric_text(first.name, figures.get(first.name)),
            "note": _interval(result, first.name),
            "formula": BY_NAME[first.name].formula,
            "source": BY_NAME[first.name].source,
        },
        luck_figure(
            "Best Sharpe by luck", _maybe(verdict.by_luck),
            f"what {verdict.tries:,} tries without skill would have",
            "s(SR) ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e))), g Euler's constant",
            "Bailey & Lopez de Prado (2014)",
        ),
        luck_figure(
            "Above luck", percent_text(verdict.deflated_pct), "95 % is asked for",
            "deflated Sharpe ratio: the probabilistic Sharpe ratio against the best by luck",
            "Bailey & Lopez de Prado (2014)",
        ),
        luck_figure(
            "Overfitting", percent_text(verdict.overfitting_pct), "a coin has 50 %",
            "share of the ways to halve time in which the best of one half is in the lower half of "
            "all tries in the other", "Bailey, Borwein, Lopez de Prado & Zhu (2015), CSCV",
        ),
        luck_figure(
            "Loses out of sample", percent_text(verdict.loss_pct), "of the same splits",
            "share of the splits in which the best of one half loses money in the other",
            "Bailey, Borwein, Lopez de Prado & Zhu (2015)",
        ),
        luck_figure(
            "Independent tries", _maybe(verdict.independent, 0), f"of {verdict.tries:,}",
            "r + (1 - r) N, r the mean correlation of the tries' returns",
            "Bailey & Lopez de Prado (2014)",
        ),
    ]  # fmt: skip


def luck_figure(label: str, text: str, note: str, formula: str, source: str) -> Row:
    """Return a headline figure that is not a metric of one run."""
    return {"label": label, "text": text, "note": note, "formula": formula, "source": source}


def _maybe(value: float | None, digits: int = 2) -> str:
    return NO_VALUE if value is None else number(value, digits)


def _interval(result: SweepResult, name: str) -> str:
    text = interval_text(name, result.intervals.get(name))
    return f"95 %: {text}" if text else ""


def _names(result: SweepResult) -> list[str]:
    return list(dict.fromkeys([one.name for one in result.objectives] + list(SHOWN)))


def _columns(result: SweepResult) -> list[str]:
    return [axis.name for axis in result.space.axes] + [
        BY_NAME[name].label for name in _names(result)
    ]


def _rows(result: SweepResult, ranked: Sequence[Trial]) -> list[Row]:
    rows = []
    for place, one in enumerate(ranked[:ROWS]):
        cells = [{"text": f"{value:g}", "interval": ""} for value in one.params.values()]
        for name in _names(result):
            text = metric_text(name, one.outcome.figures.get(name))
            ends = None if place else result.intervals.get(name)
            cells.append({"text": text, "interval": interval_text(name, ends)})
        rows.append({"number": one.number, "cells": cells})
    return rows


def _spread_words(verdict: Verdict) -> str:
    if verdict.sharpe is None or verdict.by_luck is None:
        return ""
    return (
        f"The best is at {number(verdict.sharpe)} (blue); luck alone would put the best of "
        f"{verdict.tries:,} near {number(verdict.by_luck)} (dashed)."
    )


def _repeat(result: SweepResult) -> Row:
    facts = result.facts
    return {
        "study": f"{facts['study']} (code, data, settings)",
        "seed": facts["seed"],
        "objectives": ", ".join(one.word for one in result.objectives),
        **{f"--param {name}": words for name, words in facts["space"].items()},
        **({"best backtest": str(result.backtest.folder)} if result.backtest else {}),
    }


def _data(result: SweepResult, ranked: Sequence[Trial]) -> Row:
    """Return what the page draws; tries best first."""
    metrics = [
        {"name": one.name, "label": one.label, "lowest": one.lowest} for one in result.objectives
    ]
    for name in SHOWN[:4]:
        if name not in {one["name"] for one in metrics}:
            lowest = name == "max_drawdown_pct"
            metrics.append({"name": name, "label": BY_NAME[name].label, "lowest": lowest})
    tries = [
        {
            "number": one.number,
            "at": [one.params[axis.name] for axis in result.space.axes],
            "of": [one.outcome.figures.get(str(each["name"])) for each in metrics],
        }
        for one in ranked[:MAPPED_MAX]
    ]
    stride = max(1, -(-len(tries) // LINES_MAX))
    lines = sorted({*range(min(MARKED, len(tries))), *range(0, len(tries), stride)})
    charts = result.backtest.charts if result.backtest else {"equity": [], "trips": []}
    return {
        "axes": [axis.name for axis in result.space.axes],
        "moving": [at for at, axis in enumerate(result.space.axes) if len(axis.values) != 1],
        "metrics": metrics,
        "tries": tries,
        "lines": lines,
        "marked": MARKED,
        "front": [one.number for one in result.front],
        "pairs": [list(pair) for pair in result.verdict.pairs],
        "spread": _spread(result, ranked),
        "equity": charts["equity"],
        "trips": charts["trips"],
    }


def _spread(result: SweepResult, ranked: Sequence[Trial]) -> Row:
    verdict = result.verdict
    ratios = []
    for one in ranked:
        periods = YEAR_S / (one.outcome.step_ns / 1e9)
        ratios.append(sharpe(one.outcome.returns(), periods) or 0.0)
    marks = [x for x in (verdict.by_luck, verdict.sharpe) if x is not None]
    return {
        "bins": bins_of([*ratios], [*ratios, *marks, 0.0]),
        "best": verdict.sharpe,
        "luck": verdict.by_luck,
    }
