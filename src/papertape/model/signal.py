"""Signals: what a strategy wants, before risk has said anything about it."""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.model.instrument import Side
from papertape.model.money import Number
from papertape.model.orders import Missed, Terms, TimeInForce, Together

SetAction = Literal["none", "merge", "convert"]


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of a signal.

    Say size and limit either as people write them (`quantity`, `limit`: "12.5", Decimal, int) or
    in the engine's integers (`quantity_lots`, `limit_ticks`), never both. No limit is a market
    order: whatever the seen book offers. `terms` says more: stops, brackets, post-only.
    """

    symbol: str
    side: Side
    quantity: Number | None = None
    limit: Number | None = None
    quantity_lots: int | None = None
    limit_ticks: int | None = None
    terms: Terms | None = None


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy wants.

    confidence_pct: 0 to 100, in percent. time_in_force: IOC takes what the book offers now, FOK all
    of it or nothing, GTC rests, GTD rests until `expires_ns`. together: each leg by itself; the
    first to fill ends the others; or in order, thinnest first, the next when the one before is
    answered, and what has no counterpart in the end is held or unwound (`missed`). all_or_none:
    every leg in full, or nothing happens. then: what follows a complete fill, merge of a YES+NO set
    or negRisk conversion of a NO set, for the cash it returns. expected_edge_micros: what the
    strategy expects to earn, to be compared with what it did earn.
    signal_id: set it to make a signal safe to send twice; empty means papertape numbers it.
    """

    legs: tuple[Leg, ...]
    reason: str = ""
    confidence_pct: int | None = None
    time_in_force: TimeInForce = "IOC"
    all_or_none: bool = False
    then: SetAction = "none"
    expected_edge_micros: int | None = None
    signal_id: str = ""
    together: Together = "each"
    missed: Missed = "unwind"
    expires_ns: int | None = None


class Opportunity(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that a strategy saw and did not take: the test that failed and its figure.

    alarm: the data contradicts itself (a mirrored market that sums below 1), not a chance missed.
    """

    symbols: tuple[str, ...]
    test: str
    figure: str
    reason: str
    alarm: bool = False
