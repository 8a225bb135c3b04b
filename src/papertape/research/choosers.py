"""Which combinations are tried, batch by batch: all, some by chance, or where the last were good.

What is chosen depends on the space, the seed and the outcomes so far, never on who is quicker: a
search that goes on after a stop chooses what it would have chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Literal, Protocol

from papertape.errors import ConfigError
from papertape.research.objectives import Objective
from papertape.research.space import COMBINATIONS_MAX, Axis, Params, Space
from papertape.research.trial import Outcome

Kind = Literal["grid", "random", "tpe"]
KINDS: tuple[Kind, ...] = ("grid", "random", "tpe")
TRIALS = 100  # of a random or TPE search that was not told how many
TPE_BATCH = 8  # tries that are chosen before the outcomes of any of them are known
BATCHES_EMPTY_MAX = 20  # batches without anything new: the space is as good as looked through


class Chooser(Protocol):
    """Chooses."""

    @property
    def total(self) -> int:
        """Return how many tries there will be, at most."""
        ...

    def batch(self) -> list[Params]:
        """Return the next combinations, none twice; empty at the end."""
        ...

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of the batch, in its order."""
        ...


def make_chooser(
    kind: str, space: Space, trials: int | None, seed: int, objectives: Sequence[Objective]
) -> Chooser:
    """Return the chooser of a kind; ConfigError names what does not go together."""
    if kind not in KINDS:
        raise ConfigError(f"--search: {kind!r} is not grid, random or tpe")
    if trials is not None and not 1 <= trials <= COMBINATIONS_MAX:
        raise ConfigError(f"--trials: {trials} is not from 1 to {COMBINATIONS_MAX:,}")
    if kind == "grid":
        if trials is not None:
            raise ConfigError("--trials: a grid tries every combination; it needs --search random")
        return AtOnce(list(space.grid()))
    if kind == "random":
        return AtOnce(by_chance(space, trials or TRIALS, seed))
    return Tpe(space, trials or TRIALS, seed, objectives)


def by_chance(space: Space, count: int, seed: int) -> list[Params]:
    """Return combinations by chance, none twice; all of them if there are no more."""
    chance = Random(seed)
    size = space.size
    if size is None:
        return [space.draw(chance) for _ in range(count)]
    picked = chance.sample(range(size), min(count, size))
    return [_combination(space, number) for number in picked]


def _combination(space: Space, number: int) -> Params:
    """Return the combination with a number, counted as a grid counts."""
    params: Params = {}
    for axis in reversed(space.axes):
        number, place = divmod(number, len(axis.values))
        params[axis.name] = axis.values[place]
    return dict(reversed(params.items()))


class AtOnce:
    """A list of combinations, in one batch."""

    def __init__(self, combinations: list[Params]) -> None:
        """Take the combinations."""
        self._left = combinations
        self.total = len(combinations)

    def batch(self) -> list[Params]:
        """Return all, once."""
        left, self._left = self._left, []
        return left

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Need nothing."""


class Tpe:
    """Tries where the outcomes so far were good, by Optuna's tree-structured Parzen estimators.

    Source: Bergstra et al. (2011); for several objectives Ozaki et al. (2022).
    """

    def __init__(
        self, space: Space, trials: int, seed: int, objectives: Sequence[Objective]
    ) -> None:
        """Open the door to Optuna; ConfigError if it is not installed."""
        try:
            import optuna  # noqa: PLC0415  an optional extra, and slow to import
        except ImportError as error:
            raise ConfigError(
                "--search tpe needs Optuna: install papertape with the extra `research`"
            ) from error
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._objectives = tuple(objectives)
        size = space.size
        self.total = trials if size is None else min(trials, size)
        self._failed = optuna.trial.TrialState.FAIL
        self._study: Any = optuna.create_study(
            directions=["maximize"] * len(objectives),
            sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True),
        )
        self._asked: list[Any] = []
        self._seen: dict[tuple[float, ...], Outcome | None] = {}
        self._chosen: list[tuple[float, ...]] = []

    def batch(self) -> list[Params]:
        """Return the next few; a combination that was tried before is told its outcome again."""
        for _ in range(BATCHES_EMPTY_MAX):
            room = self.total - len(self._seen)
            fresh: list[Params] = []
            for _ in range(min(TPE_BATCH, room)):
                trial = self._study.ask()
                params = {axis.name: _suggested(trial, axis) for axis in self._space.axes}
                key = tuple(params.values())
                self._asked.append(trial)
                self._chosen.append(key)
                if key not in self._seen:
                    self._seen[key] = None
                    fresh.append(params)
            if fresh or not room:
                return fresh
            self.tell(())
        return []

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Let Optuna know."""
        open_keys = [key for key, outcome in self._seen.items() if outcome is None]
        self._seen.update(zip(open_keys, outcomes, strict=True))
        for trial, key in zip(self._asked, self._chosen, strict=True):
            outcome = self._seen[key]
            assert outcome is not None, "a batch is told as a whole"
            values = [one.score(outcome.figures) for one in self._objectives]
            if outcome.failure or any(value is None for value in values):
                self._study.tell(trial, state=self._failed)
            else:
                self._study.tell(trial, values)
        self._asked.clear()
        self._chosen.clear()


def _suggested(trial: Any, axis: Axis) -> float:
    """Return Optuna's value for an axis; values in order are told apart by their places."""
    values = axis.values
    if values and list(values) == sorted(values):
        return values[int(trial.suggest_int(axis.name, 0, len(values) - 1))]
    if values:
        value: float = trial.suggest_categorical(axis.name, values)
        return value
    if axis.whole:
        return int(trial.suggest_int(axis.name, int(axis.low), int(axis.high), log=True))
    return float(trial.suggest_float(axis.name, axis.low, axis.high, log=axis.log))
