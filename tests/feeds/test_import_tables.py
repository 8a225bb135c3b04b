"""Tables of candles of others: one recording whatever they are kept in; what is odd is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from papertape import run_backtest
from papertape.cli.main import run
from papertape.errors import InvalidInputError
from papertape.feeds.importers import convert_data, import_data
from papertape.model.market_data import BarSeen, InstrumentSeen
from papertape.tape.recording import Recording

FIRST_S = 1_700_000_000 // 300 * 300
STEP_S = 300
PRICES = [(10.5, 11.25, 10.0, 11.0, 3.5), (11.0, 11.5, 10.75, 11.25, 2.0), (11.25, 12, 11, 11.5, 1)]


def rows(unit: int = 1) -> list[tuple[Any, ...]]:
    return [((FIRST_S + at * STEP_S) * unit, *row) for at, row in enumerate(PRICES)]


def as_csv(path: Path, unit: int = 1, head: str = "time,open,high,low,close,volume") -> Path:
    lines = [head, *(",".join(map(str, row)) for row in rows(unit))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def as_table() -> pa.Table:
    columns = list(zip(*rows(), strict=True))
    times = pa.array([at * 1_000 for at in columns[0]], pa.timestamp("ms", tz="UTC"))
    prices = [pa.array([float(x) for x in column]) for column in columns[1:]]
    names = ["date", "open", "high", "low", "close", "volume"]
    return pa.table(dict(zip(names, [times, *prices], strict=True)))


def bars_of(folder: Path) -> list[BarSeen]:
    return [item for _, item in Recording(folder).items() if isinstance(item, BarSeen)]


def findings(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = Recording(folder).manifest.meta["import_report"]
    return found


def test_every_form_says_the_same(tmp_path: Path) -> None:
    """CSV in four units and as text, JSON lines, Parquet, feather: the same bars to the tick."""
    made = []
    for at, unit in enumerate((1, 1_000, 1_000_000, 1_000_000_000)):
        folder = tmp_path / str(at)
        folder.mkdir()
        made.append(as_csv(folder / "XRPUSDT-5m.csv", unit))
    lines = [
        {"t": row[0], "o": row[1], "h": row[2], "l": row[3], "c": row[4], "v": row[5]}
        for row in rows()
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    (tmp_path / "XRPUSDT.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    pq.write_table(as_table(), tmp_path / "XRP-USDT.parquet")
    feather.write_feather(as_table(), tmp_path / "XRP_USDT-5m.feather", compression="lz4")
    made += [tmp_path / n for n in ("XRPUSDT.jsonl.gz", "XRP-USDT.parquet", "XRP_USDT-5m.feather")]
    found = [bars_of(import_data(path, tmp_path / "market")) for path in made]
    assert all(bars == found[0] for bars in found)
    assert [bar.ts_ns for bar in found[0]] == [
        (FIRST_S + (at + 1) * STEP_S) * 10**9 for at in range(3)
    ]
    first = found[0][0]
    assert (first.open_ticks, first.high_ticks, first.low_ticks) == (1_050, 1_125, 1_000)
    assert (first.volume_lots, first.interval_ns) == (35, STEP_S * 10**9)


def test_where_it_comes_from_is_not_invented(tmp_path: Path) -> None:
    """Without a venue fees are called assumed; with one they are the venue's."""
    path = as_csv(tmp_path / "mine.csv")
    with pytest.raises(InvalidInputError, match="named after its pair"):
        import_data(path, tmp_path / "market")
    folder = convert_data(path, tmp_path / "to" / "here", symbol="binance:XRP/USDT")
    listed = [one for _, one in Recording(folder).items() if isinstance(one, InstrumentSeen)]
    assert listed[0].instrument.symbol == "binance:XRP/USDT"
    assert "assumed" not in listed[0].instrument.fees.source
    named = import_data(as_csv(tmp_path / "XRPUSDT_5m.csv"), tmp_path / "market")
    listed = [one for _, one in Recording(named).items() if isinstance(one, InstrumentSeen)]
    assert listed[0].instrument.symbol == "import:XRP/USDT"
    assert "assumed" in listed[0].instrument.fees.source
    with pytest.raises(InvalidInputError, match="not there yet"):
        convert_data(path, folder, symbol="binance:XRP/USDT")
    with pytest.raises(InvalidInputError, match="venue:BASE/QUOTE"):
        convert_data(path, tmp_path / "other", symbol="XRP")


