"""A restart is a fold of the tape: positions, resting orders and statistics come back exactly."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.desk import CRYPTO_FEE, Desk, folded

from papertape.model.events import OrderFilled, RunStarted
from papertape.services.tape_view import TapeView

SLUGS = ("rain", "snow", "hail")
SYMBOLS = [f"test:{slug}:{side}" for slug in SLUGS for side in ("YES", "NO")]

symbols = st.sampled_from(SYMBOLS)
cents = st.integers(1, 99).map(lambda c: c * 100)
lots = st.integers(1, 2_000)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("book"), symbols, cents, lots),
        st.tuples(st.just("send"), symbols, st.sampled_from(["BUY", "SELL"]), lots,
                  st.one_of(st.none(), cents), st.sampled_from(["IOC", "GTC"]),
                  st.sampled_from(["a", "b"])),
        st.tuples(st.just("merge"), st.sampled_from(SLUGS), lots, st.sampled_from(["a", "b"])),
        st.tuples(st.just("convert"), st.integers(1, 3), lots),
        st.tuples(st.just("resolve"), st.sampled_from(SLUGS),
                  st.sampled_from([(1_000_000, 0), (0, 1_000_000), (500_000, 500_000), None])),
        st.tuples(st.just("close"), st.sampled_from(SLUGS)),
        st.tuples(st.just("cancel")),
        st.tuples(st.just("restart"), st.booleans()),
    ),
    max_size=25,
)  # fmt: skip


def begun() -> Desk:
    """Return a desk with an event of three markets and a book of each token."""
    desk = Desk()
    desk.list_event(SLUGS, fees=CRYPTO_FEE)
    for symbol in SYMBOLS:
        desk.book(symbol, bids=[(4_000, 1_000)], asks=[(4_200, 1_000), (4_500, 500)])
    return desk


def do(desk: Desk, step: tuple[Any, ...]) -> Desk:
    """Take one step; return the desk that goes on."""
    what, *rest = step
    if what == "book":
        symbol, cent, depth = rest
        desk.book(symbol, bids=[(cent, depth)], asks=[(min(cent + 200, 9_900), depth)], after_s=1)
    elif what == "send":
        symbol, side, size, limit, tif, strategy = rest
        desk.send(side, size, limit, symbol=symbol, tif=tif, strategy=strategy)
    elif what == "merge":
        slug, size, strategy = rest
        pair = [f"test:{slug}:YES", f"test:{slug}:NO"]
        desk.send_set(pair, size, then="merge", strategy=strategy)
    elif what == "convert":
        k, size = rest
        desk.send_set([f"test:{slug}:NO" for slug in SLUGS[:k]], size, then="convert")
    elif what == "resolve":
        desk.resolve(f"test:{rest[0]}", rest[1])
    elif what == "close":
        desk.turn(f"test:{rest[0]}", "closed")
    elif what == "cancel":
        for order_id in list(desk.view.orders.open)[:1]:
            desk.engine.cancel(order_id, "asked to")
            desk.parts.scribe.commit()
    elif what == "restart":
        desk = desk.restarted(from_snapshot=rest[0])
    return desk


def totals_agree(view: TapeView, fills: list[OrderFilled]) -> None:
    """Hold leaderboard, portfolio and trade log against each other and against the fills."""
    books = view.portfolio.accounts
    scores = view.strategies.scores.values()
    stats = view.trades
    assert sum(score.realized_micros for score in scores) == books.realized_micros
    assert sum(score.fees_micros for score in scores) == books.fees_micros
    assert (stats.realized_micros, stats.fees_micros) == (books.realized_micros, books.fees_micros)
    assert stats.fills == sum(score.trades for score in scores) == len(fills)
    assert view.portfolio.trades_count == len(fills)
    assert sum(fill.fee_micros for fill in fills) == books.fees_micros
    assert view.equity.net_micros == books.realized_micros - books.fees_micros
    assert sum(view.equity.by_day.values()) == view.equity.net_micros
    trips = view.strategies.distribution
    assert trips.wins + trips.losses + trips.breakeven == sum(score.trips for score in scores)
    for strategy, score in view.strategies.scores.items():
        flat = all(owner != strategy for owner, _ in books.positions)
        if flat:  # every trip is over: what was earned is what the trips earned
            assert score.net_micros == score.realized_micros - score.fees_micros
    books.check()


@given(steps)
def test_any_life_is_folded_back_exactly(doing: list[tuple[Any, ...]]) -> None:
    desk = begun()
    for step in doing:
        desk = do(desk, step)
    view = desk.view
    totals_agree(view, desk.fills())
    assert folded(desk.ledger).digest() == view.digest()
    copy = TapeView()
    assert copy.restore_bytes(view.snapshot_bytes())
    assert copy.digest() == view.digest()
    assert copy.state_hash() == view.state_hash()
    open_orders = [(o.order_id, left) for o, left, _ in view.orders.open.values()]
    assert desk.engine.resting_count == len(open_orders)
    for from_snapshot in (True, False):
        again = desk_after(desk, from_snapshot=from_snapshot)
        assert again.engine.resting_count == len(open_orders)
        assert again.view.portfolio.accounts.cash_micros == view.portfolio.accounts.cash_micros
        assert again.engine.reserved_cash_micros() == desk.engine.reserved_cash_micros()


def desk_after(desk: Desk, *, from_snapshot: bool) -> Desk:
    """Return a restart on a copy of the ledger, so that the original stays as it is."""
    original = desk.ledger
    copy = type(original)()
    for record in original.read(0, 1_000_000):
        copy.append([record.event], ts_ns=record.ts_ns, mseq=record.mseq)
    desk.ledger = copy
    again = desk.restarted(from_snapshot=from_snapshot)
    desk.ledger = original
    return again


@pytest.mark.parametrize("from_snapshot", [True, False])
def test_what_comes_back(from_snapshot: bool) -> None:
    desk = begun()
    desk.send("BUY", 500, symbol=SYMBOLS[0], strategy="a")
    desk.send("SELL", 200, symbol=SYMBOLS[0], strategy="a")
    desk.send("BUY", 300, 3_000, symbol=SYMBOLS[1], strategy="b", tif="GTC")
    desk.book(SYMBOLS[1], bids=[(2_000, 10)], asks=[(3_000, 100)])
    desk.send("SELL", 100, 9_000, symbol=SYMBOLS[0], strategy="a", tif="GTC")
    before = desk.view
    again = desk.restarted(from_snapshot=from_snapshot)
    assert again.view.portfolio.snapshot() == before.portfolio.snapshot()
    assert again.view.trades.get_recent_trades(100) == before.trades.get_recent_trades(100)
    kept = {"status", "unrealized_pnl"}
    for row, old in zip(again.view.strategy_rows(), before.strategy_rows(), strict=True):
        assert {k: v for k, v in row.items() if k not in kept} == {
            k: v for k, v in old.items() if k not in kept
        }
    assert again.engine.reserved_lots("a", SYMBOLS[0]) == 100
    again.book(SYMBOLS[0], bids=[(9_100, 60)])
    again.book(SYMBOLS[1], asks=[(2_900, 1_000)])
    filled = again.fills()[-2:]
    assert [(f.price_ticks, f.quantity_lots, f.remaining_lots) for f in filled] == [
        (9_000, 60, 40),
        (3_000, 200, 0),
    ]
    assert {f.order_id[:3] for f in filled} == {"r1."}
    assert again.send("BUY", 10, symbol=SYMBOLS[1]).orders == ("r2.o1",)
    totals_agree(again.view, again.fills())


def test_a_snapshot_of_another_version_is_not_taken() -> None:
    desk = begun()
    state = desk.view.snapshot() | {"version": 0}
    view = TapeView()
    assert not view.restore_bytes(msgspec.json.encode(state))
    assert view.digest() == TapeView().digest()


def test_a_fresh_account_begins_at_its_cash_and_forgets_nothing_of_others() -> None:
    desk = begun()
    desk.send("BUY", 500, symbol=SYMBOLS[0])
    desk.send("BUY", 500, 3_000, symbol=SYMBOLS[0], tif="GTC")
    (started,) = desk.events(RunStarted)
    other = msgspec.structs.replace(started, run_id="run-2", number=2, account="replay-1")
    desk.ledger.append([other], ts_ns=desk.clock.now_ns(), mseq=0)
    view = folded(desk.ledger)
    assert (view.account, view.cash()) == ("replay-1", [10_000_000_000, 10_000_000_000, 0, 0])
    assert not view.orders.open
    assert view.portfolio.get_positions() == []
    back = msgspec.structs.replace(started, run_id="run-3", number=3, fresh=False)
    desk.ledger.append([back], ts_ns=desk.clock.now_ns(), mseq=0)
    view = folded(desk.ledger)
    assert len(view.orders.open) == 1
    assert view.portfolio.held_lots("hand", SYMBOLS[0]) == 500
