"""Shapes of answers, as /openapi.json says them: rows by name and type, lists, objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

ANYTHING: Schema = {}
OBJECT: Schema = {"type": "object"}
WORDS: Schema = {"type": "array", "items": {"type": "string"}}
NUMBERS: Schema = {"type": "array", "items": {"type": ["number", "null"]}}


def row_of(*words: str, **more: Mapping[str, Any]) -> Schema:
    """Return an object's schema: each word is name:type, with ? where null may stand."""
    properties: Schema = {}
    for word in words:
        name, _, kind = word.partition(":")
        bare = kind.removesuffix("?")
        properties[name] = {"type": [bare, "null"] if bare != kind else bare}
    properties |= more
    return {"type": "object", "required": list(properties), "properties": properties}


def listed(row: Mapping[str, Any] = OBJECT) -> Schema:
    """Return the schema of a list of rows."""
    return {"type": "array", "items": dict(row)}


def envelope(data: Mapping[str, Any], *, paged: bool) -> Schema:
    """Return the schema of a whole answer."""
    properties: Schema = {
        "ok": {"const": True},
        "as_of_seq": {"type": "integer", "minimum": 0},
        "data": dict(data),
    }
    if paged:
        properties["next_cursor"] = {"type": ["integer", "null"]}
    return {"type": "object", "required": list(properties), "properties": properties}


ERROR: Schema = {
    "type": "object",
    "required": ["ok", "error"],
    "properties": {
        "ok": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "field": {"type": "string"},
            },
        },
    },
}

TRADE = row_of(
    "id:string", "kind:string", "strategy:string", "symbol:string", "venue:string",
    "market:string", "outcome:string", "side:string", "quantity:number", "price:number?",
    "notional:number", "fee:number", "realized_pnl:number?", "liquidity:string",
    "order_id:string", "signal_id:string", "seq:integer", "ts_ns:integer", "time:string",
)  # fmt: skip
SIGNAL = row_of(
    "id:string", "seq:integer", "ts_ns:integer", "time:string", "signal_id:string",
    "strategy:string", "state:string", "code:string", "figure:string", "reason:string",
    symbols=WORDS,
)  # fmt: skip
QUOTE = row_of(
    "id:string", "symbol:string", "venue:string", "market:string", "outcome:string",
    "bid:number?", "ask:number?", "bid_size:number?", "ask_size:number?", "last:number?",
    "ts:string?", "ts_ns:integer?", "age_ms:integer?", "source:string",
    state={"enum": ["live", "stale", "gap", "settled"]},
)  # fmt: skip
POSITION = row_of(
    "symbol:string", "venue:string", "market:string", "outcome:string", "quantity:number",
    "avg_price:number?", "current_price:number?", "value:number?", "pnl:number?",
    "pnl_pct:number?", "opened_at:string?", strategies=WORDS,
)  # fmt: skip
SUMMARY = row_of(
    "cash:number?", "total_value:number?", "initial_balance:number?", "total_return:number?",
    "total_return_pct:number?", "realized_pnl:number?", "unrealized_pnl:number?",
    "fees:number?", "exposure:number?", "positions_count:integer?", "trades_count:integer?",
    "max_drawdown_pct:number?", "mode:string?",
)  # fmt: skip
PORTFOLIO = row_of(summary=SUMMARY, positions=listed(POSITION))
SCORE = row_of(
    "strategy:string", "status:string", "signals:integer", "refused:integer", "trades:integer",
    "wins:integer", "losses:integer", "win_rate:number?", "realized_pnl:number",
    "unrealized_pnl:number", "fees:number", "avg_trade_pnl:number?", "profit_factor:number?",
    "sharpe:number?", "max_drawdown_pct:number?", "last_signal_at:string?",
)  # fmt: skip
LEVEL = row_of("price:number", "size:number", "total:number")
DEPTH = row_of(
    "symbol:string", "outcome:string", "ts:string", "ts_ns:integer",
    bids=listed(LEVEL), asks=listed(LEVEL),
    prints=listed(row_of("time:string", "ts_ns:integer", "price:number", "quantity:number",
                         "side:string")),
)  # fmt: skip
ALLOCATION = row_of(labels=WORDS, values=NUMBERS, percents=NUMBERS)
DISTRIBUTION = row_of("wins:integer", "losses:integer", "breakeven:integer", labels=WORDS,
                      values=NUMBERS)  # fmt: skip
CUMULATIVE = row_of(labels=WORDS, values=NUMBERS, equity=NUMBERS, drawdown_pct=NUMBERS)
SERIES = row_of(labels=WORDS, values=NUMBERS)
