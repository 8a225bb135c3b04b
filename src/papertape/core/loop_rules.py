# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: `target` holds the index against the room that `begin` made.
"""Rules that the loop asks without going through Python: a price in, lots to hold out.

A rule of one's own is a subclass of `Rule`: in Python it works at Python's speed, in Cython
(`from papertape.core.loop_rules cimport Rule`) at the speed of the loop.
"""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence

MILLION = 1_000_000
WINDOW_MAX = 2_000  # events
PRICE_END = 1 << 31  # times a million and the longest window: within 64 bits
KEEP = -1
"""No wish: whatever is held stays."""


class Rule:
    """Decides, per instrument, how many lots to hold."""

    def begin(self, instruments: int) -> None:
        """Make room for this many instruments and forget everything."""

    def target(self, index: int, price: int) -> int:
        """Return the lots to hold from now on, or KEEP.

        price: a closed bar's close in ticks, or a quote's mid in half ticks.
        """
        return KEEP


class EmaCross(Rule):
    """Hold `lots` while the fast average of the price is above the slow one, else nothing.

    Averages: e += 2/(n+1) x (price - e), from the first price on, in 64-bit floats and in this
    order of operations, so that every form of the rule decides the same.
    """

    def __init__(self, fast: int, slow: int, lots: int) -> None:
        """Take the spans of both averages in events, and the size."""
        assert fast >= 1
        assert slow >= 1
        self.fast_weight = 2.0 / (fast + 1)
        self.slow_weight = 2.0 / (slow + 1)
        self.lots = lots
        self.begin(0)

    def begin(self, instruments: int) -> None:
        """Make room for this many instruments and forget everything."""
        self.room = instruments
        self.fast: MutableSequence[float] = array("d", bytes(8 * (instruments + 1)))
        self.slow: MutableSequence[float] = array("d", bytes(8 * (instruments + 1)))
        self.seen: MutableSequence[float] = array("d", bytes(8 * (instruments + 1)))

    def target(self, index: int, price: int) -> int:
        """Return the lots to hold."""
        if not 0 <= index < self.room:
            raise IndexError("no room was made for this instrument")
        if not self.seen[index]:
            self.seen[index] = 1.0
            self.fast[index] = self.slow[index] = price
            return 0
        fast = self.fast[index] + self.fast_weight * (price - self.fast[index])
        slow = self.slow[index] + self.slow_weight * (price - self.slow[index])
        self.fast[index] = fast
        self.slow[index] = slow
        return self.lots if fast > slow else 0


class WindowRule(Rule):
    """Remembers the last `window` prices of every instrument; base of the two below."""

    def __init__(self, window: int, edge_ppm: int, lots: int) -> None:
        """Take the window in events, the edge in parts per million, and the size."""
        assert 1 <= window <= WINDOW_MAX
        assert 0 <= edge_ppm < MILLION
        self.window = window
        self.edge_ppm = edge_ppm
        self.lots = lots
        self.begin(0)

    def begin(self, instruments: int) -> None:
        """Make room for this many instruments and forget everything."""
        self.room = instruments
        self.prices: MutableSequence[int] = array("q", bytes(8 * (instruments * self.window + 1)))
        self.count: MutableSequence[int] = array("q", bytes(8 * (instruments + 1)))
        self.total: MutableSequence[int] = array("q", bytes(8 * (instruments + 1)))

    def _oldest(self, index: int, price: int) -> int:
        """Take a price; return the one that left the window for it, -1 until it was full."""
        if not 0 <= index < self.room:
            raise IndexError("no room was made for this instrument")
        if not 0 <= price < PRICE_END:
            raise OverflowError("a price is too large for exact sums of a window")
        at = index * self.window + self.count[index] % self.window
        oldest = self.prices[at] if self.count[index] >= self.window else -1
        self.prices[at] = price
        self.count[index] += 1
        self.total[index] += price - max(oldest, 0)
        return oldest


class Momentum(WindowRule):
    """Hold `lots` while the price is more than `edge_ppm` above what it was `window` events ago."""

    def target(self, index: int, price: int) -> int:
        """Return the lots to hold, KEEP until the window is full."""
        before = self._oldest(index, price)
        if before < 0:
            return KEEP
        return self.lots if price * MILLION > before * (MILLION + self.edge_ppm) else 0


class MeanReversion(WindowRule):
    """Buy `lots` when the price is `edge_ppm` below the mean of the last `window`, sell above it.

    The newest price is one of the window. Between the two nothing changes.
    """

    def target(self, index: int, price: int) -> int:
        """Return the lots to hold, KEEP until the window is full and between the bounds."""
        self._oldest(index, price)
        if self.count[index] < self.window:
            return KEEP
        total = self.total[index]
        if price * self.window >= total:
            return 0
        if price * self.window * MILLION < total * (MILLION - self.edge_ppm):
            return self.lots
        return KEEP
