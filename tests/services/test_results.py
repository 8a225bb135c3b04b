"""Results by time: every sum is the ledger's, whatever was condensed, saved and restored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from operator import add

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.model.events import (
    EquityMarked,
    Event,
    LegWanted,
    OrderFilled,
    PositionSettled,
    Record,
    RunStarted,
    SetPart,
    SetsMerged,
    SignalRaised,
)
from papertape.services import results
from papertape.services.results import (
    COUNTS,
    EDGE_EXPECTED,
    EDGE_NET,
    EDGE_TRIPS,
    FEES,
    FILLS,
    HELD,
    LOSSES,
    LOST,
    NET,
    REALIZED,
    SQUARE,
    TRIPS,
    VOLUME,
    WIDTH,
    WINS,
    WON,
    Results,
    holding_class,
    total,
)

S = 1_000_000_000
T0_NS = 1_767_225_600 * S  # 2026-01-01T00:00:00Z
STRATEGIES = ("a", "b", "c")
MARKETS = ("test:rain", "test:snow", "other:hail")


def filled(strategy: str, market: str, buy: bool, lots: int, realized: int, fee: int) -> Event:
    """Return a fill; what it earned is the caller's word."""
    return OrderFilled(
        fill_id="F", order_id="O", signal_id=f"S-{strategy}-{market}", strategy=strategy,
        symbol=f"{market}:YES", side="BUY" if buy else "SELL", price_ticks=1, quantity_lots=lots,
        notional_micros=lots * 100, fee_micros=fee, cost_micros=0, realized_micros=realized,
        liquidity="taker", remaining_lots=0,
    )  # fmt: skip


def signal(strategy: str, market: str, edge: int | None) -> Event:
    """Return a signal that may state what it expects to earn."""
    leg = LegWanted(symbol=f"{market}:YES", side="BUY", quantity_lots=1)
    return SignalRaised(
        signal_id=f"S-{strategy}-{market}", strategy=strategy, legs=(leg,), reason="",
        time_in_force="IOC", all_or_none=False, then="none", expected_edge_micros=edge,
    )  # fmt: skip


def started() -> Event:
    """Return the beginning of a fresh account."""
    return RunStarted(
        run_id="R1", number=1, account="main", mode="SIMULATED", feed="test", fresh=True,
        initial_cash_micros=10**10, strategies=STRATEGIES,
    )  # fmt: skip


