"""A replay says what was recorded, in its order, at the speed asked for."""

import pytest

from papertape.clock import NS_PER_S, ManualClock
from papertape.feeds.replay import ReplayFeed
from papertape.feeds.simulated import SimulatedFeed
from papertape.model.market_data import BookSeen
from papertape.tape.recorder import MarketRecorder
from papertape.tape.recording import Recording

START_NS = 1_800_000_137 * NS_PER_S


def plain(item):
    if not isinstance(item, BookSeen):
        return item
    fields = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
    levels = tuple(tuple(getattr(item, name)) for name in fields)
    return (item.symbol, item.ts_ns, item.venue_ts_ns, item.state, levels)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """One simulated minute, as items and as a recording of several segments."""
    feed = SimulatedFeed(
        seed=3, start_ns=START_NS, speed="max", clock=ManualClock(), duration_ns=60 * NS_PER_S
    )
    folder = tmp_path_factory.mktemp("market") / "run"
    recorder = MarketRecorder(folder, rows_per_segment=500)
    items = list(feed.items())
    assert [recorder.record(item) for item in items] == list(range(1, len(items) + 1))
    recorder.close()
    return items, Recording(folder)


class SleptClock(ManualClock):
    def sleep(self, seconds):
        self.set_ns(self.now_ns() + round(seconds * NS_PER_S))


def test_a_replay_is_the_recorded_run_and_ends_by_itself(recorded):
    items, recording = recorded
    for _ in range(2):
        feed = ReplayFeed(recording, speed="max", clock=ManualClock())
        assert [plain(i) for i in feed.items()] == [plain(i) for i in items]


def test_a_replay_can_begin_in_the_middle(recorded):
    items, recording = recorded
    feed = ReplayFeed(recording, speed="max", clock=ManualClock(), after_mseq=777)
    assert [plain(i) for i in feed.items()] == [plain(i) for i in items[777:]]


@pytest.mark.parametrize(("speed", "expected_s"), [(1.0, 60), (20.0, 3)])
def test_a_replay_takes_its_time(recorded, speed, expected_s):
    _, recording = recorded
    clock = SleptClock(5 * NS_PER_S)
    for item in ReplayFeed(recording, speed=speed, clock=clock, sleep=clock.sleep).items():
        due_ns = 5 * NS_PER_S + (item.ts_ns - START_NS) / speed
        assert clock.now_ns() == pytest.approx(due_ns, abs=1000)
    assert clock.now_ns() / NS_PER_S - 5 == pytest.approx(expected_s, rel=0.01)


def test_stop_ends_a_replay(recorded):
    feed = ReplayFeed(recorded[1], speed="max", clock=ManualClock())
    items = feed.items()
    for _ in range(10):
        next(items)
    feed.stop()
    assert list(items) == []
