"""WalkForwardResult: what became of the best of the past in the time after it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import msgspec
import pyarrow as pa

from papertape.clock import NS_PER_MS, iso_utc
from papertape.research.bootstrap import of_returns
from papertape.research.charts import even_steps
from papertape.research.formulas import max_drawdown, mean, sharpe, sortino, volatility
from papertape.research.luck import LEVEL, Moments, probability_above, track_record_periods
from papertape.research.metrics import YEAR_S, Figures, Intervals
from papertape.research.objectives import Objective
from papertape.research.picture import Picture
from papertape.research.space import Params, Space
from papertape.research.verdict import percent_text
from papertape.research.words import duration, metric_text, number

JUDGED = ("total_return_pct", "sharpe", "sortino", "volatility_pct", "max_drawdown_pct")
HOLDS_MIN = 0.5  # of the in-sample Sharpe ratio left out of sample, to be said to hold
SPLITS_MIN = 4  # fewer windows say little about how often it works

Spans = tuple[tuple[int, int], ...]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One split: what was searched, what was chosen, what became of it.

    train, test: spans in ns. tries: how many combinations could be judged in sample. params: None
    if none could, and nothing was traded. inside, outside: figures; returns: out of sample.
    """

    number: int
    train: Spans
    test: Spans
    tries: int
    params: Params | None
    inside: Figures
    outside: Figures
    returns: tuple[float, ...]
    failure: str = ""


