"""Legs in order: without an order of many legs, the thinnest goes first and the rest follow.

The first leg is sent fill-or-kill: if it misses, nothing has happened. The next is sent when the
one before is answered, and meets the book of that moment. What then has no counterpart is held or
unwound. Source: how venues take batches leg by leg (docs/execution.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from papertape.engine.ties import following_order
from papertape.engine.working_order import WorkingOrder
from papertape.model.events import OrderSubmitted
from papertape.model.orders import Missed, OrderTerms

Send = Callable[[OrderSubmitted, "LegSequence | None"], None]


class LegSequence:
    """One signal's legs on their way, one at a time."""

    def __init__(
        self,
        orders: Sequence[OrderSubmitted],
        missed: Missed,
        *,
        send: Send,
        next_id: Callable[[], str],
        finish: Callable[[int], None],
    ) -> None:
        """Take the orders in the order to be sent, ids not yet given.

        finish: told how many lots of the first leg have their counterparts, once all is over.
        """
        self._orders = orders
        self._missed = missed
        self._send = send
        self._next_id = next_id
        self._finish = finish
        self._answered: list[tuple[OrderSubmitted, int]] = []

    def begin(self) -> None:
        """Send the first leg."""
        self._next()

    def _next(self) -> None:
        first = not self._answered
        order = replace(
            self._orders[len(self._answered)],
            order_id=self._next_id(),
            time_in_force="FOK" if first else "IOC",
        )
        self._send(order, self)

    def ended(self, working: WorkingOrder) -> None:
        """Take the answer to the leg that was sent, and go on."""
        got = working.quantity_lots - working.remaining_lots
        self._answered.append((working.order, got))
        if (got or len(self._answered) > 1) and len(self._answered) < len(self._orders):
            self._next()
            return
        self._end()

    def _end(self) -> None:
        """Unwind what has no counterpart, if that is wanted, and tell how much has."""
        if len(self._answered) < len(self._orders):
            self._finish(0)
            return
        thin, got = self._answered[0]
        for order, filled in self._answered:
            if filled * thin.quantity_lots < got * order.quantity_lots:
                thin, got = order, filled
        kept = [order.quantity_lots * got // thin.quantity_lots for order, _ in self._answered]
        if self._missed == "unwind":
            for (order, filled), keep in zip(self._answered, kept, strict=True):
                if filled > keep:
                    self._unwind(order, filled - keep)
        self._finish(kept[0])

    def _unwind(self, order: OrderSubmitted, lots: int) -> None:
        side = "SELL" if order.side == "BUY" else "BUY"
        terms = OrderTerms(reduce_only=side == "SELL", purpose="unwind")
        unwinding = following_order(
            order, self._next_id(), "SELL" if side == "SELL" else "BUY", lots, "market", "IOC",
            None, terms,
        )  # fmt: skip
        self._send(unwinding, None)
