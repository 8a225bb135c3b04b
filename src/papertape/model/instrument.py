"""Instruments: the tradable things, with the grid their prices and sizes live on."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from papertape.errors import InvalidInputError
from papertape.model.money import NANOS, format_nanos, to_units

Side = Literal["BUY", "SELL"]
FeeKind = Literal["none", "proportional", "curve", "kalshi"]
InstrumentKind = Literal["outcome", "spot"]


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue charges for a fill; rates in parts per million of what `kind` names.

    none          nothing
    proportional  rate of the notional, taker or maker (crypto venues)
    curve         taker only: shares x rate x (p(1-p))^exponent, at 5 decimals half-up (Polymarket)
    kalshi        rate x contracts x p(1-p), up to the next cent per order
    Source: docs/venues.md, with the date the schedule was read in `dated`.
    """

    kind: FeeKind = "none"
    taker_ppm: int = 0
    maker_ppm: int = 0
    exponent: int = 1
    rebate_ppm: int = 0
    dated: str = ""
    source: str = ""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome token or one pair.

    A tick is the finest price step that the venue ever uses for it and never changes; the grid in
    force is `step_ticks` (Polymarket: tick 0.0001, step 0.01 = 100 ticks, later perhaps 0.001).
    taker_delay_ns: how long the venue holds an order that would take before it matches it.
    """

    symbol: str
    venue: str
    kind: InstrumentKind
    quote_currency: str
    tick_nanos: int
    lot_nanos: int
    step_ticks: int = 1
    min_lots: int = 0
    min_notional_micros: int = 0
    fees: FeeSchedule = FeeSchedule()
    market_id: str = ""
    outcome: str = ""
    taker_delay_ns: int = 0

    @property
    def one_ticks(self) -> int:
        """Return how many ticks make a price of 1."""
        return NANOS // self.tick_nanos

    def ticks(self, price: object, field: str = "price") -> int:
        """Return a price from outside in ticks, checked against grid and range."""
        ticks = to_units(price, self.tick_nanos, field)
        self.check_ticks(ticks, field)
        return ticks

    def check_ticks(self, ticks: int, field: str = "price") -> None:
        """Refuse a price that the venue could not quote."""
        if ticks % self.step_ticks:
            step = format_nanos(self.step_ticks * self.tick_nanos)
            raise InvalidInputError(field, self.price_text(ticks), f"on the tick of {step}")
        if self.kind == "outcome" and not 0 <= ticks <= self.one_ticks:
            raise InvalidInputError(field, self.price_text(ticks), "between 0 and 1")
        if self.kind == "spot" and ticks < 0:
            raise InvalidInputError(field, self.price_text(ticks), "0 or more")

    def lots(self, quantity: object, field: str = "quantity") -> int:
        """Return a quantity from outside in lots; it must be positive."""
        lots = to_units(quantity, self.lot_nanos, field)
        if lots <= 0:
            raise InvalidInputError(field, quantity, "more than 0")
        return lots

    def price_text(self, ticks: int) -> str:
        """Return a price as people read it."""
        return format_nanos(ticks * self.tick_nanos)

    def quantity_text(self, lots: int) -> str:
        """Return a quantity as people read it."""
        return format_nanos(lots * self.lot_nanos)

    def price(self, ticks: int) -> Decimal:
        """Return a price as an exact Decimal."""
        return Decimal(self.price_text(ticks))

    def quantity(self, lots: int) -> Decimal:
        """Return a quantity as an exact Decimal."""
        return Decimal(self.quantity_text(lots))
