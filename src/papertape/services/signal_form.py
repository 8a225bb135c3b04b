"""What a signal must be to be looked at: every field checked, every number made exact."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import UNSET

from papertape.errors import InvalidInputError
from papertape.model.events import LegWanted
from papertape.model.instrument import Instrument
from papertape.model.orders import NO_TERMS, Terms
from papertape.model.signal import Leg, Opportunity, Signal
from papertape.services.plain import (
    SYMBOL_CHARS_MAX,
    plain_choice,
    plain_confidence,
    plain_side,
    plain_text,
)
from papertape.services.terms_form import order_terms, whole_number

LEGS_MAX = 64  # the largest exhaustive event on Polymarket has fewer outcomes
OWN_ID = re.compile(r"r[0-9]+\.[sof][0-9]+", re.ASCII)
ACTIONS = ("none", "merge", "convert")
TIMES_IN_FORCE = ("IOC", "GTC", "GTD", "FOK")
TOGETHER = ("each", "one_cancels_other", "in_order")
MISSED = ("hold", "unwind")


def check_signal(signal: object) -> Signal:
    """Return the signal in our own types; prices and sizes are checked with their instrument later.

    What is returned can be written to the tape and read back: no float, no subclass, no surprise.
    """
    if not isinstance(signal, Signal):
        raise InvalidInputError("signal", signal, "a Signal or a dictionary")
    if not isinstance(signal.legs, tuple | list) or not 1 <= len(signal.legs) <= LEGS_MAX:
        raise InvalidInputError("legs", signal.legs, f"1 to {LEGS_MAX} legs")
    together = plain_choice(signal.together, "together", TOGETHER)
    symbols = [_symbol(leg) for leg in signal.legs]
    if together != "one_cancels_other" and len(set(symbols)) < len(symbols):
        raise InvalidInputError("legs", symbols, "legs of one instrument each")
    if not isinstance(signal.all_or_none, bool):
        raise InvalidInputError("all_or_none", signal.all_or_none, "True or False")
    time_in_force = plain_choice(signal.time_in_force, "time_in_force", TIMES_IN_FORCE)
    if signal.all_or_none and time_in_force != "IOC":
        raise InvalidInputError("time_in_force", time_in_force, "IOC with all_or_none")
    _check_together(signal, together, time_in_force)
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
        expected_edge_micros=None if edge is None else whole_number(edge, "expected_edge_micros"),
        signal_id=signal_id,
        together=together,
        missed=plain_choice(signal.missed, "missed", MISSED),
        expires_ns=_expiry(signal.expires_ns, time_in_force),
    )


def _check_together(signal: Signal, together: str, time_in_force: str) -> None:
    if together == "each":
        return
    if len(signal.legs) < 2 or signal.all_or_none:
        raise InvalidInputError("together", together, "each, unless there are legs to hold apart")
    if together == "in_order" and time_in_force != "IOC":
        raise InvalidInputError("time_in_force", time_in_force, "IOC with legs in order")
    if together == "one_cancels_other" and signal.then != "none":
        raise InvalidInputError("then", signal.then, "none where one leg ends the others")


def _expiry(value: object, time_in_force: str) -> int | None:
    if (value is None) == (time_in_force == "GTD"):
        raise InvalidInputError("expires_ns", value, "a time with GTD, and only with GTD")
    return None if value is None else whole_number(value, "expires_ns")


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
    return tuple(_wanted(signal, leg, instrument_of) for leg in signal.legs)


def _wanted(signal: Signal, leg: Leg, instrument_of: Callable[[str], Instrument]) -> LegWanted:
    instrument = instrument_of(leg.symbol)
    if _spends(leg):
        lots = 0  # what the amount buys is known when the book is looked at
    elif leg.quantity_lots is None:
        lots = instrument.lots(leg.quantity)
    else:
        lots = whole_number(leg.quantity_lots, "quantity")
        if lots <= 0:
            raise InvalidInputError("quantity", lots, "more than 0")
    if leg.limit is not None and leg.limit_ticks is not None:
        raise InvalidInputError("price", leg.limit, "given once, as limit or as ticks")
    ticks: int | None = None
    if leg.limit is not None:
        ticks = instrument.ticks(leg.limit)
    elif leg.limit_ticks is not None:
        ticks = whole_number(leg.limit_ticks, "price")
        instrument.check_ticks(ticks)
    side = plain_side(leg.side, "side")
    terms = order_terms(signal, leg, instrument, side, ticks)
    return LegWanted(
        symbol=instrument.symbol,
        side=side,
        quantity_lots=lots,
        limit_ticks=ticks,
        terms=UNSET if terms == NO_TERMS else terms,
    )


def _spends(leg: Leg) -> bool:
    """Return whether a leg says an amount of money; a size is given once, in one way."""
    terms = leg.terms if isinstance(leg.terms, Terms) else None
    spends = terms is not None and (terms.spend is not None or terms.spend_micros is not None)
    if spends + (leg.quantity is not None) + (leg.quantity_lots is not None) != 1:
        raise InvalidInputError("quantity", leg.quantity, "given once, as quantity or as lots")
    return spends
