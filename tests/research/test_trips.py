"""Round trips of a backtest are those of the live statistics, with times and confidence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from papertape.model.events import (
    Event,
    LegWanted,
    OrderFilled,
    PositionSettled,
    Record,
    SignalRaised,
)
from papertape.research.trips import Trips
from papertape.services.round_trips import RoundTrips

SYMBOLS = ("A", "B", "C")


def fill(symbol: str, side: str, lots: int, net: int = 0, signal_id: str = "s") -> OrderFilled:
    return OrderFilled(
        fill_id="f", order_id="o", signal_id=signal_id, strategy="x", symbol=symbol,
        side="BUY" if side == "BUY" else "SELL", price_ticks=1, quantity_lots=lots,
        notional_micros=1, fee_micros=1, cost_micros=0, realized_micros=net + 1,
        liquidity="taker", remaining_lots=0,
    )  # fmt: skip


def settled(symbol: str, lots: int, net: int) -> PositionSettled:
    return PositionSettled(
        strategy="x", symbol=symbol, market_id="m", quantity_lots=lots, payout_micros=0,
        cash_micros=0, cost_micros=0, realized_micros=net,
    )  # fmt: skip


def signal(*symbols: str, confidence_pct: int | None = None, signal_id: str = "s") -> SignalRaised:
    legs = tuple(LegWanted(symbol=s, side="BUY", quantity_lots=1) for s in symbols)
    return SignalRaised(
        signal_id=signal_id, strategy="x", legs=legs, reason="", time_in_force="IOC",
        all_or_none=len(legs) > 1, then="none", confidence_pct=confidence_pct,
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Buys, sales of what is held, settlements, and sets of two or three legs."""
    held = dict.fromkeys(SYMBOLS, 0)
    events: list[Event] = []
    for _ in range(draw(st.integers(1, 40))):
        what = draw(st.sampled_from(("buy", "buy", "sell", "settle", "set")))
        symbol = draw(st.sampled_from(SYMBOLS))
        net = draw(st.integers(-50, 50))
        if what == "buy":
            lots = draw(st.integers(1, 5))
            held[symbol] += lots
            events.append(fill(symbol, "BUY", lots, net))
        elif what == "sell" and held[symbol]:
            lots = draw(st.integers(1, held[symbol]))
            held[symbol] -= lots
            events.append(fill(symbol, "SELL", lots, net))
        elif what == "settle" and held[symbol]:
            events.append(settled(symbol, held[symbol], net))
            held[symbol] = 0
        elif what == "set":
            legs = draw(st.sampled_from((("A", "B"), ("B", "C"), SYMBOLS)))
            events.append(signal(*legs))
            for leg in legs:
                held[leg] += 1
                events.append(fill(leg, "BUY", 1, net))
    return events


@given(histories())
def test_trips_are_those_of_the_live_statistics(events: list[Event]) -> None:
    """Same ends, same nets, whatever is bought, sold, settled and bound to sets."""
    trips, live = Trips(), RoundTrips()
    expected: list[int] = []
    for number, event in enumerate(events, start=1):
        trips.apply(event, number)
        expected += [ended[1] for ended in live.apply(Record(number, "", number, 1, event))]
    assert list(trips.net_micros) == expected
    assert all(a <= b for a, b in zip(trips.opened_ns, trips.closed_ns, strict=True))


def test_confidence_is_held_against_what_happened() -> None:
    """The confidence of the signal that opened the position; 1 if it earned after fees."""
    trips = Trips()
    for at, (sure, net) in enumerate(((80, 5), (30, -5), (None, 7))):
        trips.apply(signal("A", confidence_pct=sure, signal_id=f"s{at}"), 10 * at)
        trips.apply(fill("A", "BUY", 2, signal_id=f"s{at}"), 10 * at + 1)
        trips.apply(fill("A", "SELL", 2, net, signal_id="way out"), 10 * at + 4)
    assert (trips.stated, trips.happened) == ([0.8, 0.3], [True, False])
    assert list(trips.opened_ns) == [1, 11, 21]
    assert list(trips.closed_ns) == [4, 14, 24]
    assert not trips.holding