def test_what_is_wrong_is_named_with_file_row_and_column(tmp_path: Path) -> None:
    """Malformed rows are left out, odd ones kept; both are counted with their places."""
    minute = 60_000
    first = FIRST_S * 1_000
    lines = ["timestamp,open,high,low,close,volume"]
    good = [f"{first + at * minute},10,10.5,9.5,10,1" for at in range(70)]
    good[3] = f"{first + 3 * minute},10,9,9.5,10,1"  # high below low
    good[4] = f"{first + 4 * minute},10,10.5,9.5,nan,1"
    good[5] = f"{FIRST_S + 300},10,10.5,9.5,10,1"  # seconds among milliseconds
    good[6] = f"{first + 2 * minute},10,10.5,9.5,10,1"  # time runs back over row 3's place
    good[7] = f"{first + 7 * minute},10,10.5,9.5,10,0"
    good[8] = f"{first + 8 * minute},10,19,9.5,10,1"
    good[9] = f"{first + 9 * minute},15,15.5,14.5,15,1"
    good[10] = f"{first + 10 * minute},10,10.5"
    path = tmp_path / "BTCUSDT.csv"
    path.write_text("\n".join(lines + good) + "\n", encoding="utf-8")
    found = findings(import_data(path, tmp_path / "market"))
    assert found["malformed"] == {
        "high and low do not hold open and close": {"count": 1, "first_at": ["BTCUSDT.csv:5"]},
        "close: not a plain decimal number": {"count": 1, "first_at": ["BTCUSDT.csv:6"]},
        "timestamp: not a time of 1990 to 2100 in ms: another unit?": {
            "count": 1, "first_at": ["BTCUSDT.csv:7"],
        },
        "a row with columns missing": {"count": 1, "first_at": ["BTCUSDT.csv:12"]},
    }  # fmt: skip
    assert found["suspicious"]["no volume"]["first_at"] == ["BTCUSDT.csv:9"]
    assert found["suspicious"]["high or low over 20% off open and close"]["count"] == 1
    assert found["suspicious"]["close over 20% off the one before"]["count"] == 2
    facts = found["files"]["BTCUSDT.csv"]
    assert (facts["rows"], facts["gaps"], facts["duplicates"]) == (66, 2, 1)
    assert (facts["interval_s"], facts["time_unit"]) == (60, "ms")
    assert found["duplicates"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,open,high,low,close\n", "at least one row"),
        ("time,open,high,low,close\n17,1,1,1,1\n", r"BTCUSDT\.csv:2, time"),
        ("time,open,high,low,close\nsoon,1,1,1,1\n", r"BTCUSDT\.csv:2, time"),
        ("time,open,high,low,close\n1700000000,1,1,1,1\n", "two rows"),
        ("when,first,last\n1,2,3\n", "candles"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    """One line with the file, where possible the row and the column, and what was expected."""
    path = tmp_path / "BTCUSDT.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=said):
        import_data(path, tmp_path / "market")


def test_two_files_of_one_pair_are_one_series(tmp_path: Path) -> None:
    """With the finest grid of both; a bar that both hold is taken once."""
    source = tmp_path / "source"
    source.mkdir()
    as_csv(source / "XRPUSDT_a.csv")
    more = [(FIRST_S + at * STEP_S, 11.255, 12.0, 11.0, 11.5, 1) for at in (2, 3)]
    lines = ["time,open,high,low,close,volume", *(",".join(map(str, row)) for row in more)]
    (source / "XRPUSDT_b.csv").write_text("\n".join(lines) + "\n")
    folder = import_data(source, tmp_path / "market")
    bars = bars_of(folder)
    assert [bar.close_ticks for bar in bars] == [11_000, 11_250, 11_500, 11_500]
    assert findings(folder)["duplicates"] == 1
    (source / "XRPUSDT_c.csv").write_text(
        "time,open,high,low,close,volume\n"
        + "".join(f"{FIRST_S + at * 60},11,12,11,11.5,1\n" for at in range(3))
    )
    with pytest.raises(InvalidInputError, match="bars of 300 s as"):
        import_data(source, tmp_path / "market")


def test_a_table_can_be_traded_and_the_command_tells(
    tmp_path: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """freqtrade's feather, converted by the command, backtested as it is."""
    source = shared_data / "fixtures" / "freqtrade" / "XRP_ETH-1m.feather"
    folder = tmp_path / "xrp"
    words = ["data", "convert", str(source), "--to", str(folder), "--symbol", "binance:XRP/ETH"]
    assert run(words) == 0
    said = capsys.readouterr().out
    for part in ("2,469", "Files", "676", "2019-10-11", "XRP_ETH-1m.feather"):
        assert part in said
    result = run_backtest("momentum", folder, data_dir=tmp_path / "data")
    assert result.facts["events"] == Recording(folder).manifest.rows
