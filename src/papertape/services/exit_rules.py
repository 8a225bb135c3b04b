"""Exit rules: from the config into the engine's units, and as one line of a run's settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from papertape.clock import NS_PER_S
from papertape.config import Config, Exits
from papertape.engine.exit_manager import ExitRules, RoiStep, TakeProfit
from papertape.errors import ConfigError
from papertape.model.money import to_units

SETTING = "exits"
PPM_NANOS = 100_000  # one part per million, as 1e-9 of a percent


def exit_rules(config: Config) -> dict[str, ExitRules]:
    """Return the rules of those strategies that have any."""
    return {
        name: _rules(settings.exits, f"strategies.{name}.exits")
        for name, settings in config.strategies.items()
        if settings.exits != Exits()
    }


def rules_settings(rules: Mapping[str, ExitRules], tags: Iterable[str]) -> dict[str, str]:
    """Return the rules of these strategies as they stand in a run's settings."""
    return {
        f"{tag}.{SETTING}": msgspec.json.encode(rules[tag], order="deterministic").decode()
        for tag in tags
        if tag in rules
    }


def rules_from_settings(settings: Mapping[str, str]) -> dict[str, ExitRules]:
    """Return the rules that a run's settings hold, by strategy."""
    return {
        key.removesuffix(f".{SETTING}"): msgspec.json.decode(text, type=ExitRules)
        for key, text in settings.items()
        if key.endswith(f".{SETTING}")
    }


def _rules(exits: Exits, key: str) -> ExitRules:
    gains = [level.gain_pct for level in exits.take_profit]
    if gains != sorted(set(gains)):
        raise ConfigError(f"{key}.take_profit: the levels must rise, lowest gain_pct first")
    ages = [step.after_s for step in exits.roi]
    if ages != sorted(set(ages)):
        raise ConfigError(f"{key}.roi: the steps must rise, youngest after_s first")
    trail = exits.trailing_stop_pct
    return ExitRules(
        stop_ppm=None if exits.stop_loss_pct is None else _ppm(exits.stop_loss_pct, key),
        take_profit=tuple(
            TakeProfit(gain_ppm=_ppm(one.gain_pct, key), share_ppm=_ppm(one.share_pct, key))
            for one in exits.take_profit
        ),
        trail_ppm=None if trail is None else _ppm(trail, key),
        trail_from_ppm=_ppm(exits.trailing_from_pct, key),
        age_ns_max=_ns(exits.time_stop_s),
        roi=tuple(
            RoiStep(age_ns=int(one.after_s * NS_PER_S), gain_ppm=_ppm(one.gain_pct, key))
            for one in exits.roi
        ),
        to_end_ns=_ns(exits.before_end_s),
        edge_gone=exits.edge_gone,
    )


def _ppm(percent: Decimal, key: str) -> int:
    return to_units(percent, PPM_NANOS, key)


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * NS_PER_S)
