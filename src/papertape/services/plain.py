"""The plain forms: dictionaries that people and scripts hand in, checked key by key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from papertape.errors import MISSING, InvalidInputError, nearest_match
from papertape.model.instrument import Instrument, Side
from papertape.model.money import parse_number, to_micros
from papertape.model.orders import Terms
from papertape.model.signal import Leg, Signal

PLAIN_TERMS = ("stop", "trail", "stop_loss", "take_profit", "spend", "post_only", "reduce_only")
SYMBOL_CHARS_MAX = 200
TEXT_CHARS_MAX = 2000
PAIR = re.compile(r"(?:([a-z][a-z0-9_]*):)?([A-Z0-9]{1,12})[-/]([A-Z]{2,6})", re.ASCII)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
OUTCOME = re.compile(r"([a-z][a-z0-9_]*):([a-z0-9][a-z0-9._-]*):([A-Za-z0-9_-]{1,40})", re.ASCII)


def plain_instrument(symbol: object) -> Instrument:
    """Return an instrument for a symbol that no feed has listed: `ETH-USD`, `kalshi:cpi:YES`.

    Used only where a caller brings prices and trades of its own. Fine grids, no fees: the caller
    says what a trade cost.
    """
    if isinstance(symbol, str) and len(symbol) <= SYMBOL_CHARS_MAX:
        outcome = OUTCOME.fullmatch(symbol)
        if outcome:
            return Instrument(
                symbol=symbol,
                venue=outcome[1],
                kind="outcome",
                quote_currency="USD",
                tick_nanos=100_000,
                step_ticks=10,
                lot_nanos=10_000_000,
                market_id=f"{outcome[1]}:{outcome[2]}",
                outcome=outcome[3],
            )
        pair = PAIR.fullmatch(symbol)
        if pair:
            return Instrument(
                symbol=symbol,
                venue=pair[1] or "caller",
                kind="spot",
                quote_currency=pair[3],
                tick_nanos=1_000,
                lot_nanos=10,
            )
    raise InvalidInputError("symbol", symbol, "a known instrument, or a pair such as ETH-USD")


def take(mapping: Mapping[str, Any], key: str, *, expected: str) -> Any:
    """Return a required value, or say which key is missing and which one came near."""
    if key in mapping and mapping[key] is not None:
        return mapping[key]
    near = nearest_match(key, (k for k in mapping if isinstance(k, str)))
    raise InvalidInputError(key, MISSING, expected, nearest=near if near != key else "")


def plain_side(value: object, field: str) -> Side:
    """Return BUY or SELL, in any letter case."""
    word = str.upper(value) if isinstance(value, str) and len(value) <= 8 else ""
    if word == "BUY":
        return "BUY"
    if word == "SELL":
        return "SELL"
    raise InvalidInputError(field, value, "BUY or SELL")


def plain_text(value: object, field: str, *, chars_max: int = TEXT_CHARS_MAX) -> str:
    """Return text of bounded length: valid Unicode without control characters but line breaks."""
    if not isinstance(value, str):
        raise InvalidInputError(field, value, "text")
    if len(value) > chars_max:
        raise InvalidInputError(field, value, f"at most {chars_max} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(field, value, "valid Unicode text") from error
    if CONTROL.search(value):
        raise InvalidInputError(field, value, "text without control characters")
    return str(value)


def plain_choice(value: object, field: str, choices: tuple[str, ...]) -> str:
    """Return the value if it is one of the choices."""
    if isinstance(value, str):
        for choice in choices:
            if value == choice:
                return choice
    raise InvalidInputError(field, value, " or ".join(choices))


def plain_form(form: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a caller's mapping as a dictionary of our own, so that reading it cannot surprise."""
    try:
        return {key: value for key, value in dict(form).items() if type(key) is str}
    except Exception as error:  # a foreign mapping may fail in any way
        raise InvalidInputError("signal", MISSING, "a dictionary that can be read") from error


