"""Rows of the ledger's tables as the API shows them: the same rows as `TradeLogger` lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from papertape.clock import iso_utc
from papertape.model.events import OrderFilled, Record, kind_of
from papertape.model.money import MICROS, NANOS

Row = dict[str, Any]


def trade_row(row: Mapping[str, Any]) -> Row:
    """Return a row of the `trades` table as the API shows it."""
    gained = row["kind"] != "fill" or row["side"] == "SELL"
    price_nanos = row["price_nanos"]
    return {
        "id": row["id"],
        "kind": row["kind"],
        "strategy": row["strategy"],
        "symbol": row["symbol"],
        "venue": row["venue"],
        "market": row["market_id"],
        "outcome": row["outcome"],
        "side": row["side"],
        "quantity": row["quantity_nanos"] / NANOS,
        "price": None if price_nanos is None else price_nanos / NANOS,
        "notional": row["notional_micros"] / MICROS,
        "fee": row["fee_micros"] / MICROS,
        "realized_pnl": row["realized_micros"] / MICROS if gained else None,
        "liquidity": row["liquidity"],
        "order_id": row["order_id"],
        "signal_id": row["signal_id"],
        "seq": row["seq"],
        "ts_ns": row["ts_ns"],
        "time": iso_utc(row["ts_ns"]),
    }


def signal_row(row: Mapping[str, Any]) -> Row:
    """Return a row of the `signals` table as the API shows it."""
    return {
        "id": str(row["seq"]),
        "seq": row["seq"],
        "ts_ns": row["ts_ns"],
        "time": iso_utc(row["ts_ns"]),
        "signal_id": row["id"],
        "strategy": row["strategy"],
        "state": row["state"],
        "symbols": json.loads(row["symbols"]),
        "code": row["code"],
        "figure": row["figure"],
        "reason": row["reason"],
    }


def record_row(record: Record) -> Row:
    """Return a record of the tape as it stands there, with its number and time."""
    body = msgspec.to_builtins(record.event)
    body.pop("kind", None)
    return {
        "seq": record.seq,
        "event_id": record.event_id,
        "kind": kind_of(record.event),
        "ts_ns": record.ts_ns,
        "time": iso_utc(record.ts_ns),
        "mseq": record.mseq,
        "body": body,
    }


def cash_rows(records: list[Record]) -> list[Row]:
    """Return what fills did to cash: a payment or a receipt, and the fee, each with its number."""
    rows: list[Row] = []
    for record in records:
        fill = record.event
        if not isinstance(fill, OrderFilled):
            continue
        sign = -1 if fill.side == "BUY" else 1
        rows.append(_cash(record.seq, "notional", sign * fill.notional_micros, fill.fill_id))
        if fill.fee_micros:
            rows.append(_cash(record.seq, "fee", -fill.fee_micros, fill.fill_id))
    return rows


def _cash(seq: int, what: str, micros: int, about: str) -> Row:
    return {"seq": seq, "what": what, "amount": micros / MICROS, "about": about}
