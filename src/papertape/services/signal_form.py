"""What a signal must be to be looked at: every field checked, every number made exact."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from papertape.errors import InvalidInputError
from papertape.model.events import LegWanted
from papertape.model.instrument import Instrument
from papertape.model.money import INT_BITS_MAX
from papertape.model.signal import Leg, Opportunity, Signal
from papertape.services.plain import (
    SYMBOL_CHARS_MAX,
    plain_choice,
    plain_confidence,
    plain_side,
    plain_text,
)

LEGS_MAX = 64  # the largest exhaustive event on Polymarket has fewer outcomes
OWN_ID = re.compile(r"r[0-9]+\.[sof][0-9]+", re.ASCII)
ACTIONS = ("none", "merge", "convert")
TIMES_IN_FORCE = ("IOC", "GTC")


def check_signal(signal: object) -> Signal:
    """Return the signal in our own types; prices and sizes are checked with their instrument later.

    What is returned can be written to the tape and read back: no float, no subclass, no surprise.
    """
    if not isinstance(signal, Signal):
        raise InvalidInputError("signal", signal, "a Signal or a dictionary")
    if not isinstance(signal.legs, tuple | list) or not 1 <= len(signal.legs) <= LEGS_MAX:
        raise InvalidInputError("legs", signal.legs, f"1 to {LEGS_MAX} legs")
    symbols = [_symbol(leg) for leg in signal.legs]
    if len(set(symbols)) < len(symbols):
        raise InvalidInputError("legs", symbols, "legs of one instrument each")
    if not isinstance(signal.all_or_none, bool):
        raise InvalidInputError("all_or_none", signal.all_or_none, "True or False")
    time_in_force = plain_choice(signal.time_in_force, "time_in_force", TIMES_IN_FORCE)
    if signal.all_or_none and time_in_force != "IOC":
        raise InvalidInputError("time_in_force", time_in_force, "IOC with all_or_none")
    signal_id = plain_text(signal.signal_id, "signal_id", chars_max=100)
    if OWN_ID.fullmatch(signal_id):
        raise InvalidInputError("signal_id", signal_id, "of another form than our own ids")
    edge = signal.expected_edge_micros
    return msgspec.structs.replace(
        signal,
        legs=tuple(signal.legs),
        reason=plain_text(signal.reason, "reason"),
        confidence_pct=plain_confidence(signal.confidence_pct),
        time_in_force=time_in_force,
        then=plain_choice(signal.then, "then", ACTIONS),
        expected_edge_micros=None if edge is None else _whole(edge, "expected_edge_micros"),
        signal_id=signal_id,
    )


def check_opportunity(seen: Opportunity) -> Opportunity:
    """Return an opportunity that can be written to the tape and read back."""
    symbols = seen.symbols
    if not isinstance(symbols, tuple | list) or len(symbols) > LEGS_MAX:
        raise InvalidInputError("symbols", symbols, f"at most {LEGS_MAX} symbols")
    return Opportunity(
        symbols=tuple(plain_text(s, "symbols", chars_max=SYMBOL_CHARS_MAX) for s in symbols),
        test=plain_text(seen.test, "test", chars_max=100),
        figure=plain_text(seen.figure, "figure", chars_max=200),
        reason=plain_text(seen.reason, "reason"),
        alarm=bool(seen.alarm),
    )


def _symbol(leg: object) -> str:
    if not isinstance(leg, Leg):
        raise InvalidInputError("legs", leg, "a Leg")
    if not isinstance(leg.symbol, str) or not 0 < len(leg.symbol) <= SYMBOL_CHARS_MAX:
        raise InvalidInputError("symbol", leg.symbol, "the symbol of an instrument")
    return leg.symbol


def wanted_legs(
    signal: Signal, instrument_of: Callable[[str], Instrument]
) -> tuple[LegWanted, ...]:
    """Return the legs in the engine's integers, each on its instrument's grid."""
    return tuple(_wanted(leg, instrument_of) for leg in signal.legs)


def _wanted(leg: Leg, instrument_of: Callable[[str], Instrument]) -> LegWanted:
    instrument = instrument_of(leg.symbol)
    if (leg.quantity is None) == (leg.quantity_lots is None):
        raise InvalidInputError("quantity", leg.quantity, "given once, as quantity or as lots")
    if leg.limit is not None and leg.limit_ticks is not None:
        raise InvalidInputError("price", leg.limit, "given once, as limit or as ticks")
    if leg.quantity_lots is None:
        lots = instrument.lots(leg.quantity)
    else:
        lots = _whole(leg.quantity_lots, "quantity")
        if lots <= 0:
            raise InvalidInputError("quantity", lots, "more than 0")
    ticks: int | None = None
    if leg.limit is not None:
        ticks = instrument.ticks(leg.limit)
    elif leg.limit_ticks is not None:
        ticks = _whole(leg.limit_ticks, "price")
        instrument.check_ticks(ticks)
    side = plain_side(leg.side, "side")
    return LegWanted(symbol=instrument.symbol, side=side, quantity_lots=lots, limit_ticks=ticks)


def _whole(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(field, value, "a whole number")
    if value.bit_length() > INT_BITS_MAX:
        raise InvalidInputError(field, value, "small enough to count exactly")
    return int(value)
