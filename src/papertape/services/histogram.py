"""A histogram in bounded memory: exact counts in bins that widen as values spread."""

from __future__ import annotations

from typing import Any

FIRST_WIDTH_MICROS = 10_000  # one cent: nobody looks at finer gains
BINS_MAX = 64


class Histogram:
    """Counts values in equal bins centred so that 0 is always an edge.

    When the values span more than 64 bins, the width doubles and neighbouring bins merge; counts of
    wins, losses and breakeven stay exact whatever the width.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.width_micros = FIRST_WIDTH_MICROS
        self.bins: dict[int, int] = {}
        self.wins = self.losses = self.breakeven = 0

    def add(self, micros: int) -> None:
        """Count a value."""
        if micros > 0:
            self.wins += 1
        elif micros < 0:
            self.losses += 1
        else:
            self.breakeven += 1
        index = micros // self.width_micros
        self.bins[index] = self.bins.get(index, 0) + 1
        while len(self.bins) > 1 and max(self.bins) - min(self.bins) >= BINS_MAX:
            self._widen()

    def _widen(self) -> None:
        merged: dict[int, int] = {}
        for index, count in self.bins.items():
            merged[index // 2] = merged.get(index // 2, 0) + count
        self.bins = merged
        self.width_micros *= 2

    def rows(self) -> list[tuple[int, int, int]]:
        """Return (from micros, to micros, count) of every bin between the extremes, in order."""
        if not self.bins:
            return []
        width = self.width_micros
        return [
            (index * width, (index + 1) * width, self.bins.get(index, 0))
            for index in range(min(self.bins), max(self.bins) + 1)
        ]

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {
            "width": self.width_micros,
            "bins": sorted(self.bins.items()),
            "signs": [self.wins, self.losses, self.breakeven],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.width_micros = state["width"]
        self.bins = dict(state["bins"])
        self.wins, self.losses, self.breakeven = state["signs"]
