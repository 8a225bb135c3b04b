"""Risk says no with a code, the value and the bound; and it says so after a restart too."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs
from tests.engine.desk import CASH_MICROS, CRYPTO_FEE, NO, YES, Desk

from papertape.config import Config, load_config
from papertape.errors import ConfigError
from papertape.model.events import SignalRaised, SignalRefused
from papertape.model.market_data import InstrumentSeen
from papertape.services.door_parts import risk_limits
from papertape.services.tape_view import TapeView

DAY_S = 86_400.0


def refusal(desk: Desk) -> tuple[str, str, str]:
    """Return code, value and bound of the newest refusal on the tape."""
    event: SignalRefused = desk.events(SignalRefused)[-1]
    assert event.reason
    return event.code, event.value, event.bound


def desk_with(**risk: object) -> Desk:
    """Return a desk with one market and a deep book at 0.50/0.52."""
    desk = Desk(risk=risk)
    desk.list_market()
    desk.book(bids=[(5_000, 10**7)], asks=[(5_200, 10**7)])
    return desk


def test_one_order_is_bounded() -> None:
    desk = desk_with(max_order_usd=100)
    assert desk.send("BUY", 19_231).code == "max_order"
    assert refusal(desk) == ("max_order", "100.0012", "100")
    assert desk.send("BUY", 19_230).status == "filled"


def test_a_position_is_bounded_with_what_rests_for_it() -> None:
    desk = desk_with(max_position_usd=100)
    desk.send("BUY", 5_000)
    desk.send("BUY", 5_001)
    assert desk.send("BUY", 9_999).code == "max_position"
    assert refusal(desk) == ("max_position", "104", "100")
    assert desk.send("BUY", 9_000, 5_000, tif="GTC").status == "resting"  # 52 + 45
    assert desk.send("BUY", 1_000, 5_000, tif="GTC").code == "max_position"
    assert desk.send("BUY", 10_000, strategy="other").status == "filled"  # per strategy


def test_exposure_is_bounded_with_what_rests() -> None:
    desk = desk_with(max_exposure_pct=1)
    desk.send("BUY", 4_000)
    assert desk.send("BUY", 6_000).status == "filled"
    assert desk.send("BUY", 10_000).code == "max_exposure"
    code, value, bound = refusal(desk)
    assert (code, value) == ("max_exposure", "102")  # at the bid it is worth 50
    assert bound == "99.98"  # 1 % of an equity of 9,998
    assert desk.send("BUY", 9_000, 5_000, tif="GTC").status == "resting"
    assert desk.send("BUY", 1_000, 5_000, tif="GTC", strategy="b").code == "max_exposure"


def test_free_cash_is_what_is_not_promised() -> None:
    risk = {"max_exposure_pct": 100, "max_order_usd": 9_000, "max_position_usd": 20_000}
    desk = desk_with(**risk)
    assert desk.send("BUY", 1_600_000, 5_000, tif="GTC").status == "resting"
    desk.view.portfolio.accounts.check()
    assert desk.engine.reserved_cash_micros() == 8_000_000_000
    assert desk.send("BUY", 500_000, 5_000, tif="GTC", strategy="b").code in {
        "cash", "max_exposure",
    }  # fmt: skip
    assert desk.send("BUY", 300_000, strategy="b").status == "filled"


def test_fees_count_as_cash_needed() -> None:
    risk = {"max_exposure_pct": 100, "max_order_usd": 20_000, "max_position_usd": 20_000}
    desk = Desk(risk=risk)
    desk.list_market(fees=CRYPTO_FEE)
    desk.book(asks=[(5_000, 10**7)])
    assert desk.send("BUY", 2_000_000).code == "cash"  # 10,000 and 350 of fees
    assert refusal(desk) == ("cash", "10350", "10000")
    assert desk.cash == CASH_MICROS


def test_too_many_orders_rest() -> None:
    desk = desk_with(max_open_orders=2)
    for ticks in (4_000, 4_100):
        assert desk.send("BUY", 10, ticks, tif="GTC").status == "resting"
    assert desk.send("BUY", 10, 4_200, tif="GTC").code == "max_open_orders"
    assert refusal(desk) == ("max_open_orders", "2", "2")


def test_a_stale_book_is_not_traded() -> None:
    desk = desk_with(book_age_s_max=5)
    desk.book(NO, asks=[(5_000, 1)], after_s=5.0)
    assert desk.send("BUY", 10).status == "filled"
    desk.book(NO, asks=[(5_000, 1)], after_s=0.1)
    assert desk.send("BUY", 10).code == "stale_book"
    assert refusal(desk)[2] == "5"


def test_the_venues_minimum_counts_for_opening_and_not_for_closing() -> None:
    desk = Desk()
    desk.list_market(min_lots=500)
    desk.book(bids=[(5_000, 10_000)], asks=[(5_200, 10_000)])
    assert desk.send("BUY", 499).code == "venue_minimum"
    assert desk.send("BUY", 600).status == "filled"
    assert desk.send("SELL", 400).status == "filled"
    assert desk.send("SELL", 200).status == "filled"


def test_selling_more_than_is_held_is_refused() -> None:
    """Short outcome tokens do not exist."""
    desk = desk_with()
    assert desk.send("SELL", 1).code == "not_held"
    desk.send("BUY", 100)
    assert desk.send("SELL", 101).code == "not_held"
    assert refusal(desk) == ("not_held", "1.01", "1")
    assert desk.send("SELL", 1, strategy="other").code == "not_held"
    assert desk.send("SELL", 100).status == "filled"


def test_what_a_resting_sell_promised_cannot_be_sold_again() -> None:
    desk = desk_with()
    desk.send("BUY", 100)
    assert desk.send("SELL", 60, 9_000, tif="GTC").status == "resting"
    assert desk.send("SELL", 41).code == "not_held"
    assert desk.send("SELL", 40).status == "filled"
    desk.book(bids=[(9_500, 1_000)])
    assert desk.held() == 0


class TestDailyLoss:
    """The day's loss is what the tape says: a restart does not forgive it."""

    @staticmethod
    def lose(desk: Desk) -> None:
        """Buy at 0.52 and sell at 0.10: 42 of loss."""
        desk.book(bids=[(1_000, 10**6)], asks=[(5_200, 10**6)])
        desk.send("BUY", 10_000)
        desk.book(bids=[(1_000, 10**6)], asks=[(5_200, 10**6)])
        desk.send("SELL", 10_000)
        desk.book(bids=[(5_000, 10**6)], asks=[(5_200, 10**6)], after_s=1)

    def test_it_stops_opening_and_lets_close(self) -> None:
        desk = desk_with(max_daily_loss_usd=50)
        desk.send("BUY", 100)
        self.lose(desk)
        assert desk.send("BUY", 100).status == "filled"
        self.lose(desk)
        assert desk.send("BUY", 100).code == "max_daily_loss"
        code, value, bound = refusal(desk)
        assert (code, bound) == ("max_daily_loss", "50")
        assert Decimal(value) == Decimal("84.04")  # 2 x 42 and 0.04 at mark
        assert desk.send("SELL", 200).status == "filled"

    @pytest.mark.parametrize("from_snapshot", [True, False])
    def test_a_restart_does_not_reset_it(self, from_snapshot: bool) -> None:
        desk = desk_with(max_daily_loss_usd=50)
        self.lose(desk)
        self.lose(desk)
        assert desk.send("BUY", 100).code == "max_daily_loss"
        view = TapeView()
        if from_snapshot:
            view.restore_bytes(desk.view.snapshot_bytes())
        for record in desk.ledger.read(view.seq, 10_000):
            view.apply(record)
        again = Desk(ledger=desk.ledger, view=view, risk={"max_daily_loss_usd": 50})
        again.book(bids=[(5_000, 10**6)], asks=[(5_200, 10**6)])
        assert again.send("BUY", 100).code == "max_daily_loss"

    def test_a_new_day_begins_where_the_old_one_ended(self) -> None:
        desk = desk_with(max_daily_loss_usd=50)
        self.lose(desk)
        self.lose(desk)
        assert desk.send("BUY", 100).code == "max_daily_loss"
        desk.book(bids=[(5_000, 10**6)], asks=[(5_200, 10**6)], after_s=DAY_S)
        assert desk.send("BUY", 100).status == "filled"


