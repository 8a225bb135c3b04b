"""What people believe over hours: drifts, noise, and news that jumps and partly goes back."""

from __future__ import annotations

import math
import random

NEWS_MEAN_S = 500  # seconds between two pieces of news on average
NEWS_LEAST_S = 90
NEWS_SECONDS = (30, 120)  # until everybody has read it
NOISE = 0.35
DRIFT_SECONDS = (240, 1200)


def evidence(rng: random.Random, seconds: int, start: float) -> list[float]:
    """Return evidence for YES at each second from 0 to `seconds`, starting at `start`.

    News moves it by up to 0.7 of what the whole time may, within two minutes, and some of the
    news is taken back in part.
    """
    whole = math.sqrt(seconds)
    level, path = start, [start]
    drift = pull = jump = 0.0
    drift_left = pull_left = jump_left = 0
    news_at = rng.randrange(30, NEWS_MEAN_S)
    for second in range(1, seconds + 1):
        if not drift_left:
            drift_left = rng.randrange(*DRIFT_SECONDS)
            drift = rng.choice((-1, 0, 1)) * rng.uniform(0.2, 0.5) * whole / drift_left / 2
        if second == news_at:
            size = rng.choice((-1, 1)) * rng.uniform(0.3, 0.7) * whole
            jump_left = rng.randrange(*NEWS_SECONDS)
            jump = size / jump_left
            news_at = second + NEWS_LEAST_S + int(rng.expovariate(1 / NEWS_MEAN_S))
            pull_left = rng.randrange(20, 120) if rng.random() < 0.3 else 0
            pull = -size * rng.uniform(0.3, 0.8) / pull_left if pull_left else 0.0
        if jump_left:
            level += jump
            jump_left -= 1
        elif pull_left:
            level += pull
            pull_left -= 1
        level += drift + rng.gauss(0.0, NOISE)
        drift_left -= 1
        path.append(level)
    return path


def spread_left(seconds: int, second: int) -> float:
    """Return how far evidence may still move until the end, never 0."""
    return math.sqrt((seconds - second) * 1.4 + seconds * 0.0004)