def plain_confidence(value: object) -> int | None:
    """Return a confidence in percent, 0 to 100; a fraction such as 0.85 is refused, not guessed."""
    if value is None:
        return None
    number = parse_number(value, "confidence")
    if 0 < number < 1:
        raise InvalidInputError("confidence", value, "in percent, 0 to 100 (85, not 0.85)")
    if not 0 <= number <= 100:
        raise InvalidInputError("confidence", value, "in percent, 0 to 100")
    return round(number)


def plain_signal(foreign: Mapping[str, Any]) -> Signal:
    """Return the signal of a plain dictionary: action, symbol, quantity, price, confidence."""
    form = plain_form(foreign)
    if "action" not in form and "side" in form:
        side = plain_side(form["side"], "side")
    else:
        side = plain_side(take(form, "action", expected="BUY or SELL"), "action")
    symbol = take(form, "symbol", expected="a symbol")
    if not isinstance(symbol, str) or not 0 < len(symbol) <= SYMBOL_CHARS_MAX:
        raise InvalidInputError("symbol", symbol, "the symbol of an instrument")
    terms = _plain_terms(form)
    quantity = None
    if terms is None or terms.spend is None or form.get("quantity") is not None:
        quantity = take(form, "quantity", expected="a positive number")
        if parse_number(quantity, "quantity") <= 0:
            raise InvalidInputError("quantity", quantity, "more than 0")
    price = form.get("price")
    if price is not None and parse_number(price, "price") < 0:
        raise InvalidInputError("price", price, "0 or more")
    return Signal(
        legs=(Leg(symbol=symbol, side=side, quantity=quantity, limit=price, terms=terms),),
        reason=plain_text(form.get("reason", ""), "reason"),
        confidence_pct=plain_confidence(form.get("confidence")),
        time_in_force=_plain_time(form.get("time_in_force"), terms),
        signal_id=plain_text(form.get("signal_id", ""), "signal_id", chars_max=100),
        expires_ns=form.get("expires_ns"),
    )


def _plain_time(said: Any, terms: Terms | None) -> Any:
    """Return the time in force as said; FAK is IOC, and a stop that says nothing is GTC."""
    if said is None:
        waits = terms is not None and (terms.stop is not None or terms.trail is not None)
        return "GTC" if waits else "IOC"
    return "IOC" if type(said) is str and said == "FAK" else said


def _plain_terms(form: Mapping[str, Any]) -> Terms | None:
    """Return what a plain dictionary says of stops, protection and the like, None if nothing."""
    said = {key: form[key] for key in PLAIN_TERMS if form.get(key) is not None}
    return Terms(**said) if said else None


class PlainTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that a caller reports, in exact units."""

    instrument: Instrument
    side: Side
    quantity_lots: int
    price_ticks: int
    fee_micros: int
    strategy: str
    ts_ns: int


def plain_trade(
    form: Mapping[str, Any], instrument_of: Callable[[object], Instrument]
) -> PlainTrade:
    """Return the trade of a plain dictionary: symbol, side, quantity, price, fee?, strategy?."""
    instrument = instrument_of(take(form, "symbol", expected="a symbol"))
    side_key = "action" if "side" not in form and "action" in form else "side"
    side = plain_side(take(form, side_key, expected="BUY or SELL"), side_key)
    fee_micros = to_micros(form.get("fee", 0), "fee")
    if fee_micros < 0:
        raise InvalidInputError("fee", form.get("fee"), "0 or more")
    ts_ns = form.get("ts_ns", 0)
    if isinstance(ts_ns, bool) or not isinstance(ts_ns, int) or not 0 <= ts_ns < 1 << 62:
        raise InvalidInputError("ts_ns", ts_ns, "nanoseconds since 1970")
    return PlainTrade(
        instrument=instrument,
        side=side,
        quantity_lots=instrument.lots(take(form, "quantity", expected="a positive number")),
        price_ticks=instrument.ticks(take(form, "price", expected="a price")),
        fee_micros=fee_micros,
        strategy=plain_text(form.get("strategy", "manual"), "strategy", chars_max=100),
        ts_ns=ts_ns,
    )
