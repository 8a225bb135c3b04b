"""Alerts: rules as people write them, what they raised, and where it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from papertape.clock import NS_PER_S, iso_utc
from papertape.dashboard.alarms import RULES_MAX
from papertape.dashboard.alert_rows import KeptRule, Row
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import (
    CURSOR,
    LIMIT,
    ApiError,
    Query,
    body_object,
    choice,
    endpoint,
    moment,
    success,
    word,
)
from papertape.dashboard.rule_form import COMMON, KEYS, SCHEMA, RuleReader, form_of
from papertape.dashboard.state import state
from papertape.errors import MISSING, InvalidInputError
from papertape.services.apprise_channel import installed

api = Blueprint("alerts", __name__)

MINUTES_MAX = 43_200  # thirty days
BUILT_IN = {
    "browser": "shown on every open page of the dashboard",
    "log": "written to the dashboard's log",
}
SNOOZE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "minutes": {"type": "integer", "minimum": 1, "maximum": MINUTES_MAX},
        "until": {"type": "string"},
    },
}
NOTHING: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}


@endpoint(
    api,
    "/api/alerts",
    "What a person should know, newest first: alerts of rules and of the tape",
    params=(
        choice("severity", ("info", "warning", "error")),
        choice("source", ("rule", "test", "tape")),
        choice("state", ("open", "snoozed", "acknowledged")),
        word("rule", "id of the rule that raised it"),
        LIMIT,
        CURSOR,
    ),
    data=shapes.listed(),
)
def alerts(query: Query) -> Response:
    """Return a page of the history."""
    here = state()
    if not here.follower.driven:
        here.alarms.look()
    limit = query["limit"]
    wanted = {name: query[name] for name in ("severity", "source", "state", "rule")}
    rows, numbers = here.alarms.desk.alerts(
        here.follower.ledger_id, limit=limit + 1, before=query["cursor"], **wanted
    )
    behind = numbers[limit - 1] if len(rows) > limit else None
    return success(rows[:limit], next_cursor=behind, open=here.alarms.open_count())


# --- rules --------------------------------------------------------------------------------------


@endpoint(api, "/api/alerts/rules", "Every rule, oldest first", always=True, data=shapes.listed())
def rules(_: Query) -> Response:
    """Return the rules as their forms, with what they remember."""
    return success([_rule_row(kept) for kept in state().alarms.rules()])


@endpoint(api, "/api/alerts/rules", "Make a rule", method="POST", body=SCHEMA, status=201)
def add_rule(_: Query) -> Response:
    """Keep a rule and return it."""
    here = state()
    rule = _reader().read(body_object(KEYS))
    if len(here.alarms.rules()) >= RULES_MAX:
        raise ApiError(409, "too_many_rules", f"there are {RULES_MAX} rules already")
    return success(_rule_row(here.alarms.add_rule(rule)), status=201)


@endpoint(api, "/api/alerts/rules/<rule_id>", "Change a rule", method="PATCH",
          body={**SCHEMA, "required": []})  # fmt: skip
def change_rule(_: Query, rule_id: str) -> Response:
    """Replace the fields given; with another kind, that kind's fields are needed."""
    form = body_object(KEYS)
    kept = _rule(rule_id)
    before = form_of(kept.rule)
    if form.get("kind", before["kind"]) != before["kind"]:
        before = {name: before[name] for name in COMMON}
    rule = _reader(kept).read(before | form)
    return success(_rule_row(state().alarms.change_rule(kept, rule)))


@endpoint(api, "/api/alerts/rules/<rule_id>", "Delete a rule", method="DELETE")
def remove_rule(_: Query, rule_id: str) -> Response:
    """Delete a rule; the alerts that it raised stay."""
    state().alarms.remove_rule(_rule(rule_id))
    return success({"id": rule_id})


@endpoint(api, "/api/alerts/rules/<rule_id>/test", "Send a test through the rule's channels",
          method="POST", body=NOTHING, status=202)  # fmt: skip
def test_rule(_: Query, rule_id: str) -> Response:
    """Raise a test alert."""
    body_object(())
    row = state().alarms.test_rule(_rule(rule_id))
    _tell(row)
    return success(row, status=202)


def _rule(rule_id: str) -> KeptRule:
    kept = state().alarms.rule(rule_id)
    if kept is None:
        raise ApiError(404, "not_found", "there is no such rule", "id")
    return kept


