"""The room that a search looks through: `fast=5..54`, `slow=60,70,80`, `edge=0.001..1:log9`.

| word | values |
|---|---|
| `a=3` | one |
| `a=1,2,5` | these |
| `a=5..54` | whole numbers from 5 to 54; of a real number any in between (not for a grid) |
| `a=0..1:0.25` | from 0 to 1 in steps |
| `a=0.001..10:log5` | five, each the same multiple of the one before |
| `a=0.001..10:log` | any in between, small ones as often as large ones (not for a grid) |
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import product
from random import Random

import msgspec

from papertape.errors import ConfigError, shown
from papertape.strategies.base import Param, Strategy, refuse_unknown

AXIS_VALUES_MAX = 100_000  # of one parameter
COMBINATIONS_MAX = 1_000_000  # of a grid: days of work; a random search looks at part of it
LISTED_MAX = 8  # values that are named one by one
FORMS = "a value, a list as 1,2,5, a range as 5..54, 0..1:0.25 or 0.001..10:log5"

Params = dict[str, int | float]


class Axis(msgspec.Struct, frozen=True):
    """One parameter: the values it may take, or any within a range if there are none."""

    name: str
    values: tuple[float, ...]
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def draw(self, chance: Random) -> float:
        """Return a value by chance."""
        if self.values:
            return chance.choice(self.values)
        if not self.log:
            return chance.uniform(self.low, self.high)
        drawn = math.exp(chance.uniform(math.log(self.low), math.log(self.high)))
        value = min(max(drawn, self.low), self.high)  # exp(log(x)) may miss x by a rounding
        return round(value) if self.whole else value


class Space(msgspec.Struct, frozen=True):
    """All combinations of axes; parameters with one value are among them."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> int | None:
        """Return how many combinations there are; None if a range is continuous."""
        if any(not axis.values for axis in self.axes):
            return None
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def moving(self) -> tuple[Axis, ...]:
        """Return the axes that have more than one value."""
        return tuple(axis for axis in self.axes if len(axis.values) != 1)

    def grid(self) -> Iterator[Params]:
        """Yield every combination, the last axis fastest; ConfigError if they cannot be counted."""
        for axis in self.axes:
            if not axis.values:
                kind = "log9" if axis.log else f"{(axis.high - axis.low) / 10:g}"
                raise ConfigError(
                    f"--param: {axis.name} takes any value from {axis.low:g} to {axis.high:g}: "
                    f"a grid needs steps, as {axis.name}={axis.low:g}..{axis.high:g}:{kind}"
                )
        size = self.size or 0
        if size > COMBINATIONS_MAX:
            raise ConfigError(
                f"--param: {size:,} combinations are more than {COMBINATIONS_MAX:,}; "
                "--search random looks at a part of them"
            )
        names = [axis.name for axis in self.axes]
        for values in product(*(axis.values for axis in self.axes)):
            yield dict(zip(names, values, strict=True))

    def draw(self, chance: Random) -> Params:
        """Return a combination by chance."""
        return {axis.name: axis.draw(chance) for axis in self.axes}


def make_space(kind: type[Strategy], given: Mapping[str, object]) -> Space:
    """Return the space of a strategy's parameters, each checked against its type and range.

    given: name to a word of the table above, a number, or a sequence of numbers.
    Raises ConfigError naming parameter and value.
    """
    known = {param.name: param for param in kind.params}
    refuse_unknown(kind.name, known, given)
    return Space(tuple(_axis(known[name], value, kind.name) for name, value in given.items()))


def axis_words(axis: Axis) -> str:
    """Return an axis as people read it."""
    if len(axis.values) == 1:
        return f"{axis.values[0]:g}"
    if not axis.values:
        return f"{axis.low:g} to {axis.high:g}{', log' if axis.log else ''}"
    if len(axis.values) <= LISTED_MAX:
        return ", ".join(f"{value:g}" for value in axis.values)
    return f"{axis.values[0]:g} to {axis.values[-1]:g}, {len(axis.values):,} values"


def _axis(param: Param, value: object, strategy: str) -> Axis:
    if isinstance(value, str):
        return _worded(param, value.strip(), strategy)
    many = tuple(value) if isinstance(value, Iterable) else (value,)
    return _listed(param, [str(one) for one in many], strategy)


def _worded(param: Param, word: str, strategy: str) -> Axis:
    if ".." not in word:
        return _listed(param, word.split(","), strategy)
    ends, _, way = word.partition(":")
    low_text, _, high_text = ends.partition("..")
    low, high = _number(param, low_text, word), _number(param, high_text, word)
    if low >= high:
        raise ConfigError(f"--param: {param.name}={word}: {high_text} is not above {low_text}")
    for end in (low_text, high_text):
        param.parse(end, strategy)
    if way.startswith("log"):
        return _logarithmic(param, word, (low, high), way[3:])
    whole = param.type is int
    step = _number(param, way, word) if way else Decimal(1) if whole else None
    if step is None:
        return Axis(param.name, (), float(low), float(high))
    if step <= 0 or (whole and step != step.to_integral_value()):
        expected = "a whole step above 0" if whole else "a step above 0"
        raise ConfigError(f"--param: {param.name}={word}: {way} is not {expected}")
    count = int((high - low) / step) + 1
    if count > AXIS_VALUES_MAX:
        raise ConfigError(f"--param: {param.name}={word}: more than {AXIS_VALUES_MAX:,} values")
    values = tuple(param.type(low + step * place) for place in range(count))
    return Axis(param.name, values, float(low), float(high), whole=whole)


def _listed(param: Param, words: Sequence[str], strategy: str) -> Axis:
    values = tuple(param.parse(word.strip() if word.strip() else word, strategy) for word in words)
    if len(set(values)) != len(values):
        raise ConfigError(f"--param: {param.name}: a value stands twice in {shown(values)}")
    if len(values) > AXIS_VALUES_MAX:
        raise ConfigError(f"--param: {param.name}: more than {AXIS_VALUES_MAX:,} values")
    whole = param.type is int
    return Axis(param.name, values, low=min(values), high=max(values), whole=whole)


def _logarithmic(param: Param, word: str, ends: tuple[Decimal, Decimal], count: str) -> Axis:
    low, high = float(ends[0]), float(ends[1])
    whole = param.type is int
    if low <= 0:
        raise ConfigError(f"--param: {param.name}={word}: a log range begins above 0")
    if not count:
        return Axis(param.name, (), low, high, log=True, whole=whole)
    if not (count.isascii() and count.isdigit() and 2 <= int(count[:9]) <= AXIS_VALUES_MAX):
        raise ConfigError(f"--param: {param.name}={word}: log{count} is not as log5")
    last = int(count) - 1
    spaced = [low * (high / low) ** (place / last) for place in range(last)] + [high]
    values = dict.fromkeys(param.type(round(x) if whole else x) for x in spaced)
    return Axis(param.name, tuple(values), low, high, log=True, whole=whole)


def _number(param: Param, text: str, word: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > Decimal(10) ** 18:
        raise ConfigError(f"--param: {param.name}={shown(word)} is not {FORMS}")
    return number
