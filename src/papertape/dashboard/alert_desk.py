"""Alert rules, the alerts they raised, and where those went: kept on the desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, select, update

from papertape.clock import Clock
from papertape.dashboard.alert_rows import (
    KeptRule,
    Row,
    alert_row,
    dead_row,
    delivered,
    in_state,
    kept_rule,
    named,
    number_of,
    one_alert,
    ours,
    packed,
    rule_number,
)
from papertape.dashboard.desk_file import (
    DeskFile,
    alert_deliveries,
    alert_history,
    alert_rules,
)
from papertape.dashboard.push_desk import addressed
from papertape.services.alerts import AlertRule, Raised, RuleState
from papertape.services.notification_service import Outcome, Waiting

ALERTS_KEPT = 10_000  # newest of the history; under 5 MB
PRUNE_EVERY = 500  # alerts between two looks at how many there are
DEAD_SHOWN = 100  # dead letters of one answer
IMMEDIATE = frozenset({"browser", "log"})  # channels that need no post

Source = Literal["rule", "test", "tape"]
history, deliveries = alert_history, alert_deliveries


@dataclass(frozen=True)
class News:
    """An alert that a rule raised, to be kept with what the rule remembers from then on."""

    number: int
    raised: Raised
    channels: Sequence[str]
    source: Source = "rule"


class AlertDesk:
    """Rules and history in desk.db; nothing is written before there is something to keep."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        """Keep everything in this file."""
        self._file = file
        self._clock = clock
        self._added = 0

    # --- rules ----------------------------------------------------------------------------------

    def rules(self) -> list[KeptRule]:
        """Return every rule, oldest first."""
        if not self._file.exists():
            return []
        with self._file.begin() as connection:
            found = connection.execute(select(alert_rules).order_by(alert_rules.c.number))
            return [kept_rule(row) for row in found.mappings()]

    def add_rule(self, rule: AlertRule, state: RuleState) -> KeptRule:
        """Keep a new rule."""
        now_ns = self._clock.now_ns()
        row = {"created_ts_ns": now_ns, "updated_ts_ns": now_ns, **packed(rule, state)}
        with self._file.begin() as connection:
            result = connection.execute(insert(alert_rules), row)
            assert result.inserted_primary_key is not None
            return KeptRule(int(result.inserted_primary_key[0]), now_ns, now_ns, rule, state)

    def change_rule(self, number: int, rule: AlertRule, state: RuleState) -> None:
        """Replace a rule."""
        row = {"updated_ts_ns": self._clock.now_ns(), **packed(rule, state)}
        with self._file.begin() as connection:
            where = alert_rules.c.number == number
            connection.execute(update(alert_rules).where(where).values(row))

    def remove_rule(self, number: int) -> None:
        """Delete a rule; the alerts that it raised stay."""
        with self._file.begin() as connection:
            connection.execute(delete(alert_rules).where(alert_rules.c.number == number))

    def save_states(self, states: Mapping[int, RuleState]) -> None:
        """Keep what rules remember."""
        with self._file.begin() as connection:
            _save_states(connection, states)

    # --- the history ----------------------------------------------------------------------------

    def record(self, news: Iterable[News], states: Mapping[int, RuleState]) -> list[Row]:
        """Keep alerts with the states of their rules, all or nothing; return the alerts' rows."""
        now_ns = self._clock.now_ns()
        with self._file.begin() as connection:
            _save_states(connection, states)
            numbers = [_add(connection, one, now_ns) for one in news]
            self._prune(connection, len(numbers))
            return [one_alert(connection, number) for number in numbers]

    def record_tape(self, ledger_id: str, alerts: Iterable[Row]) -> None:
        """Keep alerts of the tape, oldest first; those that are known already stay as they are."""
        rows = [
            {
                "ts_ns": alert["ts_ns"],
                "source": "tape",
                "ledger_id": ledger_id,
                "seq": alert["seq"],
                **{name: alert[name] for name in ("severity", "title", "message", "about")},
            }
            for alert in alerts
        ]
        with self._file.begin() as connection:
            connection.execute(insert(history).prefix_with("OR IGNORE"), rows)
            self._prune(connection, len(rows))

    def newest_seq(self, ledger_id: str) -> int:
        """Return the number of the newest alert of a tape that is kept here."""
        if not self._file.exists():
            return 0
        query = select(func.max(history.c.seq)).where(history.c.ledger_id == ledger_id)
        with self._file.begin() as connection:
            return int(connection.execute(query).scalar() or 0)

    def _prune(self, connection: Connection, added: int) -> None:
        self._added += added
        if self._added < PRUNE_EVERY:
            return
        self._added = 0
        newest = connection.execute(select(func.max(history.c.number))).scalar() or 0
        oldest = int(newest) - ALERTS_KEPT
        connection.execute(delete(history).where(history.c.number <= oldest))
        connection.execute(delete(deliveries).where(deliveries.c.alert_number <= oldest))

    def alerts(
        self,
        ledger_id: str | None,
        *,
        limit: int,
        before: int | None = None,
        **wanted: str | None,
    ) -> tuple[list[Row], list[int]]:
        """Return alerts, newest first, and their numbers; wanted: severity, source, rule, state."""
        if not self._file.exists():
            return [], []
        now_ns = self._clock.now_ns()
        query = select(history).where(ours(ledger_id)).order_by(history.c.number.desc())
        if before is not None:
            query = query.where(history.c.number < before)
        for name in ("severity", "source"):
            if wanted.get(name):
                query = query.where(history.c[name] == wanted[name])
        if wanted.get("rule"):
            query = query.where(history.c.rule_number == rule_number(wanted["rule"]))
        if wanted.get("state"):
            query = in_state(query, str(wanted["state"]), now_ns)
        with self._file.begin() as connection:
            found = connection.execute(query.limit(limit)).mappings().all()
            numbers = [int(row["number"]) for row in found]
            told = delivered(connection, numbers)
            return [alert_row(row, told.get(row["number"], {})) for row in found], numbers

    def open_count(self, ledger_id: str | None) -> int:
        """Return how many alerts wait for somebody to say that they saw them."""
        if not self._file.exists():
            return 0
        query = select(func.count()).select_from(history).where(ours(ledger_id))
        query = in_state(query, "open", self._clock.now_ns())
        with self._file.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def acknowledge(self, ledger_id: str | None, alert_id: str) -> Row | None:
        """Note that somebody saw an alert; None if there is no such alert."""
        return self._mark(ledger_id, alert_id, {"acknowledged_ts_ns": self._clock.now_ns()})

    def acknowledge_all(self, ledger_id: str | None) -> int:
        """Note that somebody saw all alerts that wait; return how many."""
        if not self._file.exists():
            return 0
        now_ns = self._clock.now_ns()
        where = and_(ours(ledger_id), history.c.acknowledged_ts_ns.is_(None))
        with self._file.begin() as connection:
            done = connection.execute(
                update(history).where(where).values(acknowledged_ts_ns=now_ns)
            )
            return int(done.rowcount)

    def snooze(self, ledger_id: str | None, alert_id: str, until_ns: int) -> Row | None:
        """Put an alert aside until then; None if there is no such alert."""
        return self._mark(ledger_id, alert_id, {"snoozed_until_ns": until_ns})

    def _mark(self, ledger_id: str | None, alert_id: str, values: Row) -> Row | None:
        where = named(ledger_id, alert_id)
        if where is None or not self._file.exists():
            return None
        with self._file.begin() as connection:
            number = connection.execute(select(history.c.number).where(where)).scalar()
            if number is None:
                return None
            same = history.c.number == number
            if "acknowledged_ts_ns" in values:  # the first time counts
                same = and_(same, history.c.acknowledged_ts_ns.is_(None))
            connection.execute(update(history).where(same).values(values))
            return one_alert(connection, int(number))

    # --- deliveries (services.notification_service.Outbox) --------------------------------------

    def due(self, now_ns: int, limit: int) -> list[Waiting]:
        """Return what is to be sent now, oldest first."""
        if not self._file.exists():
            return []
        query = (
            select(deliveries, history.c.severity, history.c.title, history.c.message)
            .join(history, history.c.number == deliveries.c.alert_number)
            .where(deliveries.c.state == "waiting", deliveries.c.due_ts_ns <= now_ns)
            .order_by(deliveries.c.due_ts_ns, deliveries.c.number)
            .limit(limit)
        )
        with self._file.begin() as connection:
            return [
                Waiting(
                    number=row["number"],
                    alert_id=f"A{row['alert_number']}",
                    channel=row["channel"],
                    attempts=row["attempts"],
                    severity=row["severity"],
                    title=row["title"],
                    message=row["message"],
                )
                for row in connection.execute(query).mappings()
            ]

    def settle(self, number: int, outcome: Outcome) -> None:
        """Note what became of a delivery."""
        row = {
            "state": outcome.state,
            "attempts": outcome.attempts,
            "due_ts_ns": outcome.due_ns,
            "detail": outcome.detail,
            "updated_ts_ns": self._clock.now_ns(),
        }
        with self._file.begin() as connection:
            where = deliveries.c.number == number
            connection.execute(update(deliveries).where(where).values(row))

    def dead(self) -> list[Row]:
        """Return what could not be delivered, newest first."""
        if not self._file.exists():
            return []
        query = (
            select(deliveries, history.c.title, history.c.message, history.c.ts_ns)
            .join(history, history.c.number == deliveries.c.alert_number)
            .where(deliveries.c.state == "dead")
            .order_by(deliveries.c.number.desc())
            .limit(DEAD_SHOWN)
        )
        with self._file.begin() as connection:
            return [dead_row(row) for row in connection.execute(query).mappings()]

    def resend(self, delivery_id: str) -> bool:
        """Let a dead letter try again from the beginning; False if it is none."""
        number = number_of("D", delivery_id)
        if number is None or not self._file.exists():
            return False
        now_ns = self._clock.now_ns()
        row = {"state": "waiting", "attempts": 0, "due_ts_ns": now_ns, "updated_ts_ns": now_ns}
        where = and_(deliveries.c.number == number, deliveries.c.state == "dead")
        with self._file.begin() as connection:
            return bool(connection.execute(update(deliveries).where(where).values(row)).rowcount)


def _save_states(connection: Connection, states: Mapping[int, RuleState]) -> None:
    for number, state in states.items():
        where = alert_rules.c.number == number
        body = msgspec.json.encode(state).decode()
        connection.execute(update(alert_rules).where(where).values(state=body))


def _add(connection: Connection, news: News, now_ns: int) -> int:
    raised = news.raised
    row = {
        "ts_ns": now_ns,
        "source": news.source,
        "rule_number": news.number,
        **msgspec.structs.asdict(raised),
    }
    result = connection.execute(insert(history), row)
    assert result.inserted_primary_key is not None
    number = int(result.inserted_primary_key[0])
    posts = [
        {
            "alert_number": number,
            "channel": channel,
            "state": "sent" if channel in IMMEDIATE else "waiting",
            "attempts": 1 if channel in IMMEDIATE else 0,
            "due_ts_ns": now_ns,
            "updated_ts_ns": now_ns,
            "detail": "",
        }
        for channel in addressed(connection, news.channels)
    ]
    if posts:
        connection.execute(insert(deliveries), posts)
    return number
