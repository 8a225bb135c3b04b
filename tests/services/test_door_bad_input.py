"""Bad input at the door: refused by field name, nothing changed, nothing raised, in no time."""

from __future__ import annotations

import enum
import json
import time
from collections import UserDict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.desk import CASH_MICROS, YES, Desk, folded

from papertape.model.events import SignalRaised, SignalRefused, decode_event, encode_event
from papertape.model.signal import Leg, Opportunity, Signal
from papertape.services.activity import Activity
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.decision_hash import DecisionHash
from papertape.services.strategy_stats import StrategyStats

REFUSED_MS_MAX = 50.0
SURROGATE = "\ud800"


class Liar:  # noqa: PLW1641  it has one that fails
    """Says it is a number, and fails at everything."""

    def __float__(self) -> float:
        raise RuntimeError("no")

    __int__ = __index__ = __bool__ = __str__ = __repr__ = __hash__ = __len__ = __float__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")


class NumpyFloat(float):
    """As numpy 2 does: a float whose repr is no number."""

    def __repr__(self) -> str:
        return f"np.float64({float(self)})"


class NumpyArray:
    """Compares to an array, whose truth is an error."""

    dtype = "int64"

    def __eq__(self, other: object) -> Any:
        return Liar()

    __hash__ = None  # type: ignore[assignment]


class Text(str):
    """A subclass of str with a life of its own."""

    __slots__ = ()

    def upper(self) -> Any:
        raise RuntimeError("no")


class Word(enum.StrEnum):
    """What careful scripts use."""

    BUY = "BUY"
    IOC = "IOC"


