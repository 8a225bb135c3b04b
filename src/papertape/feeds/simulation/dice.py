"""Chance that depends on names only: the same seed and names give the same numbers for ever."""

from __future__ import annotations

import hashlib
import random

TABLE_SIZE = 4096
TABLE_MASK = TABLE_SIZE - 1  # tables are indexed by `number & TABLE_MASK`


def stream(seed: int, *names: object) -> random.Random:
    """Return a random stream of its own for (seed, names).

    SHA-256, because Python's `hash` of text differs from process to process.
    """
    text = "/".join([str(seed), *map(str, names)])
    return random.Random(hashlib.sha256(text.encode()).digest())


def uniform_table(seed: int, *names: object) -> list[int]:
    """Return TABLE_SIZE integers in [0, 1000): chances in thousandths, to be indexed by step."""
    rng = stream(seed, "uniform", *names)
    return [rng.randrange(1000) for _ in range(TABLE_SIZE)]


def size_table(seed: int, *names: object, median_lots: int, spread: float, least: int) -> list[int]:
    """Return TABLE_SIZE order sizes in lots, log-normal around the median, at least `least`."""
    rng = stream(seed, "sizes", *names)
    return [
        max(least, int(median_lots * rng.lognormvariate(0.0, spread))) for _ in range(TABLE_SIZE)
    ]
