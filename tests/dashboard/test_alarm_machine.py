"""Alarms under any order of events, restarts and people: a state machine against the rules' words.

Nothing speaks within its cooldown, its quiet hours or a snooze; nothing is told twice, also after a
restart at any moment; what was acknowledged or snoozed stays so.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from papertape.clock import NS_PER_S, ManualClock
from papertape.dashboard.alarms import Alarms
from papertape.dashboard.alert_desk import AlertDesk
from papertape.dashboard.desk_file import DeskFile
from papertape.dashboard.follower import Follower
from papertape.services.alerts import AlertRule, Facts, Fill, QuietHours, is_quiet

MICROS = 1_000_000
START_NS = 1_760_000_000 * NS_PER_S
QUIET = QuietHours(from_min=22 * 60, to_min=7 * 60, time_zone="UTC")
COOLDOWN_S = 600


class AlarmMachine(RuleBasedStateMachine):
    """Two rules, one about a state and one about fills, both with cooldown and quiet hours."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "desk.db"
        self.clock = ManualClock(START_NS)
        self.deep = False
        self.seq = 0
        self.fills: list[Fill] = []
        self.raised: list[tuple[str, int]] = []
        self.fills_told = 0
        self.episodes = 0  # times that the drawdown began
        self.acknowledged: dict[str, str] = {}
        self.snoozed: dict[str, str] = {}
        self.silent_until = {"R1": 0, "R2": 0}

    @initialize()
    def begin(self) -> None:
        self.open()
        self.alarms.add_rule(
            AlertRule(kind="drawdown", limit_micros=5 * MICROS, cooldown_s=COOLDOWN_S, quiet=QUIET)
        )
        self.alarms.add_rule(AlertRule(kind="fill", cooldown_s=COOLDOWN_S, quiet=QUIET))

    def open(self) -> None:
        self.file = DeskFile(self.path)
        self.follower = Follower(self.path.parent / "none", self.path.parent / "none", self.clock)
        self.alarms = Alarms(self.follower, AlertDesk(self.file, self.clock))

    def look(self) -> None:
        now_ns = self.clock.now_ns()
        drawdown = (6 if self.deep else 1) * MICROS
        facts = Facts(
            now_ns=now_ns, running=True, seq=self.seq, drawdown_micros=drawdown,
            fills=tuple(self.fills),
        )  # fmt: skip
        for row in reversed(self.alarms.take(facts)):
            assert not is_quiet(QUIET, now_ns)
            assert now_ns >= self.silent_until[row["rule_id"]]
            before = [ts for rule_id, ts in self.raised if rule_id == row["rule_id"]]
            assert not before or now_ns - before[-1] >= COOLDOWN_S * NS_PER_S
            self.raised.append((row["rule_id"], now_ns))
            if row["rule_id"] == "R2":
                count = row["message"].split(" fills")[0]
                self.fills_told += int(count) if count.isdigit() else 1

    @rule(minutes=st.integers(1, 900))
    def time_passes(self, minutes: int) -> None:
        self.clock.set_ns(self.clock.now_ns() + minutes * 60 * NS_PER_S)
        self.look()

    @rule(deep=st.booleans())
    def equity_moves(self, deep: bool) -> None:
        self.episodes += deep and not self.deep
        self.deep = deep
        self.look()

    @rule(count=st.integers(1, 4))
    def orders_are_filled(self, count: int) -> None:
        for _ in range(count):
            self.seq += 1
            name = f"fill {self.seq}"
            self.fills.append(Fill(seq=self.seq, strategy="m", symbol="a", words=name))
        self.look()

    @rule(cut=st.booleans())
    def the_dashboard_restarts(self, cut: bool) -> None:
        """With `cut` nothing is written at the end, as after a kill."""
        self.file.close()
        self.open()
        if not cut:
            self.look()

    @rule(which=st.integers(0, 50))
    def somebody_acknowledges(self, which: int) -> None:
        if self.raised:
            alert_id = f"A{which % len(self.raised) + 1}"
            row = self.alarms.acknowledge(alert_id)
            assert row is not None
            self.acknowledged.setdefault(alert_id, row["acknowledged_at"])

    @rule(which=st.integers(0, 50), minutes=st.integers(1, 3_000))
    def somebody_snoozes(self, which: int, minutes: int) -> None:
        if self.raised:
            number = which % len(self.raised)
            until_ns = self.clock.now_ns() + minutes * 60 * NS_PER_S
            row = self.alarms.snooze(f"A{number + 1}", until_ns)
            assert row is not None
            self.snoozed[f"A{number + 1}"] = row["snoozed_until"]
            self.silent_until[self.raised[number][0]] = until_ns

    @invariant()
    def the_history_is_what_was_told(self) -> None:
        if not hasattr(self, "alarms"):
            return
        rows, _ = self.alarms.desk.alerts(None, limit=1_000)
        assert [row["rule_id"] for row in reversed(rows)] == [name for name, _ in self.raised]
        for row in rows:
            assert row["acknowledged_at"] == self.acknowledged.get(row["id"])
            assert row["snoozed_until"] == self.snoozed.get(row["id"])

    @invariant()
    def no_fill_is_told_twice_and_none_is_lost(self) -> None:
        if not hasattr(self, "alarms"):
            return
        kept = self.alarms.rule("R2")
        assert kept is not None
        unseen = sum(fill.seq > kept.state.seq for fill in self.fills)
        assert self.fills_told + kept.state.waiting + unseen == len(self.fills)

    @invariant()
    def an_episode_is_told_once_at_most(self) -> None:
        assert sum(name == "R1" for name, _ in self.raised) <= self.episodes

    def teardown(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
        self.folder.cleanup()


TestAlarmMachine = AlarmMachine.TestCase
TestAlarmMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
