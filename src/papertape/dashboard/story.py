"""The story of a trade: from the book it met to the cash it moved, in units that people read.

Every part names the number (`seq`) of the record that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from papertape.clock import NS_PER_MS, iso_utc
from papertape.core.fees import fee_weight, fill_fee_micros, maker_rebate_estimate_micros
from papertape.dashboard import order_words, rows
from papertape.dashboard.follower import Follower
from papertape.model.events import (
    LevelUsed,
    OrderFilled,
    OrderSubmitted,
    Record,
    SetsConverted,
    SetsMerged,
    SignalRaised,
)
from papertape.model.instrument import Instrument
from papertape.model.money import MICROS, NANOS
from papertape.services.plain import plain_instrument
from papertape.tape.queries_trades import listed_before, position_trades, settlement_after

EARLIER_SHOWN = 20  # trades of the same position shown with a settlement or a sale

Row = dict[str, Any]


def of_trade(follower: Follower, trade: Mapping[str, Any], records: list[Record]) -> Row:
    """Return the chain of a row of the `trades` table, given the records of its signal."""
    told = _Teller(follower)
    fills = _of(records, OrderFilled)
    is_fill = trade["kind"] == "fill"
    return {
        "market": told.market(trade["symbol"]),
        "signal": next((told.signal(r, r.event) for r in records if _is_signal(r)), None),
        "orders": told.orders(records),
        "fills": told.fills(fills),
        "parts": told.parts(records),
        "cash": told.cash(trade, fills),
        "settlement": told.settlement(trade) if is_fill else None,
        "earlier": told.earlier(trade) if trade["realized_micros"] or not is_fill else [],
    }


def _is_signal(record: Record) -> bool:
    return isinstance(record.event, SignalRaised)


def _of(records: Iterable[Record], kind: type) -> list[Record]:
    return [record for record in records if isinstance(record.event, kind)]


def _stamp(record: Record) -> Row:
    return {"seq": record.seq, "ts_ns": record.ts_ns, "time": iso_utc(record.ts_ns)}


class _Teller:
    """Turns records into rows, with the instruments as the tape last listed them."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._view = follower.view

    def instrument(self, symbol: str) -> Instrument:
        return self._view.instruments.get(symbol) or plain_instrument(symbol)

    def listed(self, symbol: str, seq: int) -> Instrument:
        """Return the instrument as it was listed when a record was written: its fees of then."""
        return listed_before(self._follower.reader, symbol, seq) or self.instrument(symbol)

    def named(self, symbol: str) -> Row:
        instrument = self.instrument(symbol)
        market = self._view.markets.get(instrument.market_id)
        return {
            "symbol": symbol,
            "market": instrument.market_id,
            "question": market.question if market else "",
            "outcome": instrument.outcome,
        }

    def market(self, symbol: str) -> Row:
        instrument = self.instrument(symbol)
        market = self._view.markets.get(instrument.market_id)
        return self.named(symbol) | {
            "venue": instrument.venue,
            "state": self._view.market_states.get(instrument.market_id),
            "ends_at": iso_utc(market.end_ns) if market and market.end_ns else None,
        }

    def signal(self, record: Record, event: Any) -> Row:
        edge = event.expected_edge_micros
        return _stamp(record) | {
            "id": event.signal_id,
            "strategy": event.strategy,
            "reason": event.reason,
            "confidence": event.confidence_pct,
            "expected_edge": None if edge is None else edge / MICROS,
            "time_in_force": event.time_in_force,
            "all_or_none": event.all_or_none,
            "then": event.then,
            "legs": [
                self.named(leg.symbol)
                | {"side": leg.side, **self.sized(leg.symbol, leg.quantity_lots, leg.limit_ticks)}
                for leg in event.legs
            ],
        }

    def sized(self, symbol: str, lots: int, limit_ticks: int | None) -> Row:
        limit = None if limit_ticks is None else self.price(symbol, limit_ticks)
        return {"quantity": self.quantity(symbol, lots), "limit": limit}

    def price(self, symbol: str, ticks: int) -> float:
        return ticks * self.instrument(symbol).tick_nanos / NANOS

    def quantity(self, symbol: str, lots: int) -> float:
        return lots * self.instrument(symbol).lot_nanos / NANOS

    # --- orders and fills -----------------------------------------------------------------------

    def orders(self, records: list[Record]) -> list[Row]:
        """Return each order with the states that it went through."""
        return [
            self._order(record, record.event, records) for record in _of(records, OrderSubmitted)
        ]

    def _order(self, record: Record, order: Any, records: list[Record]) -> Row:
        states = [_stamp(record) | {"state": "submitted", "note": ""}]
        filled_lots = 0
        for later in records:
            event = later.event
            if getattr(event, "order_id", "") != order.order_id or event is order:
                continue
            if isinstance(event, OrderFilled):
                filled_lots += event.quantity_lots
                state = "filled" if not event.remaining_lots else "partly filled"
                states.append(_stamp(later) | {"state": state, "note": event.fill_id})
            else:
                state, note = order_words.step(event, self.instrument(order.symbol))
                states.append(_stamp(later) | {"state": state, "note": note})
        return self.named(order.symbol) | {
            "id": order.order_id,
            "side": order.side,
            "type": order.order_type,
            "time_in_force": order.time_in_force,
            **self.sized(order.symbol, order.quantity_lots, order.limit_ticks),
            "terms": order_words.terms(order, self.instrument(order.symbol)),
            "filled": self.quantity(order.symbol, filled_lots),
            "states": states,
        }

    def fills(self, fills: list[Record]) -> list[Row]:
        """Return the fills with evidence and fee; a venue may round fees per order."""
        found = []
        before: dict[str, tuple[int, int]] = {}  # order: (weight, fee in micros) so far
        for record in fills:
            event: Any = record.event
            weight, charged_micros = before.get(event.order_id, (0, 0))
            found.append(self._fill(record, event, weight, charged_micros))
            maker = event.liquidity == "maker"
            instrument = self.listed(event.symbol, record.seq)
            weight += fee_weight(instrument, event.price_ticks, event.quantity_lots, maker=maker)
            before[event.order_id] = (weight, charged_micros + event.fee_micros)
        return found

    def _fill(self, record: Record, event: OrderFilled, weight: int, charged_micros: int) -> Row:
        instrument = self.listed(event.symbol, record.seq)
        computed_micros = fill_fee_micros(
            instrument,
            event.price_ticks,
            event.quantity_lots,
            event.notional_micros,
            maker=event.liquidity == "maker",
            weight_before=weight,
            charged_before_micros=charged_micros,
        )
        return (
            _stamp(record)
            | self.named(event.symbol)
            | {
                "id": event.fill_id,
                "side": event.side,
                "price": self.price(event.symbol, event.price_ticks),
                "quantity": self.quantity(event.symbol, event.quantity_lots),
                "notional": event.notional_micros / MICROS,
                "fee": event.fee_micros / MICROS,
                "realized_pnl": event.realized_micros / MICROS if event.side == "SELL" else None,
                "liquidity": event.liquidity,
                "remaining": self.quantity(event.symbol, event.remaining_lots),
                "evidence": self._evidence(event.symbol, event.evidence),
                "fee_rule": _fee_rule(instrument, event, computed_micros),
            }
        )

    def _evidence(self, symbol: str, used: LevelUsed | None) -> Row | None:
        if used is None:
            return None
        return {
            "price": self.price(symbol, used.price_ticks),
            "seen": self.quantity(symbol, used.seen_lots),
            "taken_before": self.quantity(symbol, used.taken_before_lots),
            "book_ts_ns": used.book_ts_ns,
            "book_time": iso_utc(used.book_ts_ns),
            "book_age_ms": used.book_age_ns / NS_PER_MS,
            "source": used.source,
            **order_words.detail(used, self.instrument(symbol)),
        }

    # --- what it came to ------------------------------------------------------------------------

    def parts(self, records: list[Record]) -> list[Row]:
        """Return what a merge or a conversion moved."""
        sets = [r.event for r in records if isinstance(r.event, SetsMerged | SetsConverted)]
        return [
            self.named(part.symbol)
            | {
                "quantity": self.quantity(part.symbol, part.quantity_lots),
                "cost": part.cost_micros / MICROS,
            }
            for event in sets
            for part in event.parts
        ]

    def cash(self, trade: Mapping[str, Any], fills: list[Record]) -> Row:
        """Return the cash entries, their sum, and what was realised."""
        if not fills:
            paid = {"seq": trade["seq"], "what": trade["kind"], "about": trade["id"]}
            amount = trade["notional_micros"] / MICROS
            return {
                "entries": [paid | {"amount": amount}],
                "total": amount,
                "realized": trade["realized_micros"] / MICROS,
            }
        booked = [fill.event for fill in fills if isinstance(fill.event, OrderFilled)]
        return {
            "entries": rows.cash_rows(fills),
            "total": sum(_cash_micros(fill) for fill in booked) / MICROS,
            "realized": sum(fill.realized_micros for fill in booked) / MICROS,
        }

    def settlement(self, trade: Mapping[str, Any]) -> Row | None:
        """Return what this strategy was paid for the instrument later, if its market resolved."""
        if self._view.market_states.get(trade["market_id"]) != "resolved":
            return None
        paid = settlement_after(
            self._follower.reader,
            self._view.account,
            trade["strategy"],
            trade["symbol"],
            trade["seq"],
        )
        return None if paid is None else rows.trade_row(paid)

    def earlier(self, trade: Mapping[str, Any]) -> list[Row]:
        """Return the strategy's trades of this instrument before this one, newest first."""
        found = position_trades(
            self._follower.reader,
            trade["account"],
            trade["strategy"],
            trade["symbol"],
            before_seq=trade["seq"],
            limit=EARLIER_SHOWN,
        )
        return [rows.trade_row(row) for row in found]


def _cash_micros(fill: OrderFilled) -> int:
    sign = -1 if fill.side == "BUY" else 1
    return sign * fill.notional_micros - fill.fee_micros


def _fee_rule(instrument: Instrument, fill: OrderFilled, computed_micros: int) -> Row:
    """Return the venue's rule and its numbers; `fits`: whether they give the fee that was booked.

    The instrument is as it was listed then; a fee that a person reported may be another.
    """
    fees = instrument.fees
    rate_ppm = fees.maker_ppm if fill.liquidity == "maker" else fees.taker_ppm
    return {
        "kind": fees.kind if rate_ppm else "none",
        "rate": rate_ppm / MICROS,
        "exponent": fees.exponent,
        "computed": computed_micros / MICROS,
        "fits": computed_micros == fill.fee_micros,
        "dated": fees.dated,
        "rebate": _rebate_micros(instrument, fill) / MICROS,
    }


def _rebate_micros(instrument: Instrument, fill: OrderFilled) -> int:
    """Return what the venue may give back to a maker; an estimate that is never booked."""
    if fill.liquidity != "maker":
        return 0
    return maker_rebate_estimate_micros(
        instrument, fill.price_ticks, fill.quantity_lots, fill.notional_micros
    )
