"""How far a trade went against us and for us while it was held, from the recorded books."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from papertape.clock import iso_utc
from papertape.dashboard.api.answers import ApiError, Query, endpoint, success
from papertape.dashboard.state import DashboardState, state
from papertape.errors import PapertapeError
from papertape.model.money import MICROS, NANOS
from papertape.services.trade_diary import Story
from papertape.tape.queries_marks import Bids, bids_between, recording_of

api = Blueprint("journal_marks", __name__)

POINTS_MAX = 120  # of the small chart; lowest and highest are always among them


@endpoint(api, "/api/journal/trades/<trade_id>/marks",
          "Best bids while a trade was held, with the lowest and the highest")  # fmt: skip
def marks(_: Query, trade_id: str) -> Response:
    """Return what is known; `available` false with `why` where the data does not allow it."""
    here = state()

    def look() -> dict[str, Any] | PapertapeError | None:
        try:
            found = here.diary.of_trades(here.follower.view.account, [trade_id])
            return _marks(here, found[0]) if found else None
        except PapertapeError as error:
            return error

    told = here.aside(look)
    if isinstance(told, PapertapeError):
        return success(_unknown("the recorded market data cannot be read"))
    if told is None:
        raise ApiError(404, "not_found", "no trade from flat to flat begins with this one", "id")
    return success(told)


def _unknown(why: str) -> dict[str, Any]:
    return {"available": False, "why": why, "low": None, "high": None, "points": []}


def _marks(here: DashboardState, story: Story) -> dict[str, Any]:
    if len(story.held_nanos) != 1 or not story.bought_nanos:
        return _unknown("a set has no one price")
    if story.closed_seq is None:
        return _unknown("the trade is still open")
    [symbol] = story.held_nanos
    instrument = here.follower.view.instruments.get(symbol)
    market_dir = here.settings.data_dir / "market"
    folder = recording_of(here.follower.reader, market_dir, story.seq)
    if instrument is None or folder is None:
        return _unknown("no market data is kept of this time")
    bids = bids_between(folder, symbol, story.opened_ts_ns, story.last_ts_ns)
    if bids is None:
        return _unknown("the market data of this time is not whole or too long to look through")
    if not bids:
        return _unknown("no bid was seen meanwhile")
    price = story.bought_micros * NANOS / MICROS / story.bought_nanos
    lowest, highest = min(bids, key=_ticks), max(bids, key=_ticks)

    def point(bid: tuple[int, int]) -> dict[str, Any]:
        at = bid[1] * instrument.tick_nanos / NANOS
        return {"time": iso_utc(bid[0]), "ts_ns": bid[0], "price": at, "move": round(at - price, 6)}

    return {
        "available": True,
        "why": "",
        "low": point(lowest),
        "high": point(highest),
        "points": [point(bid) for bid in _thinned(bids, lowest, highest)],
    }


def _ticks(bid: tuple[int, int]) -> int:
    return bid[1]


def _thinned(bids: Bids, *kept: tuple[int, int]) -> Bids:
    step = -(-len(bids) // POINTS_MAX)
    return sorted({*bids[::step], bids[-1], *kept})
