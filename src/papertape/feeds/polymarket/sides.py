"""One side of a book: prices that rise, each with what is offered there."""

from __future__ import annotations

from array import array
from bisect import bisect_left


class Side:
    """Prices in ticks, rising, and lots beside them; both lists always have the same length."""

    __slots__ = ("lots", "ticks")

    def __init__(self, ticks: array[int] | None = None, lots: array[int] | None = None) -> None:
        """Take levels whose prices rise, or begin empty."""
        self.ticks = array("q") if ticks is None else ticks
        self.lots = array("q") if lots is None else lots

    def put(self, ticks: int, lots: int) -> None:
        """Set the total at a price; 0 removes the level."""
        prices = self.ticks
        at = bisect_left(prices, ticks)
        if at < len(prices) and prices[at] == ticks:
            if lots:
                self.lots[at] = lots
            else:
                del prices[at], self.lots[at]
        elif lots:
            prices.insert(at, ticks)
            self.lots.insert(at, lots)

    def same(self, other: Side) -> bool:
        """Return whether the other side has the same levels."""
        return self.ticks == other.ticks and self.lots == other.lots

    @classmethod
    def of(cls, ticks: list[int], lots: list[int]) -> Side:
        """Return a side of levels in any order."""
        levels = sorted(zip(ticks, lots, strict=True))
        return cls(array("q", [t for t, _ in levels]), array("q", [n for _, n in levels]))
