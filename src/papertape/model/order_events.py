"""The records of an order's life, and the evidence that a fill rests on.

What a later version adds to a kind is left out of its body where there is nothing to say (UNSET),
so that earlier bodies read as they did and equal decisions stay equal bodies.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from papertape.model.body import Body
from papertape.model.instrument import Side
from papertape.model.orders import OrderTerms, OrderType, TimeInForce

Liquidity = Literal["taker", "maker"]
ClosedState = Literal["cancelled", "expired", "rejected"]


class LegWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A leg of a signal in the engine's integers; no limit means market."""

    symbol: str
    side: Side
    quantity_lots: int
    limit_ticks: int | None = None
    terms: OrderTerms | UnsetType = UNSET


class OrderSubmitted(Body, frozen=True, kw_only=True, tag="order.submitted/1"):
    """An order, on the tape before the paper venue sees it."""

    order_id: str
    signal_id: str
    strategy: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity_lots: int
    limit_ticks: int | None = None
    terms: OrderTerms | UnsetType = UNSET


class OrderAccepted(Body, frozen=True, kw_only=True, tag="order.accepted/1"):
    """The order reached the venue and rests: this late, behind this much at its price."""

    order_id: str
    strategy: str
    symbol: str
    latency_ns: int = 0
    ahead_lots: int = 0


class OrderTriggered(Body, frozen=True, kw_only=True, tag="order.triggered/1"):
    """A stop's price was seen: from here on it is a market or a limit order."""

    order_id: str
    strategy: str
    symbol: str
    stop_ticks: int
    seen_ticks: int


class OrderAmended(Body, frozen=True, kw_only=True, tag="order.amended/1"):
    """An open order changed; the values are those in force from here on."""

    order_id: str
    strategy: str
    symbol: str
    quantity_lots: int
    remaining_lots: int
    limit_ticks: int | None
    stop_ticks: int | None
    reason: str


class OrderCancelAsked(Body, frozen=True, kw_only=True, tag="order.cancel_asked/1"):
    """A cancel is on its way; the order may still fill before it arrives."""

    order_id: str
    strategy: str
    symbol: str
    reason: str
    latency_ns: int


class OrderChangeRefused(Body, frozen=True, kw_only=True, tag="order.change_refused/1"):
    """A cancel or an amendment that could not be: the order is filled, closed, or unknown."""

    order_id: str
    strategy: str
    change: Literal["cancel", "amend"]
    code: str
    reason: str
    field: str = ""
    value: str = ""
    bound: str = ""


class PrintUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of others that moved the queue, or filled us."""

    ts_ns: int
    price_ticks: int
    quantity_lots: int


class FillDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What else a fill rests on, where there is something to say.

    model: the fill model, if it is not the plain pessimistic one. latency_ns, delay_ns: how late
    the order reached the book, and how long the venue held it. ahead_lots: the queue at its price
    when it arrived; prints: what came through it.
    """

    model: str = ""
    latency_ns: int = 0
    delay_ns: int = 0
    ahead_lots: int | None = None
    prints: tuple[PrintUsed, ...] = ()


class LevelUsed(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence of a fill: the level it took from, and how old that level was."""

    price_ticks: int
    seen_lots: int
    taken_before_lots: int
    book_ts_ns: int
    book_age_ns: int
    source: str
    detail: FillDetail | UnsetType = UNSET


class OrderFilled(Body, frozen=True, kw_only=True, tag="order.filled/1"):
    """One fill: one price level of one order.

    cost_micros: what the position's cost changed by (negative when it shrinks); realized_micros:
    gain against average cost before fees. Cash changed by -notional-fee (BUY) or +notional-fee.
    """

    fill_id: str
    order_id: str
    signal_id: str
    strategy: str
    symbol: str
    side: Side
    price_ticks: int
    quantity_lots: int
    notional_micros: int
    fee_micros: int
    cost_micros: int
    realized_micros: int
    liquidity: Liquidity
    remaining_lots: int
    evidence: LevelUsed | None = None


class OrderClosed(Body, frozen=True, kw_only=True, tag="order.closed/1"):
    """An order ended without being filled in full."""

    order_id: str
    strategy: str
    symbol: str
    state: ClosedState
    remaining_lots: int
    reason: str
