"""Leaderboard and analytics: figures over a stretch of time, from sums that are kept up to date."""

from __future__ import annotations

from flask import Blueprint, Response

from papertape.dashboard import analytics as sums
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import Query, choice, endpoint, success, word
from papertape.dashboard.api.export import FILES, FORMAT, file_of
from papertape.dashboard.leaderboard import leaderboard as ranked
from papertape.dashboard.periods import PERIODS
from papertape.dashboard.state import state
from papertape.errors import InvalidInputError, nearest_match

api = Blueprint("analytics", __name__)

PERIOD = choice("period", PERIODS, "all", "in whole UTC hours and days")
FILTERS = (
    PERIOD,
    word("strategy", "of this strategy only"),
    word("venue", "of this venue only"),
    word("market", "of this market only"),
)
LEADERBOARD_COLUMNS = (
    "rank", "strategy", "verdict", "round_trips", "wins", "losses", "mean", "low", "high",
    "win_rate", "win_rate_low", "win_rate_high", "net_pnl", "realized_pnl", "unrealized_pnl",
    "fees", "profit_factor", "sharpe", "max_drawdown_pct", "holding_s", "fills", "traded",
    "edge_trips", "edge_expected", "edge_realized", "period", "from", "account", "mode",
)  # fmt: skip
ANALYTICS_COLUMNS = (
    "group", "key", "label", "value", "low", "high", "n", "fees", "win_rate", "formula",
    "period", "from", "strategy", "venue", "market", "account", "mode",
)  # fmt: skip


@endpoint(
    api,
    "/api/leaderboard",
    "Strategies ranked by what they surely earn",
    params=(PERIOD,),
    data=shapes.OBJECT,
)
def leaderboard(query: Query) -> Response:
    """Return the ranking with sample sizes and intervals."""
    return success(ranked(state().follower, query["period"]))


@endpoint(
    api,
    "/api/analytics",
    "Figures, and where the result came from",
    params=FILTERS,
    data=shapes.OBJECT,
)
def analytics(query: Query) -> Response:
    """Return everything that the analytics page shows."""
    return success(sums.analytics(state().follower, _filters(query)))


@endpoint(
    api,
    "/api/export/leaderboard",
    "The ranking as a file",
    params=(PERIOD, FORMAT),
    content=FILES,
    fails=(429,),
)
def export_leaderboard(query: Query) -> Response:
    """Return a row per strategy."""
    found = ranked(state().follower, query["period"])
    about = {"period": found["period"], "from": found["from"]} | _about()
    rows = [row | about for row in found["rows"]]
    head = {"method": found["method"]}
    return file_of("leaderboard", query["format"], LEADERBOARD_COLUMNS, rows, head)


@endpoint(api, "/api/export/analytics", "Figures and breakdowns as one table",
          params=(*FILTERS, FORMAT), content=FILES, fails=(429,))  # fmt: skip
def export_analytics(query: Query) -> Response:
    """Return a row per figure and per bar."""
    found = sums.analytics(state().follower, _filters(query))
    rows = [row | _about() for row in sums.table(found)]
    return file_of("analytics", query["format"], ANALYTICS_COLUMNS, rows, {})


def _about() -> dict[str, str]:
    view = state().follower.view
    return {"account": view.account, "mode": view.mode}


def _filters(query: Query) -> sums.Filters:
    """Return the filters; a strategy, venue or market that never traded is refused by name."""
    cells = state().follower.view.results.cells
    for name in ("strategy", "venue", "market"):
        wanted = query[name]
        if wanted is None:
            continue
        known = {getattr(cell, name) for cell in cells}
        if name == "strategy":
            known |= state().follower.view.strategies.scores.keys()
        if wanted not in known:
            near = nearest_match(wanted, sorted(known))
            raise InvalidInputError(name, wanted, f"a {name} that traded", nearest=near)
    return sums.Filters(query["period"], query["strategy"], query["venue"], query["market"])
