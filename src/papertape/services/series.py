"""A curve in bounded memory that never loses its ends or its extremes."""

from __future__ import annotations

from typing import Any

CAPACITY_BUCKETS = 2048  # per curve: more than any screen has columns, under 200 KB

Sample = tuple[int, int, int]
"""(ts_ns, value, a second value that rides along)"""


class BoundedSeries:
    """Keeps samples in time order; when full, neighbouring buckets merge and keep their extremes.

    Cost per sample is constant on average and does not grow with the history.
    """

    def __init__(self, capacity: int = CAPACITY_BUCKETS) -> None:
        """Hold at most `capacity` buckets (an even number)."""
        assert capacity >= 4
        assert capacity % 2 == 0
        self._capacity = capacity
        self._per_bucket = 1
        self._in_last = 0
        self._buckets: list[tuple[Sample, Sample, Sample, Sample]] = []

    def add(self, ts_ns: int, value: int, rider: int = 0) -> None:
        """Append a sample."""
        sample = (ts_ns, value, rider)
        if self._buckets and self._in_last < self._per_bucket:
            first, low, high, _ = self._buckets[-1]
            low = sample if value < low[1] else low
            high = sample if value > high[1] else high
            self._buckets[-1] = (first, low, high, sample)
            self._in_last += 1
            return
        if len(self._buckets) == self._capacity:
            self._halve()
        self._buckets.append((sample, sample, sample, sample))
        self._in_last = 1

    def _halve(self) -> None:
        pairs = zip(self._buckets[::2], self._buckets[1::2], strict=True)
        self._buckets = [
            (
                a[0],
                a[1] if a[1][1] <= b[1][1] else b[1],
                a[2] if a[2][1] >= b[2][1] else b[2],
                b[3],
            )
            for a, b in pairs
        ]
        self._per_bucket *= 2

    def last(self) -> Sample | None:
        """Return the newest sample."""
        return self._buckets[-1][3] if self._buckets else None

    def samples(self, points: int = CAPACITY_BUCKETS) -> list[Sample]:
        """Return about `points` samples in time order: exact ends, extremes of each stretch."""
        if not self._buckets:
            return []
        per_stretch = max(1, -(-4 * len(self._buckets) // max(points, 4)))
        kept: dict[Sample, None] = {}
        for start in range(0, len(self._buckets), per_stretch):
            stretch = self._buckets[start : start + per_stretch]
            low = min((bucket[1] for bucket in stretch), key=lambda sample: sample[1])
            high = max((bucket[2] for bucket in stretch), key=lambda sample: sample[1])
            for sample in sorted({stretch[0][0], low, high, stretch[-1][3]}):
                kept[sample] = None
        return list(kept)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {
            "per_bucket": self._per_bucket,
            "in_last": self._in_last,
            "buckets": [[list(sample) for sample in bucket] for bucket in self._buckets],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self._per_bucket = state["per_bucket"]
        self._in_last = state["in_last"]
        self._buckets = [
            (tuple(b[0]), tuple(b[1]), tuple(b[2]), tuple(b[3])) for b in state["buckets"]
        ]
