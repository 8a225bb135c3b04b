"""Alert rules: what each kind looks at, when it may speak, and what it never does."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.clock import NS_PER_S
from papertape.services.alerts import (
    DEAD_S,
    AlertRule,
    Facts,
    Fill,
    QuietHours,
    Raised,
    RuleState,
    is_quiet,
    judge,
)

NOW_NS = 1_760_000_000 * NS_PER_S
MICROS = 1_000_000


def facts(after_s: int = 0, **known: object) -> Facts:
    return Facts(now_ns=NOW_NS + after_s * NS_PER_S, **{"running": True, **known})  # type: ignore[arg-type]


def said(rule: AlertRule, now: Facts, state: RuleState | None = None) -> Raised | None:
    return judge(rule, state or RuleState(), now)[1]


HOLDS = [
    (AlertRule(kind="price", symbol="a", direction="above", limit_micros=500_000),
     {"prices_nanos": {"a": 500_000_001}}, {"prices_nanos": {"a": 500_000_000}}, "a is at 0.5"),
    (AlertRule(kind="price", symbol="a", direction="below", limit_micros=500_000),
     {"prices_nanos": {"a": 499_999_999}}, {"prices_nanos": {"a": 500_000_000}}, "below 0.5"),
    (AlertRule(kind="pnl", scope="today", direction="below", limit_micros=-100 * MICROS),
     {"today_micros": -100 * MICROS - 1}, {"today_micros": -100 * MICROS}, "today is -100.00"),
    (AlertRule(kind="pnl", scope="total", direction="above", limit_micros=5 * MICROS),
     {"total_micros": 6 * MICROS}, {"total_micros": 5 * MICROS}, "in total is +6.00"),
    (AlertRule(kind="drawdown", limit_micros=5 * MICROS),
     {"drawdown_micros": 5 * MICROS}, {"drawdown_micros": 5 * MICROS - 1}, "5.0 % below"),
    (AlertRule(kind="strategy"), {"stopped": {"m": "disabled: it raised"}}, {}, "m is disabled"),
    (AlertRule(kind="strategy", strategy="m"),
     {"stopped": {"m": "stopped"}}, {"stopped": {"x": "stopped"}}, "m is stopped"),
    (AlertRule(kind="feed_stale", seconds=30), {"feed_state": "stale", "feed_age_s": 30.0},
     {"feed_state": "live", "feed_age_s": 29.9}, "No new price for 30 s"),
    (AlertRule(kind="feed_stale", seconds=30),
     {"feed_state": "live", "feed_age_s": 0.1, "venue_ages_s": {"kalshi": 31.0, "binance": 0.1}},
     {"feed_state": "live", "feed_age_s": 99.0, "venue_ages_s": {"kalshi": 3.0, "binance": 0.1}},
     "No new price from kalshi for 31 s"),
    (AlertRule(kind="refusals", limit_micros=50 * MICROS, minutes=1),
     {"engine_ns": 100 * NS_PER_S, "signals": ((60 * NS_PER_S, True),) * 5
      + ((61 * NS_PER_S, False),) * 5},
     {"engine_ns": 100 * NS_PER_S, "signals": ((39 * NS_PER_S, True),) * 50
      + ((60 * NS_PER_S, True),) * 9}, "5 of 10 signals refused"),
    (AlertRule(kind="resolution", minutes=10), {"resolving": {"m": ("Rain?", 600)}},
     {"resolving": {"m": ("Rain?", 601)}}, "Rain? ends in 10 min"),
    (AlertRule(kind="bot_dead"), {"silent_s": float(DEAD_S)}, {"silent_s": 3.9}, "No sign of life"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "yes", "no", "words"), HOLDS, ids=lambda v: getattr(v, "kind", "")
)
def test_each_kind_at_its_limit(
    rule: AlertRule, yes: dict[str, object], no: dict[str, object], words: str
) -> None:
    raised = said(rule, facts(**yes))
    assert raised is not None
    assert words in raised.message
    assert raised.severity == rule.severity
    assert said(rule, facts(**no)) is None
    assert said(rule, Facts(now_ns=NOW_NS)) is None  # nothing is known: nothing is said


def test_a_state_is_told_once_and_again_when_it_began_anew() -> None:
    rule = AlertRule(kind="drawdown", limit_micros=5 * MICROS, cooldown_s=600)
    state, told = RuleState(), []
    story = [(0, 6), (1, 7), (700, 8), (701, 4), (702, 6), (703, 4), (710, 6), (1303, 6)]
    for after_s, percent in story:
        state, raised = judge(rule, state, facts(after_s, drawdown_micros=percent * MICROS))
        told += [after_s] * (raised is not None)
    assert told == [0, 702, 1303]  # 710 was within the cooldown and still held at its end


def test_unknown_changes_nothing() -> None:
    rule = AlertRule(kind="bot_dead", cooldown_s=0)
    state, raised = judge(rule, RuleState(), facts(silent_s=9.0))
    assert raised
    state, raised = judge(rule, state, facts(1, silent_s=None))
    assert raised is None
    assert said(rule, facts(2, silent_s=9.0), state) is None


def test_a_subject_that_joins_is_told_alone() -> None:
    rule = AlertRule(kind="strategy", cooldown_s=0)
    state, _ = judge(rule, RuleState(), facts(stopped={"a": "stopped"}))
    raised = said(rule, facts(1, stopped={"a": "stopped", "b": "stopped"}), state)
    assert raised is not None
    assert (raised.message, raised.about) == ("b is stopped", "b")


def fill(seq: int, strategy: str = "m", symbol: str = "a") -> Fill:
    return Fill(seq=seq, strategy=strategy, symbol=symbol, words=f"fill {seq}")


def test_fills_are_counted_while_the_rule_is_silent() -> None:
    rule = AlertRule(kind="fill", cooldown_s=60, strategy="m")
    state, raised = judge(rule, RuleState(seq=5), facts(seq=6, fills=(fill(5), fill(6))))
    assert raised is not None
    assert raised.message == "fill 6"
    state, raised = judge(
        rule, state, facts(10, seq=9, fills=(fill(6), fill(7), fill(8, "x"), fill(9)))
    )
    assert raised is None
    state, raised = judge(rule, state, facts(60, seq=9, fills=(fill(9),)))
    assert raised is not None
    assert raised.message == "2 fills, the newest: fill 9"
    assert said(rule, facts(600, seq=9, fills=(fill(9),)), state) is None


def test_another_ledger_is_counted_anew() -> None:
    rule = AlertRule(kind="fill", cooldown_s=0)
    state, _ = judge(rule, RuleState(seq=900, waiting=3), facts(seq=2))
    raised = said(rule, facts(1, seq=3, fills=(fill(3),)), state)
    assert raised is not None
    assert raised.message == "fill 3"


def test_a_clock_set_back_does_not_silence_a_rule() -> None:
    rule = AlertRule(kind="bot_dead", cooldown_s=600)
    assert said(rule, facts(-86_400, silent_s=9.0), RuleState(fired_ns=NOW_NS)) is not None


@given(start=st.integers(0, 1_439), end=st.integers(0, 1_439), moment=st.integers(0, 2_000_000_000))
def test_quiet_hours_are_those_of_the_clock_on_the_wall(start: int, end: int, moment: int) -> None:
    quiet = QuietHours(from_min=start, to_min=end, time_zone="UTC")
    local = datetime.fromtimestamp(moment, tz=UTC)
    minute = local.hour * 60 + local.minute
    stretch = set(range(start, end)) if start <= end else {*range(start, 1_440), *range(end)}
    assert is_quiet(quiet, moment * NS_PER_S) == (minute in stretch)


def test_quiet_hours_follow_summer_time() -> None:
    quiet = QuietHours(from_min=22 * 60, to_min=7 * 60, time_zone="Europe/Berlin")
    for month, utc_hour in ((1, 21), (7, 20)):  # 22:00 in Berlin, in winter and in summer
        at = int(datetime(2026, month, 15, utc_hour, 0, tzinfo=UTC).timestamp())
        assert is_quiet(quiet, at * NS_PER_S)
        assert not is_quiet(quiet, (at - 60) * NS_PER_S)


def test_rules_and_states_survive_their_json() -> None:
    quiet = QuietHours(from_min=1, to_min=2, time_zone="UTC")
    for rule in [*(one for one, *_ in HOLDS), AlertRule(kind="fill", quiet=quiet)]:
        assert msgspec.json.decode(msgspec.json.encode(rule), type=AlertRule) == rule
    state = RuleState(told=("a",), fired_ns=5, seq=7, waiting=2, newest="x")
    assert msgspec.json.decode(msgspec.json.encode(state), type=RuleState) == state