class Plan:
    """Turns small random numbers into records that could have happened, and counts them itself."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.held: dict[tuple[str, str], list[int]] = {}  # lots, net, opened
        self.trips: list[tuple[str, str, int, int, int]] = []  # strategy, market, net, held, end
        self.booked: list[tuple[int, str, str, int, int, int]] = []
        self.ts_ns = T0_NS
        self.put(started())

    def put(self, event: Event) -> None:
        """Number an event."""
        seq = len(self.records) + 1
        self.records.append(Record(seq, f"e{seq}", self.ts_ns, seq, event))

    def book(
        self, strategy: str, market: str, lots: int, realized: int, fee: int, volume: int
    ) -> None:
        """Count what a record does, in the plainest way."""
        self.booked.append((self.ts_ns, strategy, market, realized, fee, volume))
        held = self.held.setdefault((strategy, market), [0, 0, self.ts_ns])
        held[0] += lots
        held[1] += realized - fee
        if held[0] == 0:
            del self.held[strategy, market]
            self.trips.append((strategy, market, held[1], self.ts_ns - held[2], self.ts_ns))

    def step(self, what: str, strategy: str, market: str, lots: int, gain: int, wait_s: int):
        """Do one thing."""
        self.ts_ns += wait_s * S
        have = self.held.get((strategy, market), [0])[0]
        if what == "buy":
            self.put(filled(strategy, market, True, lots, 0, abs(gain) % 50))
            self.book(strategy, market, lots, 0, abs(gain) % 50, lots * 100)
        elif what == "sell" and have:
            sold = min(lots, have)
            self.put(filled(strategy, market, False, sold, gain, 7))
            self.book(strategy, market, -sold, gain, 7, sold * 100)
        elif what == "settle" and have:
            settled = PositionSettled(
                strategy=strategy, symbol=f"{market}:YES", market_id=market, quantity_lots=have,
                payout_micros=0, cash_micros=0, cost_micros=0, realized_micros=gain,
            )  # fmt: skip
            self.put(settled)
            self.book(strategy, market, -have, gain, 0, 0)
        elif what == "signal":
            self.put(signal(strategy, market, gain))
        elif what == "mark":
            self.put(EquityMarked(cash_micros=1000, value_micros=1000 + lots, unrealized_micros=0))


steps = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "sell", "sell", "settle", "signal", "mark"]),
        st.sampled_from(STRATEGIES),
        st.sampled_from(MARKETS),
        st.integers(1, 3),
        st.integers(-(10**12), 10**12),
        st.integers(0, 20_000),
    ),
    max_size=120,
)


def planned(found: list[tuple]) -> Plan:
    plan = Plan()
    for each in found:
        plan.step(*each)
    return plan


def fold(records: list[Record]) -> Results:
    view = Results()
    for record in records:
        view.apply(record)
    return view


def expected(plan: Plan, strategy: str | None = None) -> list[int]:
    """Return the sums of COUNTS as the plan counted them, without the edges."""
    sums = [0] * WIDTH
    for _, who, _, realized, fee, volume in plan.booked:
        if strategy in (None, who):
            sums[FILLS] += volume > 0
            sums[VOLUME] += volume
            sums[FEES] += fee
            sums[REALIZED] += realized
    for who, _, net, held, _ in plan.trips:
        if strategy in (None, who):
            sums[TRIPS] += 1
            sums[WINS] += net > 0
            sums[LOSSES] += net < 0
            sums[WON] += max(net, 0)
            sums[LOST] += max(-net, 0)
            sums[NET] += net
            sums[SQUARE] += net * net
            sums[HELD] += held
    return sums


def without_edges(sums: list[int]) -> list[int]:
    return [0 if i in (EDGE_TRIPS, EDGE_EXPECTED, EDGE_NET) else n for i, n in enumerate(sums)]


@given(steps)
def test_totals_equal_the_ledger(found: list[tuple]) -> None:
    plan = planned(found)
    view = fold(plan.records)
    assert without_edges(total(view.select())[:WIDTH]) == expected(plan)
    for strategy in STRATEGIES:
        mine = total(view.select(strategy=strategy))
        assert without_edges(mine[:WIDTH]) == expected(plan, strategy)
    parts = [0] * len(total(view.select()))
    for venue in ("test", "other"):
        parts = list(map(add, parts, total(view.select(venue=venue))))
    assert parts == total(view.select())
    classes = total(view.select())[WIDTH:]
    assert sum(classes[::2]) == len(plan.trips)
    assert sum(classes[1::2]) == sum(trip[2] for trip in plan.trips)
    for number in range(len(classes) // 2):
        assert classes[2 * number] == sum(holding_class(t[3]) == number for t in plan.trips)


@given(steps, st.integers(0, 40), st.integers(0, 40))
def test_a_stretch_holds_what_was_booked_in_it(found: list[tuple], first: int, last: int) -> None:
    plan = planned(found)
    view = fold(plan.records)
    from_s, to_s = T0_NS // S + first * 3_600, T0_NS // S + (first + last) * 3_600
    sums = total(view.select(from_s=from_s, to_s=to_s))
    inside = [row for row in plan.booked if from_s * S <= row[0] < to_s * S]
    assert sums[REALIZED] == sum(row[3] for row in inside)
    assert sums[FEES] == sum(row[4] for row in inside)
    ended = [trip for trip in plan.trips if from_s * S <= trip[4] < to_s * S]
    assert (sums[TRIPS], sums[NET]) == (len(ended), sum(trip[2] for trip in ended))


@given(steps, st.integers(0, 120))
def test_a_snapshot_anywhere_changes_nothing(found: list[tuple], cut: int) -> None:
    plan = planned(found)
    whole = fold(plan.records)
    part = fold(plan.records[:cut])
    again = Results()
    again.restore(json.loads(msgspec.json.encode(part.snapshot())))
    for record in plan.records[cut:]:
        again.apply(record)
    assert again.snapshot() == whole.snapshot()


@settings(max_examples=40)
@given(steps)
def test_what_is_condensed_loses_detail_and_no_cent(found: list[tuple]) -> None:
    plan = planned(found)
    whole = fold(plan.records)
    before = results.CELLS_MAX, results.MARKS_MAX
    results.CELLS_MAX, results.MARKS_MAX = 8, 4  # a limit that a short test can reach
    try:
        small = fold(plan.records)
    finally:
        results.CELLS_MAX, results.MARKS_MAX = before
    assert len(small.cells) <= 8 + len(STRATEGIES) * 2
    assert len(small.marks) <= 4
    assert total(small.select()) == total(whole.select())
    assert small.marked() == whole.marked()
    for strategy in STRATEGIES:
        for venue in ("test", "other"):
            mine = total(small.select(strategy=strategy, venue=venue))
            assert mine == total(whole.select(strategy=strategy, venue=venue))


def test_what_is_old_loses_its_market_first_and_its_day_last() -> None:
    """Two years of four strategies in ever new markets: months whole, half a year of days."""
    plan = Plan()
    day_s, days = 86_400, 730
    for day in range(days):
        plan.ts_ns = T0_NS + day * day_s * S
        for n, strategy in enumerate(STRATEGIES):
            for part in range(4):
                market = f"test:m{day}-{part}"
                plan.step("buy", strategy, market, 1, 0, 1_000)
                plan.step("sell", strategy, market, 1, day + n, 60)
    view = fold(plan.records)
    assert len(view.cells) <= results.CELLS_MAX
    assert without_edges(total(view.select())[:WIDTH]) == expected(plan)
    months = {cell.start_s for cell in view.cells if cell.span_s == results.MONTH_S}
    assert len(months) >= 3
    assert not any(cell.span_s == 0 for cell in view.cells)
    newest_s = plan.ts_ns // S
    half_year = [cell for cell in view.cells if cell.start_s >= newest_s - 182 * day_s]
    assert all(cell.span_s <= day_s for cell in half_year)
    weeks = [cell for cell in view.cells if cell.start_s >= newest_s - 60 * day_s]
    assert all(cell.market != results.EARLIER for cell in weeks)


def records(*timed: tuple[int, Event]) -> Iterator[Record]:
    for seq, (second, event) in enumerate(timed, start=1):
        yield Record(seq, f"e{seq}", T0_NS + second * S, seq, event)


def test_an_edge_counts_with_the_trip_it_was_stated_for() -> None:
    view = fold(
        list(
            records(
                (0, started()),
                (1, signal("a", "test:rain", 500)),
                (1, filled("a", "test:rain", True, 10, 0, 5)),
                (2, signal("a", "test:snow", 900)),  # never filled
                (3, filled("b", "test:rain", True, 10, 0, 5)),  # states nothing
                (61, filled("a", "test:rain", False, 10, 300, 5)),
                (62, filled("b", "test:rain", False, 10, -50, 5)),
            )
        )
    )
    sums = total(view.select())
    assert (sums[EDGE_TRIPS], sums[EDGE_EXPECTED], sums[EDGE_NET]) == (1, 500, 290)
    assert (sums[TRIPS], sums[WINS], sums[LOSSES], sums[NET]) == (2, 1, 1, 230)
    assert sums[HELD] == (60 + 59) * S
    assert len(sums[:WIDTH]) == len(COUNTS)


def test_a_set_is_one_trip_under_the_market_of_its_first_leg() -> None:
    legs = tuple(LegWanted(symbol=f"test:rain:{o}", side="BUY", quantity_lots=5) for o in "YN")
    both = SignalRaised(
        signal_id="S", strategy="a", legs=legs, reason="", time_in_force="FOK",
        all_or_none=True, then="merge", expected_edge_micros=40,
    )  # fmt: skip
    buys = [
        OrderFilled(
            fill_id=o, order_id=o, signal_id="S", strategy="a", symbol=f"test:rain:{o}",
            side="BUY", price_ticks=1, quantity_lots=5, notional_micros=100, fee_micros=3,
            cost_micros=100, realized_micros=0, liquidity="taker", remaining_lots=0,
        )
        for o in "YN"
    ]  # fmt: skip
    parts = tuple(SetPart(symbol=f"test:rain:{o}", quantity_lots=-5, cost_micros=-1) for o in "YN")
    merged = SetsMerged(
        strategy="a", market_id="test:rain", parts=parts, cash_micros=250, realized_micros=50
    )
    view = fold(list(records((0, started()), (1, both), (1, buys[0]), (1, buys[1]), (1, merged))))
    (cell,) = view.cells
    assert (cell.venue, cell.market, cell.span_s) == ("test", "test:rain", 3_600)
    sums = total(view.select())
    assert (sums[TRIPS], sums[NET], sums[EDGE_TRIPS]) == (1, 44, 1)
    assert (sums[EDGE_EXPECTED], sums[EDGE_NET]) == (40, 44)


@pytest.mark.parametrize("held_s", [0, 59, 60, 299, 300, 1_799, 7_200, 43_200, 172_800, 10**9])
def test_holding_classes_have_no_gap(held_s: int) -> None:
    ends = [0, *results.HOLDING_S, 10**12]
    number = holding_class(held_s * S)
    low, high = list(pairwise(ends))[number]
    assert low <= held_s < high
