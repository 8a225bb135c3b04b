"""The door: nothing twice, both legs or none, sets and settlement, and what the tape says of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.desk import CASH_MICROS, CRYPTO_FEE, NO, YES, Desk, folded

from papertape.model.events import (
    DataAlarm,
    MarketStateChanged,
    OrderSubmitted,
    PositionSettled,
    SetsConverted,
    SetsMerged,
    SignalRaised,
    SignalRefused,
)
from papertape.model.signal import Leg, Signal

LARGE = {"max_exposure_pct": 100, "max_order_usd": 9_000, "max_position_usd": 9_000}
RACE = ("adler", "brandt", "corvo", "dunn")


@pytest.fixture
def desk() -> Desk:
    """Return a desk with one market, fee-free, and deep books on both sides."""
    desk = Desk()
    desk.list_market()
    desk.book(YES, bids=[(5_000, 10_000)], asks=[(5_200, 10_000)])
    desk.book(NO, bids=[(4_300, 10_000)], asks=[(4_400, 10_000)])
    return desk


class TestNothingTwice:
    """No signal is executed twice."""

    def test_a_chosen_id_is_traded_once(self, desk: Desk) -> None:
        first = desk.send("BUY", 100, signal_id="mine-1")
        for again in range(3):
            desk.book(asks=[(5_200, 10_000)], after_s=1)
            second = desk.send("BUY", 100 + again, signal_id="mine-1")
            assert (second.code, second.field) == ("duplicate", "signal_id")
        assert (first.status, desk.held()) == ("filled", 100)

    @pytest.mark.parametrize("from_snapshot", [True, False])
    def test_a_restart_remembers_the_ids(self, desk: Desk, from_snapshot: bool) -> None:
        desk.send("BUY", 100, signal_id="mine-1")
        again = desk.restarted(from_snapshot=from_snapshot)
        again.book(asks=[(5_200, 10_000)])
        assert again.send("BUY", 100, signal_id="mine-1").code == "duplicate"
        assert again.held() == 100

    def test_an_id_of_a_refused_signal_may_be_used_again(self, desk: Desk) -> None:
        assert desk.send("SELL", 100, signal_id="mine-1").code == "not_held"
        desk.book(asks=[(5_200, 10_000)])
        assert desk.send("BUY", 100, signal_id="mine-1").status == "filled"

    def test_the_same_wish_on_the_same_market_record_is_traded_once(self, desk: Desk) -> None:
        form = {"action": "BUY", "symbol": YES, "quantity": 1, "price": "0.52"}
        assert desk.door.process_signal("hand", form).status == "filled"
        for _ in range(3):
            assert desk.door.process_signal("hand", form).code == "duplicate"
            assert desk.send("BUY", 100, 5_200).code == "duplicate"
        assert desk.held() == 100
        assert desk.door.process_signal("other", form).status == "filled"
        desk.book(asks=[(5_200, 10_000)])
        assert desk.door.process_signal("hand", form).status == "filled"

    def test_a_window_in_time_can_be_asked_for(self) -> None:
        desk = Desk(risk={"duplicate_window_ms": 1_000})
        desk.list_market()
        desk.book(asks=[(5_200, 10_000)])
        assert desk.send("BUY", 100).status == "filled"
        desk.book(asks=[(5_200, 10_000)], after_s=0.9)
        assert desk.send("BUY", 100).code == "duplicate"
        desk.book(asks=[(5_200, 10_000)], after_s=1.0)
        assert desk.send("BUY", 100).status == "filled"

    def test_our_own_form_of_id_cannot_be_chosen(self, desk: Desk) -> None:
        assert desk.send("BUY", 100, signal_id="r1.s1").field == "signal_id"


class TestBothLegsOrNone:
    """A set is bought whole or not at all."""

    def test_both(self, desk: Desk) -> None:
        decision = desk.send_set([YES, NO], 500)
        assert (decision.status, len(decision.fills)) == ("filled", 2)
        assert (desk.held(YES), desk.held(NO)) == (500, 500)

    @pytest.mark.parametrize("short", [YES, NO])
    def test_none_if_one_is_short_by_a_lot(self, desk: Desk, short: str) -> None:
        desk.book(short, asks=[(5_000, 400), (5_100, 99)])
        decision = desk.send_set([YES, NO], 500)
        assert decision.code == "depth"
        assert not desk.events(OrderSubmitted)
        assert (desk.held(YES), desk.held(NO), desk.cash) == (0, 0, CASH_MICROS)
        assert desk.events(SignalRefused)[-1].symbol == short

    def test_none_if_a_limit_is_in_the_way(self, desk: Desk) -> None:
        desk.book(YES, asks=[(5_000, 400), (5_100, 100)])
        assert desk.send_set([YES, NO], 500, limit_ticks=5_000).code == "depth"
        assert not desk.fills()

    def test_none_if_the_cash_is_for_one_only(self) -> None:
        desk = Desk(risk=LARGE)
        desk.list_market()
        for symbol in (YES, NO):
            desk.book(symbol, asks=[(8_000, 10**6)])
        assert desk.send_set([YES, NO], 630_000).accepted is False
        assert not desk.events(OrderSubmitted)

    def test_none_if_one_has_no_book_or_is_closed(self, desk: Desk) -> None:
        desk.list_market("snow")
        assert desk.send_set([YES, "test:snow:NO"], 10).code == "no_price"
        desk.book("test:snow:NO", asks=[(5_000, 100)])
        desk.turn("test:snow", "closed")
        assert desk.send_set([YES, "test:snow:NO"], 10).code == "market_closed"
        assert not desk.fills()

    @given(
        st.lists(st.tuples(st.integers(1, 99), st.integers(1, 900)), min_size=1, max_size=4),
        st.lists(st.tuples(st.integers(1, 99), st.integers(1, 900)), min_size=1, max_size=4),
        st.integers(1, 2_000),
        st.integers(0, 500),
    )
    def test_whatever_the_books(
        self, yes: list[tuple[int, int]], no: list[tuple[int, int]], lots: int, before: int
    ) -> None:
        desk = Desk(risk={"max_exposure_pct": 100})
        desk.list_market(fees=CRYPTO_FEE)
        for symbol, side in ((YES, yes), (NO, no)):
            asks = sorted({cent * 100: depth for cent, depth in side}.items())
            desk.book(symbol, asks=asks)
        if before:
            desk.send("BUY", before, symbol=NO, strategy="other")
        decision = desk.send_set([YES, NO], lots, then="merge")
        assert decision.status in {"filled", "refused"}
        assert desk.held(YES) == desk.held(NO) == 0
        mine = [fill for fill in desk.fills() if fill.strategy == "hand"]
        bought = {s: sum(f.quantity_lots for f in mine if f.symbol == s) for s in (YES, NO)}
        assert set(bought.values()) == {lots if decision.accepted else 0}
        assert len(desk.events(SetsMerged)) == (1 if decision.accepted else 0)
        assert folded(desk.ledger).digest() == desk.view.digest()

    def test_one_instrument_cannot_be_two_legs(self, desk: Desk) -> None:
        """Sold twice in one signal, a holding would go below nothing."""
        desk.send("BUY", 100)
        legs = (Leg(symbol=YES, side="SELL", quantity_lots=100),) * 2
        assert desk.door.process_signal("hand", Signal(legs=legs)).field == "legs"
        assert desk.held() == 100


class TestSets:
    """Merging, converting and settling: cash, cost and gain to the micro."""

    def test_a_merge_pays_1_for_both(self, desk: Desk) -> None:
        desk.book(YES, asks=[(5_200, 10_000)], bids=[(5_000, 1)])
        assert desk.send_set([YES, NO], 1_000, then="merge").status == "filled"
        (merged,) = desk.events(SetsMerged)
        assert (merged.cash_micros, merged.realized_micros) == (10_000_000, 400_000)
        assert desk.cash == CASH_MICROS + 400_000
        assert desk.view.portfolio.accounts.positions == {}
        (row,) = desk.view.trades.get_recent_trades(1)
        assert (row["kind"], row["realized_pnl"], row["outcome"]) == ("merge", 0.4, "YES + NO")

    def test_a_merge_leaves_what_was_held_before_at_its_own_cost(self, desk: Desk) -> None:
        desk.send("BUY", 500, 5_200)
        desk.send_set([YES, NO], 1_000, then="merge")
        assert (desk.held(YES), desk.held(NO)) == (500, 0)
        position = desk.view.portfolio.accounts.positions["hand", YES]
        assert position.cost_micros == 500 * 5_200

    @staticmethod
    def race(*, no_asks: int) -> Desk:
        desk = Desk()
        desk.list_event(RACE)
        for slug in RACE:
            desk.book(f"test:{slug}:NO", asks=[(no_asks, 10_000)])
            desk.book(f"test:{slug}:YES", asks=[(3_000, 10_000)], bids=[(2_000, 10_000)])
        return desk

    def test_all_no_converted_pay_n_minus_1(self) -> None:
        desk = self.race(no_asks=7_000)
        symbols = [f"test:{slug}:NO" for slug in RACE]
        assert desk.send_set(symbols, 1_000, then="convert").status == "filled"
        (converted,) = desk.events(SetsConverted)
        assert converted.cash_micros == 30_000_000  # 10 sets of 4 pay 3 each
        assert converted.realized_micros == 30_000_000 - 28_000_000
        assert desk.cash == CASH_MICROS + 2_000_000
        assert desk.view.portfolio.accounts.positions == {}

    @pytest.mark.parametrize("k", [1, 2, 3])
    def test_k_no_converted_pay_k_minus_1_and_the_other_yes(self, k: int) -> None:
        desk = self.race(no_asks=7_000)
        symbols = [f"test:{slug}:NO" for slug in RACE[:k]]
        assert desk.send_set(symbols, 1_000, then="convert").status == "filled"
        (converted,) = desk.events(SetsConverted)
        cost = 7_000_000 * k
        assert converted.cash_micros == 10_000_000 * (k - 1)
        left = max(0, cost - converted.cash_micros)
        assert converted.realized_micros == converted.cash_micros - cost + left
        books = desk.view.portfolio.accounts
        assert {symbol for _, symbol in books.positions} == {f"test:{s}:YES" for s in RACE[k:]}
        assert {p.quantity_lots for p in books.positions.values()} == {1_000}
        assert sum(p.cost_micros for p in books.positions.values()) == left
        # One of the others wins: what was put in comes out, exactly.
        for n, slug in enumerate(RACE):
            won = n == len(RACE) - 1
            desk.resolve(f"test:{slug}", (1_000_000, 0) if won else (0, 1_000_000))
        assert desk.cash == CASH_MICROS + 10_000_000 * k - cost
        assert books.realized_micros == 10_000_000 * k - cost

    @pytest.mark.parametrize(
        ("symbols", "then"),
        [
            ([YES], "merge"),
            ([YES, "test:adler:NO"], "merge"),
            (["test:adler:YES", "test:brandt:YES"], "convert"),
            (["test:adler:NO", NO], "convert"),
            ([YES, NO], "convert"),
        ],
    )
    def test_what_is_no_set_is_refused_before_anything_is_bought(
        self, symbols: list[str], then: str
    ) -> None:
        desk = self.race(no_asks=7_000)
        desk.list_market()
        for symbol in (YES, NO):
            desk.book(symbol, asks=[(4_000, 10_000)])
        decision = desk.send_set(symbols, 10, then=then)
        assert (decision.code, decision.field) == ("invalid", "then")
        assert not desk.events(OrderSubmitted)

    def test_an_event_of_which_a_market_is_unknown_is_not_converted(self) -> None:
        desk = Desk()
        desk.list_event(RACE)
        del desk.view.markets["test:dunn"]  # as if the feed had not listed it yet
        desk.book("test:adler:NO", asks=[(7_000, 10_000)])
        assert desk.send_set(["test:adler:NO"], 10, then="convert").field == "then"

    @pytest.mark.parametrize(
        ("payouts", "cash", "realized"),
        [
            ((1_000_000, 0), 10_000_000, 4_800_000),
            ((0, 1_000_000), 0, -5_200_000),
            ((500_000, 500_000), 5_000_000, -200_000),
            (None, 5_200_000, 0),
        ],
        ids=["1", "0", "0.5", "void"],
    )
    def test_settlement(
        self, desk: Desk, payouts: tuple[int, ...] | None, cash: int, realized: int
    ) -> None:
        desk.send("BUY", 1_000)
        desk.send("BUY", 100, 5_100, tif="GTC")
        desk.resolve("test:rain", payouts)
        (settled,) = desk.events(PositionSettled)
        assert (settled.cash_micros, settled.realized_micros) == (cash, realized)
        assert desk.cash == CASH_MICROS - 5_200_000 + cash
        assert desk.events(MarketStateChanged)[-1].void is (payouts is None)
        assert desk.engine.resting_count == 0
        assert desk.view.portfolio.accounts.positions == {}
        assert YES not in desk.parts.watch.books
        desk.resolve("test:rain", payouts)  # told twice, paid once
        assert len(desk.events(PositionSettled)) == 1
        assert desk.send("BUY", 1).code == "market_closed"

    def test_every_strategy_is_paid_for_its_own(self, desk: Desk) -> None:
        desk.send("BUY", 100, strategy="a")
        desk.send("BUY", 200, strategy="b")
        desk.send("BUY", 300, symbol=NO, strategy="b")
        desk.resolve("test:rain", (1_000_000, 0))
        paid = {(s.strategy, s.symbol): s.cash_micros for s in desk.events(PositionSettled)}
        assert paid == {("a", YES): 1_000_000, ("b", YES): 2_000_000, ("b", NO): 0}

    def test_payouts_that_do_not_fit_the_outcomes_are_an_alarm(self, desk: Desk) -> None:
        desk.send("BUY", 100)
        desk.resolve("test:rain", (1_000_000,))
        assert not desk.events(PositionSettled)
        assert desk.events(DataAlarm)[-1].test == "payouts"
        desk.resolve("test:rain", (1_000_000, 0))
        assert len(desk.events(PositionSettled)) == 1


def test_a_refusal_is_on_the_tape_with_its_reason(desk: Desk) -> None:
    decision = desk.send("SELL", 5)
    event = desk.events(SignalRefused)[-1]
    assert (event.signal_id, event.code, event.reason) == (
        decision.signal_id, "not_held", decision.reason,
    )  # fmt: skip
    assert decision["error"] == decision.reason
    assert dict(decision)["success"] is False
    assert not desk.events(SignalRaised)


def test_data_for_what_was_never_listed_is_told_once_and_not_used(desk: Desk) -> None:
    for _ in range(5):
        desk.book("test:nowhere:YES", asks=[(5_000, 100)])
    (alarm,) = desk.events(DataAlarm)
    assert alarm.symbols == ("test:nowhere:YES",)
    assert desk.send("BUY", 1, symbol="test:nowhere:YES").field == "symbol"
