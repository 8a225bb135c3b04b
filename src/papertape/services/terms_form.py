"""What an order asks for besides side, size and limit: every field checked and made exact."""

from __future__ import annotations

from papertape.errors import InvalidInputError
from papertape.model.instrument import Instrument
from papertape.model.money import INT_BITS_MAX, to_micros
from papertape.model.orders import NO_TERMS, OrderTerms, Terms
from papertape.model.signal import Leg, Signal


def whole_number(value: object, field: str) -> int:
    """Return an integer that can be counted exactly, or refuse it by field name."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(field, value, "a whole number")
    if value.bit_length() > INT_BITS_MAX:
        raise InvalidInputError(field, value, "small enough to count exactly")
    return int(value)


def order_terms(
    signal: Signal, leg: Leg, instrument: Instrument, side: str, limit_ticks: int | None
) -> OrderTerms:
    """Return a leg's terms in the engine's integers; InvalidInputError names what cannot be."""
    terms = Terms() if leg.terms is None else leg.terms
    if not isinstance(terms, Terms):
        raise InvalidInputError("terms", terms, "Terms")
    exact = OrderTerms(
        stop_ticks=_price(terms.stop, terms.stop_ticks, instrument, "stop"),
        trail_ticks=_distance(terms, instrument),
        stop_loss_ticks=_price(terms.stop_loss, terms.stop_loss_ticks, instrument, "stop_loss"),
        take_profit_ticks=_price(
            terms.take_profit, terms.take_profit_ticks, instrument, "take_profit"
        ),
        spend_micros=_spend(terms),
        expires_ns=signal.expires_ns,
        post_only=_flag(terms.post_only, "post_only"),
        reduce_only=_flag(terms.reduce_only, "reduce_only"),
    )
    if exact != NO_TERMS:
        _check_fit(signal, exact, side, limit_ticks)
        _check_protection(exact, side, limit_ticks)
    return exact


def _flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInputError(field, value, "True or False")
    return value


def _once(value: object, exact: object, field: str) -> None:
    if value is not None and exact is not None:
        raise InvalidInputError(field, value, "given once, as a price or as ticks")


def _price(value: object, value_ticks: object, instrument: Instrument, field: str) -> int | None:
    _once(value, value_ticks, field)
    if value is not None:
        return instrument.ticks(value, field)
    if value_ticks is None:
        return None
    ticks = whole_number(value_ticks, field)
    instrument.check_ticks(ticks, field)
    return ticks


def _distance(terms: Terms, instrument: Instrument) -> int | None:
    trail = _price(terms.trail, terms.trail_ticks, instrument, "trail")
    if trail is not None and trail <= 0:
        raise InvalidInputError("trail", trail, "more than 0")
    return trail


def _spend(terms: Terms) -> int | None:
    _once(terms.spend, terms.spend_micros, "spend")
    if terms.spend is None and terms.spend_micros is None:
        return None
    if terms.spend_micros is not None:
        micros = whole_number(terms.spend_micros, "spend")
    else:
        micros = to_micros(terms.spend, "spend")
    if micros <= 0:
        raise InvalidInputError("spend", terms.spend, "more than 0")
    return micros


def _check_fit(signal: Signal, terms: OrderTerms, side: str, limit_ticks: int | None) -> None:
    """Refuse what no order can be at one time."""
    rests = signal.time_in_force in {"GTC", "GTD"}
    waits = terms.stop_ticks is not None or terms.trail_ticks is not None
    if signal.all_or_none and (waits or terms.post_only or terms.spend_micros is not None):
        raise InvalidInputError("all_or_none", True, "False with stops, post-only and amounts")
    if terms.stop_ticks is not None and terms.trail_ticks is not None:
        raise InvalidInputError("trail", terms.trail_ticks, "a stop or a trail, not both")
    if terms.trail_ticks is not None and limit_ticks is not None:
        raise InvalidInputError("price", limit_ticks, "none with a trail: it ends at the market")
    if waits and not rests:
        raise InvalidInputError("time_in_force", signal.time_in_force, "GTC or GTD with a stop")
    if terms.post_only and (not rests or limit_ticks is None or waits):
        raise InvalidInputError("post_only", True, "a GTC or GTD order with a limit and no stop")
    if terms.reduce_only and side == "BUY":
        raise InvalidInputError("reduce_only", True, "a SELL: nothing is short here")
    if terms.spend_micros is not None and (side == "SELL" or rests or waits):
        raise InvalidInputError("spend", terms.spend_micros, "a BUY that is IOC or FOK, no stop")


def _check_protection(terms: OrderTerms, side: str, limit_ticks: int | None) -> None:
    """Refuse protection that no entry could have, or that would end it at once."""
    low, high = terms.stop_loss_ticks, terms.take_profit_ticks
    if (low, high) == (None, None):
        return
    field = "stop_loss" if low is not None else "take_profit"
    if side == "SELL":
        raise InvalidInputError(field, low if low is not None else high, "with a BUY")
    entry = limit_ticks if limit_ticks is not None else terms.stop_ticks
    if low is not None and high is not None and low >= high:
        raise InvalidInputError("stop_loss", low, "below take_profit")
    if entry is not None and low is not None and low >= entry:
        raise InvalidInputError("stop_loss", low, "below the entry")
    if entry is not None and high is not None and high <= entry:
        raise InvalidInputError("take_profit", high, "above the entry")
