"""An alert rule as people write it: a JSON form, checked field by field, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from papertape.errors import MISSING, InvalidInputError, nearest_match
from papertape.model.money import MICROS, to_micros
from papertape.services.alerts import AlertRule, Kind, QuietHours, zone

COOLDOWN_S_MAX = 604_800  # a week
SECONDS_MIN, SECONDS_MAX = 5, 86_400  # a price may be late for some seconds on any feed
MINUTES_MAX = 10_080  # a week
AMOUNT_MAX = 1_000_000_000  # USD
CHANNELS_MAX = 20  # of one rule
TEXT_CHARS_MAX = 200
ZONE_CHARS_MAX = 64
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)

SEVERITIES = ("info", "warning", "error")
FIELDS: dict[Kind, tuple[str, ...]] = {
    "price": ("symbol", "direction", "price"),
    "pnl": ("scope", "direction", "amount"),
    "drawdown": ("percent",),
    "strategy": ("strategy",),
    "feed_stale": ("seconds",),
    "fill": ("strategy", "symbol"),
    "refusals": ("percent", "minutes"),
    "resolution": ("minutes",),
    "bot_dead": (),
}
OPTIONAL = {("strategy", "strategy"), ("fill", "strategy"), ("fill", "symbol")}  # none: any
COMMON = ("kind", "severity", "enabled", "cooldown_s", "quiet", "channels")
KEYS = (*COMMON, *dict.fromkeys(name for fields in FIELDS.values() for name in fields))
QUIET_KEYS = ("from", "to", "time_zone")
LIMITS = ("price", "amount", "percent")  # what `limit_micros` is called in the form

Form = dict[str, Any]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["kind"],
    "additionalProperties": False,
    "properties": {
        "kind": {"type": "string", "enum": list(FIELDS)},
        "severity": {"type": "string", "enum": list(SEVERITIES)},
        "enabled": {"type": "boolean"},
        "cooldown_s": {"type": "integer", "minimum": 0, "maximum": COOLDOWN_S_MAX},
        "quiet": {
            "type": ["object", "null"],
            "required": list(QUIET_KEYS),
            "additionalProperties": False,
            "properties": {name: {"type": "string"} for name in QUIET_KEYS},
        },
        "channels": {"type": "array", "maxItems": CHANNELS_MAX, "items": {"type": "string"}},
        "symbol": {"type": "string", "maxLength": TEXT_CHARS_MAX},
        "strategy": {"type": "string", "maxLength": TEXT_CHARS_MAX},
        "direction": {"type": "string", "enum": ["above", "below"]},
        "scope": {"type": "string", "enum": ["today", "total"]},
        "price": {"type": "number", "exclusiveMinimum": 0, "maximum": AMOUNT_MAX},
        "amount": {"type": "number", "minimum": -AMOUNT_MAX, "maximum": AMOUNT_MAX},
        "percent": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
        "seconds": {"type": "integer", "minimum": SECONDS_MIN, "maximum": SECONDS_MAX},
        "minutes": {"type": "integer", "minimum": 1, "maximum": MINUTES_MAX},
    },
}


def form_of(rule: AlertRule) -> Form:
    """Return a rule as its form."""
    quiet = rule.quiet
    form: Form = {
        "kind": rule.kind,
        "severity": rule.severity,
        "enabled": rule.enabled,
        "cooldown_s": rule.cooldown_s,
        "quiet": None if quiet is None else {
            "from": _clock(quiet.from_min),
            "to": _clock(quiet.to_min),
            "time_zone": quiet.time_zone,
        },
        "channels": list(rule.channels),
    }  # fmt: skip
    for name in FIELDS[rule.kind]:
        form[name] = rule.limit_micros / MICROS if name in LIMITS else getattr(rule, name)
    return form


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


class RuleReader:
    """Checks forms against what there is: instruments, strategies, channels."""

    def __init__(
        self, symbols: Collection[str], strategies: Collection[str], channels: Collection[str]
    ) -> None:
        """Know these names; an empty list of instruments or strategies knows nothing yet."""
        self._symbols = symbols
        self._strategies = strategies
        self._channels = channels

    def read(self, form: Mapping[str, Any]) -> AlertRule:
        """Return the rule that a form says; raises InvalidInputError with the field."""
        kind: Kind = _word("kind", form.get("kind", MISSING), tuple(FIELDS))  # type: ignore[assignment]
        own = FIELDS[kind]
        for name in form:
            if name not in COMMON and name not in own:
                expected = f"a field of a {kind} rule ({', '.join(own) or 'it has none'})"
                raise InvalidInputError(name, form[name], expected)
        values: dict[str, Any] = {}
        for name in own:
            value = form.get(name, "" if (kind, name) in OPTIONAL else MISSING)
            if value is None and (kind, name) in OPTIONAL:
                value = ""
            key = "limit_micros" if name in LIMITS else name
            values[key] = self._own(kind, name, value)
        return AlertRule(
            kind=kind,
            severity=_word("severity", form.get("severity", "warning"), SEVERITIES),  # type: ignore[arg-type]
            enabled=_flag("enabled", form.get("enabled", True)),
            cooldown_s=_whole("cooldown_s", form.get("cooldown_s", 600), 0, COOLDOWN_S_MAX),
            quiet=_quiet(form.get("quiet")),
            channels=self._chosen(form.get("channels", ["browser"])),
            **values,
        )

    def _own(self, kind: Kind, name: str, value: object) -> object:
        readers: dict[str, Callable[[], object]] = {
            "symbol": lambda: _name(name, value, self._symbols, optional=kind == "fill"),
            "strategy": lambda: _name(name, value, self._strategies, optional=True),
            "direction": lambda: _word(name, value, ("above", "below")),
            "scope": lambda: _word(name, value, ("today", "total")),
            "price": lambda: _amount(name, value, 1, AMOUNT_MAX * MICROS, "more than 0"),
            "amount": lambda: _amount(
                name, value, -AMOUNT_MAX * MICROS, AMOUNT_MAX * MICROS, "an amount in USD"
            ),
            "percent": lambda: _amount(name, value, 1, 100 * MICROS, "more than 0, at most 100"),
            "seconds": lambda: _whole(name, value, SECONDS_MIN, SECONDS_MAX),
            "minutes": lambda: _whole(name, value, 1, MINUTES_MAX),
        }
        return readers[name]()

    def _chosen(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not 0 < len(value) <= CHANNELS_MAX:
            raise InvalidInputError("channels", value, "a list of at least one channel")
        return tuple(dict.fromkeys(_word("channels", one, tuple(self._channels)) for one in value))


def _word(field: str, value: object, known: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in known:
        return value
    near = nearest_match(value, known) if isinstance(value, str) else ""
    raise InvalidInputError(field, value, "one of " + ", ".join(known), nearest=near)


def _name(field: str, value: object, known: Collection[str], *, optional: bool) -> str:
    if optional and value == "":
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARS_MAX:
        raise InvalidInputError(field, value, f"a text of 1 to {TEXT_CHARS_MAX} characters")
    if not value.isprintable() or (known and value not in known):
        near = nearest_match(value, known)
        raise InvalidInputError(field, value, f"a {field} of this account", nearest=near)
    return value


def _flag(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInputError(field, value, "true or false")
    return value


def _whole(field: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInputError(field, value, f"a whole number from {low} to {high}")
    return value


def _amount(field: str, value: object, low: int, high: int, expected: str) -> int:
    if value is MISSING:
        raise InvalidInputError(field, value, expected)
    micros = to_micros(value, field)
    if not low <= micros <= high:
        raise InvalidInputError(field, value, expected)
    return micros


def _quiet(value: object) -> QuietHours | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidInputError("quiet", value, "null or {from, to, time_zone}")
    for key in value:
        if key not in QUIET_KEYS:
            near = nearest_match(key, QUIET_KEYS)
            raise InvalidInputError(f"quiet.{key}", value[key], "a known key", nearest=near)
    start, end = (_minute(f"quiet.{key}", value.get(key, MISSING)) for key in ("from", "to"))
    if start == end:
        raise InvalidInputError("quiet.to", value["to"], "another time than quiet.from")
    name = value.get("time_zone", MISSING)
    good = isinstance(name, str) and 0 < len(name) <= ZONE_CHARS_MAX and "\0" not in name
    try:
        if not good:
            raise ValueError(name)
        zone(str(name))
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        expected = "a time zone such as Europe/Berlin"
        raise InvalidInputError("quiet.time_zone", name, expected) from error
    return QuietHours(from_min=start, to_min=end, time_zone=str(name))


def _minute(field: str, value: object) -> int:
    found = CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise InvalidInputError(field, value, "a time of day such as 22:00")
    return int(found[1]) * 60 + int(found[2])
