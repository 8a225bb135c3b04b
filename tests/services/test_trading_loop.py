"""The loop: a strategy may fail in any way, the others go on; broken books halt and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from tests.engine.desk import NO, YES, Desk, folded

from papertape import Leg, Opportunity, Signal, Strategy
from papertape.errors import AccountsBrokenError
from papertape.model.events import (
    AlertRaised,
    EngineStateChanged,
    EquityMarked,
    OpportunitySkipped,
    OrderClosed,
    OrderFilled,
    SignalRaised,
    StrategyStateChanged,
    decode_event,
    encode_event,
)
from papertape.model.market_data import BookSeen, FeedStateSeen, PrintSeen, QuoteSeen


def one(symbol: str = YES, side: Any = "BUY", lots: int = 1) -> Signal:
    """Return a signal for a market order of some lots."""
    return Signal(legs=(Leg(symbol=symbol, side=side, quantity_lots=lots),))


class Steady(Strategy):
    """Buys one lot on every book."""

    name: ClassVar[str] = "steady"

    def on_book(self, book: BookSeen) -> Signal:
        return one(book.symbol)


class Unsayable(Exception):  # noqa: N818
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no")


class Nasty(list[Any]):
    """A list that cannot be read."""

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("no")


def raises(error: BaseException) -> Callable[[], Any]:
    """Return a function that raises."""

    def call() -> Any:
        raise error

    return call


FAILURES: dict[str, Callable[[], Any]] = {
    "raises": raises(ValueError("wrong")),
    "exits": raises(SystemExit(3)),
    "cannot say": raises(Unsayable()),
    "says what no file holds": raises(ValueError("\ud800\x00" * 10_000)),
    "recursion": raises(RecursionError()),
    "a number": lambda: 42,
    "a text": lambda: "BUY",
    "a dictionary": lambda: {"action": "BUY"},
    "a generator": lambda: (one() for _ in range(3)),
    "a class": lambda: Signal,
    "a list of numbers": lambda: [1, 2],
    "a list that breaks": lambda: Nasty([one()]),
    "too many": lambda: [one()] * 101,
    "one bad among good": lambda: [one(), None],
}


class Failing(Strategy):
    """Does what it is told to when it sees a book."""

    name: ClassVar[str] = "failing"

    def __init__(self, handler: str, failure: Callable[[], Any]) -> None:
        super().__init__()
        self.handler, self.failure = handler, failure

    def _do(self, handler: str) -> Any:
        return self.failure() if handler == self.handler else None

    def wants(self, instrument: Any) -> Any:
        return self.failure() if self.handler == "wants" else True

    def on_start(self) -> Any:
        return self._do("on_start")

    def on_book(self, book: BookSeen) -> Any:
        return self._do("on_book") if self.handler == "on_book" else one(book.symbol)

    def on_fill(self, fill: OrderFilled) -> Any:
        return self._do("on_fill")

    def on_settle(self, settled: Any) -> Any:
        return self._do("on_settle")

    def on_print(self, seen: Any) -> Any:
        return self._do("on_print")

    def on_stop(self) -> Any:
        return self._do("on_stop")


def alive(desk: Desk) -> None:
    """Show books and expect the steady strategy to trade on each."""
    for _ in range(3):
        before = desk.held(strategy="steady")
        desk.book(asks=[(5_000, 1_000)], after_s=1)
        assert desk.held(strategy="steady") == before + 1


def disabled(desk: Desk) -> list[StrategyStateChanged]:
    """Return the records of disabled strategies, having read the whole tape back."""
    for record in desk.ledger.read(0, 10_000):
        assert decode_event(encode_event(record.event)) == record.event
    assert folded(desk.ledger).digest() == desk.view.digest()
    return [e for e in desk.events(StrategyStateChanged) if e.state == "disabled"]


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failing_strategy_is_disabled_and_the_others_go_on(failure: Callable[[], Any]) -> None:
    desk = Desk({"failing": Failing("on_book", failure), "steady": Steady()})
    desk.list_market()
    alive(desk)
    (record,) = disabled(desk)
    assert record.strategy == "failing"
    assert 0 < len(record.reason) <= 600
    assert desk.held(strategy="failing") == 0
    statuses = {row["strategy"]: row["status"] for row in desk.view.strategy_rows()}
    assert statuses["failing"] == "disabled"
    assert statuses["steady"] == "running"
    assert desk.view.activity.alerts[0]["title"] == "failing was disabled"


@pytest.mark.parametrize("handler", ["wants", "on_start", "on_fill", "on_settle", "on_print"])
@pytest.mark.parametrize("failure", ["raises", "exits"])
def test_in_whichever_handler(handler: str, failure: str) -> None:
    desk = Desk({"failing": Failing(handler, FAILURES[failure]), "steady": Steady()})
    desk.list_market()
    desk.book(asks=[(5_000, 1_000)], after_s=1)
    desk.step(PrintSeen(symbol=YES, ts_ns=0, price_ticks=5_000, quantity_lots=1, side="BUY"))
    alive(desk)
    desk.resolve("test:rain", (1_000_000, 0))
    assert [record.strategy for record in disabled(desk)] == ["failing"]


def test_stopping_is_guarded_too() -> None:
    desk = Desk({"failing": Failing("on_stop", FAILURES["exits"]), "steady": Steady()})
    desk.manager.stop()
    desk.parts.scribe.commit()
    assert len(disabled(desk)) == 1


class Eager(Strategy):
    """Answers each of its fills with another order."""

    name: ClassVar[str] = "eager"

    def on_book(self, book: BookSeen) -> Signal:
        return one(lots=1)

    def on_fill(self, fill: OrderFilled) -> Signal:
        return one(lots=fill.quantity_lots + 1)


def test_a_strategy_that_feeds_itself_is_stopped_at_a_limit() -> None:
    desk = Desk({"eager": Eager()}, risk={"max_position_usd": 1_000_000})
    desk.list_market()
    desk.book(asks=[(0, 10**12)])
    assert len(desk.events(SignalRaised)) <= 1_010
    assert "answers its own fills" in desk.events(AlertRaised)[-1].message


class Watcher(Strategy):
    """Notes what it is shown; tells an opportunity."""

    name: ClassVar[str] = "watcher"

    def on_start(self) -> None:
        self.seen: list[str] = []

    def wants(self, instrument: Any) -> bool:
        return bool(instrument.outcome == "YES")

    def on_book(self, book: BookSeen) -> Opportunity:
        self.seen.append(f"book {book.symbol}")
        return Opportunity(symbols=(book.symbol,), test="edge", figure="-0.01", reason="thin")

    def on_quote(self, quote: QuoteSeen) -> None:
        self.seen.append(f"quote {quote.symbol}")


def test_a_strategy_sees_what_it_wants_and_what_it_says_is_kept() -> None:
    watcher = Watcher()
    desk = Desk({"watcher": watcher})
    desk.list_market()
    desk.book(YES, asks=[(5_000, 1)])
    desk.book(NO, asks=[(5_000, 1)])
    desk.step(QuoteSeen(symbol=YES, ts_ns=0, bid_ticks=0, bid_lots=0, ask_ticks=5_000, ask_lots=3))
    assert watcher.seen == [f"book {YES}", f"quote {YES}", f"book {YES}"]
    assert [e.figure for e in desk.events(OpportunitySkipped)] == ["-0.01", "-0.01"]
    assert desk.view.activity.skipped[0]["test"] == "edge"
    desk.manager.pause("watcher", True)
    desk.book(YES, asks=[(5_000, 1)])
    assert len(watcher.seen) == 3


def test_no_feed_no_trade() -> None:
    desk = Desk()
    desk.list_market()
    desk.book(asks=[(5_000, 100)])
    desk.step(FeedStateSeen(ts_ns=0, source="test", state="stale", reason="silence"))
    assert desk.send("BUY", 1).code == "feed_stale"
    desk.step(FeedStateSeen(ts_ns=0, source="test", state="live"))
    assert desk.send("BUY", 2).status == "filled"


def test_no_data_no_equity_is_invented() -> None:
    desk = Desk()
    assert not desk.events(EquityMarked)
    assert desk.view.trades.get_recent_trades(10) == []
    assert desk.view.strategy_rows() == []
    assert desk.view.strategies.distribution.rows() == []
    assert desk.view.portfolio.get_positions() == []


def test_marks_are_at_the_bid_and_on_the_tape() -> None:
    desk = Desk()
    desk.list_market()
    desk.book(bids=[(4_000, 10)], asks=[(5_000, 100)])
    desk.send("BUY", 100)
    desk.book(bids=[(4_000, 10)], asks=[(9_000, 100)], after_s=10)
    marked = desk.events(EquityMarked)[-1]
    assert (marked.value_micros, marked.unrealized_micros) == (9_999_900_000, -100_000)


@pytest.mark.parametrize("broken", [AccountsBrokenError("not conserved"), OverflowError("too big")])
def test_broken_books_halt_and_say_so_on_the_tape(broken: Exception) -> None:
    """Whatever else the reaction wrote is dropped; the halt alone is told, and a restart knows."""
    desk = Desk()
    desk.list_market()
    desk.book(asks=[(5_000, 100)])
    desk.send("BUY", 100, 4_000, tif="GTC")
    head = desk.ledger.head_seq()
    desk.view.portfolio.accounts.cash_micros += 1  # as if a bit had flipped
    if isinstance(broken, OverflowError):
        desk.view.portfolio.accounts.cash_micros = -(2**63) + 2
    with pytest.raises(type(broken)):
        desk.book(asks=[(4_000, 100)], after_s=1)
    assert desk.ledger.head_seq() == head + 1
    halt = desk.events(EngineStateChanged)[-1]
    assert halt.state == "halted"
    assert "books" in halt.reason
    again = desk.restarted(from_snapshot=False)
    assert again.held() == 0


def test_an_event_that_resolves_in_one_moment_is_not_marked_in_the_middle() -> None:
    """A set's winner is paid before its losers: no peak of equity comes of that."""
    desk = Desk()
    slugs = ("adler", "brandt", "corvo")
    desk.list_event(slugs)
    symbols = [f"test:{slug}:YES" for slug in slugs]
    for symbol in symbols:
        desk.book(symbol, bids=[(3_000, 10_000)], asks=[(3_200, 10_000)])
    desk.send_set(symbols, 10_000)
    desk.book(symbols[0], bids=[(3_000, 10_000)], after_s=20)
    desk.book(symbols[0], bids=[(3_000, 10_000)], after_s=20)
    before = len(desk.events(EquityMarked))
    for n, slug in enumerate(slugs):
        desk.resolve(f"test:{slug}", (0, 1_000_000) if n else (1_000_000, 0))
    assert len(desk.events(EquityMarked)) == before
    desk.book("test:adler:NO", after_s=2)
    marked = desk.events(EquityMarked)[before:]
    assert [event.value_micros for event in marked] == [10_004_000_000]
    assert desk.view.portfolio.get_summary()["max_drawdown_pct"] < 0.1


class RestsThenFails(Strategy):
    """Leaves a resting order on the first book and raises on the second."""

    name: ClassVar[str] = "failing"
    asked = False

    def on_book(self, book: BookSeen) -> Signal:
        if self.asked:
            raise ValueError("wrong")
        self.asked = True
        leg = Leg(symbol=book.symbol, side="BUY", quantity_lots=1, limit_ticks=100)
        return Signal(legs=(leg,), time_in_force="GTC")


def test_what_a_disabled_strategy_left_resting_is_taken_back() -> None:
    desk = Desk({"failing": RestsThenFails(), "steady": Steady()})
    desk.list_market()
    desk.book(asks=[(5_000, 1_000)], after_s=1)
    assert [row[0].strategy for row in desk.view.orders.open.values()] == ["failing"]
    alive(desk)
    assert not desk.view.orders.open
    (closed,) = desk.events(OrderClosed)
    assert closed.reason == "its strategy was disabled"
    assert disabled(desk)
