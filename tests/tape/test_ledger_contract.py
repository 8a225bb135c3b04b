"""What every ledger promises: one suite, run on SQLite and in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tape.samples import batches, opening, other_events, run_started, trade

from papertape.errors import LedgerFailedError
from papertape.model.events import AlertRaised, EquityMarked, Event, decode_event, encode_event
from papertape.tape.ledger import SqliteLedger
from papertape.tape.memory import MemoryLedger

AnyLedger = SqliteLedger | MemoryLedger
MakeLedger = Callable[[], AnyLedger]


@pytest.fixture(params=["sqlite", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeLedger]:
    """Make ledgers of one kind and close them."""
    made: list[AnyLedger] = []

    def make_one() -> AnyLedger:
        if request.param == "memory":
            ledger: AnyLedger = MemoryLedger()
        else:
            folder = tmp_path / str(len(made))
            folder.mkdir()
            ledger = SqliteLedger(folder / "papertape.db")
        made.append(ledger)
        return ledger

    yield make_one
    for ledger in made:
        ledger.close()


def test_an_empty_ledger_is_at_zero(make: MakeLedger) -> None:
    ledger = make()
    assert (ledger.head_seq(), ledger.durable_seq(), ledger.flush()) == (0, 0, 0)
    assert ledger.read(0) == []
    assert ledger.latest_snapshot() is None
    assert ledger.failure() is None


def test_numbers_are_contiguous_and_records_come_back_as_given(make: MakeLedger) -> None:
    ledger = make()
    given_out = []
    for n, batch in enumerate(batches(10)):
        given_out += ledger.append(batch, ts_ns=100 + n, mseq=n)
    assert [record.seq for record in given_out] == list(range(1, len(given_out) + 1))
    assert ledger.head_seq() == len(given_out)
    assert ledger.flush() == ledger.durable_seq() == len(given_out)
    assert ledger.read(0, limit=10_000) == given_out
    assert ledger.read(5, limit=3) == given_out[5:8]
    assert ledger.read(len(given_out)) == []


def test_event_ids_are_unique_and_name_the_run(make: MakeLedger) -> None:
    ledger = make()
    first = ledger.append(opening(1), ts_ns=1, mseq=0)
    second = ledger.append([*trade(1), run_started(2), *trade(2)], ts_ns=2, mseq=1)
    ids = [record.event_id for record in first + second]
    assert len(set(ids)) == len(ids)
    assert ids[0] == "run-1:1"
    assert ids[-1].startswith("run-2:")


def test_what_cannot_be_encoded_is_refused_before_it_gets_a_number(make: MakeLedger) -> None:
    ledger = make()
    nonsense: Any = object()
    bad = EquityMarked(cash_micros=nonsense, value_micros=0, unrealized_micros=0)
    with pytest.raises(TypeError):
        ledger.append([run_started(), bad], ts_ns=1, mseq=0)
    assert ledger.head_seq() == 0
    ledger.append([run_started()], ts_ns=1, mseq=0)
    assert ledger.flush() == 1


def test_after_close_nothing_is_taken_and_all_can_be_read(make: MakeLedger) -> None:
    ledger = make()
    records = ledger.append(opening(), ts_ns=1, mseq=0)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerFailedError, match="closed"):
        ledger.append(opening(), ts_ns=1, mseq=0)
    assert ledger.read(0) == records


def test_the_newest_snapshot_comes_back(make: MakeLedger) -> None:
    ledger = make()
    for n in range(1, 5):
        ledger.append(trade(n), ts_ns=n, mseq=n)
        ledger.save_snapshot(ledger.head_seq(), b"state %d" % n)
    ledger.flush()
    assert ledger.latest_snapshot() == (ledger.head_seq(), b"state 4")


def test_batches_of_several_threads_do_not_mix(make: MakeLedger) -> None:
    ledger = make()

    def write(strategy: str) -> None:
        for n in range(50):
            ledger.append(trade(n, strategy=strategy), ts_ns=n, mseq=0)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.flush()
    records = ledger.read(0, limit=10_000)
    assert [record.seq for record in records] == list(range(1, 601))
    for at in range(0, 600, 4):
        assert len({record.event.strategy for record in records[at : at + 4]}) == 1


texts = st.text(max_size=40).filter(lambda text: text.isprintable() or not text)
numbers = st.integers(-(2**63), 2**63 - 1)
event_strategy: st.SearchStrategy[Event] = st.one_of(
    st.builds(EquityMarked, cash_micros=numbers, value_micros=numbers, unrealized_micros=numbers),
    st.builds(
        AlertRaised,
        severity=st.sampled_from(["info", "warning", "error"]),
        title=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        message=texts,
    ),
    st.sampled_from([*opening(), *trade(1), *other_events()]),
)


@given(event_strategy)
def test_the_canonical_form_is_stable(event: Event) -> None:
    body = encode_event(event)
    assert decode_event(body) == event
    assert encode_event(decode_event(body)) == body


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.lists(event_strategy, min_size=1, max_size=5), max_size=8), st.integers(0, 2**62)
)
def test_any_batches_read_back_the_same_from_both(
    make: MakeLedger, groups: list[list[Event]], ts_ns: int
) -> None:
    ledger = make()
    records = []
    for mseq, group in enumerate(groups):
        records += ledger.append(group, ts_ns=ts_ns, mseq=mseq)
    ledger.flush()
    assert ledger.read(0, limit=1_000) == records
    ledger.close()
