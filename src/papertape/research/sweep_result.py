"""SweepResult: what a search found, with how much of it may be luck."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import msgspec
import pyarrow as pa

from papertape.research.metrics import Intervals
from papertape.research.objectives import Objective, pareto, scores
from papertape.research.picture import Picture
from papertape.research.result import Result
from papertape.research.space import Params, Space
from papertape.research.trial import Outcome
from papertape.research.verdict import Verdict, judge
from papertape.research.words import metric_text
from papertape.services.metric_registry import BY_NAME

ROWS_SHOWN = 20  # best tries in a report, a terminal or a notebook
SHOWN = ("total_return_pct", "sharpe", "max_drawdown_pct", "trips", "win_rate_pct", "fees")


class Trial(msgspec.Struct, frozen=True):
    """One try with its outcome; number: its place in the order of the search, from 1."""

    number: int
    params: Params
    outcome: Outcome


class SweepResult(msgspec.Struct, kw_only=True):
    """A search that ended, or was stopped. Money in the quote currency, percent as percent.

    facts: what was searched, and counts. trials: in the order of the search. best: the trial that
    is best by the first objective, None if none can be judged. front: with several objectives,
    those that none beats. backtest: the best one run once more, on a tape of its own.
    """

    facts: dict[str, Any]
    space: Space
    objectives: tuple[Objective, ...]
    trials: tuple[Trial, ...]
    verdict: Verdict
    best: Trial | None
    front: tuple[Trial, ...]
    backtest: Result | None = None

    @property
    def intervals(self) -> Intervals:
        """Return 95 % intervals of the best one's figures."""
        return {} if self.backtest is None else self.backtest.intervals

    @property
    def ranked(self) -> list[Trial]:
        """Return the trials that can be judged, best by the first objective first."""
        return rank(self.trials, self.objectives)

    @property
    def table(self) -> pa.Table:
        """Return every trial: number, parameters, metrics, failure; as an Arrow table."""
        rows = [
            dict[str, Any](number=one.number, **one.params)
            | {name: one.outcome.figures.get(name) for name in BY_NAME}
            | {"failure": one.outcome.failure or None}
            for one in self.trials
        ]
        schema = pa.schema(
            [("number", pa.int64())]
            + [(a.name, pa.int64() if a.whole else pa.float64()) for a in self.space.axes]
            + [(name, pa.float64()) for name in BY_NAME]
            + [("failure", pa.string())]
        )
        return pa.Table.from_pylist(rows, schema=schema)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as one JSON document; the trials with objectives, best first."""
        return {
            **self.facts,
            "objectives": [one.word for one in self.objectives],
            "best": None if self.best is None else self._row(self.best) | self._of_best(),
            "front": [self._row(one) for one in self.front],
            "luck": msgspec.to_builtins(self.verdict) | {"pairs": len(self.verdict.pairs)},
            "trials": [self._row(one) for one in self.ranked],
            "failed": [
                {"number": one.number, "params": one.params, "failure": one.outcome.failure}
                for one in self.trials
                if one.outcome.failure
            ],
        }

    def _row(self, one: Trial) -> dict[str, Any]:
        names = dict.fromkeys([each.name for each in self.objectives] + list(SHOWN))
        figures = {name: one.outcome.figures.get(name) for name in names}
        return {"number": one.number, "params": one.params, "metrics": figures}

    def _of_best(self) -> dict[str, Any]:
        assert self.best is not None
        return {
            "metrics": dict(self.best.outcome.figures),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "backtest": None if self.backtest is None else str(self.backtest.folder),
        }

    def plot(self) -> Picture:
        """Return the best one's equity and drawdown as a picture that a notebook shows."""
        if self.backtest is None:
            return Picture(self.title, [])
        return self.backtest.plot()

    @property
    def title(self) -> str:
        """Return what was searched, in a few words."""
        return f"{self.facts['strategy']} on {self.facts['data']}"

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys([one.name for one in self.objectives] + list(SHOWN)))[:6]
        axes = [axis.name for axis in self.space.axes]
        head = "".join(f"<th>{escape(word)}</th>" for word in axes + names)
        rows = "".join(
            "<tr>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(one, axes, names))
            + "</tr>"
            for one in self.ranked[:ROWS_SHOWN]
        )
        words = "".join(f"<p>{escape(word)}</p>" for word in self.verdict.words)
        return f"{self.plot().svg()}{words}<table><tr>{head}</tr>{rows}</table>"

    def __repr__(self) -> str:
        """Return the headline in one line."""
        best = "nothing to judge" if self.best is None else self._headline(self.best)
        return f"<sweep of {self.title}: {len(self.trials):,} tries, best {best}>"

    def _headline(self, one: Trial) -> str:
        words = [f"{name}={value:g}" for name, value in one.params.items()]
        for each in self.objectives:
            words.append(f"{each.name}={metric_text(each.name, each.value(one.outcome.figures))}")
        return " ".join(words)


def _cells(one: Trial, axes: Sequence[str], names: Sequence[str]) -> list[str]:
    figures = one.outcome.figures
    return [f"{one.params[name]:g}" for name in axes] + [
        metric_text(name, figures.get(name)) for name in names
    ]


def rank(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Return the trials that can be judged, best first by the objectives in their order."""
    judged = [
        (found, one)
        for one in trials
        if not one.outcome.failure and (found := scores(objectives, one.outcome.figures))
    ]
    judged.sort(key=lambda pair: (tuple(-score for score in pair[0]), pair[1].number))
    return [one for _, one in judged]


def front_of(trials: Sequence[Trial], objectives: Sequence[Objective]) -> tuple[Trial, ...]:
    """Return the trials that none beats in one objective without losing in another."""
    good = [one for one in trials if not one.outcome.failure]
    rows = [scores(objectives, one.outcome.figures) for one in good]
    return tuple(good[place] for place in pareto(rows))


def verdict_of(trials: Sequence[Trial], best: Trial | None) -> Verdict:
    """Return how much of the best one may be luck among all that were tried."""
    if best is None:
        words = ("Nothing can be said about luck: no try can be judged.",)
        return Verdict(tries=len(trials), periods=0, step_s=0, words=words)
    outcome = best.outcome
    same = [
        one
        for one in trials
        if not one.outcome.failure
        and one.outcome.step_ns == outcome.step_ns
        and len(one.outcome.grid) == len(outcome.grid)
    ]
    place = next(at for at, one in enumerate(same) if one.number == best.number)
    return judge([one.outcome.returns() for one in same], place, outcome.step_ns)
