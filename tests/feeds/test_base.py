"""Pacing and stopping."""

import threading
import time

import pytest

from papertape.clock import NS_PER_S, ManualClock, SystemClock
from papertape.errors import InvalidInputError
from papertape.feeds.base import SLEEP_SLICE_S, Pacer, check_speed


@pytest.mark.parametrize("given", [0, -1, "fast", True, None, float("nan"), float("inf"), 1e12])
def test_a_speed_is_a_positive_multiple_or_max(given):
    with pytest.raises(InvalidInputError) as caught:
        check_speed(given)
    assert caught.value.field == "speed"


@pytest.mark.parametrize(("given", "speed"), [("max", "max"), (1, 1.0), ("20", 20.0), (0.5, 0.5)])
def test_speeds_people_write(given, speed):
    assert check_speed(given) == speed


class SleptClock(ManualClock):
    """A clock that moves only by sleeping on it."""

    def __init__(self):
        super().__init__(1_000 * NS_PER_S)
        self.slept_s = []

    def sleep(self, seconds):
        self.slept_s.append(seconds)
        self.set_ns(self.now_ns() + round(seconds * NS_PER_S))


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0])
def test_market_time_passes_at_the_chosen_multiple(speed):
    clock = SleptClock()
    pacer = Pacer(speed, clock=clock, sleep=clock.sleep)
    began_ns = clock.now_ns()
    for second in range(9):
        assert pacer.wait_until((50 + second) * NS_PER_S)
    assert (clock.now_ns() - began_ns) / NS_PER_S == pytest.approx(8 / speed)
    assert max(clock.slept_s) <= SLEEP_SLICE_S


def test_max_never_sleeps_and_a_late_feed_does_not_wait():
    clock = SleptClock()
    assert all(Pacer("max", clock=clock, sleep=clock.sleep).wait_until(ts) for ts in (1, 10**18))
    pacer = Pacer(1.0, clock=clock, sleep=clock.sleep)
    pacer.wait_until(0)
    clock.set_ns(clock.now_ns() + 100 * NS_PER_S)
    assert pacer.wait_until(50 * NS_PER_S)
    assert clock.slept_s == []


def test_a_clock_set_back_holds_nobody_up():
    times = iter([1_000 * NS_PER_S] * 2 + [n * NS_PER_S // 10 for n in range(100)])
    slept_s = []

    class Moved:
        def now_ns(self):
            return next(times)

    pacer = Pacer(1.0, clock=Moved(), sleep=slept_s.append)
    assert pacer.wait_until(0)
    assert pacer.wait_until(NS_PER_S)
    assert len(slept_s) <= 12


def test_stop_ends_a_wait_within_a_tenth_of_a_second():
    pacer = Pacer(1.0, clock=SystemClock())
    pacer.wait_until(0)
    ended_s = []

    def wait():
        assert pacer.wait_until(3600 * NS_PER_S) is False
        ended_s.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.03)
    stopped_s = time.monotonic()
    pacer.stop()
    thread.join(timeout=5)
    assert ended_s[0] - stopped_s < 0.1
    assert pacer.wait_until(0) is False
