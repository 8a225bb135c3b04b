"""An open order as the tape tells it: what the engine puts back after a restart."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET

from papertape.model.events import OrderSubmitted


class OpenOrder(NamedTuple):
    """The order with the values in force, what it still wants, and how far it got.

    arrived: the venue has it. triggered: its stop price was seen.
    """

    order: OrderSubmitted
    remaining_lots: int
    since_ns: int
    arrived: bool = False
    triggered: bool = False

    @property
    def price_ticks(self) -> int:
        """Return its limit, or the stop it waits for, 0 if it has neither."""
        terms = self.order.terms
        stop = None if terms is UNSET else terms.stop_ticks
        return self.order.limit_ticks or stop or 0
