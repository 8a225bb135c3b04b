"""Alert rules: trigger, condition, action, as pure functions of what is known at a moment.

A rule about a state (a price, a drawdown, a silent bot) speaks once when the state begins and again
only after it has ended and begun anew. A rule about things that happen (fills) counts them. Neither
speaks within its cooldown, its quiet hours or while it is snoozed; what came up meanwhile is told
afterwards, if it still holds. What is not known changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from papertape.clock import NS_PER_S
from papertape.model.events import Severity
from papertape.model.money import MICROS, NANOS

Kind = Literal[
    "price", "pnl", "drawdown", "strategy", "feed_stale", "fill", "refusals", "resolution",
    "bot_dead",
]  # fmt: skip
Direction = Literal["above", "below"]
Scope = Literal["today", "total"]

DAY_MINUTES = 1_440
DEAD_S = 4  # without a heartbeat, of which there is one a second; told within 5 s
SIGNALS_MIN = 10  # fewer signals than this say nothing about a rate
TOLD_MAX = 200  # subjects a rule remembers having told; the oldest are forgotten first
SUBJECTS_SHOWN = 3  # in one message
MICROS_PER_NANO = NANOS // MICROS


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the day, in minutes after local midnight; it may pass midnight."""

    from_min: int
    to_min: int
    time_zone: str


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """A person's wish to be told; which of the fields hold depends on the kind.

    price: symbol, direction, limit_micros (of the mid price). pnl: scope, direction, limit_micros.
    drawdown: limit_micros (percent). strategy: strategy ("" any). feed_stale: seconds. fill:
    strategy and symbol ("" any). refusals: limit_micros (percent), minutes. resolution: minutes.
    """

    kind: Kind
    severity: Severity = "warning"
    enabled: bool = True
    cooldown_s: int = 600
    quiet: QuietHours | None = None
    channels: tuple[str, ...] = ("browser",)
    symbol: str = ""
    strategy: str = ""
    direction: Direction = "below"
    scope: Scope = "today"
    limit_micros: int = 0
    seconds: int = 0
    minutes: int = 0


