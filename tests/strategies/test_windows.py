"""Windows over time: each says the same as looking at all values again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.strategies.window import Channel, Flow, Volatility

NS_PER_S = 1_000_000_000
SPAN_S = 10

samples = st.lists(
    st.tuples(st.integers(0, 5_000_000_000), st.integers(1, 1_000)), min_size=1, max_size=60
)


def at_times(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return (time, value) from (pause, value)."""
    now, told = 0, []
    for pause_ns, value in steps:
        now += pause_ns
        told.append((now, value))
    return told


@given(samples)
def test_a_channel_is_highest_and_lowest_of_its_span(steps: list[tuple[int, int]]) -> None:
    channel = Channel(SPAN_S * NS_PER_S)
    seen: list[tuple[int, int]] = []
    for ts_ns, value in at_times(steps):
        channel.add(ts_ns, value)
        seen.append((ts_ns, value))
        inside = [v for t, v in seen if t >= ts_ns - SPAN_S * NS_PER_S]
        assert (channel.high, channel.low) == (max(inside), min(inside))


@given(samples)
def test_a_flow_is_the_sum_of_its_buckets(steps: list[tuple[int, int]]) -> None:
    flow = Flow(SPAN_S * NS_PER_S, buckets=10)
    seen: list[tuple[int, int]] = []
    for ts_ns, amount in at_times(steps):
        flow.add(ts_ns, amount)
        seen.append((ts_ns // NS_PER_S, amount))
        since = (ts_ns - SPAN_S * NS_PER_S) // NS_PER_S
        assert flow.total == sum(amount for bucket, amount in seen if bucket > since)


def test_a_flow_empties_by_itself() -> None:
    flow = Flow(SPAN_S * NS_PER_S)
    flow.add(0, 7)
    flow.turn(SPAN_S * NS_PER_S + 1)
    assert flow.total == 0


def test_volatility_of_a_known_path() -> None:
    """A price that moves by 1 % every second, up and down, has a volatility of ln 1.01."""
    volatility = Volatility(100 * NS_PER_S)
    for second in range(60):
        volatility.add(second * NS_PER_S, 10_000 if second % 2 else 10_100)
    assert volatility.per_root_second() == pytest.approx(math.log(1.01), rel=1e-12)


def test_a_chattering_book_is_no_volatility() -> None:
    """What moves within the second is passed over; what is too little says nothing."""
    volatility = Volatility(100 * NS_PER_S)
    for tenth in range(250):
        volatility.add(tenth * NS_PER_S // 10, 10_000 if tenth % 10 == 0 else 10_500)
    assert volatility.per_root_second() == 0
    assert volatility.per_root_second(least_samples=1_000) is None
