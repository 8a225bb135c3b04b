"""One-minute candles: strictly read, merged by time."""

import lzma

import pytest

from papertape.clock import NS_PER_MS
from papertape.errors import InvalidInputError
from papertape.feeds.importers import import_data
from papertape.model.market_data import BarSeen, FeedStateSeen, InstrumentSeen
from papertape.tape.recording import Recording

HEADER = "timestamp_ms,open,high,low,close,volume"
T0 = 1_707_706_800_000


def row(minute, prices="48151.1,48156.0,48128.0,48155.99", volume="27.70613"):
    return f"{T0 + minute * 60_000},{prices},{volume}"


def imported(tmp_path, **files):
    source = tmp_path / "candles"
    source.mkdir()
    for name, rows in files.items():
        with lzma.open(source / f"{name}.csv.xz", "wt") as out:
            out.write("\n".join([HEADER, *rows]) + "\n")
    recording = Recording(import_data(source, tmp_path / "market"))
    items = [item for _, item in recording.items()]
    return items, recording.manifest.meta["import_report"]


def test_a_candle_is_told_at_its_close_in_exact_integers(tmp_path):
    items, report = imported(tmp_path, BTCUSDT_a=[row(0), row(1, volume="0")])
    bars = [i for i in items if isinstance(i, BarSeen)]
    assert bars[0] == BarSeen(
        symbol="binance:BTC/USDT", ts_ns=(T0 + 60_000) * NS_PER_MS, interval_ns=60 * 10**9,
        open_ticks=4_815_110, high_ticks=4_815_600, low_ticks=4_812_800, close_ticks=4_815_599,
        volume_lots=2_770_613, venue_ts_ns=(T0 + 60_000) * NS_PER_MS,
    )  # fmt: skip
    assert bars[1].volume_lots == 0
    assert report["rows"] == 2 and report["malformed_rows"] == report["gaps"] == 0
    instrument = next(i.instrument for i in items if isinstance(i, InstrumentSeen))
    assert (instrument.fees.kind, instrument.fees.taker_ppm) == ("proportional", 1_000)
    assert [i.state for i in items if isinstance(i, FeedStateSeen)] == ["live", "ended"]


def test_files_of_one_pair_merge_and_pairs_stand_in_order_of_time(tmp_path):
    items, report = imported(
        tmp_path,
        BTCUSDT_2=[row(2), row(3), row(6)],
        BTCUSDT_1=[row(0), row(1), row(2)],
        ETHUSDT_1=[row(1), row(2)],
    )
    bars = [i for i in items if isinstance(i, BarSeen)]
    minutes = [(b.symbol[-8:-5], (b.ts_ns // NS_PER_MS - T0) // 60_000 - 1) for b in bars]
    assert minutes == [
        ("BTC", 0), ("BTC", 1), ("ETH", 1), ("BTC", 2), ("ETH", 2), ("BTC", 3), ("BTC", 6)
    ]  # fmt: skip
    assert (report["duplicates"], report["gaps"], report["malformed_rows"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("reason", "bad"),
    [
        ("not six columns", f"{T0 + 60_000},1,2"),
        ("not a plain decimal number", row(1, "nan,48156.0,48128.0,48155.99")),
        ("not a plain decimal number", row(1, volume="1e-5")),
        ("not a plain decimal number", row(1, "-1,2,1,1")),
        ("finer than the grid", row(1, "1.001,2,1,1")),
        ("high and low do not hold open and close", row(1, "10,9,8,9")),
        ("high and low do not hold open and close", row(1, "10,12,11,11")),
        ("high and low do not hold open and close", row(1, "0,0,0,0")),
        ("not the start of a minute in milliseconds", f"{T0 + 60_001},1,2,1,1,0"),
        ("time runs back", row(-5)),
    ],
)
def test_malformed_candles_are_counted_and_left_out(tmp_path, reason, bad):
    items, report = imported(tmp_path, BTCUSDT=[row(0), bad, row(2)])
    assert sum(isinstance(i, BarSeen) for i in items) == 2
    assert report["malformed"] == {reason: {"count": 1, "first_at": ["BTCUSDT.csv.xz:3"]}}
    assert report["gaps"] == 1


def test_a_file_must_say_its_pair_and_a_folder_hold_one_kind(tmp_path):
    with pytest.raises(InvalidInputError, match="BTCUSDT_1m"):
        imported(tmp_path, mystery=[row(0)])
    (tmp_path / "candles" / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInputError, match=r"other\.csv"):
        import_data(tmp_path / "candles", tmp_path / "market")


def test_recorded_candles(tmp_path, shared_data):
    files = sorted((shared_data / "ohlcv_1m").glob("BTCUSDT_2023-03-16*.csv.xz"))
    if not files:
        pytest.skip("no candles of March 2023 in the recorded data")
    recording = Recording(import_data(files[0], tmp_path / "market"))
    report = recording.manifest.meta["import_report"]
    assert report["rows"] == 66_087 and report["malformed_rows"] == report["duplicates"] == 0
    assert report["gaps"] == 1  # the outage of 2023-03-24
