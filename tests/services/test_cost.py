"""Cost per trade does not grow with history: counted in calls and bytes, not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from tests.engine.desk import NO, YES, Desk

from papertape.services import activity, trade_logger

EARLY, LATE = 200, 10_000
MARGIN = 1.1  # hash tables and deques grow in steps; anything linear would be a factor of 50


def calls_of(work: Callable[[], Any]) -> int:
    """Return how many Python and C functions the work calls."""
    count = 0

    def tick(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    sys.setprofile(tick)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def trade(desk: Desk, n: int) -> None:
    """Buy, rest, sell and be refused: every kind of record."""
    price = 5_000 + 100 * (n % 7)
    desk.book(bids=[(price, 10**6)], asks=[(price, 10**6)], after_s=0.25)
    desk.send("BUY", 10, reason=f"trade {n}", signal_id=f"mine-{n}")
    desk.send("SELL", 10)
    desk.send("SELL", 11)


def test_calls_per_trade_stay_the_same() -> None:
    desk = Desk(risk={"max_daily_loss_usd": 1_000_000})
    desk.list_market()
    desk.book(NO, bids=[(5_000, 10)])
    counts = {}
    for n in range(LATE + 20):
        if EARLY <= n < EARLY + 20 or n >= LATE:
            counts[n] = calls_of(lambda n=n: trade(desk, n))
        else:
            trade(desk, n)
    early = sum(count for n, count in counts.items() if n < LATE) / 20
    late = sum(count for n, count in counts.items() if n >= LATE) / 20
    assert len(desk.fills()) >= 2 * LATE
    assert late < early * MARGIN, (early, late)
    bounded(desk)


def bounded(desk: Desk) -> None:
    """Hold what is kept in memory against its limits."""
    view = desk.view
    assert len(view.trades._rows) <= trade_logger.TRADES_KEPT
    assert len(view.activity.recent_signals) <= activity.KEPT
    assert len(view.equity.equity.samples()) <= 2_048 * 4
    assert len(view.strategies.distribution.rows()) <= 64
    assert not view.orders.open
    assert view.portfolio.accounts.positions == {}
    assert not view.strategies.round_trips.snapshot()["open"]
    assert not view.strategies.round_trips.snapshot()["sets"]
    assert len(desk.door._last) <= 3
    assert desk.parts.watch.used(YES, buying=True).keys() <= {*range(0, 10_001, 100)}


def test_bars_do_not_pile_up_used_depth() -> None:
    desk = Desk()
    desk.list_pair()
    for n in range(300):
        desk.bar([10_000 + n] * 4, volume=10**6)
        desk.send("BUY", 10, symbol="test:BTC/USDT")
    assert len(desk.parts.watch.used("test:BTC/USDT", buying=True)) <= 1
