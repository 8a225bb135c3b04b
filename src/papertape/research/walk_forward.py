"""Walk-forward: choose on the past, judge on what came after, again and again.

Windows (rolling or anchored) run every search and every judgement by itself, with fresh cash and
flat. Folds (purged cross-validation) run every try once over all data and cut its returns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from papertape.clock import NS_PER_S
from papertape.errors import ConfigError
from papertape.research.backtest import Progress as StageProgress
from papertape.research.backtest import StrategyLike
from papertape.research.choosers import make_chooser
from papertape.research.collector import period_ns
from papertape.research.formulas import sharpe
from papertape.research.interrupts import interrupts
from papertape.research.metrics import YEAR_S
from papertape.research.objectives import Objective, parse_objectives
from papertape.research.space import Space, make_space
from papertape.research.splits import Span, Split, folds, paths, purged_combinations, windows
from papertape.research.sweep import (
    BEST_SHOWN,
    Plan,
    Progress,
    Standing,
    look_through,
    make_plan,
    silent,
)
from papertape.research.sweep_result import Trial, rank
from papertape.research.trial import Outcome, Try
from papertape.research.trial_runner import TrialRunner
from papertape.research.trial_store import TrialStore
from papertape.research.walk_result import (
    JUDGED,
    Spans,
    WalkForwardResult,
    Window,
    judged,
    of_returns_only,
)

TEST_SHARE, TRAIN_SHARE = 0.1, 0.3  # of the data, where nothing was said: seven windows
PURGE_SHARE_MAX = 0.25  # of a fold: what is purged by itself never takes more


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """How time is split, in seconds; 0 takes a share of the data.

    folds: 0 for windows, else the number of folds, `judged` of them at once. purge_s: None for
    the longest mean holding time of the tries. warm_up_s: how long before a window its strategy
    begins to see and trade; what it earns there does not count.
    """

    train_s: float = 0.0
    test_s: float = 0.0
    step_s: float = 0.0
    anchored: bool = False
    warm_up_s: float = 0.0
    folds: int = 0
    judged: int = 1
    purge_s: float | None = None
    embargo_s: float = 0.0

    @property
    def word(self) -> str:
        """Return what the scheme is called."""
        if self.folds:
            return "purged folds" if self.judged == 1 else "combinatorial purged folds"
        return "anchored windows" if self.anchored else "rolling windows"


def walk_forward(
    strategy: StrategyLike,
    data: str | Path,
    params: Mapping[str, object],
    *,
    scheme: Scheme | None = None,
    objective: str = "sharpe",
    search: str = "grid",
    trials: int | None = None,
    progress: Progress | None = None,
    importing: StageProgress | None = None,
    **plan: Any,
) -> WalkForwardResult:
    """Search in each window of the past and judge what was chosen on the data after it.

    strategy, data, params, search, trials and the other keywords: as of `run_sweep`; outcomes are
    kept in the same store. Raises ConfigError, InvalidInputError or WorldError. SIGINT ends it
    with the windows there are.
    """
    made = make_plan(strategy, data, importing=importing, **plan)
    (goal,) = parse_objectives([objective])
    space = make_space(made.kind, params)
    study = _Study(made, space, goal, scheme or Scheme(), progress or silent)
    return study.run(search, trials)


class _Study:
    """A walk-forward under way."""

    def __init__(
        self, plan: Plan, space: Space, goal: Objective, scheme: Scheme, progress: Progress
    ) -> None:
        self._plan = plan
        self._space = space
        self._goal = goal
        self._scheme = scheme
        self._progress = progress
        first_ns, last_ns = plan.span
        span_ns = last_ns - first_ns
        judged_ns = _ns(scheme.test_s) or int(span_ns * TEST_SHARE)
        if scheme.folds:
            judged_ns = span_ns // max(scheme.folds, 1)
        self._step_ns = period_ns(judged_ns)
        self._count = span_ns // self._step_ns
        self._standing = Standing(total=0)

    def run(self, search: str, trials: int | None) -> WalkForwardResult:
        """Return what came of it."""
        plan = self._plan
        store = TrialStore(plan.folder)
        with closing(store):
            store.begin(plan.study, plan.document)
            runner = TrialRunner(store, plan.study, plan.opened)
            with closing(runner), interrupts(runner.stop):
                if self._scheme.folds:
                    return self._folded(runner, search, trials)
                return self._walked(runner, search, trials)

    # --- windows --------------------------------------------------------------------------------

    def _walked(self, runner: TrialRunner, search: str, trials: int | None) -> WalkForwardResult:
        found: list[Window] = []
        stitched: list[tuple[int, float]] = []
        splits = self._windows()
        seed = self._plan.setting.seed
        size = make_chooser(search, self._space, trials, seed, (self._goal,)).total
        self._standing.total = (size + 1) * len(splits)
        for split in splits:
            chooser = make_chooser(search, self._space, trials, seed, (self._goal,))
            span = self._span(*split.train[0])
            made = look_through(runner, chooser, span, self._told, self._step_ns)
            if runner.stopped:
                break
            one = self._judged(runner, len(found) + 1, split, made)
            if one is None:
                break
            found.append(one)
            stitched += self._dated(split.test[0], one.returns)
        facts = self._facts(search, len(splits), len(found))
        return judged(facts, self._space, self._goal, found, stitched)

    def _windows(self) -> list[Split]:
        scheme = self._scheme
        lengths = {
            "train": self._periods(scheme.train_s) or int(self._count * TRAIN_SHARE),
            "test": self._periods(scheme.test_s) or int(self._count * TEST_SHARE),
            "step": self._periods(scheme.step_s),
        }
        return windows(self._count, anchored=scheme.anchored, **lengths)

    def _judged(
        self, runner: TrialRunner, number: int, split: Split, made: Sequence[Trial]
    ) -> Window | None:
        """Return what became of the best of the past; None if it was stopped on the way."""
        ranked = rank(made, (self._goal,))
        train, test = self._spans(split.train), self._spans(split.test)
        begin, end = split.test[0]
        empty = (0.0,) * (end - begin)
        if not ranked:
            return Window(
                number=number, train=train, test=test, tries=0, params=None, inside={},
                outside=of_returns_only(empty, self._step_ns / NS_PER_S), returns=empty,
            )  # fmt: skip
        best = ranked[0]
        warm = min(self._periods(self._scheme.warm_up_s), begin)
        one = Try(params=best.params, span=self._span(begin - warm, end), step_ns=self._step_ns)
        outcomes = runner.run(
            [one],
            lambda done, known: self._told([Trial(0, best.params, x) for _, x in done], known),
        )
        if 0 not in outcomes:
            return None
        outcome = outcomes[0]
        returns = [*outcome.returns(), *[0.0] * (end - begin + warm)][warm : warm + end - begin]
        bare = of_returns_only(returns, self._step_ns / NS_PER_S)
        return Window(
            number=number,
            train=train,
            test=test,
            tries=len(ranked),
            params=best.params,
            inside=best.outcome.figures,
            outside=bare if warm or outcome.failure else outcome.figures,
            returns=tuple(returns),
            failure=outcome.failure,
        )

    # --- folds ----------------------------------------------------------------------------------

    def _folded(self, runner: TrialRunner, search: str, trials: int | None) -> WalkForwardResult:
        if self._goal.name not in JUDGED:
            raise ConfigError(f"--objective: folds judge by returns alone: {', '.join(JUDGED)}")
        scheme, step_s = self._scheme, self._step_ns / NS_PER_S
        spans = folds(self._count, scheme.folds)
        chooser = make_chooser(search, self._space, trials, self._plan.setting.seed, (self._goal,))
        self._standing.total = chooser.total
        made = look_through(runner, chooser, self._plan.span, self._told, self._step_ns)
        good = [one for one in made if not one.outcome.failure]
        returns = {one.number: self._padded(one.outcome) for one in good}
        purge = self._purge(good, spans)
        splits = purged_combinations(
            self._count, scheme.folds, scheme.judged,
            purge=purge, embargo=math.ceil(scheme.embargo_s / step_s),
        )  # fmt: skip
        found = [
            self._cut(number, split, good, returns) for number, split in enumerate(splits, start=1)
        ]
        ways = self._paths(spans, found)
        ratios = [sharpe([x for _, x in way], YEAR_S / step_s) or 0.0 for way in ways]
        middle = sorted(range(len(ways)), key=ratios.__getitem__)[len(ways) // 2]
        facts = self._facts(search, len(splits), len(found))
        facts |= {"purge_s": purge * step_s, "embargo_s": scheme.embargo_s}
        if runner.stopped:
            facts["ended"] = "stopped by SIGINT: the splits choose among the tries there were"
        shown = ratios if len(ways) > 1 else ()
        return judged(facts, self._space, self._goal, found, ways[middle], shown)

    def _purge(self, tries: Sequence[Trial], spans: Sequence[Span]) -> int:
        """Return how many periods are purged: as asked, or as long as positions are held."""
        step_s = self._step_ns / NS_PER_S
        if self._scheme.purge_s is not None:
            return math.ceil(self._scheme.purge_s / step_s)
        held_s = max((one.outcome.figures.get("holding_s") or 0.0 for one in tries), default=0.0)
        most = int(PURGE_SHARE_MAX * min(end - start for start, end in spans))
        return min(math.ceil(held_s / step_s), most)

    def _cut(
        self,
        number: int,
        split: Split,
        tries: Sequence[Trial],
        returns: Mapping[int, Sequence[float]],
    ) -> Window:
        """Return what the best of the rest is in the folds that were left out."""
        step_s = self._step_ns / NS_PER_S
        best: tuple[float, Trial] | None = None
        known = 0
        for one in tries:
            score = self._goal.score(
                of_returns_only(_taken(returns[one.number], split.train), step_s)
            )
            known += score is not None
            if score is not None and (best is None or score > best[0]):
                best = score, one
        train, test = self._spans(split.train), self._spans(split.test)
        if best is None:
            return Window(
                number=number, train=train, test=test, tries=0, params=None, inside={},
                outside={}, returns=(),
            )  # fmt: skip
        mine = returns[best[1].number]
        outside = _taken(mine, split.test)
        return Window(
            number=number,
            train=train,
            test=test,
            tries=known,
            params=best[1].params,
            inside=of_returns_only(_taken(mine, split.train), step_s),
            outside=of_returns_only(outside, step_s),
            returns=tuple(mine),
        )

    def _paths(
        self, spans: Sequence[Span], found: Sequence[Window]
    ) -> list[list[tuple[int, float]]]:
        """Return the dated returns of every way through all folds."""
        ways = []
        for path in paths(self._scheme.folds, self._scheme.judged):
            way: list[tuple[int, float]] = []
            for fold, split in path:
                start, end = spans[fold]
                chosen = found[split].returns or (0.0,) * self._count
                way += self._dated(spans[fold], chosen[start:end])
            ways.append(way)
        return ways

    # --- time -----------------------------------------------------------------------------------

    def _periods(self, seconds: float) -> int:
        return max(1, round(_ns(seconds) / self._step_ns)) if seconds else 0

    def _span(self, start: int, end: int) -> Span:
        """Return periods as (first, last) ns: what ends a period belongs to it, not to the next."""
        first_ns = self._plan.span[0]
        begin_ns = first_ns + start * self._step_ns
        return begin_ns + (1 if start else 0), first_ns + end * self._step_ns

    def _spans(self, spans: Sequence[Span]) -> Spans:
        first_ns, step_ns = self._plan.span[0], self._step_ns
        return tuple((first_ns + start * step_ns, first_ns + end * step_ns) for start, end in spans)

    def _dated(self, span: Span, returns: Sequence[float]) -> list[tuple[int, float]]:
        first_ns = self._plan.span[0] + span[0] * self._step_ns
        return [(first_ns + (place + 1) * self._step_ns, one) for place, one in enumerate(returns)]

    def _padded(self, outcome: Outcome) -> list[float]:
        return [*outcome.returns(), *[0.0] * self._count][: self._count]

    # --- what is told ---------------------------------------------------------------------------

    def _told(self, trials: list[Trial], known: bool) -> None:
        standing = self._standing
        standing.done += len(trials)
        standing.found += len(trials) if known else 0
        standing.failed += sum(bool(one.outcome.failure) for one in trials)
        named = [one for one in trials if one.number]
        if named:
            standing.best = rank([*standing.best, *named], (self._goal,))[:BEST_SHOWN]
        self._progress(standing)

    def _facts(self, search: str, wanted: int, found: int) -> dict[str, Any]:
        standing = self._standing
        return self._plan.facts(self._space, search) | {
            "mode": "WALK-FORWARD",
            "scheme": self._scheme.word,
            "splits": wanted,
            "period_s": self._step_ns // NS_PER_S,
            "tries": standing.done,
            "from_store": standing.found,
            "failures": standing.failed,
            "ended": "every window was judged" if found == wanted else "stopped by SIGINT",
        }


def _taken(returns: Sequence[float], spans: Sequence[Span]) -> list[float]:
    return [one for start, end in spans for one in returns[start:end]]


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)
