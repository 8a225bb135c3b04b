"""The dashboard's sign of life, for the bot: a file in the data folder that is touched each second.

Who stops in good order removes the file; one that stays and is no longer touched is a death. The
bot compares changes of the file with its own clock, so a jump of the machine's clock is no death,
and when the bot itself slept it counts anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

BEAT_EVERY_S = 1.0
SILENT_S = 5.0  # five missed beats are no accident
GAP_S = 3.0  # between two looks of the bot: more means that the bot itself did not run
_PREFIX, _SUFFIX = "dashboard-", ".beat"


class DashboardBeat:
    """The dashboard's end."""

    def __init__(self, data_dir: Path) -> None:
        """Beat in this data folder."""
        self._path = data_dir / f"{_PREFIX}{os.getpid()}{_SUFFIX}"
        self.failures = 0

    def beat(self) -> None:
        """Show that we live; failures are counted, never raised."""
        try:
            self._path.touch(mode=0o600)
            os.utime(self._path)
        except OSError:
            self.failures += 1

    def goodbye(self) -> None:
        """Say that we stop on purpose."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            self.failures += 1


class DashboardWatch:
    """The bot's end: tells each death once."""

    def __init__(self, data_dir: Path, monotonic_s: Callable[[], float]) -> None:
        """Watch the dashboards of this data folder."""
        self._folder = data_dir
        self._monotonic_s = monotonic_s
        self._changed: dict[str, tuple[int, float]] = {}  # file -> (mtime, when it changed)
        self._alive: set[str] = set()
        self._looked_s = float("-inf")

    def look(self) -> bool:
        """Return whether the last dashboard that lived has just been found dead."""
        now_s = self._monotonic_s()
        if now_s - self._looked_s < BEAT_EVERY_S:
            return False
        slept = now_s - self._looked_s > GAP_S
        self._looked_s = now_s
        files = self._files()
        self._alive &= files.keys()
        died = False
        for name, mtime_ns in files.items():
            known, since_s = self._changed.get(name, (mtime_ns, now_s))
            if mtime_ns != known:
                self._alive.add(name)
            if mtime_ns != known or slept or name not in self._changed:
                self._changed[name] = (mtime_ns, now_s)
            elif name in self._alive and now_s - since_s > SILENT_S:
                self._alive.discard(name)
                self._remove(name)
                died = True
        self._changed = {name: seen for name, seen in self._changed.items() if name in files}
        return died and not self._alive

    def _files(self) -> dict[str, int]:
        found = {}
        try:
            for path in self._folder.glob(f"{_PREFIX}*{_SUFFIX}"):
                found[path.name] = path.stat().st_mtime_ns
        except OSError:
            return {}  # gone meanwhile: the next look sees it right
        return found

    def _remove(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError:
            return  # it is no longer in `_alive`, so it is not told again
