"""How quotes follow what a market is worth: not at once, and pushed aside by impatient orders."""

from __future__ import annotations

import random

from papertape.feeds.simulation.grid import ONE_TICKS

PUSH_TICKS = (900, 1800)  # how far an impatient order moves a price of 0.5; less near 0 and 1
PUSH_SECONDS = (1, 3)  # to get there …
STAY_SECONDS = (1, 4)
BACK_SECONDS = (10, 30)  # … and to be undone
CALM_AT_END = 0.06  # of the life: no more pushes, the quote settles where the market is worth


def impatience(
    rng: random.Random, count: int, per_second: int, pause_s: tuple[int, int]
) -> list[float]:
    """Return by how much (of a push at price 0.5, in ticks) quotes are moved at each of `count`.

    per_second: quotes per second. pause_s: shortest and longest time between two pushes.
    """
    moved = [0.0] * count
    end = int(count * (1 - CALM_AT_END))
    at = rng.randrange(3, pause_s[1]) * per_second
    while True:
        size = rng.choice((-1, 1)) * rng.uniform(*PUSH_TICKS)
        there = rng.randint(*PUSH_SECONDS) * per_second
        stay = rng.randint(*STAY_SECONDS) * per_second
        back = rng.randint(*BACK_SECONDS) * per_second
        if at + there + stay + back >= end:
            return moved
        for index in range(there):
            moved[at + index] = size * (index + 1) / there
        for index in range(stay):
            moved[at + there + index] = size
        for index in range(back):
            moved[at + there + stay + index] = size * (1 - (index + 1) / back)
        at += there + stay + back + rng.randrange(*pause_s) * per_second


def followed(worth: list[float], moved: list[float], slew_ticks: int) -> list[int]:
    """Return quotes in ticks: what the market is worth (0 to 1), pushed, at a limited speed.

    slew_ticks: the most a quote moves at once. A jump of the worth thus takes a while to arrive.
    """
    path: list[int] = []
    at = ONE_TICKS * worth[0]
    for price, push in zip(worth, moved, strict=True):
        aim = ONE_TICKS * price + push * 4 * price * (1 - price)
        at += max(-slew_ticks, min(slew_ticks, aim - at))
        path.append(round(at))
    return path
