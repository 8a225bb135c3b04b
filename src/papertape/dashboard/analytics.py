"""Analytics: the account's figures and where its result came from, under range and filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from papertape.clock import NS_PER_S, iso_utc
from papertape.dashboard import charts, periods
from papertape.dashboard.follower import Follower
from papertape.dashboard.leaderboard import edge
from papertape.model.money import MICROS
from papertape.services import results
from papertape.services.figure_inputs import inputs
from papertape.services.figures import FIGURES, Basis, Fall, fall_of, measure
from papertape.services.results import CLASSES, DAY_S, HOUR_S, WIDTH, Cell, Results, Sums

MARKETS_SHOWN = 12  # the rest is one row
CURVE_POINTS = 500
MONTHS_SHOWN = 24
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOLDING = ("< 1 min", "1-5 min", "5-30 min", "30 min-2 h", "2-12 h", "12 h-2 d", "> 2 d")
UNMEASURED = {
    "spread": "The record of a fill holds the level it took, not the other side of "
    "the book. The result has paid it already: buys took asks, sells took bids.",
    "slippage": "No price from before the order stands beside its fills.",
}

Row = dict[str, Any]


class Filters(NamedTuple):
    """What the page was asked for; None is everything."""

    period: str = "all"
    strategy: str | None = None
    venue: str | None = None
    market: str | None = None

    @property
    def whole(self) -> bool:
        """Return whether the account as a whole is meant."""
        return self.strategy is None and self.venue is None and self.market is None


Share = tuple[int, int, int, int]
"""Net P&L booked, fees, round trips that ended, those of them that gained"""
K = TypeVar("K")
L = TypeVar("L")


class Dated(NamedTuple):
    """A stretch of time, as cells have it."""

    start_s: int
    span_s: int


def analytics(follower: Follower, filters: Filters) -> dict[str, Any]:
    """Return figures, curve, and the result by time, place and strategy."""
    view = follower.view
    from_s = periods.begins_s(filters.period, periods.now_ns(follower))
    found = list(
        view.results.select(
            from_s=from_s,
            strategy=filters.strategy,
            venue=filters.venue,
            market=filters.market,
        )
    )
    sums = results.total(iter(found))
    drawn, fall = _curve(follower, filters, from_s, found)
    basis = Basis(
        sums,
        view.portfolio.accounts.initial_micros,
        view.results.marked(from_s) if filters.whole else [0, 0, 0],
        fall,
        _growth(follower, drawn["equity"]) if filters.whole else None,
    )
    shares = [(cell, _share(each)) for cell, each in found]
    times = _grouped(shares, lambda c: Dated(c.start_s, c.span_s)).items()
    hours = [(time, share) for time, share in times if time.span_s == HOUR_S]
    dated = [(time, share) for time, share in times if time.span_s in (HOUR_S, DAY_S)]
    months = [(time, share) for time, share in times if time.span_s]
    return {
        **periods.told(filters.period, from_s),
        "filters": filters._asdict(),
        "options": _options(view.results),
        "figures": _figures(basis, fall),
        "curve": drawn,
        "by_hour": _by(hours, lambda c: c.start_s // HOUR_S % 24, range(24), "{:02d}:00".format),
        "by_weekday": _by(dated, _weekday, range(7), WEEKDAYS.__getitem__),
        "by_day": _by(dated, lambda c: _date(c.start_s)),
        "by_month": _by(months, lambda c: _date(c.start_s)[:7])[-MONTHS_SHOWN:],
        "by_strategy": _ranked(_by(shares, lambda c: c.strategy)),
        "by_venue": _ranked(_by(shares, lambda c: c.venue)),
        "by_market": _markets(follower, shares),
        "by_holding": _by_holding(sums),
        "undated": {  # round trips too old to have kept their hour, or their day
            "hour": sums[results.TRIPS] - sum(share[2] for _, share in hours),
            "day": sums[results.TRIPS] - sum(share[2] for _, share in dated),
        },
        "costs": _costs(sums),
        "edge": edge(sums),
    }


def _figures(basis: Basis, fall: Fall | None) -> list[Row]:
    found, parts = measure(basis), inputs(basis)
    rows = []
    for figure in FIGURES:
        value, interval, count = found[figure.name]
        low, high = interval or (None, None)
        rows.append(
            {
                "name": figure.name,
                "label": figure.label,
                "formula": figure.formula,
                "unit": figure.unit,
                "value": value,
                "low": low,
                "high": high,
                "n": count,
                "inputs": [part._asdict() for part in parts[figure.name]],
                "lasting": figure.name == "drawdown_s" and fall is not None and fall.lasting,
            }
        )
    return rows


# --- the curve ----------------------------------------------------------------------------------


def _curve(
    follower: Follower, filters: Filters, from_s: int, found: list[tuple[Cell, Sums]]
) -> tuple[Row, Fall | None]:
    """Return the curve with its drawdown, and its worst falls.

    Of the account it is equity at mark, of a strategy its net P&L on top of the initial cash; of a
    venue or a market the same by the hour, which is as fine as those are kept.
    """
    view = follower.view
    initial = view.portfolio.accounts.initial_micros
    if view.run is None:
        return {"basis": "equity", **_drawn([], 0)}, None
    if filters.whole:
        samples = [(ts, equity) for ts, equity, _ in view.equity.points(CURVE_POINTS)]
        basis = "equity"
    elif filters.venue is None and filters.market is None:
        score = view.strategies.scores.get(filters.strategy or "")
        kept = score.points(CURVE_POINTS) if score else []
        samples = [(ts, initial + net) for ts, net, _ in kept]
        basis = "strategy"
    else:
        samples, basis = _by_the_hour(initial, found), "hours"
    points = _since(samples, from_s * NS_PER_S)
    first = [] if basis == "equity" or not points else [(points[0][0], initial)]
    return (
        {"basis": basis, **_drawn(points, initial)},
        fall_of([*first, *points]) if points else None,
    )


def _growth(follower: Follower, equity: list[float]) -> float | None:
    now = follower.view.portfolio.equity_micros() / MICROS
    return now / equity[0] if equity and equity[0] > 0 else None


def _drawn(points: list[tuple[int, int]], initial: int) -> Row:
    return {
        "ts_ns": [ts_ns for ts_ns, _ in points],
        "labels": [iso_utc(ts_ns) for ts_ns, _ in points],
        "equity": [micros / MICROS for _, micros in points],
        "drawdown_pct": charts.falls([micros for _, micros in points], initial),
    }


def _since(samples: list[tuple[int, int]], from_ns: int) -> list[tuple[int, int]]:
    before = [sample for sample in samples if sample[0] < from_ns]
    points = [sample for sample in samples if sample[0] >= from_ns]
    return [(from_ns, before[-1][1]), *points] if before else points


def _by_the_hour(initial: int, found: list[tuple[Cell, Sums]]) -> list[tuple[int, int]]:
    ends: dict[int, int] = {}
    for cell, sums in found:
        ts_ns = (cell.start_s + cell.span_s) * NS_PER_S
        net = sums[results.REALIZED] - sums[results.FEES]
        ends[ts_ns] = ends.get(ts_ns, 0) + net
    value, points = initial, []
    for ts_ns in sorted(ends):
        value += ends[ts_ns]
        points.append((ts_ns, value))
    return points


# --- the result by something --------------------------------------------------------------------


def _share(sums: Sums) -> Share:
    fees = sums[results.FEES]
    return sums[results.REALIZED] - fees, fees, sums[results.TRIPS], sums[results.WINS]


def _grouped(
    found: Iterable[tuple[K, Share]], key: Callable[[K], L], keys: Iterable[L] = ()
) -> dict[L, Share]:
    """Return the sum of shares by key; those of `keys` are there in any case."""
    grouped = dict.fromkeys(keys, (0, 0, 0, 0))
    for one, (net, fees, trips, wins) in found:
        each = key(one)
        have = grouped.get(each)
        grouped[each] = (
            (net, fees, trips, wins)
            if have is None
            else (have[0] + net, have[1] + fees, have[2] + trips, have[3] + wins)
        )
    return grouped


def _row(share: Share, key: object, label: str) -> Row:
    net, fees, trips, wins = share
    return {
        "key": key,
        "label": label,
        "net_pnl": net / MICROS,
        "fees": fees / MICROS,
        "round_trips": trips,
        "win_rate": 100 * wins / trips if trips else None,
    }


def _by(
    found: Iterable[tuple[K, Share]],
    key: Callable[[K], Any],
    keys: Iterable[Any] = (),
    label: Callable[[Any], str] = str,
) -> list[Row]:
    """Return a row per key, in the order of keys."""
    grouped = sorted(_grouped(found, key, keys).items())
    return [_row(share, each, label(each)) for each, share in grouped]


def _ranked(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row["net_pnl"], row["key"]))


def _markets(follower: Follower, shares: list[tuple[Cell, Share]]) -> list[Row]:
    """Return the markets that moved the result most, best first, and the others as one row."""
    grouped = _grouped(shares, lambda cell: cell.market)
    order = sorted(grouped, key=lambda market: (-abs(grouped[market][0]), market))
    rows = []
    for market_id in order[:MARKETS_SHOWN]:
        market = follower.view.markets.get(market_id)
        question = market.question if market else ""
        rows.append(_row(grouped[market_id], market_id, market_id) | {"question": question})
    rows = _ranked(rows)
    others = [(market_id, grouped[market_id]) for market_id in order[MARKETS_SHOWN:]]
    for share in _grouped(others, lambda _: "").values():
        rows.append(_row(share, "", f"{len(others)} other markets") | {"question": ""})
    return rows


def _by_holding(sums: Sums) -> list[Row]:
    return [
        {
            "key": number,
            "label": HOLDING[number],
            "round_trips": sums[WIDTH + 2 * number],
            "net_pnl": sums[WIDTH + 2 * number + 1] / MICROS,
        }
        for number in range(CLASSES)
    ]


def _costs(sums: Sums) -> list[Row]:
    volume, fees = sums[results.VOLUME], sums[results.FEES]
    paid = {
        "name": "fees",
        "label": "Fees",
        "value": fees / MICROS,
        "of_traded_pct": 100 * fees / volume if volume else None,
        "why": "",
    }
    unknown = [
        {"name": name, "label": name.capitalize(), "value": None, "of_traded_pct": None, "why": why}
        for name, why in UNMEASURED.items()
    ]
    return [paid, *unknown]


def _options(kept: Results) -> Row:
    """Return what can be chosen, whatever is chosen now."""
    traded: dict[str, int] = {}
    for cell, sums in kept.cells.items():
        if cell.market != results.EARLIER:
            traded[cell.market] = traded.get(cell.market, 0) + sums[results.FILLS]
    return {
        "strategies": sorted({cell.strategy for cell in kept.cells}),
        "venues": sorted({cell.venue for cell in kept.cells}),
        "markets": sorted(traded, key=lambda market: (-traded[market], market))[:100],
    }


def _weekday(cell: Dated) -> int:
    return (cell.start_s // DAY_S + 3) % 7  # 1970 began on a Thursday


def _date(start_s: int) -> str:
    return datetime.fromtimestamp(start_s, tz=UTC).strftime("%Y-%m-%d")


def table(found: dict[str, Any]) -> list[Row]:
    """Return an answer as rows of one table, for spreadsheets."""
    about = {"period": found["period"], "from": found["from"]}
    about |= {name: value for name, value in found["filters"].items() if name != "period"}
    rows: list[Row] = [
        {"group": "figure", "key": row["name"], "label": row["label"], "value": row["value"],
         "low": row["low"], "high": row["high"], "n": row["n"], "formula": row["formula"]}
        for row in found["figures"]
    ]  # fmt: skip
    for group in ("hour", "weekday", "day", "month", "strategy", "venue", "market", "holding"):
        rows += [
            {"group": group, "key": row["key"], "label": row["label"], "value": row["net_pnl"],
             "n": row["round_trips"], "fees": row.get("fees"), "win_rate": row.get("win_rate")}
            for row in found[f"by_{group}"]
        ]  # fmt: skip
    rows += [
        {"group": "cost", "key": row["name"], "label": row["label"], "value": row["value"]}
        for row in found["costs"]
    ]
    return [row | about for row in rows]
