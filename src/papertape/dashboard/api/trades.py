"""Trades and signals, from the ledger's tables, page by page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from papertape.dashboard import rows, story
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import (
    CURSOR,
    LIMIT,
    ApiError,
    Query,
    choice,
    endpoint,
    integer,
    page_of,
    success,
    word,
)
from papertape.dashboard.api.trade_filters import FILTERS, wanted_trades
from papertape.dashboard.state import state
from papertape.model.events import (
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    Record,
    SignalRaised,
)
from papertape.tape.queries_trades import Window, trades_page

api = Blueprint("trades", __name__)


@endpoint(
    api,
    "/api/trades",
    "Trades of the newest run's account; a page may be short and still have a next one",
    params=(
        *FILTERS,
        choice("sort", ("-time", "time"), "-time"),
        integer("after", 0, 10**18 - 1, None, "only trades with a higher number (`seq`)"),
        LIMIT,
        CURSOR,
    ),
    data=shapes.listed(shapes.TRADE),
)
def trades(query: Query) -> Response:
    """Return a page of trades; `-time` is newest first."""
    follower = state().follower
    cursor, after = query["cursor"], query["after"] or 0
    seen_seq = follower.view.seq  # before the question: what comes meanwhile is not called seen
    window = (
        Window(after_seq=max(after, cursor or 0), newest_first=False)
        if query["sort"] == "time"
        else Window(after_seq=after, before_seq=cursor)
    )
    page, behind = trades_page(
        follower.reader, follower.view.account, wanted_trades(query), window, query["limit"]
    )
    markets = follower.view.markets
    asked = {row["market_id"] for row in page}
    questions = {name: markets[name].question for name in asked if name in markets}
    found = [rows.trade_row(row) for row in page]
    return success(found, next_cursor=behind, questions=questions, seen_seq=seen_seq)


@endpoint(
    api,
    "/api/trades/<trade_id>",
    "One trade with everything that led to it",
    data=shapes.row_of(trade=shapes.TRADE, story=shapes.OBJECT),
)
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
    told = {"story": story.of_trade(state().follower, found, records)}
    return success({"trade": rows.trade_row(found), **_chain(records, found["id"]), **told})


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
    data=shapes.listed(shapes.SIGNAL),
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
