"""DeskLimits: the bounds that people set on top of the usual ones; none of them is on by default.

All of them hold for what opens risk only: closing what is held is never refused by them. What they
look at comes from the tape, so a restart resets none.
"""

from __future__ import annotations

import msgspec

from papertape.clock import NS_PER_S
from papertape.engine.risk_manager import Refusal, over
from papertape.model.money import PPM


class DeskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds; None is no bound. Money in micros, shares in parts per million."""

    market_micros_max: int | None = None
    event_micros_max: int | None = None
    strategy_micros_max: int | None = None
    venue_micros_max: int | None = None
    drawdown_ppm_max: int | None = None
    losing_streak_max: int | None = None
    losing_rest_ns: int = 0
    orders_per_minute_max: int | None = None
    collar_ppm: int | None = None
    time_to_end_ns_min: int | None = None
    reduce_only: bool = False


NO_LIMITS = DeskLimits()


class DeskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the limits look at for the legs that open; None where the limit does not ask.

    Money at risk is that of the worst outcome with the legs in it.
    """

    strategy: str
    market_at_risk: tuple[tuple[str, int], ...] = ()
    event_at_risk: tuple[tuple[str, int], ...] = ()
    strategy_micros: int = 0
    venue_micros: tuple[tuple[str, int], ...] = ()
    equity_micros: int = 0
    peak_micros: int = 0
    losing_streak: int = 0
    lost_ago_ns: int = 0
    orders_last_minute: int = 0
    away_ppm: tuple[tuple[str, int], ...] = ()
    time_to_end_ns: tuple[tuple[str, int], ...] = ()


def refuse(limits: DeskLimits, facts: DeskFacts, symbol: str) -> Refusal | None:
    """Return the first bound that the opening legs go beyond, None if none does."""
    return (
        _reduce_only(limits, symbol)
        or _money_at_risk(limits, facts)
        or _drawdown(limits, facts)
        or _streak(limits, facts)
        or _pace(limits, facts)
        or _prices(limits, facts)
        or _ends(limits, facts)
    )


def _reduce_only(limits: DeskLimits, symbol: str) -> Refusal | None:
    if not limits.reduce_only:
        return None
    return Refusal(
        code="reduce_only", reason="nothing new is opened: risk.reduce_only is on", symbol=symbol
    )


def _money_at_risk(limits: DeskLimits, facts: DeskFacts) -> Refusal | None:
    for words, code, bound, values in (
        ("the market's worst outcome would cost too much", "max_market",
         limits.market_micros_max, facts.market_at_risk),
        ("the event's worst outcome would cost too much", "max_event",
         limits.event_micros_max, facts.event_at_risk),
        ("the strategy would have too much in positions", "max_strategy",
         limits.strategy_micros_max, ((facts.strategy, facts.strategy_micros),)),
        ("too much would lie at the venue", "max_venue",
         limits.venue_micros_max, facts.venue_micros),
    ):  # fmt: skip
        for about, value in values if bound is not None else ():
            assert bound is not None
            if value > bound:
                return over(code, f"{words} ({about})", value, bound)
    return None


def _drawdown(limits: DeskLimits, facts: DeskFacts) -> Refusal | None:
    bound, peak = limits.drawdown_ppm_max, facts.peak_micros
    if bound is None or peak <= 0:
        return None
    fallen_ppm = (peak - facts.equity_micros) * PPM // peak
    if fallen_ppm < bound:
        return None
    return Refusal(
        code="max_drawdown",
        reason="equity has fallen too far from its highest: "
        f"{_percent(fallen_ppm)} against {_percent(bound)}",
        field="drawdown_pct",
        value=_percent(fallen_ppm),
        bound=_percent(bound),
    )


def _streak(limits: DeskLimits, facts: DeskFacts) -> Refusal | None:
    bound = limits.losing_streak_max
    if bound is None or facts.losing_streak < bound or facts.lost_ago_ns >= limits.losing_rest_ns:
        return None
    left_s = -(-(limits.losing_rest_ns - facts.lost_ago_ns) // NS_PER_S)
    return Refusal(
        code="losing_streak",
        reason=f"{facts.strategy} lost {facts.losing_streak} round trips in a row: "
        f"it rests for {left_s} s more",
        field="losing_streak",
        value=str(facts.losing_streak),
        bound=str(bound),
    )


def _pace(limits: DeskLimits, facts: DeskFacts) -> Refusal | None:
    bound = limits.orders_per_minute_max
    if bound is None or facts.orders_last_minute < bound:
        return None
    return Refusal(
        code="max_orders_per_min",
        reason="too many orders within a minute",
        field="orders_per_min",
        value=str(facts.orders_last_minute),
        bound=str(bound),
    )


def _prices(limits: DeskLimits, facts: DeskFacts) -> Refusal | None:
    for symbol, away_ppm in facts.away_ppm if limits.collar_ppm is not None else ():
        assert limits.collar_ppm is not None
        if away_ppm > limits.collar_ppm:
            return Refusal(
                code="price_collar",
                reason="the price is too far from the middle of the book: "
                f"{_percent(away_ppm)} against {_percent(limits.collar_ppm)}",
                symbol=symbol,
                field="price",
                value=_percent(away_ppm),
                bound=_percent(limits.collar_ppm),
            )
    return None


def _ends(limits: DeskLimits, facts: DeskFacts) -> Refusal | None:
    for symbol, left_ns in facts.time_to_end_ns if limits.time_to_end_ns_min is not None else ():
        assert limits.time_to_end_ns_min is not None
        if left_ns < limits.time_to_end_ns_min:
            left_s, least_s = left_ns // NS_PER_S, limits.time_to_end_ns_min // NS_PER_S
            return Refusal(
                code="ends_soon",
                reason=f"the market ends in {left_s} s: nothing is opened in its last {least_s} s",
                symbol=symbol,
                field="time_to_end_s",
                value=str(left_s),
                bound=str(least_s),
            )
    return None


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:.2f}%"
