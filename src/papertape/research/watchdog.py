"""A time limit for one call of a strategy, where the platform has timers; it costs no call time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from papertape.core.loop_ahead import Ahead
from papertape.strategies.strategy_manager import StrategyManager

WATCHDOG_FILE = __file__
LOOKS_PER_LIMIT = 4  # how often the timer looks: a call is ended within 1.25 limits


class StrategyOverran(BaseException):
    """A strategy's call took longer than it may; raised inside the strategy's own code."""


class TimedManager(StrategyManager):
    """A StrategyManager that knows which call of a strategy it is in."""

    ahead: Ahead | None = None
    _calls = 0
    _inside = False

    def call(self) -> tuple[str, int] | None:
        """Return what names the call that a strategy is in, None outside of strategies."""
        if self._inside:
            return "manager", self._calls
        if self.ahead is not None and self.ahead.asking:
            return "ahead", self.ahead.calls
        return None

    def fail(self, tag: str, error: BaseException) -> None:
        """Disable a strategy for what it raised, or for what was raised in it."""
        if isinstance(error, StrategyOverran):
            self._disable(tag, str(error))
        else:
            super().fail(tag, error)

    def _guarded(self, tag: str, call: Callable[[], Any]) -> Any:
        self._calls += 1
        self._inside = True
        try:
            return super()._guarded(tag, call)
        except StrategyOverran as error:
            self._disable(tag, str(error))
            return None
        finally:
            self._inside = False


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
    seen: tuple[str, int] | None = None
    since_s = 0.0

    def look(number: int, frame: FrameType | None) -> None:
        nonlocal seen, since_s
        call = manager.call()
        if call is None or call != seen:
            seen, since_s = call, time.monotonic()
        elif time.monotonic() - since_s >= limit_s:
            since_s = time.monotonic()  # and again, should it be caught
            raise StrategyOverran(f"one call took longer than {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, limit_s / LOOKS_PER_LIMIT, limit_s / LOOKS_PER_LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
