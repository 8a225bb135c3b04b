"""The steps and terms of an order, and what a fill rests on, in units that people read."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from papertape.clock import NS_PER_MS, iso_utc
from papertape.model.events import (
    Event,
    LevelUsed,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderClosed,
    OrderSubmitted,
    OrderTriggered,
)
from papertape.model.instrument import Instrument
from papertape.model.money import MICROS, NANOS

Row = dict[str, Any]


def step(event: Event, of: Instrument) -> tuple[str, str]:
    """Return (state, note) of a record of an order's life other than a fill."""
    if isinstance(event, OrderClosed):
        return event.state, event.reason
    if isinstance(event, OrderAccepted):
        behind = f"behind {of.quantity_text(event.ahead_lots)} at its price"
        return "accepted", f"{_late(event.latency_ns)}{behind}"
    if isinstance(event, OrderTriggered):
        stop, seen = of.price_text(event.stop_ticks), of.price_text(event.seen_ticks)
        return "triggered", f"stop {stop}, seen {seen}"
    if isinstance(event, OrderAmended):
        return "amended", f"{of.quantity_text(event.remaining_lots)} left: {event.reason}"
    if isinstance(event, OrderCancelAsked):
        return "cancel asked", f"{_late(event.latency_ns)}{event.reason}"
    assert isinstance(event, OrderChangeRefused), event
    return f"{event.change} refused", event.reason


def _late(latency_ns: int) -> str:
    return f"after {latency_ns / NS_PER_MS:g} ms, " if latency_ns else ""


def terms(order: OrderSubmitted, of: Instrument) -> Row:
    """Return what an order asked for besides side, size and limit; {} for nothing."""
    said = order.terms
    if said is UNSET:
        return {}
    prices = {
        "stop": said.stop_ticks,
        "trail": said.trail_ticks,
        "stop_loss": said.stop_loss_ticks,
        "take_profit": said.take_profit_ticks,
    }
    row: Row = {
        name: ticks * of.tick_nanos / NANOS for name, ticks in prices.items() if ticks is not None
    }
    if said.spend_micros is not None:
        row["spend"] = said.spend_micros / MICROS
    if said.expires_ns is not None:
        row["expires_at"] = iso_utc(said.expires_ns)
    row |= {name: True for name in ("post_only", "reduce_only") if getattr(said, name)}
    row |= {
        name: value for name in ("group", "parent", "purpose") if (value := getattr(said, name))
    }
    return row


def detail(used: LevelUsed, of: Instrument) -> Row:
    """Return what else a fill rests on: the model, the time it took, the queue and the prints."""
    said = used.detail
    if said is UNSET:
        return {}
    row: Row = {"model": said.model or "pessimistic"}
    if said.latency_ns or said.delay_ns:
        row["latency_ms"] = said.latency_ns / NS_PER_MS
        row["delay_ms"] = said.delay_ns / NS_PER_MS
    if said.ahead_lots is not None:
        row["ahead"] = said.ahead_lots * of.lot_nanos / NANOS
    if said.prints:
        row["prints"] = [
            {
                "time": iso_utc(one.ts_ns),
                "price": one.price_ticks * of.tick_nanos / NANOS,
                "quantity": one.quantity_lots * of.lot_nanos / NANOS,
            }
            for one in said.prints
        ]
    return row
