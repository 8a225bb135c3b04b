"""A book that cannot be trusted is on the tape: what failed, for how long, what was traded near."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.desk import YES, Desk, folded
from tests.services.test_trading_loop import one

from papertape import Signal, Strategy
from papertape.model.events import (
    AlertRaised,
    BookStateChanged,
    FeedStateChanged,
    OrderFilled,
    VenueClockMeasured,
)
from papertape.model.market_data import BookSeen, FeedStateSeen, VenueClockSeen
from papertape.services.continuity import NEAR_NS, Continuity
from papertape.services.tape_view import TapeView

MS = 1_000_000


class Buyer(Strategy):
    """Buys one lot on every book it is shown."""

    name: ClassVar[str] = "buyer"

    def on_book(self, book: BookSeen) -> Signal:
        return one(book.symbol)


def book(ts_ns: int, state: Any = "live", reason: str = "") -> BookSeen:
    """Return a book of one level per side."""
    return BookSeen(
        symbol=YES, ts_ns=ts_ns, bid_ticks=(4_000,), bid_lots=(10_000,), ask_ticks=(5_000,),
        ask_lots=(10_000,), state=state, reason=reason,
    )  # fmt: skip


def said(desk: Desk, kind: type) -> list[Any]:
    """Return the events of a kind on the tape."""
    return [r.event for r in desk.ledger.read(0, 100_000) if isinstance(r.event, kind)]


def test_a_gap_is_on_the_tape_from_its_reason_to_its_repair() -> None:
    """Each change is one record; nothing is filled in between; the fold tells what was near."""
    desk = Desk({"buyer": Buyer()})
    desk.list_market()
    start = desk.clock.now_ns()
    states = [
        (0, "live", ""), (10_000, "live", ""), (10_100, "gap", "bid and ask cross"),
        (10_150, "gap", "other"), (10_200, "resyncing", "bid and ask cross"), (10_900, "live", ""),
        (11_000, "live", ""), (30_000, "live", ""),
    ]  # fmt: skip
    for after_ms, state, reason in states:
        desk.loop.step(book(start + after_ms * MS, state, reason))
    changes = said(desk, BookStateChanged)
    assert [(c.state, c.reason, c.doubted_ns // MS) for c in changes] == [
        ("gap", "bid and ask cross", 0),
        ("resyncing", "bid and ask cross", 100),
        ("live", "bid and ask cross", 800),
    ]
    fills = [r for r in desk.ledger.read(0, 100_000) if isinstance(r.event, OrderFilled)]
    at = [(r.ts_ns - start) // MS for r in fills]
    assert at == [0, 10_000, 10_900, 11_000, 30_000]
    facts = desk.parts.view.continuity.facts()
    assert (facts["ended"], facts["doubted_ms"], facts["open_count"]) == (1, 800, 0)
    assert facts["by_reason"] == {"bid and ask cross": 1}
    near = {row["id"] for row in facts["near"]}
    assert near == {r.event.fill_id for r in fills[1:4] if isinstance(r.event, OrderFilled)}
    assert folded(desk.ledger).digest() == desk.parts.view.digest()
    again = TapeView()
    assert again.restore_bytes(desk.parts.view.snapshot_bytes())
    assert again.digest() == desk.parts.view.digest()


def test_a_new_run_begins_with_trusted_books() -> None:
    """What the run before doubted when it ended is not said to be repaired."""
    fold = Continuity()
    desk = Desk({"buyer": Buyer()})
    desk.list_market()
    start = desk.clock.now_ns()
    desk.loop.step(book(start, "stale", "silent for 30 s"))
    for record in desk.ledger.read(0, 1_000):
        if type(record.event) in fold.takes:
            fold.apply(record)
    assert fold.doubt_of(YES) is not None
    first = desk.ledger.read(0, 1)[0]
    fold.apply(first)
    assert fold.doubt_of(YES) is None


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 7_000), st.sampled_from(["fill", "live", "gap", "stale", "resyncing"])
        ),
        max_size=40,
    )
)
def test_near_is_what_it_says(steps: list[tuple[int, str]]) -> None:
    """Against the plain definition: within NEAR_NS before, in, or after a doubtful period."""
    desk = Desk({"buyer": Buyer()})
    desk.list_market()
    fold = Continuity()
    example = desk.ledger.read(0, 1)[0]
    now, doubts, fills, seq = 0, [], [], example.seq
    since = None
    for wait_ms, what in steps:
        now += wait_ms * MS
        seq += 1
        if what == "fill":
            event: Any = OrderFilled(
                fill_id=f"f{seq}", order_id="o", signal_id="s", strategy="t", symbol=YES,
                side="BUY", price_ticks=1, quantity_lots=1, notional_micros=1, fee_micros=0,
                cost_micros=1, realized_micros=0, liquidity="taker", remaining_lots=0,
            )  # fmt: skip
            fills.append((now, event.fill_id))
        else:
            event = BookStateChanged(source="s", symbol=YES, state=what, reason="r")
            if what == "live" and since is not None:
                doubts.append((since, now))
                since = None
            elif what != "live" and since is None:
                since = now
        fold.apply(type(example)(seq, "", now, 0, event))
    if since is not None:
        doubts.append((since, 2**62))
    wanted = {
        fill_id
        for at, fill_id in fills
        if any(began - NEAR_NS <= at <= ended + NEAR_NS for began, ended in doubts)
    }
    assert {row["id"] for row in fold.facts()["near"]} == wanted
    assert fold.facts()["fills_near"] == len(wanted)


def test_clocks_that_are_far_apart_are_told_once() -> None:
    """Every measurement is a record; people hear of it when it passes five seconds."""
    desk = Desk({"buyer": Buyer()})
    desk.list_market()
    now = desk.clock.now_ns()
    for ahead_ms in (100, -6_000, -6_500, 0):
        desk.loop.step(VenueClockSeen(ts_ns=now, source="p", ahead_ms=ahead_ms, error_ms=500))
    assert [one.ahead_ms for one in said(desk, VenueClockMeasured)] == [100, -6_000, -6_500, 0]
    alerts = said(desk, AlertRaised)
    assert [one.message for one in alerts] == ["This machine is 6.0 s behind p"]
    assert desk.parts.view.clocks["p"].ahead_ms == 0


def test_a_feed_is_live_only_when_it_has_said_something() -> None:
    """Before it has connected nothing says that it is live."""

    class Feed:
        source = "p"

        def items(self) -> Any:
            now = desk.clock.now_ns()
            yield FeedStateSeen(ts_ns=now, source="p", state="stale", reason="connecting")
            yield book(now + 1)

        def stop(self) -> None:
            """Nothing to stop."""

    desk = Desk({"buyer": Buyer()})
    desk.list_market()
    desk.loop.run(Feed())
    assert [one.state for one in said(desk, FeedStateChanged)] == ["stale", "ended"]
