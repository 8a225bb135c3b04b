"""A person's commands: pause, resume and halt, each with its outcome on the tape."""

from __future__ import annotations

import pytest
from tests.engine.desk import YES, Desk
from tests.services.test_trading_loop import Steady

from papertape.model.events import CommandTaken, OrderClosed, SignalRaised, StrategyStateChanged
from papertape.services.commands import CommandDesk


@pytest.fixture
def desk() -> Desk:
    """Return a desk with a market and a strategy that buys on every book."""
    desk = Desk({"steady": Steady()})
    desk.list_market()
    desk.book(bids=[(4_000, 100)], asks=[(5_000, 1_000)])
    return desk


def told(desk: Desk, action: str, target: str = "") -> tuple[bool, str]:
    """Carry out a command and hold its record against the answer."""
    done, said = CommandDesk(desk.parts, desk.manager, desk.loop).carry_out(
        "c1", action, target, "cli"
    )
    record = desk.events(CommandTaken)[-1]
    assert (record.action, record.target, record.outcome) == (action, target, said)
    return done, said


def test_a_pause_holds_until_it_is_lifted(desk: Desk) -> None:
    assert told(desk, "pause") == (True, "trading is paused")
    before = desk.held(strategy="steady")
    desk.book(asks=[(5_000, 1_000)], after_s=1)
    assert desk.held(strategy="steady") == before
    assert desk.view.activity.refusals_by_reason == {"paused": 1}
    assert told(desk, "pause") == (True, "trading is paused already")
    assert told(desk, "resume") == (True, "trading is trading")
    desk.book(asks=[(5_000, 1_000)], after_s=1)
    assert desk.held(strategy="steady") == before + 1


def test_a_halt_takes_back_what_rests(desk: Desk) -> None:
    desk.send("BUY", 100, 3_000, tif="GTC")
    desk.send("SELL", 1, 9_000, strategy="steady", tif="GTC")
    assert desk.engine.resting_count == 2
    assert told(desk, "halt")[0] is True
    assert desk.engine.resting_count == 0
    assert {event.state for event in desk.events(OrderClosed)} == {"cancelled"}
    assert not desk.view.orders.open
    desk.book(asks=[(2_000, 1_000)], after_s=1)
    assert desk.send("BUY", 1, symbol=YES).code == "halted"


def test_one_strategy_is_paused_and_the_others_go_on(desk: Desk) -> None:
    assert told(desk, "pause", "steady")[0] is True
    before = desk.held(strategy="steady")
    desk.book(asks=[(5_000, 1_000)], after_s=1)
    assert desk.held(strategy="steady") == before
    assert desk.send("BUY", 5).status == "filled"
    assert told(desk, "resume", "steady")[0] is True
    assert [event.state for event in desk.events(StrategyStateChanged)] == ["paused", "running"]
    desk.book(asks=[(5_000, 1_000)], after_s=1)
    assert desk.held(strategy="steady") == before + 1


@pytest.mark.parametrize(("action", "target"), [("pause", "stedy"), ("halt", "steady")])
def test_what_cannot_be_done_is_refused_and_told(desk: Desk, action: str, target: str) -> None:
    done, said = told(desk, action, target)
    assert done is False
    assert said
    desk.book(asks=[(5_000, 1_000)], after_s=1)
    assert desk.view.activity.refused_count == 0


def test_a_position_is_closed_through_the_one_door(desk: Desk) -> None:
    desk.send("BUY", 50)
    cash = desk.view.portfolio.accounts.cash_micros
    done, said = told(desk, "close", YES)
    assert done is True
    assert "sold" in said
    assert desk.held(strategy="steady") == 0
    assert desk.view.portfolio.get_positions() == []
    assert desk.view.portfolio.accounts.cash_micros > cash
    closing = desk.events(SignalRaised)[-1]
    assert (closing.reason, closing.legs[0].limit_ticks) == ("closed by cli", None)


def test_a_paused_strategy_may_be_closed_but_not_in_a_halt(desk: Desk) -> None:
    assert told(desk, "pause", "steady")[0] is True
    assert told(desk, "halt")[0] is True
    done, said = told(desk, "close", YES)
    assert (done, "halt" in said) == (False, True)
    assert told(desk, "resume")[0] is True
    assert told(desk, "close", YES)[0] is True
    assert desk.held(strategy="steady") == 0


def test_without_a_live_book_nothing_is_closed(desk: Desk) -> None:
    held = desk.held(strategy="steady")
    desk.book(bids=[], asks=[(5_000, 1_000)], after_s=1)
    done, said = told(desk, "close", YES)
    assert done is False
    assert "not closed" in said
    assert desk.held(strategy="steady") >= held
    assert told(desk, "close", "simulated:rain:YESS")[0] is False
    assert told(desk, "close", "")[0] is False
