"""Price paths of simulated pairs: trends with reversion inside, bursts, and quiet ranges.

A path is made hour by hour between anchors that depend on the hour alone, so any moment of any day
can be computed without the days before it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from papertape.feeds.simulation.dice import stream
from papertape.feeds.simulation.grid import STEPS_PER_HOUR, STEPS_PER_MINUTE

HOURS_KEPT_MAX = 4  # hours of path in memory per pair: the current one and its neighbours

_ANCHOR_WAVES = ((1, 0.005), (6, 0.012), (48, 0.035), (400, 0.09))  # (hours, amplitude)
_NOISE = 0.000025  # of the price, per step: a quarter of a basis point
_SWING_KEPT = 1 - 1 / 120  # per step: swings around the trend fade within about 30 s
_SWING_NOISE = 0.00005
_FADE_STEPS = STEPS_PER_MINUTE  # swings start and end at nothing in each hour


class Hour:
    """One hour of a pair: the price, and the lots that trade, at each step."""

    __slots__ = ("lots", "prices")

    def __init__(self, prices: list[float], lots: list[int]) -> None:
        """Keep prices (quote currency) and traded lots (0: no trade), one per step."""
        self.prices = prices
        self.lots = lots


class Walk:
    """The path of one pair, for any step since the epoch."""

    def __init__(self, seed: int, name: str, *, base: float, median_lots: int) -> None:
        """Make the path around `base`; `median_lots` is the size of a usual trade."""
        self._seed = seed
        self._name = name
        self.base = base
        self._median_lots = median_lots
        self._hours: dict[int, Hour] = {}

    def hour(self, hour: int) -> Hour:
        """Return the hour since the epoch, computed once."""
        found = self._hours.get(hour)
        if found is None:
            if len(self._hours) >= HOURS_KEPT_MAX:
                del self._hours[next(iter(self._hours))]
            found = self._hours[hour] = self._make(hour)
        return found

    def price(self, step: int) -> float:
        """Return the price at a step since the epoch."""
        hour, inside = divmod(step, STEPS_PER_HOUR)
        return self.hour(hour).prices[inside]

    def lots(self, step: int) -> int:
        """Return the lots that trade at a step, 0 for none."""
        hour, inside = divmod(step, STEPS_PER_HOUR)
        return self.hour(hour).lots[inside]

    def _anchor(self, hour: int) -> float:
        """Return the logarithm of price over base at the start of an hour."""
        total = 0.0
        for period, amplitude in _ANCHOR_WAVES:
            knot, inside = divmod(hour, period)
            left = stream(self._seed, self._name, "anchor", period, knot).gauss(0.0, amplitude)
            right = stream(self._seed, self._name, "anchor", period, knot + 1).gauss(0.0, amplitude)
            weight = (1 - math.cos(math.pi * inside / period)) / 2
            total += left + (right - left) * weight
        return total

    def _make(self, hour: int) -> Hour:
        rng = stream(self._seed, self._name, "hour", hour)
        slow, swings, busy = _hour_shape(rng)
        first, last = self._anchor(hour), self._anchor(hour + 1)
        slope = (last - first - slow[-1]) / STEPS_PER_HOUR
        base, exp = self.base, math.exp
        prices = [
            base * exp(first + slope * index + slow[index] + swings[index])
            for index in range(STEPS_PER_HOUR)
        ]
        return Hour(prices, self._volume(rng, busy))

    def _volume(self, rng: random.Random, busy: list[float]) -> list[int]:
        """Return traded lots per step: trends trade more, bursts far more."""
        lots = []
        median = self._median_lots
        for intensity in busy:
            trades = rng.random() < 0.22 * intensity
            size = median * (0.2 + rng.expovariate(0.8)) * intensity if trades else 0.0
            lots.append(int(size))
        return lots


def _hour_shape(rng: random.Random) -> tuple[list[float], list[float], list[float]]:
    """Return slow moves (one value more than steps), swings and trading intensity of an hour."""
    slow, swings, busy = [0.0], [], []
    level = swing = 0.0
    gauss = rng.gauss
    segments = _segments(rng)
    left, drift, intensity = next(segments)
    for index in range(STEPS_PER_HOUR):
        if not left:
            left, drift, intensity = next(segments)
        left -= 1
        level += drift + gauss(0.0, _NOISE)
        swing = swing * _SWING_KEPT + gauss(0.0, _SWING_NOISE)
        fade = min(1.0, index / _FADE_STEPS, (STEPS_PER_HOUR - index) / _FADE_STEPS)
        slow.append(level)
        swings.append(swing * fade)
        busy.append(intensity)
    return slow, swings, busy


def _segments(rng: random.Random) -> Iterator[tuple[int, float, float]]:
    """Yield (steps, drift per step, trading intensity): ranges, trends, bursts and reversals."""
    while True:
        chance = rng.random()
        sign = 1 if rng.random() < 0.5 else -1
        if chance < 0.55:
            steps = rng.randrange(480, 1920)
            yield steps, sign * rng.uniform(0.003, 0.009) / steps, 1.6
        elif chance < 0.80:
            yield rng.randrange(240, 720), 0.0, 0.8
        else:
            steps = rng.randrange(60, 200)
            move = sign * rng.uniform(0.002, 0.006)
            yield steps, move / steps, 4.0
            if rng.random() < 0.6:
                back = rng.randrange(120, 400)
                yield back, -move * rng.uniform(0.4, 0.9) / back, 2.2