class WalkForwardResult(msgspec.Struct, kw_only=True):
    """A study in which every choice was judged on data that it had not seen.

    facts: what was studied. curve: [ns, equity in money] stitched out of the windows' returns.
    metrics, intervals: of those returns, the latter at 95 %. paths: with combinatorial folds, the
    Sharpe ratio a year of each way through all of them.
    """

    facts: dict[str, Any]
    space: Space
    objective: Objective
    windows: tuple[Window, ...]
    curve: tuple[tuple[int, float], ...]
    metrics: Figures
    intervals: Intervals
    luck: dict[str, float | None]
    paths: tuple[float, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def table(self) -> pa.Table:
        """Return one row per split: times, parameters, figures in and out of sample."""
        axes = [(axis.name, pa.int64() if axis.whole else pa.float64()) for axis in self.space.axes]
        time = pa.timestamp("ns", tz="UTC")
        schema = pa.schema(
            [("number", pa.int64()), ("test_from", time), ("test_to", time), ("tries", pa.int64())]
            + axes
            + [(f"{side}_{name}", pa.float64()) for name in JUDGED for side in ("in", "out")]
        )
        rows = []
        for one in self.windows:
            row: dict[str, Any] = {
                "number": one.number, "tries": one.tries,
                "test_from": one.test[0][0], "test_to": one.test[-1][1],
            }  # fmt: skip
            row |= one.params or {}
            row |= {f"in_{name}": one.inside.get(name) for name in JUDGED}
            row |= {f"out_{name}": one.outside.get(name) for name in JUDGED}
            rows.append(row)
        return pa.Table.from_pylist(rows, schema=schema)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as one JSON document."""
        return {
            **self.facts,
            "objective": self.objective.word,
            "metrics": dict(self.metrics),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "luck": self.luck,
            "paths": list(self.paths),
            "words": list(self.words),
            "windows": [
                {
                    "number": one.number,
                    "train": _iso(one.train),
                    "test": _iso(one.test),
                    "tries": one.tries,
                    "params": one.params,
                    "in_sample": {name: one.inside.get(name) for name in JUDGED},
                    "out_of_sample": {name: one.outside.get(name) for name in JUDGED},
                    "failure": one.failure or None,
                }
                for one in self.windows
            ],
        }

    @property
    def points(self) -> list[list[float]]:
        """Return the stitched curve as [ms, equity, drawdown in percent] at even steps."""
        peak, rows = 0.0, []
        for ts_ns, equity in even_steps(list(self.curve)):
            peak = max(peak, equity)
            depth = -100 * (1 - equity / peak) if peak > 0 and equity < peak else 0.0
            rows.append([ts_ns // NS_PER_MS, equity, depth])
        return rows

    def plot(self) -> Picture:
        """Return the stitched out-of-sample equity as a picture that a notebook shows."""
        return Picture(f"{self.title}, out of sample", self.points)

    @property
    def title(self) -> str:
        """Return what was studied, in a few words."""
        return f"{self.facts['strategy']} on {self.facts['data']}"

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(word)}</p>" for word in self.words)
        rows = "".join(
            f"<tr><td>{one.number}</td><td>{escape(params_text(one.params))}</td>"
            f"<td>{escape(metric_text('sharpe', one.inside.get('sharpe')))}</td>"
            f"<td>{escape(metric_text('sharpe', one.outside.get('sharpe')))}</td></tr>"
            for one in self.windows
        )
        head = "<tr><th>window</th><th>chosen</th><th>Sharpe in</th><th>Sharpe out</th></tr>"
        return f"{self.plot().svg()}{words}<table>{head}{rows}</table>"

    def __repr__(self) -> str:
        """Return the headline in one line."""
        found = metric_text("sharpe", self.metrics.get("sharpe"))
        return f"<walk-forward of {self.title}: {len(self.windows)} windows, Sharpe {found}>"


def _iso(spans: Spans) -> list[list[str]]:
    return [[iso_utc(start), iso_utc(end)] for start, end in spans]


def params_text(params: Params | None) -> str:
    """Return chosen parameters as people read them."""
    if params is None:
        return "nothing: no try could be judged"
    return ", ".join(f"{name} {value:g}" for name, value in params.items())


def of_returns_only(returns: Sequence[float], step_s: float) -> Figures:
    """Return those metrics that returns per period alone can say."""
    periods = YEAR_S / step_s
    equity = [1.0]
    for one in returns:
        equity.append(equity[-1] * (1 + one))
    spread = volatility(returns, periods)
    return {
        "total_return_pct": 100 * (equity[-1] - 1),
        "sharpe": sharpe(returns, periods),
        "sortino": sortino(returns, periods),
        "volatility_pct": None if spread is None else 100 * spread,
        "max_drawdown_pct": 100 * max_drawdown(equity),
    }


def judged(
    facts: dict[str, Any],
    space: Space,
    objective: Objective,
    windows: Sequence[Window],
    stitched: Sequence[tuple[int, float]],
    paths: Sequence[float] = (),
) -> WalkForwardResult:
    """Return the result of windows. stitched: [ns, return] per period, in order of time."""
    step_s = facts["period_s"]
    returns = [one for _, one in stitched]
    moments = Moments.of(returns)
    needed = track_record_periods(moments)
    skill = probability_above(moments)
    inside = _mean_sharpe([one.inside for one in windows])
    outside = _mean_sharpe([one.outside for one in windows])
    luck: dict[str, float | None] = {
        "skill_pct": None if skill is None else 100 * skill,
        "needed_s": None if needed is None else needed * step_s,
        "have_s": len(returns) * step_s,
        "in_sample_sharpe": inside,
        "out_of_sample_sharpe": outside,
        "kept_pct": 100 * outside / inside
        if outside is not None and inside and inside > 0
        else None,
        "windows_that_earned_pct": _share_that_earned(windows),
    }
    metrics = of_returns_only(returns, step_s)
    intervals = of_returns(returns, YEAR_S / step_s, facts["seed"])
    result = WalkForwardResult(
        facts=facts,
        space=space,
        objective=objective,
        windows=tuple(windows),
        curve=tuple(_curve(stitched, facts["initial_cash"], step_s)),
        metrics=metrics,
        intervals=intervals,
        luck=luck,
        paths=tuple(paths),
    )
    return msgspec.structs.replace(result, words=tuple(_words(result)))


def _kept_pct(inside: float | None, outside: float | None) -> float | None:
    if inside is None or outside is None or inside <= 0:
        return None
    return 100 * outside / inside


def _mean_sharpe(figures: Sequence[Figures]) -> float | None:
    known = [value for one in figures if (value := one.get("sharpe")) is not None]
    return mean(known)


def _share_that_earned(windows: Sequence[Window]) -> float | None:
    if not windows:
        return None
    earned = sum((one.outside.get("total_return_pct") or 0) > 0 for one in windows)
    return 100 * earned / len(windows)


def _curve(
    stitched: Sequence[tuple[int, float]], initial: float, step_s: float
) -> list[tuple[int, float]]:
    equity = initial
    points = [(stitched[0][0] - round(step_s * 1e9), initial)] if stitched else []
    for ts_ns, one in stitched:
        equity *= 1 + one
        points.append((ts_ns, round(equity, 6)))
    return points


def _words(result: WalkForwardResult) -> list[str]:
    luck, windows = result.luck, result.windows
    skill, kept = luck["skill_pct"], luck["kept_pct"]
    if skill is None:
        return ["Nothing can be said: out of sample there are too few returns that vary."]
    earning = (result.metrics["total_return_pct"] or 0) > 0
    head = (
        "Out of sample, what was chosen earned, and more than chance would have it."
        if skill >= 100 * LEVEL
        else "Out of sample, what was chosen earned, but chance may have done it."
        if earning
        else "Out of sample, what was chosen did not earn."
    )
    ends = result.intervals.get("sharpe")
    between = f" (95 %: {number(ends[0])} to {number(ends[1])})" if ends else ""
    ratio = metric_text("sharpe", result.metrics["sharpe"])
    words = [
        head,
        f"The Sharpe ratio out of sample is {ratio} a year{between}; the probability that it is "
        f"above 0 is {percent_text(skill)}. No try was chosen with the data it is judged on.",
    ]
    if luck["in_sample_sharpe"] is not None and luck["out_of_sample_sharpe"] is not None:
        change = (
            f": {number(kept, 0)} % of it is left"
            if kept is not None and kept > 0
            else ": nothing of it is left"
            if luck["in_sample_sharpe"] > 0
            else ": even the best lost"
        )
        held = kept is not None and kept >= 100 * HOLDS_MIN
        was = "What was best in the past was not after." if luck["in_sample_sharpe"] > 0 else ""
        words.append(
            f"In sample the chosen tries had a Sharpe ratio of {number(luck['in_sample_sharpe'])} "
            f"on average, out of sample {number(luck['out_of_sample_sharpe'])}{change}. "
            + ("The choice carried over." if held else was)
        )
    share = luck["windows_that_earned_pct"]
    count = len(windows)
    few = "" if count >= SPLITS_MIN else "; so few windows say little"
    words.append(f"{number(share or 0.0, 0)} % of {count} windows earned out of sample{few}.")
    needed, have = luck["needed_s"], luck["have_s"]
    if needed is not None and have is not None:
        enough = "which is enough" if have >= needed else "which is too short"
        words.append(
            f"Such a Sharpe ratio needs {duration(needed)} to be above 0 at 95 %; there are "
            f"{duration(have)} out of sample, {enough}."
        )
    if result.paths:
        low, high = min(result.paths), max(result.paths)
        words.append(
            f"{len(result.paths)} ways through all folds give Sharpe ratios from {number(low)} to "
            f"{number(high)} a year."
        )
    return words