class BrokenMapping(Mapping[str, Any]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("no")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __len__(self) -> int:
        return 3


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


NOT_NUMBERS: list[Any] = [
    float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"),
    "NaN", "inf", "-Infinity", "1e2000000", Decimal("1e2000000"), Decimal("-1e-2000000"), "1e5",
    10**400, -(10**400), 1 << 64, 10**5_000, "9" * 100_000, "0." + "1" * 100_000, "", " 1", "1 ",
    "1_000", "1,000", "٣", "0x10", "+1", ".5", "5.", "--1", "12.5.1", "\x00", "1\x00", SURROGATE,
    True, False, b"1", [], [1], {}, {"value": 1}, (1,), object(), Liar(), NumpyArray(), 1 + 2j,
    Fraction(1, 2), [10**5_000], nested(100_000), ["x"] * 100_000, 1e300, 5e-324, "-",
]  # fmt: skip
QUANTITIES = [
    *NOT_NUMBERS,
    0,
    -1,
    "0",
    "-5",
    0.0,
    -0.0,
    "0.001",
    "0.009",
    1e-9,
    Decimal("0E-999999"),
]
PRICES = [*NOT_NUMBERS, -1, "-0.5", "0.505", "0.0001", 1.01, 2, "1.0001", 10**14]
WORDS: list[Any] = [
    "HOLD", "", "B", "BUY ", "buy\x00", SURROGATE, 1, True, 1.5, [], {}, object(), Liar(), b"BUY",
    NumpyArray(), "BUY" * 100_000, ["BUY"], nested(100_000),
]  # fmt: skip
SYMBOLS: list[Any] = [
    "test:rain:MAYBE", "", "rain", "TEST:RAIN:YES", f"{YES} ", f"{YES}\x00", SURROGATE, "x" * 10**6,
    None, 1, True, [], [YES], {YES: 1}, object(), Liar(), b"test:rain:YES", NumpyArray(), "../../x",
    nested(100_000),
]  # fmt: skip
TEXTS: list[Any] = [1, b"x", [], SURROGATE, "x\x00y", "\x1b[31m", "x" * 2_001, Liar(), object()]

FORM = {"action": "BUY", "symbol": YES, "price": "0.52", "quantity": "5", "confidence": 85}
CORPUS: list[tuple[str, Any]] = [
    *(("quantity", bad) for bad in [None, *QUANTITIES]),
    *(("price", bad) for bad in PRICES),
    *(("confidence", bad) for bad in [*NOT_NUMBERS, -1, 101, 0.85, "0.5"]),
    *(("action", bad) for bad in [None, *WORDS]),
    *(("symbol", bad) for bad in SYMBOLS),
    *(("reason", bad) for bad in TEXTS),
    *(("signal_id", bad) for bad in [*TEXTS, "x" * 101, "r1.s1", "r9.o9"]),
    *(("time_in_force", bad) for bad in [*WORDS, "GFD", "ioc"]),
]


def open_desk(*, bought: bool = True) -> Desk:
    """Return a desk with a market, a book and, perhaps, a position."""
    desk = Desk()
    desk.list_market()
    desk.book(bids=[(5_000, 10_000)], asks=[(5_200, 10_000)])
    if bought:
        desk.send("BUY", 100)
    return desk


def state(desk: Desk) -> str:
    """Return everything but the counters of refusals, as one text."""
    kept = desk.view.snapshot()
    kept.pop("seq")
    times = kept.pop("times")
    counters = (StrategyStats, Activity, DecisionHash)
    books = desk.view.books
    named = {type(one).__name__: one.snapshot() for one in books._all if type(one) not in counters}
    kept["accounts"] = named
    engine = desk.engine
    seen = {key: (book.ask_lots, book.bid_lots) for key, book in desk.parts.watch.books.items()}
    used = [desk.parts.watch.used(YES, buying=buying) for buying in (True, False)]
    return json.dumps([kept, times, engine.resting_count, str(seen), str(used)], default=str)


def refused(desk: Desk, signal: Any, strategy: Any = "hand") -> SignalRefused:
    """Send bad input; hold the answer, the state, the time and the tape to what was promised."""
    before, count = state(desk), desk.view.activity.refused_count
    began = time.thread_time()
    decision = desk.door.process_signal(strategy, signal)
    took_ms = 1_000 * (time.thread_time() - began)
    assert decision.status == "refused", signal
    assert not decision.success
    assert took_ms < REFUSED_MS_MAX, f"{took_ms:.0f} ms"
    assert state(desk) == before
    assert desk.view.activity.refused_count == count + 1
    event = desk.ledger.read(desk.ledger.head_seq() - 1)[0].event
    assert isinstance(event, SignalRefused)
    assert decode_event(encode_event(event)) == event
    assert event.reason == decision.reason
    return event


@pytest.mark.parametrize(
    ("field", "bad"), CORPUS, ids=[f"{field}-{n}" for n, (field, _) in enumerate(CORPUS)]
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(field: str, bad: Any) -> None:
    event = refused(open_desk(), {**FORM, field: bad})
    assert (event.code, event.field) == ("invalid", field)
    assert event.reason.startswith(field)
    assert len(event.reason) < 400


@pytest.mark.parametrize("missing", ["action", "symbol", "quantity"])
def test_a_missing_key_is_named(missing: str) -> None:
    form = {key: value for key, value in FORM.items() if key != missing}
    event = refused(open_desk(), form)
    assert (event.field, event.value) == (missing, "")
    assert "missing" in event.reason


def test_a_misspelt_key_is_recognised() -> None:
    form = {**FORM, "quantty": 5}
    del form["quantity"]
    assert "did you mean 'quantty'?" in refused(open_desk(), form).reason


def test_a_misspelt_symbol_is_recognised() -> None:
    event = refused(open_desk(), {**FORM, "symbol": "test:rian:YES"})
    assert f"did you mean {YES!r}?" in event.reason


@pytest.mark.parametrize(
    "signal",
    [
        None, 0, 1, True, 1.5, "BUY", b"{}", [], [FORM], (), object(), Liar(), NumpyArray(), {},
        BrokenMapping(), {1: 2}, {None: None}, {"action": "BUY"}, nested(100_000),
        {str(n): n for n in range(100_000)}, {"quantit" + str(n): n for n in range(100_000)},
        {**FORM, "symbol": FORM}, Signal(legs=()), Signal(legs=(1,)),  # type: ignore[arg-type]
        Signal(legs=None), Signal, FORM.items(),  # type: ignore[arg-type]
    ],
    ids=lambda signal: type(signal).__name__,
)  # fmt: skip
def test_what_is_no_signal_is_refused(signal: Any) -> None:
    event = refused(open_desk(), signal)
    assert event.code == "invalid"
    assert event.field


@pytest.mark.parametrize("name", [None, "", 1, [], Liar(), SURROGATE, "x" * 101, "a\x00", b"s"])
def test_a_strategy_needs_a_name(name: Any) -> None:
    event = refused(open_desk(), FORM, strategy=name)
    assert (event.field, event.strategy) == ("strategy_name", "unknown")


def leg(**changed: Any) -> Signal:
    """Return a good signal with something else in its leg."""
    return Signal(legs=(Leg(**({"symbol": YES, "side": "BUY", "quantity_lots": 5} | changed)),))


def signal(**changed: Any) -> Signal:
    """Return a good signal with something else in it."""
    return Signal(**({"legs": leg().legs} | changed))


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        *(("symbol", leg(symbol=bad)) for bad in SYMBOLS),
        *(("side", leg(side=bad)) for bad in WORDS),
        *(("quantity", leg(quantity_lots=bad)) for bad in [*NOT_NUMBERS, 0, -1, 1.0, "5"]),
        *(("quantity", leg(quantity_lots=None, quantity=bad)) for bad in QUANTITIES),
        ("quantity", leg(quantity_lots=None)),
        ("quantity", leg(quantity=5)),
        *(("price", leg(limit_ticks=bad)) for bad in [*NOT_NUMBERS, -100, 5_050, 10_100, "5000"]),
        *(("price", leg(limit=bad)) for bad in PRICES),
        ("price", leg(limit="0.5", limit_ticks=5_000)),
        ("legs", signal(legs=leg().legs * 2)),
        ("legs", signal(legs=leg().legs * 65)),
        ("legs", signal(legs={YES: 1})),
        ("legs", signal(legs="legs")),
        *(("reason", signal(reason=bad)) for bad in TEXTS),
        *(("signal_id", signal(signal_id=bad)) for bad in [*TEXTS, "r1.s1"]),
        *(("confidence", signal(confidence_pct=bad)) for bad in [*NOT_NUMBERS, 0.85, 101, -1]),
        *(("time_in_force", signal(time_in_force=bad)) for bad in [*WORDS, "FAK", None]),
        *(("then", signal(then=bad)) for bad in [*WORDS, None, "split"]),
        *(("all_or_none", signal(all_or_none=bad)) for bad in [1, 0, "yes", None, [], Liar()]),
        *(("expected_edge_micros", signal(expected_edge_micros=bad))
          for bad in [0.5, "1", True, 10**30, Liar(), Decimal(1)]),
        ("time_in_force", signal(all_or_none=True, time_in_force="GTC")),
        ("then", signal(then="merge")),
        ("then", signal(then="merge", all_or_none=True)),
        ("then", signal(then="convert", all_or_none=True)),
    ],
)  # fmt: skip
def test_a_signal_object_is_held_to_the_same(field: str, bad: Signal) -> None:
    event = refused(open_desk(), bad)
    assert (event.code, event.field) == ("invalid", field)


