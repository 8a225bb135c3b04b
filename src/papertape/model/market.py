"""Markets and their events: what a question is, when it ends, and what it pays."""

from __future__ import annotations

from typing import Literal

import msgspec

MarketState = Literal["listed", "trading", "halted", "closed", "resolved"]

PAYS_ONE_MICROS = 1_000_000
PAYS_HALF_MICROS = 500_000
PAYS_NOTHING_MICROS = 0


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One question on a prediction venue.

    symbols: the instruments of its outcomes, in the order of `outcomes`. On a mirrored market the
    two books are one book seen from both sides (Polymarket), so YES + NO below 1 is a data alarm.
    """

    market_id: str
    venue: str
    question: str
    outcomes: tuple[str, ...]
    symbols: tuple[str, ...]
    end_ns: int
    event_id: str = ""
    mirrored: bool = False


class EventGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Markets that belong together; exhaustive only if exactly one of them must resolve YES."""

    event_id: str
    venue: str
    title: str
    market_ids: tuple[str, ...]
    neg_risk: bool = False
    augmented: bool = False

    @property
    def exhaustive(self) -> bool:
        """Return whether the named outcomes cover the world and exclude each other.

        An augmented group has placeholders and a changing "Other", so it never is.
        """
        return self.neg_risk and not self.augmented
