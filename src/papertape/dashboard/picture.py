"""The picture: what pages and scripts are shown, computed from the follower at one moment.

Everything here is a plain JSON value. Times of the engine and of the machine differ in a replay, so
ages are computed against the engine's clock as the last heartbeat tells it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from papertape.clock import NS_PER_MS, NS_PER_S, iso_utc
from papertape.dashboard.follower import Follower
from papertape.model.instrument import Instrument
from papertape.model.market_data import parts_of
from papertape.model.money import MICROS, NANOS
from papertape.model.ports import BoardDepth, BoardQuote
from papertape.services import results
from papertape.services.feed_parts import whole_state

SILENT_NS = 5 * NS_PER_S  # a bot beats every second; five missed beats are no accident
STALE_NS = 30 * NS_PER_S  # a price that nobody renewed for this long is not called live
SETTLED_SHOWN = 20  # resolved markets' instruments kept in the strip, the newest
TRADES_SHOWN = 100
TRADES_AT_ONCE_MAX = 10_000
ALERTS_SHOWN = 100
ACTIVITY_SHOWN = 50
BOOK_STATES = {"live": "live", "stale": "stale"}  # every other state is a gap in the data


Row = dict[str, Any]


def portfolio(follower: Follower) -> dict[str, Any]:
    """Return {summary, positions} of the newest run's account."""
    tracker = follower.view.portfolio
    summary = tracker.get_summary() | {"mode": follower.view.mode or None}
    if follower.view.run is None:
        summary = dict.fromkeys(summary)  # no account yet: no figures
    questions = follower.view.markets
    positions = tracker.get_positions()
    for row in positions:
        market = questions.get(row["market"])
        row["question"] = market.question if market else ""
    return {"summary": summary, "positions": positions}


def trades(follower: Follower, limit: int = TRADES_SHOWN) -> list[dict[str, Any]]:
    """Return the newest trades, newest first."""
    return follower.view.trades.get_recent_trades(limit) if limit else []


def strategies(follower: Follower) -> list[dict[str, Any]]:
    """Return one row per strategy, best first."""
    return follower.view.strategy_rows()


TAPE_ALERT: dict[str, Any] = {
    "source": "tape",
    "rule_id": None,
    "acknowledged_at": None,
    "snoozed_until": None,
    "delivered": {},
}


def alerts(
    follower: Follower, after_seq: int = 0, limit: int | None = ALERTS_SHOWN
) -> list[dict[str, Any]]:
    """Return the tape's newest alerts behind a number, newest first."""
    found = [row for row in follower.view.activity.alerts if row["seq"] > after_seq]
    return [row | TAPE_ALERT for row in found[:limit]]


def activity(follower: Follower) -> dict[str, Any]:
    """Return counts and the newest signals and skipped opportunities."""
    seen = follower.view.activity
    return {
        "signals_count": seen.signals_count,
        "refused_count": seen.refused_count,
        "skipped_count": seen.skipped_count,
        "orders_count": seen.orders_count,
        "refusals_by_reason": seen.refusals_by_reason,
        "recent_signals": seen.recent_signals[:ACTIVITY_SHOWN],
        "skipped": seen.skipped[:ACTIVITY_SHOWN],
    }


# --- markets ------------------------------------------------------------------------------------


def engine_now_ns(follower: Follower) -> int:
    """Return the engine's time now: its last word plus what has passed on our clock since."""
    beat = follower.heartbeat
    if beat is None:
        return follower.now_ns()
    return beat.engine_ts_ns + max(0, follower.now_ns() - beat.wall_ns)


