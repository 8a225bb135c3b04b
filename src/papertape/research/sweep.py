"""Sweep: a strategy with many combinations of parameters over the same data, on all cores.

Every outcome is kept as soon as it is there; the same search asked again goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from inspect import getsourcefile
from pathlib import Path
from typing import Any

import msgspec

from papertape.clock import iso_utc
from papertape.config import Config
from papertape.errors import CheckFailedError, ConfigError
from papertape.model.money import Number
from papertape.research.backtest import (
    BACKTESTS_FOLDER,
    StrategyLike,
    build_strategy,
    chosen_config,
    imported,
    parse_time,
    run_backtest,
)
from papertape.research.backtest import Progress as StageProgress
from papertape.research.choosers import Chooser, make_chooser
from papertape.research.interrupts import interrupts
from papertape.research.objectives import Objective, parse_objectives
from papertape.research.ray_workshop import RayCluster
from papertape.research.result import Result
from papertape.research.session import SEED, Order
from papertape.research.space import Params, Space, axis_words, make_space
from papertape.research.sweep_result import (
    SweepResult,
    Trial,
    front_of,
    rank,
    verdict_of,
)
from papertape.research.trial import Outcome, Setting, Try, study_document, study_id
from papertape.research.trial_runner import TrialRunner
from papertape.research.trial_store import TrialStore
from papertape.research.workshop import InProcess, LocalProcesses, Workshop
from papertape.strategies.base import Strategy
from papertape.strategies.registry import SHIPPED

BEST_SHOWN = 8  # rows of the live table
JOBS_MAX = 256  # processes of one machine
UNRELATED = {  # settings that no outcome depends on; a new section is taken to matter
    "data_dir", "feed", "live", "crypto", "kalshi", "dashboard", "storage", "logging",
    "notifications",
}  # fmt: skip


class Standing(msgspec.Struct, kw_only=True):
    """How far a search is: counts of tries, those taken from the store, and the best so far."""

    total: int
    done: int = 0
    found: int = 0
    failed: int = 0
    best: list[Trial] = []


Progress = Callable[[Standing], None]


class Plan(msgspec.Struct, kw_only=True):
    """What is searched and who works at it: checked, so that only the world can fail from here."""

    setting: Setting
    kind: type[Strategy]
    config: Config
    folder: Path
    jobs: int
    ray: str | None
    span: tuple[int, int]
    document: dict[str, Any]

    @property
    def study(self) -> str:
        """Return what the outcomes are found by."""
        return study_id(self.document)

    def facts(self, space: Space, search: str) -> dict[str, Any]:
        """Return what every report of the study begins with."""
        return {
            "study": self.study,
            "strategy": self.kind.name,
            "data": self.setting.data,
            "from": iso_utc(self.span[0]),
            "to": iso_utc(self.span[1]),
            "fees_schedule": self.setting.fees,
            "initial_cash": float(self.config.account.initial_cash_usd),
            "search": search,
            "seed": self.setting.seed,
            "space": {axis.name: axis_words(axis) for axis in space.axes},
        }

    def opened(self, tries: int) -> Workshop:
        """Return where this many tries are run."""
        if self.ray is not None:
            return RayCluster(self.setting, self.ray)
        jobs = min(self.jobs, max(tries, 1))
        if jobs == 1:
            return InProcess(self.setting, self.kind)
        return LocalProcesses(self.setting, jobs)


def make_plan(
    strategy: StrategyLike,
    data: str | Path,
    *,
    initial_cash: Number | None = None,
    start: str | int | None = None,
    end: str | int | None = None,
    fees: str | int = "default",
    seed: int = SEED,
    jobs: int | None = None,
    ray: str | None = None,
    config: Config | None = None,
    data_dir: str | Path | None = None,
    importing: StageProgress | None = None,
) -> Plan:
    """Return the plan of a search over recorded data; the arguments are those of `run_backtest`.

    jobs: processes, all cores when None. ray: address of a cluster, or "auto". A strategy class
    that no file can give again (of a notebook, of the main script) is searched in this process.
    """
    if jobs is not None and not 1 <= jobs <= JOBS_MAX:
        raise ConfigError(f"--jobs: {jobs} is not from 1 to {JOBS_MAX}")
    chosen = chosen_config(config, data_dir, initial_cash)
    sample = build_strategy(strategy, None, chosen)
    kind = type(sample)
    place = strategy if isinstance(strategy, str) else place_of(kind)
    if place is None and ray is not None:
        raise ConfigError(f"--ray: {kind.name} stands in no file that another machine could read")
    order = Order(
        strategy=sample,
        config=chosen,
        market=imported(Path(data), chosen.data_dir / "market", importing).absolute(),
        data=Path(data).name,
        start_ns=parse_time(start, "from"),
        end_ns=parse_time(end, "to"),
        fees=str(fees),
        seed=seed,
    )
    feed = order.feed()
    setting = Setting(
        strategy=absolute(place or kind.name),
        market=str(order.market),
        data=order.data,
        fees=order.fees,
        seed=seed,
        config=chosen.model_dump(mode="json", exclude=UNRELATED),
    )
    return Plan(
        setting=setting,
        kind=kind,
        config=chosen,
        folder=chosen.data_dir / BACKTESTS_FOLDER,
        jobs=1 if place is None else jobs or os.cpu_count() or 1,
        ray=ray,
        span=(feed.first_ns, feed.last_ns),
        document=study_document(setting, kind),
    )


def place_of(kind: type[Strategy]) -> str | None:
    """Return what another process finds a class by; None if no file alone can give it again."""
    if SHIPPED.get(kind.name) is kind:
        return kind.name
    try:
        path = getsourcefile(kind)
    except TypeError:
        path = None
    alone = kind.__module__ != "__main__" and "." not in kind.__qualname__
    return f"{path}:{kind.__name__}" if path and Path(path).is_file() and alone else None


def absolute(place: str) -> str:
    """Return `file.py:Class` with a path that does not depend on the folder one is in."""
    path, colon, name = place.rpartition(":")
    return f"{Path(path).absolute()}:{name}" if colon and ".py" in path else place


def run_sweep(
    strategy: StrategyLike,
    data: str | Path,
    params: Mapping[str, object],
    *,
    objectives: Sequence[str] = ("sharpe",),
    search: str = "grid",
    trials: int | None = None,
    progress: Progress | None = None,
    importing: StageProgress | None = None,
    **plan: Any,
) -> SweepResult:
    """Try a strategy with many combinations of parameters, and judge how much of the best is luck.

    strategy, data and the other keywords (initial_cash, start, end, fees, seed, jobs, ray, config,
    data_dir): as of `make_plan`. params: name to a range as `5..54`, a list or a value; see
    `research.space`. objectives: metrics to be high, with a `-` in front to be low; the first
    decides, several show a Pareto front. search: "grid", "random" or "tpe", the latter two with
    `trials` tries. Outcomes are kept in `<data_dir>/backtests/trials.db`: a search that was stopped
    (SIGINT ends it with what there is) goes on where it was.
    """
    made = make_plan(strategy, data, importing=importing, **plan)
    wanted = parse_objectives(objectives)
    space = make_space(made.kind, params)
    chooser = make_chooser(search, space, trials, made.setting.seed, wanted)
    return Sweep(made, space, wanted, chooser, progress or silent).run(search)


def silent(standing: Standing) -> None:
    """Tell nobody."""


class Sweep:
    """A search under way."""

    def __init__(
        self,
        plan: Plan,
        space: Space,
        objectives: tuple[Objective, ...],
        chooser: Chooser,
        progress: Progress,
    ) -> None:
        """Take a plan; nothing is run yet."""
        self._plan = plan
        self._space = space
        self._objectives = objectives
        self._chooser = chooser
        self._progress = progress
        self._standing = Standing(total=chooser.total)
        self._trials: list[Trial] = []

    def run(self, search: str) -> SweepResult:
        """Try what is chosen until nothing is, or until somebody stops it."""
        plan = self._plan
        store = TrialStore(plan.folder)
        with closing(store):
            store.begin(plan.study, plan.document)
            runner = TrialRunner(store, plan.study, plan.opened)
            with closing(runner), interrupts(runner.stop):
                self._trials = look_through(runner, self._chooser, plan.span, self._told)
        best = next(iter(rank(self._trials, self._objectives)), None)
        return SweepResult(
            facts=self._facts(search, stopped=runner.stopped),
            space=self._space,
            objectives=self._objectives,
            trials=tuple(self._trials),
            verdict=verdict_of(self._trials, best),
            best=best,
            front=front_of(self._trials, self._objectives),
            backtest=None if best is None else again(plan, best),
        )

    def _told(self, trials: list[Trial], found: bool) -> None:
        standing = self._standing
        standing.done += len(trials)
        standing.found += len(trials) if found else 0
        standing.failed += sum(bool(one.outcome.failure) for one in trials)
        if trials:
            standing.best = rank([*standing.best, *trials], self._objectives)[:BEST_SHOWN]
        self._progress(standing)

    def _facts(self, search: str, *, stopped: bool) -> dict[str, Any]:
        standing = self._standing
        return self._plan.facts(self._space, search) | {
            "mode": "SWEEP",
            "total": standing.total,
            "done": standing.done,
            "from_store": standing.found,
            "failures": standing.failed,
            "ended": "stopped by SIGINT" if stopped else "every try was made",
        }


def look_through(
    runner: TrialRunner,
    chooser: Chooser,
    span: tuple[int, int],
    told: Callable[[list[Trial], bool], None],
    step_ns: int = 0,
) -> list[Trial]:
    """Return the trials of what is chosen over a stretch of data, in order, until it is stopped.

    told: trials as they come, and whether they were in the store. step_ns: the period of returns.
    """
    trials: list[Trial] = []
    while batch := chooser.batch():
        first = len(trials) + 1

        def tell(
            done: list[tuple[int, Outcome]],
            found: bool,
            first: int = first,
            batch: list[Params] = batch,
        ) -> None:
            told([Trial(first + place, batch[place], one) for place, one in done], found)

        tries = [Try(params=params, span=span, step_ns=step_ns) for params in batch]
        outcomes = runner.run(tries, tell)
        trials += [Trial(first + at, batch[at], outcomes[at]) for at in sorted(outcomes)]
        if runner.stopped:
            break
        chooser.tell([outcomes[place] for place in range(len(batch))])
    return trials


def again(plan: Plan, best: Trial) -> Result | None:
    """Return the backtest of the best try, on a tape of its own.

    None if it was stopped. Raises CheckFailedError if it does not come to the same return.
    """
    result = run_backtest(
        plan.kind,
        plan.setting.market,
        params=best.params,
        start=plan.span[0],
        end=plan.span[1],
        fees=plan.setting.fees,
        seed=plan.setting.seed,
        config=plan.config,
    )
    if result.facts["ended"].startswith("stopped"):
        return None
    result.facts["data"] = plan.setting.data
    found, expected = result.metrics["total_return_pct"], best.outcome.figures["total_return_pct"]
    if found != expected:
        raise CheckFailedError(
            f"the best try, run again, returns {found} % instead of {expected} %: the strategy "
            "does not decide the same twice (dice, the clock), or papertape is wrong"
        )
    return result
