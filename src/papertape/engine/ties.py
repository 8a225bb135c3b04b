"""Ties: orders that hang together. One ends the other; an entry brings its protection."""

from __future__ import annotations

from collections.abc import Callable

from papertape.engine.matcher import Matcher
from papertape.engine.working_order import WorkingOrder
from papertape.model.events import OrderSubmitted
from papertape.model.instrument import Side
from papertape.model.orders import OrderTerms, OrderType, Purpose, TimeInForce

Place = Callable[[OrderSubmitted], None]


class Ties:
    """Keeps groups of which one order ends the others, and the protection of entries.

    A pair that protects an entry shrinks together: what one of them sells the other need not sell
    any more. In a group that a signal asked for the first fill, however small, ends the others.
    """

    def __init__(self, matcher: Matcher, place: Place, next_id: Callable[[], str]) -> None:
        """Resize and close through `matcher`, send protective orders through `place`."""
        self._matcher = matcher
        self._place = place
        self._next_id = next_id

    def after_fill(self, working: WorkingOrder, lots: int) -> None:
        """Protect what an entry bought; shrink or end what a fill makes needless."""
        terms = working.terms
        if terms.stop_loss_ticks is not None or terms.take_profit_ticks is not None:
            self._protect(working, lots)
        if not terms.group:
            return
        for other in self._of_group(working):
            if not other.open:
                continue
            if terms.parent:
                self._matcher.resize(other, -lots, "the other protective order filled")
            else:
                self._matcher.close(other, "cancelled", "one cancels the other")

    def _of_group(self, working: WorkingOrder) -> list[WorkingOrder]:
        group = working.terms.group
        return [
            other
            for other in self._matcher.pool
            if other is not working and other.terms.group == group
        ]

    def _protect(self, entry: WorkingOrder, lots: int) -> None:
        parent = entry.order.order_id
        children = [one for one in self._matcher.pool if one.terms.parent == parent]
        if children:
            for child in children:
                self._matcher.resize(child, lots, "its entry bought more")
            return
        terms = entry.terms
        group = parent if None not in (terms.stop_loss_ticks, terms.take_profit_ticks) else ""
        if terms.stop_loss_ticks is not None:
            self._child(entry, lots, group, "stop_loss", "stop", None, terms.stop_loss_ticks)
        if terms.take_profit_ticks is not None:
            self._child(entry, lots, group, "take_profit", "limit", terms.take_profit_ticks, None)

    def _child(
        self, entry: WorkingOrder, lots: int, group: str, purpose: Purpose, kind: OrderType,
        limit_ticks: int | None, stop_ticks: int | None,
    ) -> None:  # fmt: skip
        order = entry.order
        self._place(
            following_order(
                order, self._next_id(), "SELL", lots, kind, "GTC", limit_ticks,
                OrderTerms(
                    stop_ticks=stop_ticks, reduce_only=True, group=group,
                    parent=order.order_id, purpose=purpose,
                ),
            )
        )  # fmt: skip


def following_order(
    of: OrderSubmitted, order_id: str, side: Side, lots: int, kind: OrderType,
    time_in_force: TimeInForce, limit_ticks: int | None, terms: OrderTerms,
) -> OrderSubmitted:  # fmt: skip
    """Return an order that follows from another one, of the same signal, strategy, instrument."""
    return OrderSubmitted(
        order_id=order_id,
        signal_id=of.signal_id,
        strategy=of.strategy,
        symbol=of.symbol,
        side=side,
        order_type=kind,
        time_in_force=time_in_force,
        quantity_lots=lots,
        limit_ticks=limit_ticks,
        terms=terms,
    )
