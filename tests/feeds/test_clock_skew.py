"""The clocks' difference is bounded by what arrived; the truth lies always between the bounds."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from papertape.feeds.clock_skew import ClockSkew

NS_PER_MS = 1_000_000
BEGAN_MS = 1_775_000_000_000


@given(
    ahead_ms=st.integers(-7_200_000, 7_200_000),
    answers=st.lists(
        st.tuples(st.integers(0, 3_000), st.integers(0, 3_000), st.booleans()),
        min_size=1, max_size=30,
    ),
)  # fmt: skip
def test_the_truth_is_within_the_error(ahead_ms: int, answers: list[tuple[int, int, bool]]) -> None:
    """Whatever the delays: answers and messages narrow the bounds and never pass the truth."""
    skew = ClockSkew()
    now_ms = BEGAN_MS
    answered = False
    for there_ms, back_ms, is_message in answers:
        sent_ms, venue_ms = now_ms, now_ms + there_ms - ahead_ms
        now_ms += there_ms + back_ms
        if is_message:
            skew.heard(now_ms * NS_PER_MS, venue_ms * NS_PER_MS)
        else:
            date = formatdate(venue_ms // 1_000, usegmt=True)
            skew.answered(sent_ms * NS_PER_MS, now_ms * NS_PER_MS, date)
            answered = True
        now_ms += 37
    found = skew.measured()
    assert (found is not None) == answered
    if found is not None:
        assert abs(found.ahead_ms - ahead_ms) <= found.error_ms + 1
        assert found.error_ms <= 3_500


def test_a_clock_that_was_set_is_measured_anew_and_told_once() -> None:
    """Small changes are not told; a jump is, though the old bounds deny it."""
    skew = ClockSkew()
    assert skew.news(0) is None
    told = []
    for step, ahead_ms in enumerate([0, 0, 0, 60_000, 60_000]):
        venue_ms = BEGAN_MS + 20_000 * step + 500
        ours = (venue_ms + ahead_ms) * NS_PER_MS
        skew.answered(ours, ours, formatdate(venue_ms // 1_000, usegmt=True))
        news = skew.news(ours)
        if news is not None:
            told.append(news.ahead_ms)
    assert told == [0, 60_000]


def test_a_date_that_is_none_is_not_taken() -> None:
    """No header, no measurement."""
    skew = ClockSkew()
    for text in ("", "soon", "Mon, 99 Nov 2026 00:00:00 GMT"):
        skew.answered(1, 2, text)
    assert skew.measured() is None
