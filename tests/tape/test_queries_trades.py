"""Filtered pages: put together they are the whole list, whatever the filter and the bound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.dashboard.tapes import NO, START_NS, YES, Tape, busy

from papertape.tape.follow import LedgerReader
from papertape.tape.queries_trades import (
    TradeFilter,
    Window,
    not_taken,
    position_trades,
    settlement_after,
    trades_page,
)

S = 1_000_000_000


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerReader]:
    """Return a reader of a ledger with 60 trades, a merge and a settlement."""
    folder = tmp_path_factory.mktemp("queries")
    tape = Tape(folder)
    for i in range(30):
        strategy = "momentum" if i % 3 else "arbitrage"
        tape.trade("BUY", 100, 4_000 + 100 * (i % 5), symbol=NO if i % 4 else YES)
        tape.trade("BUY", 100, 4_000, symbol=YES if i % 5 else NO, strategy=strategy)
    tape.trade("BUY", 500, 4_000, symbol=NO, strategy="arbitrage")
    tape.merge(100)
    tape.refuse()
    tape.settle()
    tape.flush()
    tape.close()
    found = LedgerReader(folder / "papertape.db")
    yield found
    found.close()


def fits(row: dict, wanted: TradeFilter) -> bool:
    return (
        wanted.strategy in (None, row["strategy"])
        and (wanted.symbols is None or row["symbol"] in wanted.symbols)
        and wanted.side in (None, row["side"])
        and wanted.kind in (None, row["kind"])
        and (wanted.from_ns is None or row["ts_ns"] >= wanted.from_ns)
        and (wanted.to_ns is None or row["ts_ns"] <= wanted.to_ns)
    )


times = st.none() | st.integers(0, 80).map(lambda s: START_NS + s * S)
filters = st.builds(
    TradeFilter,
    strategy=st.sampled_from([None, "momentum", "arbitrage", "nobody"]),
    symbols=st.sampled_from(
        [None, (YES,), (NO,), (YES, NO), (), ("x",), (*tuple(f"n{i}" for i in range(20)), YES)]
    ),
    side=st.sampled_from([None, "BUY", "SELL", "SETTLE"]),
    kind=st.sampled_from([None, "fill", "settlement", "merge"]),
    from_ns=times,
    to_ns=times,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=filters,
    newest=st.booleans(),
    limit=st.integers(1, 70),
    walked=st.integers(1, 90),
    after=st.integers(0, 200),
)
def test_pages_put_together_are_the_whole_list(
    reader: LedgerReader,
    wanted: TradeFilter,
    newest: bool,
    limit: int,
    walked: int,
    after: int,
) -> None:
    """Nothing is missed, nothing comes twice, each page keeps its limit, and the walk ends."""
    every = [row for row in reader.trades_iter("main") if row["seq"] > after and fits(row, wanted)]
    expected = [row["seq"] for row in every]
    if newest:
        expected.reverse()
    found: list[int] = []
    window = Window(after_seq=after, newest_first=newest)
    for _ in range(500):
        page, behind = trades_page(reader, "main", wanted, window, limit, walked_rows=walked)
        assert len(page) <= limit
        found += [row["seq"] for row in page]
        if behind is None:
            break
        window = (
            Window(after_seq=after, before_seq=behind)
            if newest
            else Window(after_seq=behind, newest_first=False)
        )
    else:
        raise AssertionError("the walk does not end")
    assert found == expected


def test_another_account_has_no_trades(reader: LedgerReader) -> None:
    assert trades_page(reader, "other", TradeFilter(), Window(), 10) == ([], None)


def test_a_position_from_its_first_trade_to_its_payment(reader: LedgerReader) -> None:
    first = next(reader.trades_iter("main"))
    paid = settlement_after(reader, "main", "momentum", YES, first["seq"])
    assert paid is not None
    assert (paid["kind"], paid["symbol"], paid["strategy"]) == ("settlement", YES, "momentum")
    assert settlement_after(reader, "main", "momentum", YES, paid["seq"]) is None
    assert settlement_after(reader, "main", "momentum", NO, 0) is None
    before = position_trades(reader, "main", "momentum", YES, before_seq=paid["seq"], limit=5)
    assert len(before) == 5
    assert {(row["strategy"], row["symbol"], row["side"]) for row in before} == {
        ("momentum", YES, "BUY")
    }


def test_what_was_not_taken_of_an_instrument(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    busy(tape)
    tape.close()
    reader = LedgerReader(tmp_path / "papertape.db")
    assert not_taken(reader, "main", (), 10) == []
    assert not_taken(reader, "main", ("simulated:will-it-rain:%",), 10) == []
    about_no = not_taken(reader, "main", (NO,), 10)
    assert [row["state"] for row in about_no] == ["skipped"]
    both = not_taken(reader, "main", (YES, NO), 100)
    assert [row["state"] for row in both] == ["skipped", "refused"]
    assert [row["seq"] for row in both] == sorted((row["seq"] for row in both), reverse=True)
    assert len(not_taken(reader, "main", (YES, NO), 1)) == 1
    reader.close()
