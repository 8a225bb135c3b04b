"""The alarms of one dashboard: rules are judged, alerts kept, pages and channels told.

Everything goes through `look`, four times a second: first the tape's own alerts are copied to the
desk, so that they can be acknowledged there, then the rules are judged by what is known. An alert
and what its rule remembers become durable together, so a restart neither repeats nor loses one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from papertape.clock import NS_PER_S
from papertape.dashboard import picture
from papertape.dashboard.alert_desk import AlertDesk, News
from papertape.dashboard.alert_facts import Observer
from papertape.dashboard.alert_rows import KeptRule, Row, rule_number
from papertape.dashboard.follower import Follower
from papertape.errors import PapertapeError
from papertape.services.alerts import AlertRule, Facts, Raised, RuleState, judge, trial

RULES_MAX = 200  # each is judged four times a second
SAVE_NS = 5 * NS_PER_S  # between two writes of counts that nobody was told yet
COUNT_NS = NS_PER_S  # between two counts of open alerts: snoozes end by themselves
RETRY_NS = 5 * NS_PER_S  # after trouble with the desk

log = structlog.get_logger("papertape.alerts")


class Alarms:
    """Rules, their memory, and the way of an alert from condition to person."""

    def __init__(self, follower: Follower, desk: AlertDesk) -> None:
        """Watch what the follower reads; rules and history are the desk's."""
        self._follower = follower
        self.desk = desk
        self._observer = Observer(follower)
        self._rules: dict[int, KeptRule] | None = None
        self._unsaved: set[int] = set()
        self._saved_ns = 0
        self._copied: tuple[str | None, int] = (None, -1)
        self._counted_ns = 0
        self._open = 0
        self._retry_ns = 0
        self.problem = ""
        self.posted: Callable[[], object] = lambda: None
        """Called when something waits for delivery."""

    # --- looking --------------------------------------------------------------------------------

    def look(self) -> list[Row]:
        """Judge every rule by what is known now; return the alerts raised, newest first."""
        return self._writing(self._look)

    def keep(self) -> None:
        """Put the tape's newest alerts on the desk: a page that heard of one will ask for it."""
        self._writing(self._copy_tape)

    def _writing(self, write: Callable[[], list[Row]]) -> list[Row]:
        now_ns = self._follower.now_ns()
        if not self._follower.ready or 0 <= now_ns < self._retry_ns:
            return []
        try:
            rows = write()
        except PapertapeError as error:
            self._retry_ns = now_ns + RETRY_NS
            if str(error) != self.problem:
                log.warning("alerts cannot be kept", error=str(error))
            self.problem = str(error)
            return []
        self.problem = ""
        return rows

    def _look(self) -> list[Row]:
        self._copy_tape()
        raised = self._judge()
        self._count(self._follower.now_ns())
        return raised

    def _copy_tape(self) -> list[Row]:
        seen = self._follower
        ledger_id = seen.ledger_id
        if ledger_id is None:
            return []
        if self._copied[0] != ledger_id:
            self._copied = (ledger_id, self.desk.newest_seq(ledger_id))
        fresh = picture.alerts(seen, self._copied[1], limit=None)
        if fresh:
            self.desk.record_tape(ledger_id, reversed(fresh))
            self._copied = (ledger_id, fresh[0]["seq"])
            self._counted_ns = 0
        return fresh

    def _judge(self) -> list[Row]:
        rules = self._kept()
        if not rules:
            return []
        after = min((kept.state.seq for kept in rules.values() if kept.rule.kind == "fill"),
                    default=0)  # fmt: skip
        active = [kept.rule for kept in rules.values() if kept.rule.enabled]
        return self.take(self._observer.facts(active, after))

    def take(self, facts: Facts) -> list[Row]:
        """Judge every rule by these facts; return the alerts raised, newest first."""
        news: list[News] = []
        states: dict[int, RuleState] = {}
        for number, kept in self._kept().items():
            state, raised = judge(kept.rule, kept.state, facts)
            if raised is not None:
                news.append(News(number, raised, kept.rule.channels))
            if raised is not None or _episode(state) != _episode(kept.state):
                states[number] = state
            elif state != kept.state:
                self._unsaved.add(number)
            kept.state = state
        if news:
            self._unsaved.clear()
            states = {number: kept.state for number, kept in self._kept().items()}
            return self._keep(news, states)
        if self._unsaved and not 0 <= facts.now_ns - self._saved_ns < SAVE_NS:
            self._saved_ns = facts.now_ns
            states |= {number: self._kept()[number].state for number in self._unsaved}
            self._unsaved.clear()
        if states:
            self._try(lambda: self.desk.save_states(states))
        return []

    def _keep(self, news: list[News], states: dict[int, RuleState]) -> list[Row]:
        rows: list[Row] = []
        self._try(lambda: rows.extend(self.desk.record(news, states)))
        for one in news:
            if "log" in one.channels:
                log.warning("alert", severity=one.raised.severity, title=one.raised.title,
                            text=one.raised.message)  # fmt: skip
        self._counted_ns = 0
        self.posted()
        return rows[::-1]

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except PapertapeError:
            self._rules = None  # what was not kept did not happen: judge again from what was
            raise

    def _count(self, now_ns: int) -> None:
        if not 0 <= now_ns - self._counted_ns < COUNT_NS:
            self._counted_ns = now_ns
            self._open = self.desk.open_count(self._follower.ledger_id)

    def open_count(self) -> int:
        """Return how many alerts nobody has acknowledged or put aside, as last counted."""
        return self._open

    def newest(self) -> list[Row]:
        """Return the newest alerts as a page gets them on connect."""
        try:
            rows, _ = self.desk.alerts(self._follower.ledger_id, limit=picture.ALERTS_SHOWN)
        except PapertapeError:
            return picture.alerts(self._follower)
        after = self._copied[1] if self._copied[0] == self._follower.ledger_id else 0
        fresh = [row for row in picture.alerts(self._follower, max(0, after))
                 if row["id"] not in {known["id"] for known in rows}]  # fmt: skip
        return (fresh + rows)[: picture.ALERTS_SHOWN]

    # --- rules ----------------------------------------------------------------------------------

    def _kept(self) -> dict[int, KeptRule]:
        if self._rules is None:
            self._rules = {kept.number: kept for kept in self.desk.rules()}
        return self._rules

    def rules(self) -> list[KeptRule]:
        """Return every rule, oldest first."""
        return list(self._kept().values())

    def rule(self, rule_id: str) -> KeptRule | None:
        """Return a rule by its id."""
        number = rule_number(rule_id)
        return None if number is None else self._kept().get(number)

    def add_rule(self, rule: AlertRule) -> KeptRule:
        """Keep a new rule; it counts from now on."""
        kept = self.desk.add_rule(rule, RuleState(seq=self._follower.view.seq))
        self._kept()[kept.number] = kept
        return kept

    def change_rule(self, kept: KeptRule, rule: AlertRule) -> KeptRule:
        """Replace a rule; one with another trigger begins anew, the cooldown goes on."""
        state = kept.state
        if _trigger(rule) != _trigger(kept.rule):
            state = RuleState(
                seq=self._follower.view.seq,
                fired_ns=state.fired_ns,
                snoozed_until_ns=state.snoozed_until_ns,
            )
        self.desk.change_rule(kept.number, rule, state)
        kept.rule, kept.state = rule, state
        return kept

    def remove_rule(self, kept: KeptRule) -> None:
        """Delete a rule; its alerts stay."""
        self.desk.remove_rule(kept.number)
        self._kept().pop(kept.number, None)
        self._unsaved.discard(kept.number)

    def test_rule(self, kept: KeptRule) -> Row:
        """Send a test through the rule's channels, whatever its cooldown and quiet hours say."""
        raised: Raised = trial(kept.rule)
        news = News(kept.number, raised, kept.rule.channels, source="test")
        [row] = self._keep([news], {})
        return row

    # --- alerts ---------------------------------------------------------------------------------

    def acknowledge(self, alert_id: str) -> Row | None:
        """Note that somebody saw an alert."""
        return self._marked(self.desk.acknowledge(self._follower.ledger_id, alert_id))

    def acknowledge_all(self) -> int:
        """Note that somebody saw every alert."""
        count = self.desk.acknowledge_all(self._follower.ledger_id)
        self._recount()
        return count

    def snooze(self, alert_id: str, until_ns: int) -> Row | None:
        """Put an alert aside until then; the rule that raised it is silent as long."""
        row = self._marked(self.desk.snooze(self._follower.ledger_id, alert_id, until_ns))
        kept = self.rule(row["rule_id"]) if row and row["rule_id"] else None
        if kept is not None:
            state = _snoozed(kept.state, until_ns)
            self.desk.save_states({kept.number: state})
            kept.state = state
        return row

    def _marked(self, row: Row | None) -> Row | None:
        if row is not None:
            self._recount()
        return row

    def _recount(self) -> None:
        self._counted_ns = 0
        self._count(self._follower.now_ns())


def _episode(state: RuleState) -> tuple[Any, ...]:
    """Return what must not be forgotten: what was told, and when."""
    return (state.told, state.fired_ns, state.snoozed_until_ns)


def _trigger(rule: AlertRule) -> tuple[Any, ...]:
    return (rule.kind, rule.symbol, rule.strategy, rule.direction, rule.scope, rule.limit_micros,
            rule.seconds, rule.minutes, rule.enabled)  # fmt: skip


def _snoozed(state: RuleState, until_ns: int) -> RuleState:
    return RuleState(
        told=state.told,
        fired_ns=state.fired_ns,
        snoozed_until_ns=until_ns,
        seq=state.seq,
        waiting=state.waiting,
        newest=state.newest,
    )
