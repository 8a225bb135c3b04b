"""What the account was worth, and what markets paid: lists straight from the ledger's tables."""

from __future__ import annotations

from flask import Blueprint, Response

from papertape.clock import iso_utc
from papertape.dashboard import rows
from papertape.dashboard.api.answers import (
    CURSOR,
    LIMIT,
    Query,
    choice,
    endpoint,
    page_of,
    success,
    word,
)
from papertape.dashboard.api.shapes import listed, row_of
from papertape.dashboard.state import state
from papertape.model.money import MICROS
from papertape.tape.queries_trades import TradeFilter, Window, equity_page, trades_page

api = Blueprint("history", __name__)

SORT = choice("sort", ("-time", "time"), "-time")
SAMPLE = row_of(
    "id:string", "seq:integer", "time:string", "ts_ns:integer", "equity:number", "cash:number",
    "unrealized_pnl:number",
)  # fmt: skip
SETTLEMENT = row_of(
    "id:string", "seq:integer", "time:string", "ts_ns:integer", "strategy:string",
    "symbol:string", "venue:string", "market:string", "outcome:string", "quantity:number",
    "payout:number?", "cash:number", "realized_pnl:number",
)  # fmt: skip


@endpoint(api, "/api/equity", "Samples of the account's value, as the tape has them",
          params=(SORT, LIMIT, CURSOR), data=listed(SAMPLE))  # fmt: skip
def equity(query: Query) -> Response:
    """Return a page of samples; for a whole curve of few points ask /api/chart/cumulative."""
    follower, limit = state().follower, query["limit"]
    found = equity_page(follower.reader, follower.view.account, _window(query), limit + 1)
    page, behind = page_of(found, limit, lambda row: int(row["seq"]))
    samples = [
        {
            "id": str(row["seq"]),
            "seq": row["seq"],
            "time": iso_utc(row["ts_ns"]),
            "ts_ns": row["ts_ns"],
            "equity": row["value_micros"] / MICROS,
            "cash": row["cash_micros"] / MICROS,
            "unrealized_pnl": row["unrealized_micros"] / MICROS,
        }
        for row in page
    ]
    return success(samples, next_cursor=behind)


@endpoint(api, "/api/settlements", "What resolved markets paid; a page may be short and go on",
          params=(word("strategy"), word("symbol"), SORT, LIMIT, CURSOR),
          data=listed(SETTLEMENT))  # fmt: skip
def settlements(query: Query) -> Response:
    """Return a page of settlements."""
    follower = state().follower
    symbols = None if query["symbol"] is None else (query["symbol"],)
    wanted = TradeFilter(strategy=query["strategy"], symbols=symbols, kind="settlement")
    page, behind = trades_page(
        follower.reader, follower.view.account, wanted, _window(query), query["limit"]
    )
    names = ("id", "seq", "time", "ts_ns", "strategy", "symbol", "venue", "market", "outcome",
             "quantity", "realized_pnl")  # fmt: skip
    found = []
    for row in map(rows.trade_row, page):
        paid = {"payout": row["price"], "cash": row["notional"]}
        found.append({name: row[name] for name in names} | paid)
    return success(found, next_cursor=behind)


def _window(query: Query) -> Window:
    cursor = query["cursor"]
    if query["sort"] == "time":
        return Window(after_seq=cursor or 0, newest_first=False)
    return Window(before_seq=cursor)
