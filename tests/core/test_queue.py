"""The arithmetic of amounts and queues; both forms alike."""

from __future__ import annotations

from types import ModuleType

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.forms import core_fixture

from papertape.core.arithmetic import notional_micros

matching = core_fixture("matching")
both = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
lots = st.integers(0, 10_000)
VALUE = 1_000_000_000_000  # one lot at one tick is one micro
FINE = 37_000_000_000  # ... and where it is not


@both
@given(
    amount=st.integers(1, 10**9),
    asks=st.lists(st.tuples(st.integers(0, 10_000), lots), max_size=6, unique_by=lambda x: x[0]),
    wanted=lots,
    value=st.sampled_from([VALUE, FINE]),
)
def test_an_amount_is_spent_and_not_overspent(
    matching: ModuleType, amount: int, asks: list[tuple[int, int]], wanted: int, value: int
) -> None:
    asks.sort()
    ticks, depth = [t for t, _ in asks], [n for _, n in asks]
    taken = matching.walk_amount(ticks, depth, {}, wanted, amount, None, value)
    spent = sum(notional_micros(t, n, value) for t, n, _, _ in taken)
    got = sum(n for _, n, _, _ in taken)
    assert spent <= amount
    assert got <= wanted
    assert all(n <= dict(asks)[t] for t, n, _, _ in taken)
    left = [(t, n - dict((a, b) for a, b, _, _ in taken).get(t, 0)) for t, n in asks]
    cheapest = next((t for t, n in left if n), None)
    if cheapest is not None and got < wanted:
        assert spent + notional_micros(cheapest, 1, value) > amount, "one lot more was affordable"


@both
@given(ahead=lots, before=lots, now=lots, printed=lots, share=st.none() | st.integers(0, 10**6))
def test_a_queue_never_grows_and_never_exceeds_what_is_shown(
    matching: ModuleType, ahead: int, before: int, now: int, printed: int, share: int | None
) -> None:
    left = matching.ahead_after_cancels(ahead, before, now, printed, share)
    assert 0 <= left <= min(ahead, now)
    pessimistic = matching.ahead_after_cancels(ahead, before, now, printed, 0)
    optimistic = matching.ahead_after_cancels(ahead, before, now, printed, 10**6)
    assert optimistic <= left <= pessimistic


@both
@given(ahead=lots, printed=lots, ours=lots, through=st.booleans())
def test_a_print_gives_no_more_than_it_was(
    matching: ModuleType, ahead: int, printed: int, ours: int, through: bool
) -> None:
    got = matching.print_reaches(ahead, printed, ours, through)
    assert 0 <= got <= max(0, printed - ours)
    assert through or got <= max(0, printed - ahead)
