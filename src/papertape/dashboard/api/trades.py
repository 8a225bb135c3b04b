"""Trades and signals, from the ledger's tables, page by page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from papertape.dashboard import rows
from papertape.dashboard.api.answers import (
    CURSOR,
    LIMIT,
    ApiError,
    Query,
    choice,
    endpoint,
    page_of,
    success,
    word,
)
from papertape.dashboard.state import state
from papertape.model.events import (
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    Record,
    SignalRaised,
)

api = Blueprint("trades", __name__)

SCANNED_MAX = 5_000  # rows looked at for one page; under 100 ms

FILTERS = (
    word("strategy"),
    word("symbol"),
    choice("side", ("BUY", "SELL", "SETTLE", "MERGE", "CONVERT")),
    choice("kind", ("fill", "settlement", "merge", "convert")),
)


@endpoint(
    api,
    "/api/trades",
    "Trades of the newest run's account",
    params=(*FILTERS, choice("sort", ("-time", "time"), "-time"), LIMIT, CURSOR),
)
def trades(query: Query) -> Response:
    """Return a page of trades; `-time` is newest first."""
    follower = state().follower
    wanted = {name: query[name] for name in ("strategy", "symbol", "side", "kind")}
    limit, cursor = query["limit"], query["cursor"]
    if query["sort"] == "time":
        page, behind = _oldest_first(follower.view.account, limit, cursor or 0, wanted)
    else:
        found = follower.reader.trades(
            follower.view.account, limit=limit + 1, before_seq=cursor, **wanted
        )
        page, behind = page_of(found, limit, lambda row: int(row["seq"]))
    return success([rows.trade_row(row) for row in page], next_cursor=behind)


def _oldest_first(
    account: str, limit: int, after_seq: int, wanted: dict[str, str | None]
) -> tuple[list[dict[str, Any]], int | None]:
    """Return trades from the beginning on, and where to go on; a page may be short."""
    found: list[dict[str, Any]] = []
    seen = 0
    for row in state().follower.reader.trades_iter(account, after_seq=after_seq):
        if len(found) == limit or seen == SCANNED_MAX:
            return found, after_seq
        seen, after_seq = seen + 1, row["seq"]
        if all(value is None or row[name] == value for name, value in wanted.items()):
            found.append(row)
    return found, None


@endpoint(api, "/api/trades/<trade_id>", "One trade with everything that led to it")
def trade(_: Query, trade_id: str) -> Response:
    """Return the trade and its chain: market, signal, risk, orders, fills, cash."""
    reader = state().follower.reader
    found = reader.trade(trade_id)
    if found is None:
        raise ApiError(404, "not_found", "there is no such trade", "id")
    records = reader.chain(found["signal_id"])
    if not records:
        record = reader.record(found["seq"])
        records = [record] if record else []
    return success({"trade": rows.trade_row(found), **_chain(records, found["id"])})


def _chain(records: list[Record], trade_id: str) -> dict[str, Any]:
    def of(kind: type) -> list[dict[str, Any]]:
        return [rows.record_row(record) for record in records if isinstance(record.event, kind)]

    signals = of(SignalRaised)
    mine = [row for row in of(OrderFilled) if row["body"]["fill_id"] == trade_id]
    return {
        "market": mine[0]["body"]["evidence"] if mine else None,
        "signal": signals[0] if signals else None,
        "risk": {"decision": "passed", "seq": signals[0]["seq"]} if signals else None,
        "orders": of(OrderSubmitted),
        "fills": of(OrderFilled),
        "closed": of(OrderClosed),
        "cash": rows.cash_rows(records),
        "records": [rows.record_row(record) for record in records],
    }


@endpoint(
    api,
    "/api/signals",
    "Signals raised and refused, opportunities skipped, data alarms; newest first",
    params=(
        choice("state", ("raised", "refused", "skipped", "alarm")),
        word("strategy"),
        LIMIT,
        CURSOR,
    ),
)
def signals(query: Query) -> Response:
    """Return a page of signals."""
    follower, limit = state().follower, query["limit"]
    found = follower.reader.signals(
        follower.view.account,
        limit=limit + 1,
        before_seq=query["cursor"],
        state=query["state"],
        strategy=query["strategy"],
    )
    page, behind = page_of(found, limit, lambda row: int(row["seq"]))
    return success([rows.signal_row(row) for row in page], next_cursor=behind)
