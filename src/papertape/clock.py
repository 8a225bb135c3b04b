"""Time, passed in by the door: nothing below the process roots asks the machine for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Tells the time of the run."""

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Return the machine's time in nanoseconds since the epoch."""
        return time.time_ns()


class ManualClock:
    """A clock that shows what it was told: event time in replays, any time in tests."""

    def __init__(self, now_ns: int = 0) -> None:
        """Start at `now_ns` nanoseconds since the epoch."""
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the time last set."""
        return self._now_ns

    def set_ns(self, now_ns: int) -> None:
        """Move to `now_ns`; time never runs backwards, an earlier value is ignored."""
        self._now_ns = max(self._now_ns, now_ns)


def iso_utc(ts_ns: int) -> str:
    """Return nanoseconds since the epoch as ISO 8601 UTC with milliseconds."""
    seconds, rest_ns = divmod(ts_ns, NS_PER_S)
    return f"{_iso_second(seconds)}.{rest_ns // NS_PER_MS:03d}Z"


@lru_cache(maxsize=256)
def _iso_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