@pytest.mark.parametrize(
    "good",
    [
        FORM,
        {**FORM, "side": "SELL"},
        {"side": "buy", "symbol": YES, "quantity": 5},
        {**FORM, "quantity": NumpyFloat(5.0), "price": NumpyFloat(0.52), "confidence": 85.0},
        {**FORM, "action": Word.BUY, "time_in_force": Word.IOC},
        {**FORM, "note": Liar(), 7: "x", "more": nested(100_000)},
        MappingProxyType(FORM),
        UserDict(FORM),
        {**FORM, "price": None},
        {**FORM, "reason": "rises\n\tfast — é ✓", "signal_id": "mine-1"},
        signal(reason=Text("because"), signal_id=Text("mine"), confidence_pct="85"),
        signal(confidence_pct=85.4, legs=list(leg().legs), time_in_force=Word.IOC),
        leg(side=Word.BUY, symbol=Text(YES)),
        leg(side=Text("BUY")),
        leg(quantity_lots=None, quantity=NumpyFloat(0.05), limit=Decimal("0.520")),
    ],
)
def test_what_is_unusual_and_right_is_taken_and_can_be_read_back(good: Any) -> None:
    desk = open_desk(bought=False)
    assert desk.door.process_signal("hand", good).status == "filled"
    for record in desk.ledger.read(0, 100):
        assert decode_event(encode_event(record.event)) == record.event
    assert folded(desk.ledger).digest() == desk.view.digest()
    assert type(desk.events(SignalRaised)[0].legs[0].symbol) is str


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals()
    | st.binary(max_size=5) | st.sampled_from([YES, "BUY", "SELL", "0.52", "IOC", "GTC", 5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
KEYS = ["action", "side", "symbol", "price", "quantity", "confidence", "reason", "time_in_force"]


@settings(max_examples=120)
@given(st.dictionaries(st.sampled_from(KEYS) | st.text(), anything, max_size=8))
def test_whatever_comes_the_door_answers(form: dict[str, Any]) -> None:
    desk = open_desk()
    for candidate in (form, FORM | form):
        decision = desk.door.process_signal("hand", candidate)
        assert decision.status in {"refused", "filled", "partial", "resting", "unfilled"}
    for record in desk.ledger.read(0, 100):
        assert decode_event(encode_event(record.event)) == record.event
    assert folded(desk.ledger).digest() == desk.view.digest()
    desk.view.portfolio.accounts.check()


def test_execute_signal_takes_the_same_and_refuses_the_same() -> None:
    desk = open_desk()
    for bad in (None, BrokenMapping(), {**FORM, "strategy": 5}, {**FORM, "strategy": Liar()}):
        assert desk.door.execute_signal(bad).code == "invalid"
    assert desk.door.execute_signal({**FORM, "strategy": "mine"}).strategy == "mine"
    assert desk.door.execute_signal(FORM).strategy == "manual"


@pytest.mark.parametrize(
    "bad",
    [
        Opportunity(symbols=[1], test="t", figure="f", reason="r"),  # type: ignore[list-item]
        Opportunity(symbols=None, test="t", figure="f", reason="r"),  # type: ignore[arg-type]
        Opportunity(symbols=(YES,), test="t", figure=0.5, reason="r"),  # type: ignore[arg-type]
        Opportunity(symbols=(YES,), test=SURROGATE, figure="f", reason="r"),
        Opportunity(symbols=(YES,), test="t", figure="f", reason=Liar()),  # type: ignore[arg-type]
    ],
)
def test_an_opportunity_that_cannot_be_written_is_refused(bad: Opportunity) -> None:
    desk = open_desk()
    desk.door.note_opportunity("hand", bad)
    assert desk.events(SignalRefused)[-1].code == "invalid"
    for record in desk.ledger.read(0, 100):
        assert decode_event(encode_event(record.event)) == record.event


def test_a_stand_alone_desk_survives_every_price() -> None:
    """What a caller quotes must not make the books uncountable for everybody after."""
    door = DataFlowManager()
    form = {"action": "BUY", "symbol": "ETH-USD", "price": "0.001", "quantity": 1_000_000}
    assert door.process_signal("hand", form).status == "filled"
    huge = {"action": "SELL", "symbol": "ETH-USD", "price": 9 * 10**12, "quantity": 1}
    assert door.process_signal("hand", huge).code == "invalid"
    for bad in SYMBOLS[1:]:
        assert door.process_signal("hand", {**form, "symbol": bad}).code == "invalid"
        assert door.process_signal("hand", leg(symbol=bad)).code == "invalid"
    for bad in [*PRICES, *QUANTITIES]:
        for field in ("price", "quantity"):
            door.process_signal("hand", {**form, field: bad})
    assert door.get_portfolio_summary()["trades_count"] >= 1
    assert door.process_signal("hand", {**form, "quantity": 1}).status == "filled"
    assert door.view.portfolio.accounts.initial_micros == CASH_MICROS
