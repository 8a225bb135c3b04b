"""OpenOrders: orders that rest at the paper venue, as a fold of the tape."""

from __future__ import annotations

import re
from collections import deque
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET

from papertape.clock import NS_PER_S
from papertape.model.events import (
    Event,
    OrderAccepted,
    OrderAmended,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    OrderTriggered,
    Record,
    RunStarted,
    SignalRaised,
)
from papertape.model.open_order import OpenOrder

CHOSEN_IDS_KEPT = 10_000  # signal ids that callers chose, to refuse a second use
MINUTE_NS = 60 * NS_PER_S
PACE_MAX = 10_000  # orders of the last minute that are counted: more is any limit's end
OWN_ID = re.compile(r"r[0-9]+\.s[0-9]+", re.ASCII)


class OpenOrders:
    """Orders that are neither filled nor closed, in the order in which they were submitted."""

    takes: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            OrderSubmitted,
            OrderAccepted,
            OrderTriggered,
            OrderAmended,
            OrderFilled,
            OrderClosed,
            SignalRaised,
            RunStarted,
        }
    )

    def __init__(self) -> None:
        """Start empty."""
        self.open: dict[str, OpenOrder] = {}
        self._chosen: dict[str, None] = {}
        self._submitted_ns: deque[int] = deque(maxlen=PACE_MAX)

    def within_minute(self, now_ns: int) -> int:
        """Return how many orders were submitted in the minute up to now."""
        times = self._submitted_ns
        while times and times[0] <= now_ns - MINUTE_NS:
            times.popleft()
        return len(times)

    def knows(self, signal_id: str) -> bool:
        """Return whether a signal with this caller-chosen id was traded (of the newest 10,000)."""
        return signal_id in self._chosen

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event = record.event
        if isinstance(event, OrderSubmitted):
            self.open[event.order_id] = OpenOrder(event, event.quantity_lots, record.ts_ns)
            self._submitted_ns.append(record.ts_ns)
            self.within_minute(record.ts_ns)
        elif isinstance(event, OrderFilled):
            if event.remaining_lots:
                kept = self.open[event.order_id]
                self.open[event.order_id] = kept._replace(remaining_lots=event.remaining_lots)
            else:
                del self.open[event.order_id]
        elif isinstance(event, OrderAccepted):
            self.open[event.order_id] = self.open[event.order_id]._replace(arrived=True)
        elif isinstance(event, OrderTriggered):
            kept = self.open[event.order_id]
            self.open[event.order_id] = kept._replace(triggered=True, arrived=False)
        elif isinstance(event, OrderAmended):
            self.open[event.order_id] = _amended(self.open[event.order_id], event)
        elif isinstance(event, OrderClosed):
            del self.open[event.order_id]
        elif isinstance(event, SignalRaised):
            if not OWN_ID.fullmatch(event.signal_id):
                self._chosen[event.signal_id] = None
                if len(self._chosen) > CHOSEN_IDS_KEPT:
                    del self._chosen[next(iter(self._chosen))]
        elif isinstance(event, RunStarted) and event.fresh:
            self.open.clear()
            self._chosen.clear()
            self._submitted_ns.clear()

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        rows = [list(kept) for kept in self.open.values()]
        return {"open": msgspec.to_builtins(rows), "chosen": list(self._chosen)} | {
            "submitted_ns": list(self._submitted_ns)
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.open = {}
        self._chosen = dict.fromkeys(state["chosen"])
        self._submitted_ns = deque(state["submitted_ns"], maxlen=PACE_MAX)
        for order, *rest in state["open"]:
            submitted = msgspec.convert(order, OrderSubmitted)
            self.open[submitted.order_id] = OpenOrder(submitted, *rest)


def _amended(kept: OpenOrder, event: OrderAmended) -> OpenOrder:
    terms = kept.order.terms
    if terms is not UNSET:
        terms = msgspec.structs.replace(terms, stop_ticks=event.stop_ticks)
    order = msgspec.structs.replace(
        kept.order, quantity_lots=event.quantity_lots, limit_ticks=event.limit_ticks, terms=terms
    )
    return kept._replace(order=order, remaining_lots=event.remaining_lots)
