"""Recorded market data comes back exactly; what is damaged is named."""

from __future__ import annotations

import json
import threading
from array import array
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from papertape.errors import NewerDataError, WorldError
from papertape.model.instrument import Instrument
from papertape.model.market import EventGroup, Market
from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    EventSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
    QuoteSeen,
)
from papertape.tape.recorder import CountingSink, MarketRecorder
from papertape.tape.recording import Recording
from papertape.tape.segment import BLOCK_ROWS

INSTRUMENT = Instrument(
    symbol="simulated:rain:YES", venue="simulated", kind="outcome", quote_currency="USDC",
    tick_nanos=100_000, lot_nanos=10_000_000,
)  # fmt: skip
MARKET = Market(
    market_id="rain", venue="simulated", question="Rain? ☂", outcomes=("YES", "NO"),
    symbols=("simulated:rain:YES", "simulated:rain:NO"), end_ns=5,
)  # fmt: skip
GROUP = EventGroup(event_id="e", venue="simulated", title="T", market_ids=("rain",), neg_risk=True)

int64 = st.integers(-(2**63), 2**63 - 1)
symbols = st.sampled_from(["binance:BTC/USDT", "simulated:rain:YES", "x:ü☂:NO"])
sides = st.lists(st.tuples(int64, int64), max_size=6)


def book(symbol: str, ts_ns: int, venue: int, bids: Any, asks: Any, state: Any) -> BookSeen:
    return BookSeen(
        symbol=symbol, ts_ns=ts_ns, venue_ts_ns=venue, state=state,
        bid_ticks=tuple(t for t, _ in bids), bid_lots=tuple(q for _, q in bids),
        ask_ticks=tuple(t for t, _ in asks), ask_lots=tuple(q for _, q in asks),
    )  # fmt: skip


items: st.SearchStrategy[MarketData] = st.one_of(
    st.builds(
        book, symbols, int64, int64, sides, sides,
        st.sampled_from(["live", "stale", "gap", "unverified"]),
    ),
    st.builds(
        QuoteSeen, symbol=symbols, ts_ns=int64, bid_ticks=int64, bid_lots=int64, ask_ticks=int64,
        ask_lots=int64, venue_ts_ns=int64,
    ),
    st.builds(
        BarSeen, symbol=symbols, ts_ns=int64, interval_ns=int64, open_ticks=int64,
        high_ticks=int64, low_ticks=int64, close_ticks=int64, volume_lots=int64, venue_ts_ns=int64,
    ),
    st.builds(
        PrintSeen, symbol=symbols, ts_ns=int64, price_ticks=int64, quantity_lots=int64,
        side=st.sampled_from(["BUY", "SELL"]), venue_ts_ns=int64,
    ),
    st.builds(InstrumentSeen, ts_ns=int64, instrument=st.just(INSTRUMENT)),
    st.builds(
        MarketSeen, ts_ns=int64, market=st.just(MARKET), instruments=st.just((INSTRUMENT,))
    ),
    st.builds(EventSeen, ts_ns=int64, group=st.just(GROUP)),
    st.builds(
        MarketStateSeen, ts_ns=int64, market_id=symbols,
        state=st.sampled_from(["trading", "closed"]),
    ),
    st.builds(
        MarketResolvedSeen, ts_ns=int64, market_id=symbols,
        payouts_micros=st.one_of(st.none(), st.just((1_000_000, 0))),
    ),
    st.builds(
        FeedStateSeen, ts_ns=int64, source=symbols, state=st.sampled_from(["live", "stale"]),
        reason=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    ),
)  # fmt: skip


def plain(item: MarketData) -> Any:
    """Return an item with its levels as tuples, so that it can be compared."""
    if isinstance(item, BookSeen):
        levels = {
            name: tuple(getattr(item, name))
            for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
        }
        return msgspec.structs.replace(item, **levels)
    return item


def record(folder: Path, data: list[MarketData], **options: Any) -> Recording:
    recorder = MarketRecorder(folder, source="test", **options)
    assert [recorder.record(item) for item in data] == list(range(1, len(data) + 1))
    recorder.close()
    return Recording(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(items, max_size=40), st.integers(1, 15), st.integers(1, 60), st.integers(0, 45))
def test_what_was_recorded_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: list[MarketData], rows: int, levels: int,
    after: int,
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("run") / "r"
    recording = record(folder, data, rows_per_segment=rows, levels_per_segment=levels)
    expected = list(enumerate(data, start=1))
    assert [(mseq, plain(item)) for mseq, item in recording.items()] == expected
    assert [(m, plain(item)) for m, item in recording.items(after)] == expected[after:]
    manifest = recording.manifest
    assert (manifest.sealed, manifest.rows, manifest.last_mseq) == (True, len(data), len(data))
    assert sum(manifest.counts.values()) == len(data)
    assert recording.verify() == []


