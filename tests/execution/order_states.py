"""The legal life of an order, as the tape tells it: whatever else happens is a broken venue."""

from __future__ import annotations

from typing import Any

import msgspec

from papertape.model.events import (
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    OrderTriggered,
)


class Life:
    """One order so far."""

    def __init__(self, order: OrderSubmitted) -> None:
        self.order = order
        self.remaining = order.quantity_lots
        self.filled = 0
        self.stop = order.order_type not in {"market", "limit"}
        self.over = False
        self.fill_ids: set[str] = set()


def follow(events: list[Any]) -> dict[str, Life]:
    """Fold the records of orders; assert that each may follow the ones before it."""
    lives: dict[str, Life] = {}
    for event in events:
        if isinstance(event, OrderSubmitted):
            assert event.order_id not in lives, "an order id is used once"
            assert event.quantity_lots > 0
            lives[event.order_id] = Life(event)
        elif isinstance(event, OrderChangeRefused):
            continue  # it changes nothing, whatever it was about
        elif hasattr(event, "order_id"):
            _step(lives[event.order_id], event)
    return lives


def _step(life: Life, event: Any) -> None:
    assert not life.over, f"{event} after the end of {life.order.order_id}"
    if isinstance(event, OrderTriggered):
        assert life.stop, "only a waiting stop is triggered, and once"
        life.stop = False
    elif isinstance(event, OrderAccepted):
        assert not life.stop
    elif isinstance(event, OrderAmended):
        assert event.remaining_lots > 0
        assert event.quantity_lots == life.filled + event.remaining_lots
        life.remaining = event.remaining_lots
    elif isinstance(event, OrderFilled):
        assert not life.stop, "a stop fills only after its trigger"
        assert event.fill_id not in life.fill_ids, "a fill is booked once"
        life.fill_ids.add(event.fill_id)
        assert 0 < event.quantity_lots <= life.remaining, "overfilled"
        life.filled += event.quantity_lots
        life.remaining -= event.quantity_lots
        assert event.remaining_lots == life.remaining
        life.over = not life.remaining
        _check_kind(life, event)
    elif isinstance(event, OrderClosed):
        assert event.remaining_lots == life.remaining > 0
        life.over = True
        if life.order.time_in_force == "FOK":
            assert not life.filled, "fill or kill is whole or nothing"
    else:
        assert isinstance(event, OrderCancelAsked), event


def _check_kind(life: Life, event: OrderFilled) -> None:
    terms = life.order.terms
    if terms is not msgspec.UNSET and terms.post_only:
        assert event.liquidity == "maker", "post-only never takes"
    if life.order.time_in_force in {"IOC", "FOK"}:
        assert event.liquidity == "taker"