def _reader(kept: KeptRule | None = None) -> RuleReader:
    """Return a reader of forms; names that a rule has already stay good."""
    here = state()
    symbols, strategies = set(here.follower.view.instruments), set(_strategies())
    channels = [*BUILT_IN, *here.channels]
    if kept is not None:
        symbols |= {kept.rule.symbol} if symbols and kept.rule.symbol else set()
        strategies |= {kept.rule.strategy} if strategies and kept.rule.strategy else set()
        channels += [name for name in kept.rule.channels if name not in channels]
    return RuleReader(symbols, strategies, channels)


def _strategies() -> Mapping[str, Any]:
    return state().follower.view.strategies.scores


def _rule_row(kept: KeptRule) -> Row:
    remembers = kept.state
    now_ns = state().clock.now_ns()
    snoozed = remembers.snoozed_until_ns > now_ns
    return {
        "id": f"R{kept.number}",
        **form_of(kept.rule),
        "holds": list(remembers.told),
        "waiting": remembers.waiting,
        "fired_at": None if remembers.fired_ns is None else iso_utc(remembers.fired_ns),
        "snoozed_until": iso_utc(remembers.snoozed_until_ns) if snoozed else None,
        "created_at": iso_utc(kept.created_ts_ns),
        "updated_at": iso_utc(kept.updated_ts_ns),
    }


# --- acknowledge, snooze ------------------------------------------------------------------------


@endpoint(api, "/api/alerts/acknowledge", "Acknowledge every alert", method="POST", body=NOTHING)
def acknowledge_all(_: Query) -> Response:
    """Note that somebody saw them all."""
    body_object(())
    count = state().alarms.acknowledge_all()
    line = state().line
    if count and line is not None:
        line.restart()
    return success({"acknowledged": count})


@endpoint(api, "/api/alerts/<alert_id>/acknowledge", "Acknowledge an alert", method="POST",
          body=NOTHING)  # fmt: skip
def acknowledge(_: Query, alert_id: str) -> Response:
    """Note that somebody saw it."""
    body_object(())
    return _marked(state().alarms.acknowledge(alert_id))


@endpoint(api, "/api/alerts/<alert_id>/snooze", "Put an alert aside for a while", method="POST",
          body=SNOOZE)  # fmt: skip
def snooze(_: Query, alert_id: str) -> Response:
    """Put it aside; the rule that raised it is silent as long."""
    form = body_object(("minutes", "until"))
    return _marked(state().alarms.snooze(alert_id, _until_ns(form)))


def _marked(row: Row | None) -> Response:
    if row is None:
        raise ApiError(404, "not_found", "there is no such alert", "id")
    _tell(row)
    return success(row)


def _until_ns(form: dict[str, Any]) -> int:
    now_ns = state().clock.now_ns()
    latest_ns = now_ns + MINUTES_MAX * 60 * NS_PER_S
    if form.get("until") is not None:
        text = form["until"]
        if not isinstance(text, str):
            raise InvalidInputError("until", text, "a time such as 2026-01-31T12:00:00Z")
        until_ns = int(moment("until").read(text, "until"))
        if not now_ns < until_ns <= latest_ns:
            raise InvalidInputError("until", text, "a time in the next thirty days")
        return until_ns
    minutes = form.get("minutes", MISSING)
    good = isinstance(minutes, int) and not isinstance(minutes, bool)
    if not good or not 1 <= int(minutes) <= MINUTES_MAX:
        raise InvalidInputError("minutes", minutes, f"a whole number from 1 to {MINUTES_MAX}")
    return now_ns + int(minutes) * 60 * NS_PER_S


def _tell(row: Row) -> None:
    line = state().line
    if line is not None:
        line.tell_alerts([row])


# --- channels -----------------------------------------------------------------------------------


@endpoint(api, "/api/alerts/channels", "Where alerts can be sent", always=True)
def channels(_: Query) -> Response:
    """Return every channel, without a word of its address; and whether Apprise is there."""
    here = state()
    found = [
        {"name": name, "ready": True, "scheme": "", "detail": about}
        for name, about in BUILT_IN.items()
    ]
    found += [{"name": name, **channel.describe()} for name, channel in here.channels.items()]
    return success({"channels": found, "apprise": installed()})


@endpoint(api, "/api/alerts/deliveries", "What could not be delivered, newest first", always=True)
def deliveries(_: Query) -> Response:
    """Return the dead letters."""
    return success(state().alarms.desk.dead())


@endpoint(api, "/api/alerts/deliveries/<delivery_id>/resend", "Try a dead letter again",
          method="POST", body=NOTHING, status=202)  # fmt: skip
def resend(_: Query, delivery_id: str) -> Response:
    """Let it try again from the beginning."""
    body_object(())
    here = state()
    if not here.alarms.desk.resend(delivery_id):
        raise ApiError(404, "not_found", "there is no such dead letter", "id")
    here.notifications.ring()
    return success({"id": delivery_id}, status=202)