def many_books(count: int) -> list[MarketData]:
    return [
        BookSeen(
            symbol="a:b:YES", ts_ns=n, bid_ticks=(n, n - 1), bid_lots=(5, n), ask_ticks=(n + 1,),
            ask_lots=(7,),
        )
        for n in range(count)
    ]  # fmt: skip


def test_levels_are_views_and_survive_the_segment(tmp_path: Path) -> None:
    count = 2 * BLOCK_ROWS + 10
    read = list(record(tmp_path / "r", many_books(count)).items())
    for n, (mseq, item) in enumerate(read):
        assert isinstance(item, BookSeen)
        assert mseq == n + 1
        assert isinstance(item.bid_ticks, memoryview)
        assert item.bid_ticks.format == "q"
        assert item.bid_ticks.tolist() == [n, n - 1]
    kept = read[0][1]
    assert isinstance(kept, BookSeen)
    assert isinstance(kept.bid_ticks, memoryview)
    assert kept.bid_ticks.obj.__sizeof__() <= 2 * 8 * BLOCK_ROWS + 100


def test_views_and_arrays_can_be_recorded_again(tmp_path: Path) -> None:
    data = many_books(20)
    data[3] = msgspec.structs.replace(data[3], bid_ticks=array("q", [3, 2]), bid_lots=[5, 3])
    first = record(tmp_path / "a", data)
    second = record(tmp_path / "b", [item for _, item in first.items()])
    assert [plain(i) for _, i in second.items()] == many_books(20)


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_segment_is_named(tmp_path: Path, damage: str) -> None:
    recording = record(tmp_path / "r", many_books(30), rows_per_segment=10)
    segment = tmp_path / "r" / "segment-000002.parquet"
    body = bytearray(segment.read_bytes())
    if damage == "gone":
        segment.unlink()
    else:
        body[len(body) // 2] ^= 4
        segment.write_bytes(body if damage == "flip" else body[:-5])
    read = []
    with pytest.raises(WorldError, match=r"segment-000002\.parquet"):
        for mseq, _ in recording.items():
            read.append(mseq)
    assert read == list(range(1, 11))
    assert len(recording.verify()) == 1
    assert [m for m, _ in recording.items(after_mseq=20)] == list(range(21, 31))


def test_a_folder_without_manifest_or_with_a_bad_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="no recorded run here"):
        Recording(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(WorldError, match=r"manifest\.json"):
        Recording(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 99, "name": "n", "source": "s"}')
    with pytest.raises(NewerDataError, match="newer"):
        Recording(tmp_path)


def test_a_run_is_recorded_once(tmp_path: Path) -> None:
    record(tmp_path / "r", many_books(1))
    with pytest.raises(WorldError, match="already"):
        MarketRecorder(tmp_path / "r")


def test_the_manifest_says_what_is_in_it(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path / "run-1", source="polymarket", meta={"a": 1})
    for item in many_books(3):
        recorder.record(item)
    recorder.note(report={"malformed": 2})
    recorder.close()
    recorder.close()
    body = json.loads((tmp_path / "run-1" / "manifest.json").read_text())
    assert body["name"] == "run-1"
    assert (body["first_mseq"], body["last_mseq"], body["rows"]) == (1, 3, 3)
    assert (body["first_ts_ns"], body["last_ts_ns"]) == (0, 2)
    assert body["meta"] == {"a": 1, "report": {"malformed": 2}}
    assert body["counts"] == {"book": 3}


def test_quiet_data_is_on_disk_after_seconds(tmp_path: Path) -> None:
    """What a kill -9 costs is bounded by time, not by the next item."""
    now_s = [0.0]
    recorder = MarketRecorder(tmp_path / "r", monotonic=lambda: now_s[0])
    for item in many_books(3):
        recorder.record(item)
    now_s[0] = 6.0
    deadline = threading.Event()
    for _ in range(60):
        if Recording(tmp_path / "r").manifest.last_mseq == 3:
            break
        deadline.wait(0.1)
    killed = Recording(tmp_path / "r")
    assert not killed.manifest.sealed
    assert [plain(item) for _, item in killed.items()] == many_books(3)
    recorder.record(many_books(1)[0])
    recorder.close()
    assert Recording(tmp_path / "r").manifest.last_mseq == 4


def test_a_disk_that_fails_ends_the_recording_loudly(tmp_path: Path) -> None:
    recorder = MarketRecorder(tmp_path / "r", rows_per_segment=1)
    (tmp_path / "r" / ".segment-000001.parquet.tmp").mkdir()  # the file cannot be made
    with pytest.raises(WorldError, match="recording has failed"):
        for item in many_books(10_000):
            recorder.record(item)
    with pytest.raises(WorldError, match="recording has failed"):
        recorder.close()


def test_counting_numbers_like_recording() -> None:
    sink = CountingSink()
    assert [sink.record(item) for item in many_books(3)] == [1, 2, 3]
    sink.close()
