"""A window of time over a price: first value, mean and deviation, kept exactly."""

from __future__ import annotations

import math
from collections import deque

SAMPLES_MAX = 100_000  # of one window: a burst must not eat the memory; the oldest go first


class TimeWindow:
    """Holds (ts_ns, value) of the last `span_ns`; integer sums, so nothing drifts."""

    __slots__ = ("_began_ns", "_samples", "_span_ns", "_square", "_sum")

    def __init__(self, span_ns: int) -> None:
        """Start empty."""
        self._samples: deque[tuple[int, int]] = deque()
        self._span_ns = span_ns
        self._sum = 0
        self._square = 0
        self._began_ns = -1

    def add(self, ts_ns: int, value: int) -> None:
        """Append a value and let go of those older than the span."""
        samples = self._samples
        if self._began_ns < 0:
            self._began_ns = ts_ns
        samples.append((ts_ns, value))
        self._sum += value
        self._square += value * value
        since = ts_ns - self._span_ns
        while samples[0][0] < since or len(samples) > SAMPLES_MAX:
            _, old = samples.popleft()
            self._sum -= old
            self._square -= old * old

    def covers(self, ts_ns: int, least_ns: int) -> bool:
        """Return whether values have come in for at least `least_ns`."""
        return 0 <= self._began_ns <= ts_ns - least_ns

    @property
    def first(self) -> int:
        """Return the oldest value in the window."""
        return self._samples[0][1]

    @property
    def count(self) -> int:
        """Return how many values the window holds."""
        return len(self._samples)

    def mean(self) -> float:
        """Return the average of the values."""
        return self._sum / len(self._samples)

    def deviation(self) -> float:
        """Return the population standard deviation of the values."""
        n = len(self._samples)
        return math.sqrt(max(0, n * self._square - self._sum * self._sum)) / n
