"""Rows of the desk's alert tables: as they are stored, and as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, func, or_, select

from papertape.clock import iso_utc
from papertape.dashboard.desk_file import alert_deliveries, alert_history
from papertape.services.alerts import AlertRule, RuleState

Row = dict[str, Any]
history, deliveries = alert_history, alert_deliveries


@dataclass
class KeptRule:
    """A rule with its number and what it remembers."""

    number: int
    created_ts_ns: int
    updated_ts_ns: int
    rule: AlertRule
    state: RuleState


def rule_number(rule_id: object) -> int | None:
    """Return the number of a rule's id, None if it is no such id."""
    return number_of("R", str(rule_id))


def number_of(letter: str, text: str) -> int | None:
    """Return the number in an id of this letter, None if it is no such id."""
    digits = text.removeprefix(letter) if text.startswith(letter) else ""
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 16 else None


def kept_rule(row: Mapping[Any, Any]) -> KeptRule:
    """Return a rule as it was kept."""
    return KeptRule(
        number=row["number"],
        created_ts_ns=row["created_ts_ns"],
        updated_ts_ns=row["updated_ts_ns"],
        rule=msgspec.json.decode(row["rule"], type=AlertRule),
        state=msgspec.json.decode(row["state"], type=RuleState),
    )


def packed(rule: AlertRule, state: RuleState) -> Row:
    """Return what is stored of a rule."""
    return {
        "rule": msgspec.json.encode(rule).decode(),
        "state": msgspec.json.encode(state).decode(),
    }


def one_alert(connection: Connection, number: int) -> Row:
    """Return one alert as the API shows it."""
    query = select(history).where(history.c.number == number)
    row = connection.execute(query).mappings().one()
    return alert_row(row, delivered(connection, [number]).get(number, {}))


def delivered(connection: Connection, numbers: list[int]) -> dict[int, Row]:
    """Return where alerts went: {alert: {channel: {state, attempts, detail}}}."""
    query = select(deliveries).where(deliveries.c.alert_number.in_(numbers))
    found: dict[int, Row] = {}
    for row in connection.execute(query.order_by(deliveries.c.number)).mappings():
        said = {name: row[name] for name in ("state", "attempts", "detail")}
        found.setdefault(row["alert_number"], {})[row["channel"]] = said
    return found


def alert_row(row: Mapping[Any, Any], told: Row) -> Row:
    """Return an alert as the API shows it."""
    tape = row["source"] == "tape"
    acknowledged, snoozed = row["acknowledged_ts_ns"], row["snoozed_until_ns"]
    return {
        "id": str(row["seq"]) if tape else f"A{row['number']}",
        "seq": row["seq"],
        "ts_ns": row["ts_ns"],
        "time": iso_utc(row["ts_ns"]),
        "severity": row["severity"],
        "title": row["title"],
        "message": row["message"],
        "about": row["about"],
        "source": row["source"],
        "rule_id": None if row["rule_number"] is None else f"R{row['rule_number']}",
        "acknowledged_at": None if acknowledged is None else iso_utc(acknowledged),
        "snoozed_until": None if snoozed is None else iso_utc(snoozed),
        "delivered": told,
    }


def dead_row(row: Mapping[Any, Any]) -> Row:
    """Return a dead letter as the API shows it."""
    return {
        "id": f"D{row['number']}",
        "alert_id": f"A{row['alert_number']}",
        "channel": row["channel"],
        "attempts": row["attempts"],
        "detail": row["detail"],
        "title": row["title"],
        "message": row["message"],
        "time": iso_utc(row["ts_ns"]),
        "tried_at": iso_utc(row["updated_ts_ns"]),
    }


def ours(ledger_id: str | None) -> Any:
    """Return which alerts count: those of rules, and those of the tape that is there now."""
    return or_(history.c.source != "tape", history.c.ledger_id == (ledger_id or ""))


def named(ledger_id: str | None, alert_id: str) -> Any:
    """Return the condition that an id stands for, None if it is no id."""
    number = number_of("A", alert_id)
    if number is not None:
        return and_(history.c.number == number, history.c.source != "tape")
    seq = number_of("", alert_id)
    if seq is None:
        return None
    return and_(history.c.ledger_id == (ledger_id or ""), history.c.seq == seq)


def in_state(query: Select[Any], state: str, now_ns: int) -> Select[Any]:
    """Return the query for alerts that are open, snoozed or acknowledged."""
    if state == "acknowledged":
        return query.where(history.c.acknowledged_ts_ns.is_not(None))
    query = query.where(history.c.acknowledged_ts_ns.is_(None))
    asleep = func.coalesce(history.c.snoozed_until_ns, 0) > now_ns
    if state == "snoozed":
        return query.where(asleep)
    told_only = and_(history.c.source == "tape", history.c.severity == "info")
    return query.where(~asleep, ~told_only)
