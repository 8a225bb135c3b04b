"""Orders beyond price and size: how they wait, rest, end, and hang together."""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.model.money import Number

OrderType = Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
TimeInForce = Literal["IOC", "GTC", "GTD", "FOK"]
Together = Literal["each", "one_cancels_other", "in_order"]
Missed = Literal["hold", "unwind"]
Purpose = Literal["", "stop_loss", "take_profit", "unwind"]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What an order asks for besides side, size and limit.

    Prices either as people write them or in ticks, never both, as in a Leg.
    stop: waits until the market trades at that price or beyond, then is sent: a market order, or a
    limit order if the leg has a limit. trail: a stop that follows the best price at this distance.
    stop_loss, take_profit: what is bought is protected by two sells, of which one ends the other.
    post_only: never takes; rejected if it would. reduce_only: sells at most what is held.
    spend: a market BUY for this much of the quote currency, fees on top, instead of a quantity.
    """

    stop: Number | None = None
    stop_ticks: int | None = None
    trail: Number | None = None
    trail_ticks: int | None = None
    stop_loss: Number | None = None
    stop_loss_ticks: int | None = None
    take_profit: Number | None = None
    take_profit_ticks: int | None = None
    spend: Number | None = None
    spend_micros: int | None = None
    post_only: bool = False
    reduce_only: bool = False


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The same in the engine's integers, as it stands on the tape.

    group: orders with the same one end each other. parent: the entry that a protective order
    belongs to. purpose: what the engine sent it for; "" if a signal asked for it.
    """

    stop_ticks: int | None = None
    trail_ticks: int | None = None
    stop_loss_ticks: int | None = None
    take_profit_ticks: int | None = None
    spend_micros: int | None = None
    expires_ns: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    group: str = ""
    parent: str = ""
    purpose: Purpose = ""


NO_TERMS = OrderTerms()


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's answer: take back an order, or every order of mine (of one instrument)."""

    order_id: str = ""
    symbol: str = ""
    reason: str = "its strategy took it back"


class Amend(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's answer: change an open order; what is None stays.

    quantity_lots is the new total, filled lots included. A better price, or more of it, goes to the
    end of the queue at its price; less of it keeps its place.
    """

    order_id: str
    quantity_lots: int | None = None
    limit_ticks: int | None = None
    stop_ticks: int | None = None
    reason: str = "its strategy changed it"
