"""ExitManager: when a position is left, by rules that a person set and not by its strategy.

Gains are measured on what a sale at the best bid would bring after its fee, against what the
position cost: a stop at 10 % is hit when 10 % would really be lost. The rules look at the position
as the tape has it, so they go on where they were after a restart.
"""

from __future__ import annotations

import msgspec

from papertape.clock import NS_PER_S
from papertape.model.money import PPM

PEAK_STEPS = (
    10  # a trailing stop is put on the tape each time it moved by this part of its distance
)


class TakeProfit(msgspec.Struct, frozen=True, kw_only=True):
    """At this gain, sell this share of what the position was at its largest."""

    gain_ppm: int
    share_ppm: int = PPM


class RoiStep(msgspec.Struct, frozen=True, kw_only=True):
    """From this age on, this gain is enough."""

    age_ns: int
    gain_ppm: int


class ExitRules(msgspec.Struct, frozen=True, kw_only=True):
    """What ends a position; a rule that is not set is off. Gains in parts per million of the cost.

    stop_ppm: loss that ends it. take_profit: levels, lowest first, each once. trail_ppm: fall from
    the best since `trail_from_ppm` was reached. age_ns_max: longest time. roi: gain that is enough
    after a time, youngest first. to_end_ns: sold when its market ends within this. edge_gone: sold
    when the edge that its signal expected has been earned.
    """

    stop_ppm: int | None = None
    take_profit: tuple[TakeProfit, ...] = ()
    trail_ppm: int | None = None
    trail_from_ppm: int = 0
    age_ns_max: int | None = None
    roi: tuple[RoiStep, ...] = ()
    to_end_ns: int | None = None
    edge_gone: bool = False


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A position as the rules look at it.

    worth_micros: what selling all of it at the best bid brings, after the fee. best_ppm: highest
    gain since it was opened, as far as the tape knows. largest_lots: its largest size. edge_micros:
    expected at entry for what is held now, None if its signal expected nothing.
    """

    lots: int
    largest_lots: int
    cost_micros: int
    worth_micros: int
    opened_ns: int
    best_ppm: int
    ends_ns: int | None = None
    edge_micros: int | None = None

    @property
    def gain_ppm(self) -> int:
        """Return what would be gained now, in parts per million of the cost."""
        return (self.worth_micros - self.cost_micros) * PPM // max(self.cost_micros, 1)


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that has been met: how much to sell, and why."""

    rule: str
    lots: int
    reason: str


def leave(rules: ExitRules, held: Held, now_ns: int) -> Leave | None:
    """Return the first rule that is met: losses before time, time before gains."""
    return (
        _stop(rules, held)
        or _trail(rules, held)
        or _end(rules, held, now_ns)
        or _age(rules, held, now_ns)
        or _edge(rules, held)
        or _roi(rules, held, now_ns)
        or _take_profit(rules, held)
    )


def worth_telling(rules: ExitRules, told_ppm: int, best_ppm: int) -> bool:
    """Return whether the best has moved a trailing stop by enough to be put on the tape."""
    if rules.trail_ppm is None or best_ppm < rules.trail_from_ppm:
        return False
    return told_ppm < rules.trail_from_ppm or best_ppm - told_ppm >= rules.trail_ppm // PEAK_STEPS


def _all(rule: str, held: Held, reason: str) -> Leave:
    return Leave(rule=rule, lots=held.lots, reason=f"exit: {reason}")


def _stop(rules: ExitRules, held: Held) -> Leave | None:
    if rules.stop_ppm is None or held.gain_ppm > -rules.stop_ppm:
        return None
    figure = f"{_percent(held.gain_ppm)} against {_percent(-rules.stop_ppm)}"
    return _all("stop_loss", held, f"stop loss, {figure}")


def _trail(rules: ExitRules, held: Held) -> Leave | None:
    if rules.trail_ppm is None or held.best_ppm < rules.trail_from_ppm:
        return None
    fallen = held.best_ppm - held.gain_ppm
    if fallen < rules.trail_ppm:
        return None
    return _all("trailing_stop", held, f"trailing stop, {_percent(fallen)} below its best")


def _end(rules: ExitRules, held: Held, now_ns: int) -> Leave | None:
    if rules.to_end_ns is None or held.ends_ns is None or held.ends_ns - now_ns > rules.to_end_ns:
        return None
    left_s = max(held.ends_ns - now_ns, 0) // NS_PER_S
    return _all("before_end", held, f"the market ends in {left_s} s")


def _age(rules: ExitRules, held: Held, now_ns: int) -> Leave | None:
    age_ns = now_ns - held.opened_ns
    if rules.age_ns_max is None or age_ns < rules.age_ns_max:
        return None
    return _all("time_stop", held, f"held for {age_ns // NS_PER_S} s")


def _edge(rules: ExitRules, held: Held) -> Leave | None:
    if not rules.edge_gone or held.edge_micros is None:
        return None
    if held.worth_micros - held.cost_micros < held.edge_micros:
        return None
    return _all("edge_gone", held, "the edge it was bought for has been earned")


def _roi(rules: ExitRules, held: Held, now_ns: int) -> Leave | None:
    age_ns = now_ns - held.opened_ns
    enough = None
    for step in rules.roi:
        if age_ns >= step.age_ns:
            enough = step.gain_ppm
    if enough is None or held.gain_ppm < enough:
        return None
    figure = f"{_percent(held.gain_ppm)} after {age_ns // NS_PER_S} s"
    return _all("roi", held, f"return reached, {figure}")


def _take_profit(rules: ExitRules, held: Held) -> Leave | None:
    """Sell down to what the levels reached leave; a sale that came up short is made up for."""
    reached = [level for level in rules.take_profit if held.gain_ppm >= level.gain_ppm]
    left_ppm = max(PPM - sum(level.share_ppm for level in reached), 0)
    lots = held.lots - held.largest_lots * left_ppm // PPM
    if not reached or lots <= 0:
        return None
    figure = f"{len(reached)} of {len(rules.take_profit)}, {_percent(held.gain_ppm)}"
    return Leave(rule="take_profit", lots=lots, reason=f"exit: take profit {figure}")


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:+.2f}%"
