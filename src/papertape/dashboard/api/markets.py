"""Markets: the list of what is or was watched, and everything that is known of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response

from papertape.clock import iso_utc
from papertape.dashboard import picture, rows
from papertape.dashboard.api import shapes
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
from papertape.dashboard.follower import Follower
from papertape.dashboard.state import state
from papertape.errors import InvalidInputError
from papertape.model.market import EventGroup
from papertape.tape.queries_trades import (
    SIGNALS_WALKED,
    TradeFilter,
    Window,
    not_taken,
    trades_page,
)

api = Blueprint("markets", __name__)

TRADES_SHOWN = 20
SIGNALS_SHOWN = 30
FIRST_MARKET = 10**9  # pairs have the numbers below: what is listed later moves nobody's number

ID = word("id", "of the market, or the symbol of a pair", required=True)

Row = dict[str, Any]


@endpoint(
    api,
    "/api/markets",
    "Markets of the newest run, the newest listed first; pairs count as markets of one instrument",
    params=(
        word("venue"),
        choice("state", ("open", "resolved")),
        word("q", "words of the question, the market's name or its event; all must fit"),
        LIMIT,
        CURSOR,
    ),
    data=shapes.listed(),
)
def markets(query: Query) -> Response:
    """Return a page of markets and the groups that they belong to."""
    follower, limit = state().follower, query["limit"]
    before = query["cursor"]
    words = (query["q"] or "").casefold().split()
    found = []
    for row in _markets(follower):
        if before is not None and row["number"] >= before:
            continue
        if _fits(row, query["venue"], query["state"], words):
            found.append(row)
            if len(found) > limit:
                break
    page, behind = page_of(found, limit, lambda row: int(row["number"]))
    groups = {row["event_id"]: _group(follower.view.groups.get(row["event_id"])) for row in page}
    known = {event_id: group for event_id, group in groups.items() if group}
    return success(page, next_cursor=behind, groups=known)


def _markets(follower: Follower) -> Iterator[Row]:
    """Yield every market with its place in the order of listing, the newest first."""
    view = follower.view
    place = len(view.markets)
    for market_id in reversed(view.markets):
        place -= 1
        yield _market(follower, market_id) | {"number": FIRST_MARKET + place}
    place = len(view.instruments)
    for symbol, instrument in reversed(view.instruments.items()):
        place -= 1
        if not instrument.market_id:
            yield _pair(follower, symbol) | {"number": place}


def _market(follower: Follower, market_id: str) -> Row:
    view = follower.view
    market = view.markets[market_id]
    group = view.groups.get(market.event_id)
    return {
        "id": market_id,
        "venue": market.venue,
        "question": market.question,
        "outcomes": list(market.outcomes),
        "symbols": list(market.symbols),
        "state": view.market_states.get(market_id, "listed"),
        "end_ts_ns": market.end_ns or None,
        "ends_at": iso_utc(market.end_ns) if market.end_ns else None,
        "event_id": market.event_id,
        "event": group.title if group else "",
        "mirrored": market.mirrored,
    }


def _pair(follower: Follower, symbol: str) -> Row:
    return {
        "id": symbol,
        "venue": follower.view.instruments[symbol].venue,
        "question": "",
        "outcomes": [],
        "symbols": [symbol],
        "state": "trading",
        "end_ts_ns": None,
        "ends_at": None,
        "event_id": "",
        "event": "",
        "mirrored": False,
    }


def _fits(row: Row, venue: str | None, wanted: str | None, words: list[str]) -> bool:
    if venue is not None and row["venue"] != venue:
        return False
    if wanted is not None and (row["state"] == "resolved") != (wanted == "resolved"):
        return False
    said = f"{row['id']} {row['question']} {row['event']}".casefold()
    return all(each in said for each in words)


def _group(group: EventGroup | None) -> Row | None:
    if group is None:
        return None
    return {
        "id": group.event_id,
        "venue": group.venue,
        "title": group.title,
        "markets": list(group.market_ids),
        "neg_risk": group.neg_risk,
        "exhaustive": group.exhaustive,
    }


@endpoint(
    api,
    "/api/markets/detail",
    "One market: books, what is held there, our trades, what was seen and not taken",
    params=(ID,),
    data=shapes.OBJECT,
    fails=(404,),
)
def detail(query: Query) -> Response:
    """Return everything that is known of a market."""
    follower = state().follower
    view = follower.view
    row = _asked(follower, query["id"])
    symbols = tuple(row["symbols"])
    wanted = TradeFilter(symbols=symbols)
    found, _ = trades_page(follower.reader, view.account, wanted, Window(), TRADES_SHOWN)
    seen = not_taken(follower.reader, view.account, symbols, SIGNALS_SHOWN)
    held = picture.portfolio(follower)["positions"]
    return success(
        {
            "market": row,
            "group": _group(view.groups.get(row["event_id"])),
            "books": picture.markets(follower, symbols),
            "depth": picture.depth(follower, symbols),
            "positions": [each for each in held if each["symbol"] in symbols],
            "trades": [rows.trade_row(each) for each in found],
            "signals": [rows.signal_row(each) for each in seen],
            "signals_looked_at": SIGNALS_WALKED,
        }
    )


@endpoint(
    api,
    "/api/markets/depth",
    "Levels of a market's books with sizes added up, and the newest prints of others",
    params=(ID,),
    data=shapes.listed(shapes.DEPTH),
    fails=(404,),
)
def depth(query: Query) -> Response:
    """Return a row per outcome whose book the bot wrote down; at most twice a second it does."""
    follower = state().follower
    row = _asked(follower, query["id"])
    return success(picture.depth(follower, row["symbols"]))


def _asked(follower: Follower, market_id: str | None) -> Row:
    view = follower.view
    if market_id is None:
        raise InvalidInputError("id", "", "the id of a market")
    if market_id in view.markets:
        return _market(follower, market_id)
    if market_id in view.instruments and not view.instruments[market_id].market_id:
        return _pair(follower, market_id)
    raise ApiError(404, "not_found", "there is no such market", "id")
