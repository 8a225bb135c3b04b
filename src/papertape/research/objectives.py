"""What a search looks for: one metric or several, each as high or as low as it gets."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from papertape.errors import ConfigError, nearest_match
from papertape.research.metrics import Figures
from papertape.services.metric_registry import BY_NAME

OBJECTIVES_MAX = 4  # with more, nearly every try is the best at something
UNITS = ("", "_pct", "_s")  # of metric names: `max_drawdown` is enough for `max_drawdown_pct`


class Objective(msgspec.Struct, frozen=True):
    """A metric and its direction."""

    name: str
    lowest: bool = False

    @property
    def word(self) -> str:
        """Return it as it is given: `sharpe`, `-max_drawdown_pct`."""
        return f"-{self.name}" if self.lowest else self.name

    @property
    def label(self) -> str:
        """Return it as people read it."""
        return BY_NAME[self.name].label

    def value(self, figures: Figures) -> float | None:
        """Return the metric."""
        return figures.get(self.name)

    def score(self, figures: Figures) -> float | None:
        """Return a number that is higher where the try is better, None where nothing is said."""
        found = figures.get(self.name)
        return None if found is None else -found if self.lowest else float(found)


def parse_objectives(words: Sequence[str]) -> tuple[Objective, ...]:
    """Return objectives of words such as `sharpe` (highest) and `-max_drawdown` (lowest)."""
    found = []
    for word in words or ("sharpe",):
        name = word.strip().lstrip("+-")
        full = next((name + unit for unit in UNITS if name + unit in BY_NAME), None)
        if full is None:
            near = nearest_match(name, BY_NAME)
            hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(BY_NAME)}"
            raise ConfigError(f"--objective: {name!r} is not a metric{hint}")
        found.append(Objective(full, lowest=word.strip().startswith("-")))
    if len({one.name for one in found}) != len(found):
        raise ConfigError("--objective: a metric is given twice")
    if len(found) > OBJECTIVES_MAX:
        raise ConfigError(f"--objective: at most {OBJECTIVES_MAX}")
    return tuple(found)


def scores(objectives: Sequence[Objective], figures: Figures) -> tuple[float, ...] | None:
    """Return one score per objective, None if any cannot be said."""
    found = [one.score(figures) for one in objectives]
    return (
        None if any(score is None for score in found) else tuple(s for s in found if s is not None)
    )


def pareto(rows: Sequence[tuple[float, ...] | None]) -> list[int]:
    """Return the places of rows that no other row beats in one score without losing in another.

    In the order of the first score, highest first; equal rows are all there.
    """
    order = sorted(
        (place for place, row in enumerate(rows) if row is not None),
        key=lambda place: (tuple(-score for score in rows[place] or ()), place),
    )
    front: list[int] = []
    for place in order:
        row = rows[place]
        assert row is not None
        if not any(_beats(rows[other], row) for other in front):
            front.append(place)
    return front


def _beats(one: tuple[float, ...] | None, other: tuple[float, ...]) -> bool:
    assert one is not None
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))
