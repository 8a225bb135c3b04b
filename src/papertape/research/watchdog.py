"""A time limit for one call of a strategy, where the platform has timers; it costs no call time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from papertape.strategies.strategy_manager import StrategyManager

WATCHDOG_FILE = __file__
LOOKS_PER_LIMIT = 4  # how often the timer looks: a call is ended within 1.25 limits


class StrategyOverran(BaseException):
    """A strategy's call took longer than it may; raised inside the strategy's own code."""


class TimedManager(StrategyManager):
    """A StrategyManager that knows since when it has been in a strategy's code."""

    busy_since_s: float | None = None

    def _guarded(self, tag: str, call: Callable[[], Any]) -> Any:
        self.busy_since_s = 0.0  # the timer notes the time when it first sees the call
        try:
            return super()._guarded(tag, call)
        except StrategyOverran as error:
            self._disable(tag, str(error))
            return None
        finally:
            self.busy_since_s = None


@contextmanager
def time_limit(manager: TimedManager, limit_s: float) -> Iterator[None]:
    """End any single call of a strategy after about `limit_s`; the strategy is then disabled.

    Only the main thread of a POSIX process has the timer; elsewhere calls are not limited.
    """
    if not hasattr(signal, "setitimer") or (
        threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def look(number: int, frame: FrameType | None) -> None:
        since_s = manager.busy_since_s
        if since_s == 0.0:
            manager.busy_since_s = time.monotonic()
        elif since_s is not None and time.monotonic() - since_s >= limit_s:
            manager.busy_since_s = time.monotonic()  # and again, should it be caught
            raise StrategyOverran(f"one call took longer than {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, limit_s / LOOKS_PER_LIMIT, limit_s / LOOKS_PER_LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
