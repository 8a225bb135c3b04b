# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: `target` holds the index against the room that `begin` made.
"""Rules that the loop asks without going through Python: a price in, lots to hold out.

A rule of one's own is a subclass of `Rule`: in Python it works at Python's speed, in Cython
(`from papertape.core.loop_rules cimport Rule`) at the speed of the loop.
"""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence

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
