"""Windows of time over a price or a size, kept exactly in integers."""

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


class Channel:
    """Highest and lowest value of the last `span_ns`, each in one step per value (amortised).

    The usual two monotonic queues: a value that a later one beats can never be the extreme again.
    """

    __slots__ = ("_began_ns", "_highs", "_lows", "_span_ns")

    def __init__(self, span_ns: int) -> None:
        """Start empty."""
        self._highs: deque[tuple[int, int]] = deque()
        self._lows: deque[tuple[int, int]] = deque()
        self._span_ns = span_ns
        self._began_ns = -1

    def add(self, ts_ns: int, value: int) -> None:
        """Append a value and let go of those older than the span."""
        if self._began_ns < 0:
            self._began_ns = ts_ns
        highs, lows, since = self._highs, self._lows, ts_ns - self._span_ns
        while highs and highs[-1][1] <= value:
            highs.pop()
        while lows and lows[-1][1] >= value:
            lows.pop()
        for queue in (highs, lows):
            queue.append((ts_ns, value))
            while queue[0][0] < since or len(queue) > SAMPLES_MAX:
                queue.popleft()

    def covers(self, ts_ns: int, least_ns: int) -> bool:
        """Return whether values have come in for at least `least_ns`."""
        return 0 <= self._began_ns <= ts_ns - least_ns

    @property
    def high(self) -> int:
        """Return the highest value in the window."""
        return self._highs[0][1]

    @property
    def low(self) -> int:
        """Return the lowest value in the window."""
        return self._lows[0][1]


class Flow:
    """Sum of what came in over the last `span_ns`, in whole buckets: volume at a steady cost."""

    __slots__ = ("_began_ns", "_bucket_ns", "_buckets", "_span_ns", "total")

    def __init__(self, span_ns: int, buckets: int = 60) -> None:
        """Start empty; the span is cut into this many buckets."""
        self._span_ns = span_ns
        self._bucket_ns = max(span_ns // buckets, 1)
        self._buckets: deque[list[int]] = deque()
        self._began_ns = -1
        self.total = 0

    def add(self, ts_ns: int, amount: int) -> None:
        """Count an amount in."""
        if self._began_ns < 0:
            self._began_ns = ts_ns
        bucket = ts_ns // self._bucket_ns
        if self._buckets and self._buckets[-1][0] == bucket:
            self._buckets[-1][1] += amount
        else:
            self._buckets.append([bucket, amount])
        self.total += amount
        self.turn(ts_ns)

    def turn(self, ts_ns: int) -> None:
        """Let go of what is older than the span."""
        since = (ts_ns - self._span_ns) // self._bucket_ns
        while self._buckets and self._buckets[0][0] <= since:
            self.total -= self._buckets.popleft()[1]

    def covers(self, ts_ns: int, least_ns: int) -> bool:
        """Return whether amounts have come in for at least `least_ns`."""
        return 0 <= self._began_ns <= ts_ns - least_ns


SQUARE_UNIT = 10**18  # a move of a billionth still counts


class Volatility:
    """Realised volatility: root of the mean squared log return per second over `span_ns`.

    Samples closer than `every_ns` are passed over, so that a chattering book does not count its
    own spread as movement. Source: Andersen, Bollerslev, Diebold and Labys (2003), Econometrica
    71(2), for the sum of squared returns as the estimate.
    """

    __slots__ = ("_every_ns", "_last", "_passed_ns", "_returns", "_span_ns", "_squares")

    def __init__(self, span_ns: int, every_ns: int = 1_000_000_000) -> None:
        """Start empty."""
        self._span_ns = span_ns
        self._every_ns = every_ns
        self._last: tuple[int, int] | None = None
        self._returns: deque[tuple[int, int, int]] = deque()
        self._squares = 0  # in SQUARE_UNIT: whole numbers, so that running sums never drift
        self._passed_ns = 0

    def add(self, ts_ns: int, value: int) -> None:
        """Take a positive price; the unit does not matter."""
        if value <= 0:
            return
        if self._last is None:
            self._last = (ts_ns, value)
            return
        before_ns, before = self._last
        passed_ns = ts_ns - before_ns
        if passed_ns < self._every_ns:
            return
        self._last = (ts_ns, value)
        square = round(math.log(value / before) ** 2 * SQUARE_UNIT)
        self._returns.append((ts_ns, passed_ns, square))
        self._squares += square
        self._passed_ns += passed_ns
        while self._returns[0][0] < ts_ns - self._span_ns or len(self._returns) > SAMPLES_MAX:
            _, passed_ns, square = self._returns.popleft()
            self._squares -= square
            self._passed_ns -= passed_ns

    def per_root_second(self, least_samples: int = 20) -> float | None:
        """Return the volatility of one second, None while there are too few samples."""
        if len(self._returns) < least_samples:
            return None
        return math.sqrt(self._squares / SQUARE_UNIT / (self._passed_ns / 1e9))
