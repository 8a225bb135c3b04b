"""What every feed shares: pacing against a clock, and stopping soon when told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal

from papertape.clock import NS_PER_S, Clock
from papertape.errors import InvalidInputError

Speed = float | Literal["max"]
"""How fast market time passes: a multiple of real time, or as fast as the engine takes it."""

Sleep = Callable[[float], None]

SLEEP_SLICE_S = 0.05  # longest sleep before looking at the stop flag: stop() acts within 100 ms
SPEED_MAX = 1_000_000.0  # a multiple beyond this cannot be paced; people who want it mean "max"


def check_speed(speed: object) -> Speed:
    """Return a speed from outside: "max" or a positive multiple of real time."""
    if speed == "max":
        return "max"
    expected = '"max" or a multiple of real time such as 1 or 20'
    if isinstance(speed, bool) or not isinstance(speed, int | float | str):
        raise InvalidInputError("speed", speed, expected)
    try:
        multiple = float(speed)
    except ValueError as error:
        raise InvalidInputError("speed", speed, expected) from error
    if not math.isfinite(multiple) or not 0 < multiple <= SPEED_MAX:
        raise InvalidInputError("speed", speed, expected)
    return multiple


class Pacer:
    """Holds market data back until its time has come on a clock, at a multiple of real time.

    `stop` sets a plain flag and takes no lock, so that a signal handler may call it while the very
    thread it interrupted is inside `wait_until`.
    """

    def __init__(self, speed: Speed, *, clock: Clock, sleep: Sleep = time.sleep) -> None:
        """Pace by `clock`; `sleep` takes seconds."""
        self._speed = check_speed(speed)
        self._clock = clock
        self._sleep = sleep
        self._stopped = False
        self._anchor_clock_ns = -1
        self._anchor_market_ns = -1
        self._seen_clock_ns = -1

    @property
    def stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopped

    def stop(self) -> None:
        """Make `wait_until` return False from now on."""
        self._stopped = True

    def wait_until(self, market_ns: int) -> bool:
        """Wait until market time `market_ns` is due; return False once stopped.

        The first call sets the anchor. A feed that fell behind goes on without waiting.
        """
        if self._speed == "max" or self._stopped:
            return not self._stopped
        if self._anchor_clock_ns < 0:
            self._anchor_clock_ns = self._seen_clock_ns = self._clock.now_ns()
            self._anchor_market_ns = market_ns
        ahead_ns = int((market_ns - self._anchor_market_ns) / self._speed)
        while not self._stopped:
            left_ns = self._anchor_clock_ns + ahead_ns - self._now_ns()
            if left_ns <= 0:
                break
            self._sleep(min(left_ns / NS_PER_S, SLEEP_SLICE_S))
        return not self._stopped

    def _now_ns(self) -> int:
        """Return the clock's time; a clock set back moves the anchor, so nobody waits for it."""
        now_ns = self._clock.now_ns()
        if now_ns < self._seen_clock_ns:
            self._anchor_clock_ns -= self._seen_clock_ns - now_ns
        self._seen_clock_ns = now_ns
        return now_ns
