"""Trades and signals, from the ledger's tables, page by page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from papertape.clock import iso_utc
from papertape.dashboard import picture, rows, story
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import (
    CURSOR,
    LIMIT,
    ApiError,
    Query,
    choice,
    endpoint,
    integer,
    success,
)
from papertape.dashboard.api.trade_filters import FILTERS, SIGNAL_FILTERS, wanted_trades
from papertape.dashboard.state import DashboardState, state
from papertape.model.events import (
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    Record,
    SignalRaised,
)
from papertape.tape.queries_marks import book_at, recording_of
from papertape.tape.queries_trades import Window, signals_page, trades_page

api = Blueprint("trades", __name__)

LEVELS_SHOWN = 20  # of each side
BOOK = shapes.row_of(
    "available:boolean", "why:string", "outcome:string", "time:string?", "ts_ns:integer?",
    "mseq:integer?", bids=shapes.listed(shapes.LEVEL), asks=shapes.listed(shapes.LEVEL),
)  # fmt: skip


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


@endpoint(api, "/api/trades/<trade_id>/book", "The book that a trade met, as it was recorded",
          data=BOOK)  # fmt: skip
def book(_: Query, trade_id: str) -> Response:
    """Return its levels; `available` false with `why` where the market data is not kept."""
    here = state()
    told = here.apart(lambda: _book_then(here, trade_id))
    if told is None:
        raise ApiError(404, "not_found", "there is no such trade", "id")
    return success(told)


def _book_then(here: DashboardState, trade_id: str) -> dict[str, Any] | None:
    reader = here.follower.reader
    found = reader.trade(trade_id)
    record = None if found is None else reader.record(found["seq"])
    if found is None or record is None:
        return None
    instrument = here.follower.view.instruments.get(found["symbol"])
    if found["kind"] != "fill" or instrument is None:
        return _no_book("no book was met: it is no fill")
    folder = recording_of(reader, here.settings.data_dir / "market", found["seq"])
    if folder is None:
        return _no_book("no market data is kept of this time")
    met = book_at(folder, found["symbol"], record.mseq)
    if met is None:
        return _no_book("the market data of this moment is not on disk, or no longer")
    return {
        "available": True,
        "why": "",
        "outcome": instrument.outcome,
        "time": iso_utc(met.ts_ns),
        "ts_ns": met.ts_ns,
        "mseq": met.mseq,
        "bids": picture.levels(instrument, met.bid_ticks, met.bid_lots)[:LEVELS_SHOWN],
        "asks": picture.levels(instrument, met.ask_ticks, met.ask_lots)[:LEVELS_SHOWN],
    }


def _no_book(why: str) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("time", "ts_ns", "mseq"))
    return {"available": False, "why": why, "outcome": "", **nothing, "bids": [], "asks": []}


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
    "Signals raised and refused, opportunities skipped, alarms; newest first, pages may be short",
    params=(
        *SIGNAL_FILTERS,
        LIMIT,
        CURSOR,
    ),
    data=shapes.listed(shapes.SIGNAL),
)
def signals(query: Query) -> Response:
    """Return a page of signals."""
    follower = state().follower
    page, behind = signals_page(
        follower.reader,
        follower.view.account,
        query["limit"],
        before_seq=query["cursor"],
        state=query["state"],
        strategy=query["strategy"],
    )
    return success([rows.signal_row(row) for row in page], next_cursor=behind)
