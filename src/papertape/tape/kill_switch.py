"""The kill switch: a file in the data folder, or SIGUSR1, halts trading without any other part.

It works while the dashboard is dead and while nobody can reach the command socket: `touch
data/HALT` is enough. As long as the file is there a bot halts as soon as it starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

HALT_FILE = "HALT"
LOOK_EVERY_S = 0.02  # a look costs a few microseconds; five of them fit into 100 ms


class KillSwitch:
    """Tells once that somebody wants trading to stop."""

    def __init__(self, data_dir: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Watch the data folder."""
        self._path = data_dir / HALT_FILE
        self._monotonic = monotonic
        self._looked_s = float("-inf")
        self._pressed = ""
        self._seen = False

    def press(self, source: str) -> None:
        """Ask for a halt; safe in a signal handler."""
        self._pressed = source

    def look(self) -> str:
        """Return who wants a halt, "" if nobody does since the last time."""
        if self._pressed:
            source, self._pressed = self._pressed, ""
            return source
        now_s = self._monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return ""
        self._looked_s = now_s
        there, before = self._path.exists(), self._seen
        self._seen = there
        return f"the file {HALT_FILE}" if there and not before else ""
