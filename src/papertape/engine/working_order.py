"""WorkingOrder: an order at the paper venue, its state, and what it still wants."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET

from papertape.core.arithmetic import notional_micros
from papertape.core.fees import fee_weight, fill_fee_micros
from papertape.model.events import OrderSubmitted, PrintUsed
from papertape.model.instrument import Instrument
from papertape.model.orders import NO_TERMS, OrderTerms

State = Literal["sent", "waiting", "working", "filled", "closed"]

LEGAL: dict[State, frozenset[State]] = {
    "sent": frozenset({"waiting", "working", "filled", "closed"}),
    "waiting": frozenset({"sent", "working", "filled", "closed"}),
    "working": frozenset({"working", "filled", "closed"}),
    "filled": frozenset(),
    "closed": frozenset(),
}
"""sent: on its way, or held by the venue. waiting: a stop whose price was not seen yet."""

PRINTS_KEPT = 20  # of the prints that moved an order's queue, the newest are its evidence


class WorkingOrder:
    """An order at the paper venue."""

    __slots__ = (
        "ahead_lots", "arrived_ahead_lots", "best_ticks", "charged_micros", "delay_ns",
        "held", "instrument", "latency_ns", "left_micros", "limit_ticks", "order", "printed_lots",
        "prints", "quantity_lots", "remaining_lots", "shown_lots", "since_ns", "state",
        "stop_ticks", "terms", "triggered", "weight",
    )  # fmt: skip

    def __init__(
        self, order: OrderSubmitted, instrument: Instrument, remaining_lots: int, since_ns: int
    ) -> None:
        """Begin with nothing filled and nothing charged."""
        self.order = order
        self.instrument = instrument
        self.terms: OrderTerms = NO_TERMS if order.terms is UNSET else order.terms
        self.quantity_lots = order.quantity_lots
        self.remaining_lots = remaining_lots
        self.limit_ticks = order.limit_ticks
        self.stop_ticks = self.terms.stop_ticks
        self.left_micros = self.terms.spend_micros
        self.best_ticks: int | None = None
        self.since_ns = since_ns
        self.weight = 0
        self.charged_micros = 0
        self.state: State = "sent"
        self.triggered = order.order_type in {"market", "limit"}
        self.held = False
        self.latency_ns = 0
        self.delay_ns = 0
        self.ahead_lots = 0
        self.arrived_ahead_lots: int | None = None
        self.shown_lots = 0
        self.printed_lots = 0
        self.prints: tuple[PrintUsed, ...] = ()

    @property
    def buying(self) -> bool:
        """Return whether this is a BUY."""
        return self.order.side == "BUY"

    @property
    def open(self) -> bool:
        """Return whether it may still fill."""
        return self.state not in {"filled", "closed"}

    @property
    def conditional(self) -> bool:
        """Return whether it is a stop whose price was not seen yet."""
        return not self.triggered

    @property
    def immediate(self) -> bool:
        """Return whether what cannot be filled at once is cancelled."""
        return self.order.time_in_force in {"IOC", "FOK"}

    @property
    def key(self) -> tuple[str, str]:
        """Return the key of the position that its fills change."""
        return self.order.strategy, self.order.symbol

    def turn(self, state: State) -> None:
        """Change the state; a change that no venue makes is our mistake."""
        assert state in LEGAL[self.state], f"{self.order.order_id}: {self.state} -> {state}"
        self.state = state

    def seen_print(self, used: PrintUsed) -> None:
        """Keep a print as evidence."""
        self.prints = (*self.prints[1 - PRINTS_KEPT :], used)

    def notional(self, ticks: int, lots: int) -> int:
        """Return the worth of lots at a price, in micros."""
        instrument = self.instrument
        return notional_micros(ticks, lots, instrument.tick_nanos * instrument.lot_nanos)

    def fee(self, ticks: int, lots: int, notional: int, *, maker: bool) -> int:
        """Return the fee of the next fill, given what this order was charged before."""
        return fill_fee_micros(
            self.instrument,
            ticks,
            lots,
            notional,
            maker=maker,
            weight_before=self.weight,
            charged_before_micros=self.charged_micros,
        )

    def booked(self, ticks: int, lots: int, notional: int, fee: int, *, maker: bool) -> None:
        """Take a fill off what is wanted."""
        assert 0 < lots <= self.remaining_lots, f"{self.order.order_id}: overfilled by {lots}"
        self.remaining_lots -= lots
        self.weight += fee_weight(self.instrument, ticks, lots, maker=maker)
        self.charged_micros += fee
        if self.left_micros is not None:
            self.left_micros -= notional

    def reserved_micros(self, mark_ticks: int) -> int:
        """Return what a buy may still cost at the taker's rate: at its limit, its stop, or mark."""
        if self.left_micros is not None:
            worth = self.left_micros
            ticks = mark_ticks
        else:
            ticks = self._reserve_ticks(mark_ticks)
            worth = self.notional(ticks, self.remaining_lots)
        return worth + fill_fee_micros(
            self.instrument, ticks, self.remaining_lots, worth, maker=False
        )

    def _reserve_ticks(self, mark_ticks: int) -> int:
        if self.limit_ticks is not None:
            return self.limit_ticks
        return mark_ticks if self.stop_ticks is None else max(mark_ticks, self.stop_ticks)