class TestPercentAndFraction:
    """A share is said in percent everywhere; what could be either is refused, not guessed."""

    @pytest.mark.parametrize(
        ("said", "ppm"), [(80, 800_000), ("60%", 600_000), (12.5, None), ("0.5%", 5_000)]
    )
    def test_a_limit_in_percent(self, said: object, ppm: int | None) -> None:
        said = Decimal(str(said)) if isinstance(said, float) else said
        config = load_config(overrides={"risk.max_exposure_pct": said})
        assert risk_limits(config.risk).exposure_ppm_max == (ppm or 125_000)

    @pytest.mark.parametrize("said", [Decimal("0.8"), "0.8", Decimal("0.01"), 101, "101%", 0, -5])
    def test_what_may_be_a_fraction_is_refused(self, said: object) -> None:
        with pytest.raises(ConfigError, match=r"risk\.max_exposure_pct"):
            load_config(overrides={"risk.max_exposure_pct": said})

    @pytest.mark.parametrize("said", [0.85, "0.5", Decimal("0.01"), 100.5, -1, "85%", True])
    def test_confidence_is_in_percent(self, said: object) -> None:
        desk = desk_with()
        form = {"action": "BUY", "symbol": YES, "quantity": 1, "confidence": said}
        decision = desk.door.process_signal("hand", form)
        assert (decision.code, decision.field) == ("invalid", "confidence")

    @pytest.mark.parametrize(("said", "kept"), [(85, 85), ("85", 85), (85.4, 85), (0, 0), (1, 1)])
    def test_a_confidence_is_kept_as_a_whole_percent(self, said: object, kept: int) -> None:
        desk = desk_with()
        form = {"action": "BUY", "symbol": YES, "quantity": 1, "confidence": said}
        assert desk.door.process_signal("hand", form).success
        assert desk.events(SignalRaised)[-1].confidence_pct == kept

    def test_money_in_the_config_is_exact(self) -> None:
        config = Config.model_validate({"risk": {"max_order_usd": Decimal("12.345678")}})
        assert risk_limits(config.risk).order_micros_max == 12_345_678


def test_the_venues_smallest_amount_is_that_of_the_order_not_of_what_the_book_gives() -> None:
    desk = Desk()
    market = desk.list_market("snow")
    token = structs.replace(desk.view.instruments[market.symbols[0]], min_notional_micros=1_000_000)
    desk.step(InstrumentSeen(ts_ns=0, instrument=token))
    desk.book(token.symbol, asks=[(5_000, 100)])
    assert desk.send("BUY", 199, 5_000, symbol=token.symbol).code == "venue_minimum"
    assert desk.send("BUY", 200, 5_000, symbol=token.symbol).status == "partial"
