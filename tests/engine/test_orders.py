"""Orders at the paper venue: limits, rests, depth, bars; whatever the book, never better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.desk import (
    CASH_MICROS,
    CRYPTO_FEE,
    NO,
    PAIR,
    YES,
    Desk,
    Levels,
    folded,
)

from papertape.model.events import OrderClosed, OrderSubmitted, SignalRaised
from papertape.model.instrument import FeeSchedule

cents = st.integers(0, 100).map(lambda c: c * 100)
depth = st.lists(
    st.tuples(cents, st.integers(1, 3_000)),
    min_size=1,
    max_size=5,
    unique_by=lambda level: level[0],
)


@pytest.fixture
def desk() -> Desk:
    """Return a desk with one market, without fees."""
    desk = Desk()
    desk.list_market()
    return desk


def test_an_order_takes_level_by_level_and_the_rest_is_cancelled(desk: Desk) -> None:
    desk.book(asks=[(5_000, 100), (5_100, 50), (5_300, 500)])
    decision = desk.send("BUY", 400, 5_200)
    assert decision.status == "partial"
    assert [(f.price_ticks, f.quantity_lots) for f in desk.fills()] == [(5_000, 100), (5_100, 50)]
    (closed,) = desk.events(OrderClosed)
    assert (closed.state, closed.remaining_lots) == ("cancelled", 250)
    assert desk.cash == CASH_MICROS - 5_000 * 100 - 5_100 * 50


def test_the_order_is_on_the_tape_before_its_fills(desk: Desk) -> None:
    desk.book(asks=[(5_000, 100)])
    desk.send("BUY", 100)
    kinds = desk.kinds()
    assert kinds[-3:] == ["signal.raised/1", "order.submitted/1", "order.filled/1"]


@given(
    asks=depth,
    bids=depth,
    orders=st.lists(
        st.tuples(
            st.sampled_from(["BUY", "SELL"]),
            st.integers(1, 4_000),
            st.one_of(st.none(), cents),
            st.sampled_from(["IOC", "GTC"]),
            depth,
            depth,
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_no_fill_beyond_its_limit_nor_beyond_the_depth(
    asks: Levels, bids: Levels, orders: list[tuple[str, int, int | None, str, Levels, Levels]]
) -> None:
    desk = Desk(risk={"max_exposure_pct": 100})
    desk.list_market()
    desk.book(asks=sorted(asks), bids=sorted(bids, reverse=True))
    for side, lots, limit, tif, new_asks, new_bids in orders:
        desk.send(side, lots, limit, tif=tif)
        desk.book(asks=sorted(new_asks), bids=sorted(new_bids, reverse=True))
    submitted = {order.order_id: order for order in desk.events(OrderSubmitted)}
    taken: dict[tuple[int, str, int], int] = {}
    got: dict[str, int] = {}
    for record in desk.ledger.read(0, 100_000):
        fill = record.event
        if fill not in desk.fills():
            continue
        order = submitted[fill.order_id]
        if order.limit_ticks is not None:
            if order.side == "BUY":
                assert fill.price_ticks <= order.limit_ticks
            else:
                assert fill.price_ticks >= order.limit_ticks
        assert fill.evidence is not None
        level = (record.mseq, fill.side, fill.evidence.price_ticks)
        taken[level] = taken.get(level, 0) + fill.quantity_lots
        assert taken[level] <= fill.evidence.seen_lots
        got[fill.order_id] = got.get(fill.order_id, 0) + fill.quantity_lots
        assert got[fill.order_id] <= order.quantity_lots
    assert desk.held() >= 0
    assert desk.cash >= 0
    assert folded(desk.ledger).digest() == desk.view.digest()


def test_a_resting_limit_is_looked_at_again_on_each_book(desk: Desk) -> None:
    desk.book(asks=[(6_000, 100)], bids=[(5_000, 100)])
    assert desk.send("BUY", 300, 5_500, tif="GTC").status == "resting"
    for asks, held in (
        ([(5_600, 100)], 0),
        ([(5_500, 100)], 100),
        ([(5_600, 100)], 100),
        ([(5_400, 150)], 250),
        ([(5_400, 150)], 300),
    ):
        desk.book(asks=asks, bids=[(5_000, 100)])
        assert desk.held() == held
    assert {(f.price_ticks, f.liquidity) for f in desk.fills()} == {(5_500, "maker")}
    assert desk.engine.resting_count == 0
    assert not desk.view.orders.open


def test_a_resting_sell_meets_each_book_too(desk: Desk) -> None:
    desk.book(asks=[(5_000, 100)])
    desk.send("BUY", 100)
    desk.book(bids=[(5_100, 40)], asks=[(5_300, 100)])
    assert desk.send("SELL", 100, 5_200, tif="GTC").status == "resting"
    desk.book(bids=[(5_200, 40)])
    desk.book(bids=[(9_900, 500)])
    assert [(f.price_ticks, f.quantity_lots) for f in desk.fills()[1:]] == [
        (5_200, 40),
        (5_200, 60),
    ]


def test_orders_rest_in_the_order_they_came(desk: Desk) -> None:
    desk.book(asks=[(6_000, 100)])
    desk.send("BUY", 100, 5_000, tif="GTC", strategy="first")
    desk.send("BUY", 100, 5_500, tif="GTC", strategy="second")
    desk.book(asks=[(4_900, 150)])
    assert (desk.held(strategy="first"), desk.held(strategy="second")) == (100, 50)


@pytest.mark.parametrize("state", ["stale", "gap", "unverified"])
def test_a_doubtful_book_fills_nothing(desk: Desk, state: str) -> None:
    desk.book(asks=[(6_000, 100)])
    desk.send("BUY", 100, 5_500, tif="GTC")
    desk.book(asks=[(5_000, 100)], state=state)
    assert desk.held() == 0
    assert desk.send("BUY", 1, 9_000).code == "stale_book"


def test_a_halted_market_fills_nothing_that_rests(desk: Desk) -> None:
    desk.book(asks=[(6_000, 100)])
    desk.send("BUY", 100, 5_500, tif="GTC")
    desk.turn("test:rain", "halted")
    desk.book(asks=[(5_000, 100)])
    assert desk.held() == 0
    desk.turn("test:rain", "trading")
    desk.book(asks=[(5_000, 100)])
    assert desk.held() == 100


def test_a_price_of_0_is_a_price(desk: Desk) -> None:
    desk.book(asks=[(0, 100), (100, 100)])
    assert desk.send("BUY", 150, 0).status == "partial"
    assert (desk.held(), desk.cash) == (100, CASH_MICROS)
    desk.book(bids=[(0, 30)])
    assert desk.view.portfolio.get_positions()[0]["current_price"] == 0.0
    desk.send("SELL", 30, 0)
    assert desk.held() == 70
    assert desk.fills()[-1].price_ticks == 0
    assert desk.send("SELL", 70, 0, tif="GTC").status == "resting"
    desk.book(bids=[(0, 70)])
    assert desk.held() == 0


def test_a_resting_buy_at_0_rests_at_0_and_not_at_the_market(desk: Desk) -> None:
    desk.book(asks=[(5_000, 100)])
    assert desk.send("BUY", 10, 0, tif="GTC").status == "resting"
    (order,) = desk.events(OrderSubmitted)
    assert (order.order_type, order.limit_ticks) == ("limit", 0)
    desk.book(asks=[(100, 100)])
    assert not desk.fills()


def test_depth_is_consumed_until_the_book_is_seen_anew(desk: Desk) -> None:
    desk.book(asks=[(5_000, 100)])
    assert desk.send("BUY", 80, strategy="a").status == "filled"
    second = desk.send("BUY", 80, strategy="b")
    assert (second.status, desk.held(strategy="b")) == ("partial", 20)
    assert desk.send("BUY", 10, strategy="c").code == "no_depth"
    desk.book(asks=[(5_000, 100)])
    assert desk.send("BUY", 80, strategy="c").status == "filled"
    evidence = desk.fills()[1].evidence
    assert evidence is not None
    assert (evidence.seen_lots, evidence.taken_before_lots) == (100, 80)


def test_closing_a_market_expires_what_rests(desk: Desk) -> None:
    desk.book(asks=[(6_000, 100)])
    desk.send("BUY", 100, 5_500, tif="GTC")
    desk.turn("test:rain", "closed")
    (closed,) = desk.events(OrderClosed)
    assert (closed.state, closed.remaining_lots) == ("expired", 100)
    assert (desk.engine.resting_count, desk.engine.reserved_cash_micros()) == (0, 0)
    desk.book(asks=[(5_000, 100)])
    assert desk.held() == 0
    assert desk.send("BUY", 1).code == "market_closed"


def test_cancelling_gives_the_cash_back(desk: Desk) -> None:
    desk.book(asks=[(6_000, 100)])
    order_id = desk.send("BUY", 100, 5_500, tif="GTC").orders[0]
    assert desk.engine.reserved_cash_micros() == 550_000
    assert desk.engine.cancel(order_id, "asked to")
    assert not desk.engine.cancel(order_id, "asked to")
    assert desk.engine.reserved_cash_micros() == 0


def test_fees_are_per_level_and_makers_pay_none(desk: Desk) -> None:
    desk = Desk()
    desk.list_market(fees=CRYPTO_FEE)
    desk.book(asks=[(5_000, 10_000), (9_000, 10_000)])
    desk.send("BUY", 20_000)
    assert [fill.fee_micros for fill in desk.fills()] == [1_750_000, 630_000]
    desk.book(bids=[(1_000, 100)], asks=[(9_000, 1)])
    desk.send("SELL", 10_000, 5_000, tif="GTC")
    desk.book(bids=[(6_000, 10_000)])
    assert (desk.fills()[-1].liquidity, desk.fills()[-1].fee_micros) == ("maker", 0)
    assert desk.view.portfolio.accounts.fees_micros == 2_380_000


def test_kalshi_rounds_up_once_per_order_over_levels_and_rests() -> None:
    desk = Desk()
    desk.list_market(fees=FeeSchedule(kind="kalshi", taker_ppm=70_000, maker_ppm=17_500))
    desk.book(asks=[(5_000, 100), (5_100, 100)])
    desk.send("BUY", 300, 5_200, tif="GTC")
    assert [fill.fee_micros for fill in desk.fills()] == [20_000, 20_000]  # 1.75 c, then 3.5 c
    desk.book(asks=[(5_200, 100)])
    assert desk.fills()[-1].fee_micros == 0  # 3.94 c in all: the 4 c are paid
    assert all(fill.fee_micros >= 0 for fill in desk.fills())


class TestBarsOnly:
    """Instruments of which only closed bars are seen fill on the next bar, never on the last."""

    @pytest.fixture
    def desk(self) -> Desk:
        """Return a desk with a pair that has one bar."""
        desk = Desk(risk={"max_order_usd": 10_000, "max_position_usd": 10_000})
        desk.list_pair()
        desk.bar([10_000, 10_500, 9_900, 10_000])
        return desk

    def test_a_market_order_fills_at_the_next_open(self, desk: Desk) -> None:
        assert desk.send("BUY", 100, symbol=PAIR).status == "resting"
        desk.bar([10_100, 12_000, 9_000, 11_000])
        (fill,) = desk.fills()
        assert (fill.price_ticks, fill.liquidity) == (10_100, "taker")

    @pytest.mark.parametrize(
        ("side", "limit", "bar", "price"),
        [
            ("BUY", 9_500, [10_000, 10_100, 9_400, 9_900], 9_500),
            ("BUY", 9_500, [10_000, 10_100, 9_500, 9_900], None),  # touched, not traded through
            ("BUY", 9_500, [9_300, 10_100, 9_200, 9_900], 9_300),  # opened better
            ("SELL", 10_500, [10_000, 10_600, 9_900, 10_000], 10_500),
            ("SELL", 10_500, [10_000, 10_500, 9_900, 10_000], None),
            ("SELL", 10_500, [10_700, 10_800, 9_900, 10_000], 10_700),
        ],
    )
    def test_a_limit_fills_where_the_bar_traded_through_it(
        self, desk: Desk, side: str, limit: int, bar: list[int], price: int | None
    ) -> None:
        if side == "SELL":
            desk.send("BUY", 100, symbol=PAIR)
            desk.bar([10_000, 10_000, 10_000, 10_000])
        desk.send(side, 100, limit, symbol=PAIR, tif="GTC")
        before = len(desk.fills())
        desk.bar(bar)
        assert [fill.price_ticks for fill in desk.fills()[before:]] == ([price] if price else [])
        assert desk.engine.resting_count == (0 if price else 1)

    def test_no_more_than_the_bar_traded(self, desk: Desk) -> None:
        desk.send("BUY", 100, symbol=PAIR)
        desk.send("BUY", 101, symbol=PAIR)
        desk.bar([10_000, 10_000, 10_000, 10_000], volume=150)
        assert [fill.quantity_lots for fill in desk.fills()] == [100, 50]
        assert desk.engine.resting_count == 0

    def test_waiting_orders_reserve_their_cash(self, desk: Desk) -> None:
        """A lot is 0.00001, so 9,000,000 lots at 100.00 are 9,000."""
        assert desk.send("BUY", 7_000_000, symbol=PAIR, strategy="a").success
        second = desk.send("BUY", 7_000_000, symbol=PAIR, strategy="b")
        assert second.code in {"cash", "max_exposure"}
        desk.bar([10_000, 10_000, 10_000, 10_000], volume=10**9)
        assert desk.cash >= 0

    def test_a_bar_that_opens_beyond_the_cash_buys_nothing(self, desk: Desk) -> None:
        desk.send("BUY", 7_000_000, symbol=PAIR)
        desk.bar([20_000, 20_000, 20_000, 20_000], volume=10**9)
        assert not desk.fills()
        (closed,) = desk.events(OrderClosed)
        assert (closed.state, closed.remaining_lots) == ("rejected", 7_000_000)
        assert (desk.cash, desk.engine.resting_count) == (CASH_MICROS, 0)
        assert desk.view.activity.alerts[0]["title"] == "Order rejected"


def test_what_was_never_seen_cannot_be_traded(desk: Desk) -> None:
    """No feed, no price: nothing is invented."""
    assert desk.send("BUY", 10).code == "no_price"
    assert desk.send("BUY", 10, 5_000, tif="GTC").code == "no_price"
    assert desk.send("BUY", 10, symbol=NO).code == "no_price"
    assert not desk.events(SignalRaised)
    assert desk.view.portfolio.get_positions() == []
    assert desk.cash == CASH_MICROS


def test_a_position_without_a_price_is_worth_its_cost_and_says_so(desk: Desk) -> None:
    desk.book(asks=[(5_000, 100)])
    desk.send("BUY", 100)
    again = desk.restarted(from_snapshot=False)
    (row,) = again.view.portfolio.get_positions()
    assert (row["current_price"], row["value"], row["pnl"]) == (None, None, None)
    summary = again.view.portfolio.get_summary()
    assert (summary["unpriced_count"], summary["unrealized_pnl"]) == (1, 0.0)
    assert summary["total_value"] == 10_000.0
    again.book(bids=[], asks=[(9_900, 1)])  # nobody bids: worth nothing, not the ask
    assert again.view.portfolio.get_summary()["total_value"] == 9_999.5
    assert YES in again.parts.watch.books