def markets(follower: Follower, symbols: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return a row per instrument, those still trading first; of resolved ones the newest."""
    wanted = _shown(follower) if symbols is None else sorted(symbols)
    now_ns, running = engine_now_ns(follower), bot(follower)["state"] == "running"
    return [
        _market_row(follower, follower.view.instruments[symbol], now_ns, running)
        for symbol in wanted
        if symbol in follower.view.instruments
    ]


def _shown(follower: Follower) -> list[str]:
    """Return what still trades, then the newest of what is settled: a feed lists without end."""
    trading, settled = [], []
    for symbol, instrument in follower.view.instruments.items():
        market = follower.view.markets.get(instrument.market_id)
        if market and _is_settled(follower, instrument):
            settled.append((market.end_ns, symbol))
        else:
            trading.append(symbol)
    return trading + [symbol for _, symbol in heapq.nlargest(SETTLED_SHOWN, settled)]


def _is_settled(follower: Follower, instrument: Instrument) -> bool:
    return follower.view.market_states.get(instrument.market_id) == "resolved"


def _market_row(
    follower: Follower, instrument: Instrument, now_ns: int, running: bool
) -> dict[str, Any]:
    quote = follower.quotes.get(instrument.symbol)
    market = follower.view.markets.get(instrument.market_id)
    settled = _is_settled(follower, instrument)
    return {
        "id": instrument.symbol,
        "symbol": instrument.symbol,
        "venue": instrument.venue,
        "market": instrument.market_id,
        "question": market.question if market else "",
        "outcome": instrument.outcome,
        "kind": instrument.kind,
        "end_ts_ns": market.end_ns or None if market else None,
        "ends_at": iso_utc(market.end_ns) if market and market.end_ns else None,
        **_quoted(instrument, quote, now_ns),
        "state": "settled" if settled else _book_state(quote, now_ns, running),
        **_doubt(follower, instrument.symbol),
    }


def _doubt(follower: Follower, symbol: str) -> dict[str, Any]:
    """Return why a book is not traded on, in the venue's own state, and since when."""
    doubt = follower.view.continuity.doubt_of(symbol)
    if doubt is None:
        return {"doubt": None, "doubt_reason": "", "doubt_since": None}
    return {
        "doubt": doubt.state,
        "doubt_reason": doubt.reason,
        "doubt_since": iso_utc(doubt.since_ns),
    }


def _quoted(instrument: Instrument, quote: BoardQuote | None, now_ns: int) -> dict[str, Any]:
    if quote is None:
        unknown = ("bid", "ask", "bid_size", "ask_size", "last", "ts", "ts_ns", "age_ms")
        return dict.fromkeys(unknown) | {"source": ""}
    tick, lot = instrument.tick_nanos, instrument.lot_nanos
    return {
        "bid": quote.bid_ticks * tick / NANOS if quote.bid_lots else None,
        "ask": quote.ask_ticks * tick / NANOS if quote.ask_lots else None,
        "bid_size": quote.bid_lots * lot / NANOS,
        "ask_size": quote.ask_lots * lot / NANOS,
        "last": None if quote.last_ticks is None else quote.last_ticks * tick / NANOS,
        "ts": iso_utc(quote.ts_ns),
        "ts_ns": quote.ts_ns,
        "age_ms": max(0, now_ns - quote.ts_ns) // NS_PER_MS,
        "source": quote.source,
    }


def depth(follower: Follower, symbols: Iterable[str]) -> list[dict[str, Any]]:
    """Return the levels of each book with sizes added up from the best on, and newest prints."""
    names = [name for name in symbols if name in follower.view.instruments]
    known = follower.depths(names)
    return [
        _depth_row(follower.view.instruments[name], known[name]) for name in names if name in known
    ]


def levels(instrument: Instrument, ticks: Sequence[int], lots: Sequence[int]) -> list[Row]:
    """Return one side of a book, best first, with sizes added up."""
    tick, lot = instrument.tick_nanos, instrument.lot_nanos
    return [
        {"price": at * tick / NANOS, "size": size * lot / NANOS, "total": total * lot / NANOS}
        for at, size, total in zip(ticks, lots, accumulate(lots), strict=False)
    ]


def _depth_row(instrument: Instrument, known: BoardDepth) -> dict[str, Any]:
    tick, lot = instrument.tick_nanos, instrument.lot_nanos
    return {
        "symbol": instrument.symbol,
        "outcome": instrument.outcome,
        "ts": iso_utc(known.ts_ns),
        "ts_ns": known.ts_ns,
        "bids": levels(instrument, known.bid_ticks, known.bid_lots),
        "asks": levels(instrument, known.ask_ticks, known.ask_lots),
        "prints": [
            {
                "time": iso_utc(each.ts_ns),
                "ts_ns": each.ts_ns,
                "price": each.price_ticks * tick / NANOS,
                "quantity": each.quantity_lots * lot / NANOS,
                "side": each.side,
            }
            for each in known.prints
        ],
    }


def _book_state(quote: BoardQuote | None, now_ns: int, running: bool) -> str:
    if quote is None or now_ns - quote.ts_ns > STALE_NS:
        return "stale"
    state = BOOK_STATES.get(quote.state, "gap")
    return "stale" if state == "live" and not running else state


# --- status -------------------------------------------------------------------------------------


def bot(follower: Follower) -> dict[str, Any]:
    """Return whether the bot runs, and since when it does or does not."""
    beat, view = follower.heartbeat, follower.view
    said_goodbye = view.stopped is not None
    if beat is not None and view.run is not None and beat.run_id != view.run.run_id:
        said_goodbye = False  # the goodbye on the tape is an earlier run's
    age_ns = None if beat is None else max(0, follower.now_ns() - beat.wall_ns)
    reason = ""
    if beat is None:
        state = "never" if view.run is None else "stopped" if said_goodbye else "silent"
        since_ns = view.last_ts_ns or None
    elif beat.stopped or said_goodbye:
        state, since_ns = "stopped", beat.wall_ns
    elif age_ns is not None and age_ns > SILENT_NS:
        state, since_ns = "silent", beat.wall_ns
        reason = "no sign of life and no goodbye"
    else:
        state, since_ns = "running", beat.started_wall_ns
    if state == "stopped" and view.stopped is not None:
        reason = view.stopped.reason
    return {
        "state": state,
        "since": iso_utc(since_ns) if since_ns else None,
        "since_ts_ns": since_ns,
        "pid": beat.pid if beat and state == "running" else None,
        "reason": reason,
        "heartbeat_age_ms": None if age_ns is None else age_ns // NS_PER_MS,
        "events": beat.events if beat else None,
    }


def feed(follower: Follower, running: bool) -> dict[str, Any]:
    """Return the state of the market data and the age of the newest price."""
    beat, view = follower.heartbeat, follower.view
    newest_ns = max((quote.ts_ns for quote in follower.quotes.values()), default=None)
    age_ns = None if newest_ns is None else max(0, engine_now_ns(follower) - newest_ns)
    name = beat.feed if beat else view.run.feed if view.run else None
    said, reason = whole_state(view.feed_states, name or "")
    state: str = said or "unknown"
    if running and beat is not None and beat.feed_state:
        state = beat.feed_state if beat.feed_state in {"live", "stale", "ended"} else "unknown"
    if state == "live" and (not running or age_ns is None or age_ns > STALE_NS):
        state = "stale"
    return {
        "name": name,
        "state": state,
        "reason": reason,
        "age_ms": None if age_ns is None else age_ns // NS_PER_MS,
        "clocks": clocks(follower),
        "doubtful": len(view.continuity.open),
        "venues": venues(follower, name or ""),
    }


def venues(follower: Follower, name: str) -> list[dict[str, Any]]:
    """Return each venue of a feed of several: its state, and the age of its newest price."""
    parts = parts_of(name)
    if len(parts) < 2:
        return []
    newest_ns: dict[str, int] = {}
    for quote in follower.quotes.values():
        venue = quote.symbol.partition(":")[0]
        newest_ns[venue] = max(quote.ts_ns, newest_ns.get(venue, 0))
    now_ns, begun_ns = engine_now_ns(follower), follower.view.run_started_ts_ns
    told = follower.view.feed_states
    return [
        {
            "name": part,
            "state": told[part].state if part in told else "unknown",
            "reason": told[part].reason if part in told else "",
            "age_ms": max(0, now_ns - newest_ns.get(part, begun_ns)) // NS_PER_MS,
        }
        for part in parts
    ]


def clocks(follower: Follower) -> dict[str, dict[str, int]]:
    """Return by source how far our clock runs ahead of the venue's, in ms, give or take."""
    return {
        name: {"ahead_ms": said.ahead_ms, "error_ms": said.error_ms}
        for name, said in sorted(follower.view.clocks.items())
    }


def vital_signs(follower: Follower) -> tuple[str, ...]:
    """Return the words of the status whose change a page must see at once."""
    state = str(bot(follower)["state"])
    beat = follower.heartbeat
    engine = beat.engine_state if beat else follower.view.engine_state
    data = str(feed(follower, state == "running")["state"])
    return (state, engine, data, follower.problem)


def fills_since(follower: Follower, now_ns: int) -> int:
    """Return how many fills were booked on the UTC day of a moment."""
    begins_s = now_ns // NS_PER_S // results.DAY_S * results.DAY_S
    chosen = follower.view.results.select(from_s=begins_s)
    return sum(sums[results.FILLS] for _, sums in chosen)


def status(follower: Follower) -> dict[str, Any]:
    """Return what the top line shows: mode, bot, engine, feed, equity, how far behind we are."""
    view, now_ns = follower.view, follower.now_ns()
    alive = bot(follower)
    running = alive["state"] == "running"
    beat = follower.heartbeat
    behind = follower.behind()
    equity = view.portfolio.equity_micros() if view.run else None
    day_ns = view.last_ts_ns if view.mode == "REPLAY" else now_ns
    today = None if equity is None else view.equity.today_micros(equity, day_ns)
    initial = view.portfolio.accounts.initial_micros
    engine_state = beat.engine_state if running and beat else view.engine_state
    return {
        "mode": view.mode or None,
        "account": view.account or None,
        "run_id": view.run.run_id if view.run else None,
        "seq": view.seq,
        "behind": behind,
        "catching_up": not follower.ready,
        "ledger_id": follower.ledger_id,
        "ledger_problem": follower.problem or None,
        "server_time": iso_utc(now_ns),
        "server_ts_ns": now_ns,
        "bot": alive,
        "engine": {"state": engine_state or "trading", "reason": view.engine_reason},
        "feed": feed(follower, running),
        "equity": None if equity is None else equity / MICROS,
        "today_pnl": None if today is None else today / MICROS,
        "today_fills": fills_since(follower, day_ns) if view.run else None,
        "total_pnl": None if equity is None else (equity - initial) / MICROS,
    }
