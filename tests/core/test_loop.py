"""The loop at its edges: bad data, failing strategies, amounts past 64 bits, chunks, settlement."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
from tests.engine.desk import outcome, spot
from tests.forms import core_fixture

from papertape import Leg, Signal, Strategy
from papertape.errors import ConfigError, InvalidInputError
from papertape.services.loop_door import exact_legs

loop = core_fixture("loop")

MINUTE_NS = 60_000_000_000
CASH = 10_000_000_000


def bars(loop: Any, closes: list[int], *, first: int = 1, volume: int = 10**9, **more: Any) -> Any:
    """Return bars that open where the last one closed."""
    opens = [closes[0], *closes[:-1]]
    highs = [max(pair) for pair in zip(opens, closes, strict=True)]
    lows = [min(pair) for pair in zip(opens, closes, strict=True)]
    times = [(first + at) * MINUTE_NS for at in range(len(closes))]
    columns = (times, opens, highs, lows, closes, [volume] * len(closes))
    return loop.Columns.bars(*(array("q", column) for column in columns), **more)


class Script(Strategy):
    """Answers bar by bar from a list."""

    name = "script"

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers, self.seen = list(answers), 0

    def on_bar(self, bar: Any) -> Any:
        self.seen += 1
        answer = self.answers[self.seen - 1] if self.seen <= len(self.answers) else None
        return answer() if callable(answer) else answer


def order(side: Any, lots: int, limit: int | None = None, **more: Any) -> Signal:
    """Return a signal of one leg."""
    leg = Leg(symbol="test:BTC/USDT", side=side, quantity_lots=lots, limit_ticks=limit)
    return Signal(legs=(leg,), **more)


def run(loop: Any, data: Any, strategy: Any, **more: Any) -> Any:
    """Run over one pair."""
    chunks = data if isinstance(data, list) else [data]
    return loop.run_loop(chunks, [spot()], strategy, initial_cash_micros=CASH, **more)


def test_an_order_fills_on_the_next_bar_at_its_open(loop: ModuleType) -> None:
    result = run(loop, bars(loop, [100, 200, 300]), Script(order("BUY", 50)))
    assert list(result.trades["ts_ns"]) == [2 * MINUTE_NS]
    assert list(result.trades["price_ticks"]) == [100]
    assert result.positions["test:BTC/USDT"][:2] == (50, 500)
    assert result.equity_micros == CASH - 500 + 1_500
    assert result.days == [(0, result.equity_micros)]


def test_chunks_make_no_difference(loop: ModuleType) -> None:
    closes = [1_000 + (at * 37) % 101 for at in range(300)]
    whole = run(loop, bars(loop, closes), loop.EmaCross(3, 8, 100))
    parts = [bars(loop, closes[:100]), bars(loop, closes[100:], first=101)]
    again = run(loop, parts, loop.EmaCross(3, 8, 100))
    parts[1] = bars(loop, closes[100:101] + closes[101:], first=101)
    assert whole.fills > 10
    assert again.fills == whole.fills
    assert list(again.trades["ts_ns"]) == list(whole.trades["ts_ns"])


def test_trades_can_be_streamed(loop: ModuleType) -> None:
    closes = [1_000 + (at * 37) % 101 for at in range(200)]
    told: list[int] = []
    result = run(
        loop,
        [bars(loop, closes[:100]), bars(loop, closes[100:], first=101)],
        loop.EmaCross(3, 8, 100),
        on_trades=lambda trades: told.extend(trades["ts_ns"]),
    )
    assert len(told) == result.fills > 5
    assert not len(result.rows)


def test_more_trades_than_there_was_room_for(loop: ModuleType) -> None:
    answers = [order("BUY" if at % 2 == 0 else "SELL", 1) for at in range(1_500)]
    result = run(loop, bars(loop, [1_000] * 1_501), Script(*answers))
    assert result.fills == 1_500
    assert sum(result.trades["side"]) == 0
    assert list(result.trades["order"]) == list(range(1, 1_501))


def fail() -> None:
    """Fail as a strategy may."""
    raise ValueError("no idea")


@pytest.mark.parametrize(
    ("answer", "said"),
    [(fail, "ValueError: no idea"), (42, "int"), ([1], "list of int"), ("BUY", "str")],
)
def test_a_failing_strategy_ends_the_run_and_keeps_the_rest(
    loop: ModuleType, answer: Any, said: str
) -> None:
    result = run(loop, bars(loop, [100] * 9), Script(order("BUY", 5), None, None, answer))
    assert result.failure is not None
    event, handler, what = result.failure
    assert (event, handler) == (3, "on_bar")
    assert said in what
    assert (result.events, result.fills) == (4, 1)


def test_what_is_no_strategy_is_refused(loop: ModuleType) -> None:
    with pytest.raises(ConfigError, match="no strategy"):
        run(loop, bars(loop, [1]), object())


@pytest.mark.parametrize(
    ("change", "row", "field"),
    [
        (lambda c: c["ts"].__setitem__(3, 1), 3, "ts_ns"),
        (lambda c: c["high"].__setitem__(2, 99), 2, "bar"),
        (lambda c: c["low"].__setitem__(4, 101), 4, "bar"),
        (lambda c: c["volume"].__setitem__(1, -1), 1, "volume_lots"),
    ],
)
def test_bad_rows_are_named(
    loop: ModuleType, change: Callable[[dict[str, Any]], None], row: int, field: str
) -> None:
    names = ("ts", "open", "high", "low", "close", "volume")
    columns = {name: array("q", [100] * 6) for name in names}
    columns["ts"] = array("q", range(100, 106))
    change(columns)
    data = loop.Columns.bars(*columns.values(), name="bars.csv")
    with pytest.raises(InvalidInputError, match=rf"bars\.csv, row {row}, {field}"):
        run(loop, data, Script())


def test_columns_must_be_integers_of_one_length(loop: ModuleType) -> None:
    good, short = array("q", [1, 2, 3]), array("q", [1, 2])
    with pytest.raises(InvalidInputError, match="3 rows"):
        loop.Columns.bars(good, good, good, good, good, short)
    with pytest.raises(InvalidInputError, match="64-bit"):
        loop.Columns.bars(good, array("d", good), good, good, good, good)
    with pytest.raises(InvalidInputError, match="in order"):
        run(loop, [bars(loop, [1], first=2), bars(loop, [1])], Script())
    unlisted = bars(loop, [1], instrument=array("q", [1]))
    with pytest.raises(InvalidInputError, match="listed"):
        run(loop, unlisted, Script())


def test_arrow_columns_are_taken_as_they_are(loop: ModuleType) -> None:
    closes = [1_000 + (at * 37) % 101 for at in range(100)]
    own = bars(loop, closes)
    columns = [own.ts, own.v0, own.v1, own.v2, own.v3, own.v4]
    arrow = loop.Columns.bars(*(pa.array([0, *column], pa.int64())[1:] for column in columns))
    rule = loop.EmaCross(3, 8, 100)
    assert run(loop, arrow, rule).rows == run(loop, own, loop.EmaCross(3, 8, 100)).rows
    with pytest.raises(InvalidInputError, match="without nulls"):
        loop.Columns.bars(*(pa.array([1, None], pa.int64()) for _ in range(6)))


def test_amounts_past_64_bits_are_refused_never_wrapped(loop: ModuleType) -> None:
    huge = 2**62
    result = run(loop, bars(loop, [huge] * 3), Script(order("BUY", huge)))
    assert result.refusals == {"invalid": 1}
    assert result.cash_micros == CASH
    rich = run(
        loop, bars(loop, [2**31, 2**31, 2**31]), Script(order("BUY", 2**31 + 1)),
    )  # fmt: skip
    assert rich.refusals == {"cash": 1}


def test_quantities_as_people_write_them(loop: ModuleType) -> None:
    signal = Signal(legs=(Leg(symbol="test:BTC/USDT", side="BUY", quantity="0.5"),))
    wrong = Signal(legs=(Leg(symbol="test:BTC/USDX", side="BUY", quantity="0.5"),))
    data = bars(loop, [100] * 4)
    result = run(loop, data, Script(signal, wrong), check=exact_legs)
    assert list(result.trades["quantity_lots"]) == [50_000]
    assert result.refusals == {"invalid": 1}


@pytest.mark.parametrize(("payout", "void", "cash"), [(1_000_000, 0, 500_000), (0, 1, 200_000)])
def test_settlement_pays_and_expires(loop: ModuleType, payout: int, void: int, cash: int) -> None:
    symbol = "test:rain:YES"

    class Once(Strategy):
        name = "once"
        told: Any = None

        def on_quote(self, quote: Any) -> Any:
            leg = Leg(symbol=symbol, side="BUY", quantity_lots=50, limit_ticks=quote.ask_ticks)
            low = Leg(symbol=symbol, side="BUY", quantity_lots=1, limit_ticks=100)
            return [Signal(legs=(leg,)), Signal(legs=(low,), time_in_force="GTC")]

        def on_settle(self, settled: Any) -> Any:
            self.told = settled

    rows = [(1, 2, 3_900, 90, 4_000, 90, 0), (2, 5, 2, 0, 0, 0, 0), (3, 6, payout, void, 0, 0, 0)]
    ts, kinds, *values = (array("q", column) for column in zip(*rows, strict=True))
    strategy = Once()
    result = loop.run_loop(
        [loop.Columns(ts, values, kinds=kinds)], [outcome(symbol)], strategy,
        initial_cash_micros=CASH,
    )  # fmt: skip
    assert result.failure is None
    assert (result.settlements, result.resting, result.cancelled) == (1, 0, 1)
    assert result.cash_micros == CASH - 200_000 + cash
    assert strategy.told.cash_micros == cash
    assert list(result.trades["kind"]) == [0, 1]


def test_an_empty_file_is_no_mistake(loop: ModuleType) -> None:
    empty = loop.Columns.bars(*(array("q") for _ in range(6)))
    result = run(loop, empty, Script())
    assert (result.events, result.fills, result.equity_micros) == (0, 0, CASH)


def test_sets_end_the_run_and_say_so(loop: ModuleType) -> None:
    both = Signal(
        legs=(Leg(symbol="test:BTC/USDT", side="BUY", quantity_lots=1),), all_or_none=True,
        then="merge",
    )  # fmt: skip
    result = run(loop, bars(loop, [100] * 3), Script(both), check=exact_legs)
    assert result.failure is not None
    assert "merge" in result.failure[2]


def test_without_instruments_there_is_nothing_to_run(loop: ModuleType) -> None:
    with pytest.raises(InvalidInputError, match="at least one"):
        loop.run_loop([], [], Script(), initial_cash_micros=CASH)


def test_data_that_changes_during_a_run_is_refused(loop: ModuleType) -> None:
    index = array("q", [0] * 4)
    data = bars(loop, [100] * 4, instrument=index)
    with pytest.raises(InvalidInputError, match="unchanged"):
        run(loop, data, Script(lambda: index.__setitem__(2, 7)))
    with pytest.raises(IndexError):
        loop.EmaCross(2, 3, 1).target(5, 100)