class RuleState(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule remembers: survives a restart, so that nothing is told twice.

    told: subjects of the present episode. seq: newest record counted. waiting: counted, not told.
    """

    told: tuple[str, ...] = ()
    fired_ns: int | None = None
    snoozed_until_ns: int = 0
    seq: int = 0
    waiting: int = 0
    newest: str = ""


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """A fill as a rule sees it."""

    seq: int
    strategy: str
    symbol: str
    words: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at a moment; None stands for unknown.

    silent_s: seconds without sign of life of a bot that said no goodbye, 0 while it beats or was
    stopped. stopped: strategies that were disabled or stopped, with the reason. resolving: held
    markets, with their question and the seconds to their end. signals: (engine time, refused).
    """

    now_ns: int
    engine_ns: int = 0
    seq: int = 0
    running: bool = False
    silent_s: float | None = None
    feed_state: str = "unknown"
    feed_age_s: float | None = None
    venue_ages_s: dict[str, float] = {}
    today_micros: int | None = None
    total_micros: int | None = None
    drawdown_micros: int | None = None
    prices_nanos: dict[str, int] = {}
    stopped: dict[str, str] = {}
    resolving: dict[str, tuple[str, int]] = {}
    signals: tuple[tuple[int, bool], ...] = ()
    fills: tuple[Fill, ...] = ()


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """An alert, before anybody was told."""

    severity: Severity
    title: str
    message: str
    about: str = ""


Found = dict[str, str]
"""Subjects of which the condition holds, each with the words that say so."""


def judge(rule: AlertRule, state: RuleState, facts: Facts) -> tuple[RuleState, Raised | None]:
    """Return what the rule remembers from here on, and the alert it raises, if it does."""
    if not rule.enabled:
        return msgspec.structs.replace(state, told=(), seq=facts.seq, waiting=0), None
    if rule.kind == "fill":
        return _judge_fills(rule, state, facts)
    found = CONDITIONS[rule.kind](rule, facts)
    if found is None:
        return state, None
    still = tuple(subject for subject in state.told if subject in found)
    fresh = [subject for subject in found if subject not in still]
    if not fresh or not may_speak(rule, state, facts.now_ns):
        return msgspec.structs.replace(state, told=still), None
    words = [found[subject] for subject in fresh]
    message = "; ".join(words[:SUBJECTS_SHOWN])
    if len(words) > SUBJECTS_SHOWN:
        message += f"; and {len(words) - SUBJECTS_SHOWN} more"
    told = (*still, *fresh)[-TOLD_MAX:]
    state = msgspec.structs.replace(state, told=told, fired_ns=facts.now_ns)
    return state, _raised(rule, message, fresh[0])


def _judge_fills(
    rule: AlertRule, state: RuleState, facts: Facts
) -> tuple[RuleState, Raised | None]:
    if facts.seq < state.seq:  # another ledger: its story begins anew
        state = msgspec.structs.replace(state, seq=facts.seq, waiting=0, newest="")
    fresh = [
        fill
        for fill in facts.fills
        if fill.seq > state.seq
        and rule.strategy in ("", fill.strategy)
        and rule.symbol in ("", fill.symbol)
    ]
    waiting = state.waiting + len(fresh)
    newest = fresh[-1].words if fresh else state.newest
    state = msgspec.structs.replace(state, seq=facts.seq, waiting=waiting, newest=newest)
    if not waiting or not may_speak(rule, state, facts.now_ns):
        return state, None
    message = newest if waiting == 1 else f"{waiting} fills, the newest: {newest}"
    state = msgspec.structs.replace(state, waiting=0, newest="", fired_ns=facts.now_ns)
    return state, _raised(rule, message, rule.symbol)


def may_speak(rule: AlertRule, state: RuleState, now_ns: int) -> bool:
    """Return whether cooldown, snooze and quiet hours let the rule speak now."""
    if now_ns < state.snoozed_until_ns or is_quiet(rule.quiet, now_ns):
        return False
    if state.fired_ns is None:
        return True
    elapsed_ns = now_ns - state.fired_ns
    return elapsed_ns < 0 or elapsed_ns >= rule.cooldown_s * NS_PER_S  # the clock was set back


def is_quiet(quiet: QuietHours | None, now_ns: int) -> bool:
    """Return whether a moment lies in the quiet hours; their first minute does, their last not."""
    if quiet is None:
        return False
    local = datetime.fromtimestamp(now_ns // NS_PER_S, tz=zone(quiet.time_zone))
    minute = local.hour * 60 + local.minute
    if quiet.from_min <= quiet.to_min:
        return quiet.from_min <= minute < quiet.to_min
    return minute >= quiet.from_min or minute < quiet.to_min


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """Return a time zone by its name; KeyError or ValueError if there is none (or no database)."""
    return UTC if name == "UTC" else ZoneInfo(name)


def trial(rule: AlertRule) -> Raised:
    """Return what the rule would say, for a person who wants to see that it arrives."""
    return Raised(
        severity=rule.severity,
        title=f"Test: {TITLES[rule.kind]}",
        message="This is a test of an alert rule; nothing has happened.",
        about=rule.symbol or rule.strategy,
    )


# --- conditions ---------------------------------------------------------------------------------

TITLES: dict[Kind, str] = {
    "price": "Price",
    "pnl": "Profit and loss",
    "drawdown": "Drawdown",
    "strategy": "Strategy stopped",
    "feed_stale": "Market data is stale",
    "fill": "Fill",
    "refusals": "Many signals refused",
    "resolution": "A market that you hold ends soon",
    "bot_dead": "The bot is dead",
}


def _raised(rule: AlertRule, message: str, about: str) -> Raised:
    return Raised(severity=rule.severity, title=TITLES[rule.kind], message=message, about=about)


def _beyond(rule: AlertRule, value: int, limit: int) -> bool:
    return value > limit if rule.direction == "above" else value < limit


def _price(rule: AlertRule, facts: Facts) -> Found | None:
    nanos = facts.prices_nanos.get(rule.symbol)
    if nanos is None:
        return None
    if not _beyond(rule, nanos, rule.limit_micros * MICROS_PER_NANO):
        return {}
    words = f"{rule.symbol} is at {nanos / NANOS:g}, {rule.direction} {_amount(rule)}"
    return {rule.symbol: words}


def _pnl(rule: AlertRule, facts: Facts) -> Found | None:
    micros = facts.today_micros if rule.scope == "today" else facts.total_micros
    if micros is None:
        return None
    if not _beyond(rule, micros, rule.limit_micros):
        return {}
    when = "today" if rule.scope == "today" else "in total"
    limit = f"{rule.limit_micros / MICROS:+,.2f}"
    return {rule.scope: f"P&L {when} is {micros / MICROS:+,.2f}, {rule.direction} {limit}"}


def _drawdown(rule: AlertRule, facts: Facts) -> Found | None:
    if facts.drawdown_micros is None:
        return None
    if facts.drawdown_micros < rule.limit_micros:
        return {}
    fallen = facts.drawdown_micros / MICROS
    return {"equity": f"Equity is {fallen:.1f} % below its peak, the limit is {_amount(rule)} %"}


def _strategy(rule: AlertRule, facts: Facts) -> Found | None:
    if not facts.running:
        return None  # with the bot, all strategies end
    return {
        name: f"{name} is {reason}"
        for name, reason in facts.stopped.items()
        if rule.strategy in ("", name)
    }


def _feed_stale(rule: AlertRule, facts: Facts) -> Found | None:
    if not facts.running or facts.feed_state in ("unknown", "ended"):
        return None
    age_s = facts.feed_age_s
    if facts.venue_ages_s:  # each venue of several falls silent, and is told, alone
        return {
            venue: f"No new price from {venue} for {old_s:.0f} s, the limit is {rule.seconds} s"
            for venue, old_s in facts.venue_ages_s.items()
            if old_s >= rule.seconds
        }
    if age_s is None or age_s < rule.seconds:
        return {}
    return {"feed": f"No new price for {age_s:.0f} s, the limit is {rule.seconds} s"}


def _refusals(rule: AlertRule, facts: Facts) -> Found | None:
    if not facts.running:
        return None
    since_ns = facts.engine_ns - rule.minutes * 60 * NS_PER_S
    recent = [refused for ts_ns, refused in facts.signals if ts_ns >= since_ns]
    if len(recent) < SIGNALS_MIN or sum(recent) * 100 * MICROS < rule.limit_micros * len(recent):
        return {}
    said = f"{sum(recent)} of {len(recent)} signals refused in {rule.minutes} min"
    return {"signals": f"{said}, the limit is {_amount(rule)} %"}


def _resolution(rule: AlertRule, facts: Facts) -> Found | None:
    if not facts.running:
        return None
    return {
        market: f"{question} ends in {max(0, left_s) // 60} min"
        for market, (question, left_s) in facts.resolving.items()
        if left_s <= rule.minutes * 60
    }


def _bot_dead(_: AlertRule, facts: Facts) -> Found | None:
    if facts.silent_s is None:
        return None
    if facts.silent_s < DEAD_S:
        return {}
    return {"bot": f"No sign of life from the bot for {facts.silent_s:.0f} s, and no goodbye"}


def _amount(rule: AlertRule) -> str:
    return f"{rule.limit_micros / MICROS:.10g}"


CONDITIONS: dict[Kind, Callable[[AlertRule, Facts], Found | None]] = {
    "price": _price,
    "pnl": _pnl,
    "drawdown": _drawdown,
    "strategy": _strategy,
    "feed_stale": _feed_stale,
    "refusals": _refusals,
    "resolution": _resolution,
    "bot_dead": _bot_dead,
}
