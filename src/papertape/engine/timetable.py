"""Timetable: what happens at a time that no market record brings: arrivals, cancels, expiries."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple


class Due(NamedTuple):
    """Something that happens at a time; at the same time, in order of number."""

    at_ns: int
    number: int
    act: Callable[[], None]


class Timetable:
    """Acts in order of time; whoever moves time asks it first."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        """Begin with nothing due."""
        self._now_ns = now_ns
        self._due: list[Due] = []
        self._numbered = 0

    def later(self, after_ns: int, act: Callable[[], None]) -> None:
        """Let something happen after a time, at the soonest before the next market record."""
        assert after_ns >= 0, after_ns
        self._numbered += 1
        heapq.heappush(self._due, Due(self._now_ns() + after_ns, self._numbered, act))

    def due_ns(self) -> int | None:
        """Return when something happens next, None if nothing is due."""
        return self._due[0].at_ns if self._due else None

    def run(self) -> None:
        """Do what is due first; the caller has set the time to it."""
        heapq.heappop(self._due).act()
