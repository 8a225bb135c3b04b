"""Portfolio, charts, strategies and markets: the newest state, straight from the projections."""

from __future__ import annotations

from flask import Blueprint, Response

from papertape.dashboard import charts, picture
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import (
    Query,
    choice,
    endpoint,
    integer,
    moment,
    success,
    word,
)
from papertape.dashboard.state import state
from papertape.errors import InvalidInputError, nearest_match

api = Blueprint("portfolio", __name__)

POINTS_MAX = 5_000


@endpoint(
    api, "/api/portfolio", "Cash, value, profit and loss, and open positions", data=shapes.PORTFOLIO
)
def portfolio(_: Query) -> Response:
    """Return summary and positions."""
    return success(picture.portfolio(state().follower))


@endpoint(
    api,
    "/api/chart/allocation",
    "Where the account's money is; cash is a slice",
    data=shapes.ALLOCATION,
)
def allocation(_: Query) -> Response:
    """Return the slices."""
    return success(charts.allocation(state().follower))


@endpoint(
    api,
    "/api/chart/distribution",
    "Histogram of what closed trades earned",
    data=shapes.DISTRIBUTION,
)
def distribution(_: Query) -> Response:
    """Return the bins."""
    return success(charts.distribution(state().follower))


@endpoint(
    api,
    "/api/chart/cumulative",
    "Net profit and loss, equity and drawdown over time",
    params=(
        word("strategy", "this strategy's profit and loss only"),
        moment("from"),
        moment("to"),
        integer("points", 2, POINTS_MAX, charts.POINTS, "about how many; ends and extremes stay"),
    ),
    data=shapes.CUMULATIVE,
)
def cumulative(query: Query) -> Response:
    """Return the curve."""
    _known_strategy(query["strategy"])
    return success(
        charts.cumulative(
            state().follower,
            strategy=query["strategy"],
            from_ns=query["from"],
            to_ns=query["to"],
            points=query["points"],
        )
    )


@endpoint(
    api,
    "/api/chart/pnl",
    "Net profit and loss per UTC day or hour",
    params=(choice("by", ("day", "hour"), "day"),),
    data=shapes.SERIES,
)
def pnl(query: Query) -> Response:
    """Return the bars."""
    return success(charts.pnl(state().follower, query["by"]))


@endpoint(api, "/api/chart/strategies", "Strategies side by side", data=shapes.SERIES)
def strategies_chart(_: Query) -> Response:
    """Return the comparison."""
    return success(charts.strategies(state().follower))


@endpoint(
    api,
    "/api/strategies/performance",
    "One row per strategy, best first",
    data=shapes.listed(shapes.SCORE),
)
def performance(_: Query) -> Response:
    """Return the scores."""
    return success(picture.strategies(state().follower))


@endpoint(
    api,
    "/api/market/live",
    "Newest bid and ask of every instrument",
    params=(
        word("symbol"),
        word("venue"),
        choice("state", ("live", "stale", "gap", "settled")),
    ),
    data=shapes.listed(shapes.QUOTE),
)
def live(query: Query) -> Response:
    """Return one row per instrument."""
    symbol = query["symbol"]
    rows = picture.markets(state().follower, None if symbol is None else [symbol])
    wanted = [(key, query[key]) for key in ("venue", "state") if query[key] is not None]
    return success([row for row in rows if all(row[key] == value for key, value in wanted)])


def _known_strategy(strategy: str | None) -> None:
    known = state().follower.view.strategies.scores
    if strategy is not None and strategy not in known:
        near = nearest_match(strategy, known)
        raise InvalidInputError("strategy", strategy, "a strategy of this account", nearest=near)
