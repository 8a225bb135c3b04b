"""One bot per data folder: the lock goes with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from papertape.errors import RunningError

LOCK_FILE = "lock"
PID_TRIES = 5  # a holder that has just started may not have written its pid yet
PID_WAIT_S = 0.05


class InstanceLock:
    """The right to write in a data folder; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is taken yet."""
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise RunningError naming the pid that holds it."""
        assert self._descriptor is None, "taken once"
        path = self._folder / LOCK_FILE
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            pid = _pid_in(path)
            holder = f"pid {pid}" if pid else "another process"
            raise RunningError(f"papertape already runs on {self._folder} ({holder})") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; twice is fine."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> InstanceLock:
        """Take the lock."""
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock back."""
        self.release()


def holder_pid(folder: Path) -> int | None:
    """Return the pid of the bot that runs on this folder, None if none does."""
    path = folder / LOCK_FILE
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid_in(path)
    finally:
        os.close(descriptor)
    return None


def _pid_in(path: Path) -> int | None:
    for _ in range(PID_TRIES):
        text = path.read_text(encoding="ascii", errors="replace").strip()
        if text.isdecimal():
            return int(text)
        time.sleep(PID_WAIT_S)
    return None
