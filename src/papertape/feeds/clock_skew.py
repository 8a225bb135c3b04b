"""How far this machine's clock runs ahead of a venue's: bounds that every answer makes narrower."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from papertape.clock import NS_PER_MS, NS_PER_S

KEPT_NS = 600 * NS_PER_S  # bounds older than this are measured anew: clocks drift and are set
TOLD_MS = 250  # a change below it is not worth a record
TOLD_EVERY_NS = 10 * NS_PER_S


class Measured(NamedTuple):
    """Our clock minus the venue's, give or take the error; negative is behind."""

    ahead_ms: int
    error_ms: int


class ClockSkew:
    """Two bounds on (ours - theirs), both from what really arrived, never from an assumption."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._low_ns: int | None = None
        self._high_ns: int | None = None
        self._since_ns = 0
        self._told: Measured | None = None
        self._told_ns = 0

    def answered(self, sent_ns: int, received_ns: int, date: str) -> None:
        """Take the Date header of an answer: the venue's time, cut to the second."""
        try:
            said = parsedate_to_datetime(date)
        except ValueError:
            return
        whole_s = int((said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp())
        low_ns, high_ns = sent_ns - (whole_s + 1) * NS_PER_S, received_ns - whole_s * NS_PER_S
        outdated = received_ns - self._since_ns > KEPT_NS or received_ns < self._since_ns
        if self._low_ns is not None and self._high_ns is not None and not outdated:
            narrow = max(self._low_ns, low_ns), min(self._high_ns, high_ns)
            if narrow[0] <= narrow[1]:  # else a clock was set
                self._low_ns, self._high_ns = narrow
                return
        self._low_ns, self._high_ns, self._since_ns = low_ns, high_ns, received_ns

    def heard(self, received_ns: int, venue_ns: int) -> None:
        """Take a message's own time: it cannot have been received before it was made."""
        high_ns = received_ns - venue_ns
        if self._low_ns is None or self._high_ns is None:
            return
        if self._low_ns <= high_ns < self._high_ns:
            self._high_ns = high_ns

    def measured(self) -> Measured | None:
        """Return the middle of what is possible, None before the first answer."""
        if self._low_ns is None or self._high_ns is None:
            return None
        middle_ns = (self._low_ns + self._high_ns) // 2
        return Measured(middle_ns // NS_PER_MS, (self._high_ns - self._low_ns) // 2 // NS_PER_MS)

    def news(self, now_ns: int) -> Measured | None:
        """Return the measurement if it should be told: the first one, and what has moved since."""
        found = self.measured()
        if found is None or found == self._told:
            return None
        if self._told is not None:
            moved_ms = abs(found.ahead_ms - self._told.ahead_ms)
            if moved_ms < TOLD_MS or now_ns - self._told_ns < TOLD_EVERY_NS:
                return None
        self._told, self._told_ns = found, now_ns
        return found
