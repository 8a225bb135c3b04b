"""Whatever a feed says, in whatever order: nothing raises, nobody is disabled, the books hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.desk import CRYPTO_FEE, NO_FEE, PAIR, Desk, folded, market_of, outcome, spot

from papertape.errors import LedgerFailedError
from papertape.model.events import OrderFilled, OrderSubmitted, StrategyStateChanged
from papertape.model.market import EventGroup
from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    EventSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
    QuoteSeen,
)
from papertape.strategies.arbitrage import Arbitrage
from papertape.strategies.mean_reversion import MeanReversion
from papertape.strategies.momentum import Momentum
from papertape.tape.memory import MemoryLedger

SLUGS = ("rain", "snow", "hail")
TOKENS = [f"test:{slug}:{side}" for slug in SLUGS for side in ("YES", "NO")]
GROUP = EventGroup(
    event_id="race", venue="test", title="r", neg_risk=True,
    market_ids=tuple(f"test:{slug}" for slug in SLUGS),
)  # fmt: skip

tokens = st.sampled_from([*TOKENS, PAIR, "test:nowhere:YES"])
markets = st.sampled_from([f"test:{slug}" for slug in SLUGS] + ["test:nowhere"])
ticks = st.integers(0, 100).map(lambda cent: cent * 100)
lots = st.integers(0, 5_000)
levels = st.lists(st.tuples(ticks, lots), max_size=4)


def book(symbol: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]], state: Any) -> Any:
    """Return a book, perhaps crossed, perhaps with empty levels."""
    bids, asks = sorted(bids, reverse=True), sorted(asks)
    return BookSeen(
        symbol=symbol, ts_ns=0, state=state,
        bid_ticks=[t for t, _ in bids], bid_lots=[n for _, n in bids],
        ask_ticks=[t for t, _ in asks], ask_lots=[n for _, n in asks],
    )  # fmt: skip


def market(slug: str, fee: bool, mirrored: bool) -> MarketSeen:
    """Return a listing, perhaps another one than before."""
    listed = market_of(slug, event_id="race", mirrored=mirrored)
    fees = CRYPTO_FEE if fee else NO_FEE
    return MarketSeen(
        ts_ns=0, market=listed, instruments=tuple(outcome(s, fees=fees) for s in listed.symbols)
    )


items = st.one_of(
    st.builds(book, tokens, levels, levels, st.sampled_from(["live"] * 5 + ["gap", "stale"])),
    st.builds(book, tokens, levels, levels, st.just("live")),
    st.builds(QuoteSeen, symbol=tokens, ts_ns=st.just(0), bid_ticks=ticks, bid_lots=lots,
              ask_ticks=ticks, ask_lots=lots),
    st.builds(BarSeen, symbol=tokens, ts_ns=st.just(0), interval_ns=st.just(60), open_ticks=ticks,
              high_ticks=ticks, low_ticks=ticks, close_ticks=ticks, volume_lots=lots),
    st.builds(PrintSeen, symbol=tokens, ts_ns=st.just(0), price_ticks=ticks, quantity_lots=lots,
              side=st.sampled_from(["BUY", "SELL"])),
    st.builds(market, st.sampled_from(SLUGS), st.booleans(), st.booleans()),
    st.builds(EventSeen, ts_ns=st.just(0), group=st.just(GROUP)),
    st.builds(InstrumentSeen, ts_ns=st.just(0), instrument=st.builds(spot)),
    st.builds(MarketStateSeen, ts_ns=st.just(0), market_id=markets,
              state=st.sampled_from(["listed", "trading", "halted", "closed", "resolved"])),
    st.builds(MarketResolvedSeen, ts_ns=st.just(0), market_id=markets, payouts_micros=st.one_of(
              st.none(), st.tuples(st.just(1_000_000), st.just(0)),
              st.lists(st.integers(0, 1_000_000), max_size=3).map(tuple))),
    st.builds(FeedStateSeen, ts_ns=st.just(0), source=st.just("test"),
              state=st.sampled_from(["live", "live", "stale", "ended"])),
)  # fmt: skip
wishes = st.tuples(
    st.sampled_from([*TOKENS, PAIR]), st.sampled_from(["BUY", "SELL"]), st.integers(1, 3_000),
    st.one_of(st.none(), ticks), st.sampled_from(["IOC", "GTC"]),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.tuples(items, st.integers(0, 20), st.one_of(st.none(), wishes)), max_size=60))
def test_whatever_a_feed_says(life: list[tuple[Any, int, tuple[Any, ...] | None]]) -> None:
    times = {"window_s": 30, "warm_s": 0, "hold_s": 20, "rest_s": 0}
    strategies = {
        "arbitrage": Arbitrage(rest_s=0, profit_usd_min=0),
        "momentum": Momentum(**times),
        "mean_reversion": MeanReversion(**times),
    }
    desk = Desk(strategies)
    for slug in SLUGS:
        desk.step(market(slug, True, False))
    desk.step(EventSeen(ts_ns=0, group=GROUP))
    desk.list_pair()
    for item, pause, wish in life:
        desk.step(item, after_s=pause)
        if wish is not None:
            symbol, side, size, limit, tif = wish
            desk.send(side, size, limit, symbol=symbol, tif=tif)
    assert not desk.events(StrategyStateChanged)
    desk.view.portfolio.accounts.check()
    assert desk.cash >= 0
    orders = {order.order_id: order for order in desk.events(OrderSubmitted)}
    for fill in desk.events(OrderFilled):
        limit = orders[fill.order_id].limit_ticks
        if limit is not None:
            assert fill.price_ticks <= limit if fill.side == "BUY" else fill.price_ticks >= limit
        assert fill.fee_micros >= 0
    assert folded(desk.ledger).digest() == desk.view.digest()
    assert desk.engine.resting_count == len(desk.view.orders.open)
    assert min(
        (p.quantity_lots for p in desk.view.portfolio.accounts.positions.values()), default=1
    )


def test_a_ledger_that_fails_stops_the_trading() -> None:
    """Fail closed: what cannot be recorded is not done."""
    ledger = MemoryLedger()
    desk = Desk(ledger=ledger)
    desk.list_market()
    desk.book(TOKENS[0], asks=[(5_000, 100)])
    ledger.close()
    with pytest.raises(LedgerFailedError):
        desk.send("BUY", 10)
    with pytest.raises(LedgerFailedError):
        desk.send("BUY", 11)
    assert not desk.fills()
