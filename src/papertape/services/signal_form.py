"""What a signal must be to be looked at: every field checked, every number made exact."""

from __future__ import annotations

import re
from collections.abc import Callable

from papertape.errors import InvalidInputError
from papertape.model.events import LegWanted
from papertape.model.instrument import Instrument
from papertape.model.money import INT_BITS_MAX
from papertape.model.signal import Leg, Signal
from papertape.services.plain import SYMBOL_CHARS_MAX, plain_confidence, plain_side, plain_text

LEGS_MAX = 64  # the largest exhaustive event on Polymarket has fewer outcomes
OWN_ID = re.compile(r"r[0-9]+\.[sof][0-9]+", re.ASCII)
ACTIONS = ("none", "merge", "convert")


def check_signal(signal: object) -> Signal:
    """Return the signal if its shape is right; numbers are checked with their instrument later."""
    if not isinstance(signal, Signal):
        raise InvalidInputError("signal", signal, "a Signal or a dictionary")
    if not isinstance(signal.legs, tuple | list) or not 1 <= len(signal.legs) <= LEGS_MAX:
        raise InvalidInputError("legs", signal.legs, f"1 to {LEGS_MAX} legs")
    for leg in signal.legs:
        if not isinstance(leg, Leg):
            raise InvalidInputError("legs", leg, "a Leg")
    if signal.time_in_force not in {"IOC", "GTC"}:
        raise InvalidInputError("time_in_force", signal.time_in_force, "IOC or GTC")
    if signal.then not in ACTIONS:
        raise InvalidInputError("then", signal.then, "none, merge or convert")
    if signal.all_or_none and signal.time_in_force != "IOC":
        raise InvalidInputError("time_in_force", signal.time_in_force, "IOC with all_or_none")
    plain_text(signal.reason, "reason")
    plain_confidence(signal.confidence_pct)
    plain_text(signal.signal_id, "signal_id", chars_max=100)
    if OWN_ID.fullmatch(signal.signal_id):
        raise InvalidInputError("signal_id", signal.signal_id, "of another form than our own ids")
    edge = signal.expected_edge_micros
    if edge is not None:
        _whole(edge, "expected_edge_micros")
    return signal


def wanted_legs(
    signal: Signal, instrument_of: Callable[[str], Instrument]
) -> tuple[LegWanted, ...]:
    """Return the legs in the engine's integers, each on its instrument's grid."""
    return tuple(_wanted(leg, instrument_of) for leg in signal.legs)


def _wanted(leg: Leg, instrument_of: Callable[[str], Instrument]) -> LegWanted:
    if not isinstance(leg.symbol, str) or not 0 < len(leg.symbol) <= SYMBOL_CHARS_MAX:
        raise InvalidInputError("symbol", leg.symbol, "the symbol of an instrument")
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
    return LegWanted(symbol=leg.symbol, side=side, quantity_lots=lots, limit_ticks=ticks)


def _whole(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(field, value, "a whole number")
    if value.bit_length() > INT_BITS_MAX:
        raise InvalidInputError(field, value, "small enough to count exactly")
    return value
