"""Candles in tables of others: CSV, JSON lines, Parquet or feather with a time and four prices.

Columns are found by their names, the unit of time by the column's name, its type or the size of
its first value; both are told in the report. A row that does not fit is refused with file and row.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from papertape.clock import NS_PER_MS, NS_PER_S
from papertape.core.decimal_text import scaled
from papertape.errors import InvalidInputError, WorldError
from papertape.feeds.importers.files import LineReader, Progress, plain_name
from papertape.feeds.importers.report import ImportReport
from papertape.model.market_data import BarSeen

NAMES = {
    "time": ("timestamp_ms", "timestamp", "time", "date", "datetime", "open_time", "opentime",
             "close_time", "closetime", "ts", "ts_ms", "ts_ns", "t", "unix"),
    "open": ("open", "o"), "high": ("high", "h"), "low": ("low", "l"), "close": ("close", "c"),
    "volume": ("volume", "v", "vol", "base_volume"),
}  # fmt: skip
PRICES = ("open", "high", "low", "close")
UNITS_NS = {"s": NS_PER_S, "ms": NS_PER_MS, "us": 1_000, "ns": 1}
SIZES = ((10**8, "s"), (10**11, "ms"), (10**14, "us"), (10**17, "ns"))  # of times since 1973
DECIMALS_MAX = 9  # of prices and sizes: what an instrument's grid can be
SCANNED_ROWS = 2_000  # from which interval and decimals are read
BATCH_ROWS = 16_384
SUFFIXES = (".csv", ".jsonl", ".ndjson", ".parquet", ".feather", ".arrow")
YEAR_FIRST, YEAR_LAST = 1990, 2100  # a time outside is in another unit than was read
FIRST_NS = int(datetime(YEAR_FIRST, 1, 1, tzinfo=UTC).timestamp()) * NS_PER_S
LAST_NS = int(datetime(YEAR_LAST, 1, 1, tzinfo=UTC).timestamp()) * NS_PER_S

_PAIR = re.compile(r"([A-Z0-9]{2,10}?)[_/-]?(USDT|USDC|USD|BTC|ETH|EUR)(?=[_.\-]|$)", re.ASCII)
_STEP = re.compile(r"[_-](\d{1,3})(s|m|h|d)\b", re.ASCII)
_STEP_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Row = tuple[int, list[Any]]
"""Row number as the file counts (a header is row 1), values in the order of the columns."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How a table is read: places of its columns, unit of time, length of a bar, decimals.

    at_close: the time is that of the close, not of the open.
    """

    places: dict[str, int]
    time_name: str
    unit: str
    interval_ns: int
    price_decimals: int
    lot_decimals: int
    at_close: bool = False


def is_table(path: Path) -> bool:
    """Return whether a file is a table with the columns of candles."""
    if not plain_name(path).endswith(SUFFIXES):
        return False
    try:
        return _places(_columns(path)) is not None
    except (WorldError, ValueError):
        return False


def pair_of(path: Path) -> str:
    """Return the pair that a file's name says, such as XRP/ETH for XRP_ETH-1m.feather."""
    match = _PAIR.match(plain_name(path))
    if match is None:
        expected = "a file named after its pair, as BTCUSDT_1m; or say it with --symbol"
        raise InvalidInputError("source", path.name, expected)
    return f"{match[1]}/{match[2]}"


def layout_of(path: Path) -> Layout:
    """Return how a table is read, from its columns and its first rows."""
    columns = _columns(path)
    places = _places(columns)
    if places is None:
        missing = [name for name in NAMES if _place(columns, name) is None and name != "volume"]
        raise InvalidInputError(
            path.name, ", ".join(columns)[:200], f"a table with columns for {', '.join(missing)}"
        )
    time_name = columns[places["time"]].lower()
    sample = _sample(path, places)
    if not sample:
        raise InvalidInputError(path.name, "no row", "a table with at least one row")
    unit = _unit(time_name, sample[0][1][places["time"]], f"{path.name}:{sample[0][0]}")
    times = [ts_ns for _, row in sample if (ts_ns := _time_or_0(row[places["time"]], unit))]
    if not times:
        value, where = sample[0][1][places["time"]], f"{path.name}:{sample[0][0]}, {time_name}"
        raise InvalidInputError(where, value, "a time as 2025-01-31T12:30:00Z")
    texts = [_text_or_none(row[places[name]]) for _, row in sample for name in PRICES]
    sizes = [_text_or_none(row[places["volume"]]) for _, row in sample if "volume" in places]
    return Layout(
        places=places,
        time_name=time_name,
        unit=unit,
        interval_ns=_interval_ns(path, times),
        price_decimals=min(max(map(_decimals, texts)), DECIMALS_MAX),
        lot_decimals=min(max((_decimals(text) for text in sizes), default=0), DECIMALS_MAX),
        at_close=time_name.startswith("close"),
    )


def table_bars(
    path: Path, symbol: str, layout: Layout, report: ImportReport, progress: Progress | None
) -> Iterator[tuple[str, BarSeen]]:
    """Yield (place, bar) of the well-formed rows of a table; the others are counted by reason."""
    last_ns = 0
    for number, values in _rows(path, progress):
        report.rows += 1
        place = f"{path.name}:{number}"
        try:
            bar = _bar(symbol, layout, values)
            if bar.ts_ns < last_ns:
                raise ValueError("time runs back")
        except ValueError as error:
            report.refuse(str(error), place)
            continue
        last_ns = bar.ts_ns
        yield place, bar


def _bar(symbol: str, layout: Layout, values: list[Any]) -> BarSeen:
    """Return the bar of a row; ValueError says which column is wrong, and why."""
    places = layout.places
    if len(values) <= max(places.values()):
        raise ValueError("a row with columns missing")
    try:
        begin_ns = _time_ns(values[places["time"]], layout.unit)
    except ValueError as error:
        raise ValueError(f"{layout.time_name}: {error}") from error
    prices = [_scaled(values[places[name]], layout.price_decimals, name) for name in PRICES]
    opened, high, low, close = prices
    if low > min(opened, close) or high < max(opened, close) or not low:
        raise ValueError("high and low do not hold open and close")
    size = _scaled(values[places["volume"]], layout.lot_decimals, "volume", floor=True) if (
        "volume" in places
    ) else 0  # fmt: skip
    close_ns = begin_ns if layout.at_close else begin_ns + layout.interval_ns
    return BarSeen(
        symbol=symbol, ts_ns=close_ns, interval_ns=layout.interval_ns, open_ticks=opened,
        high_ticks=high, low_ticks=low, close_ticks=close, volume_lots=size, venue_ts_ns=close_ns,
    )  # fmt: skip


def _scaled(value: Any, decimals: int, name: str, *, floor: bool = False) -> int:
    try:
        return int(scaled(decimal_text(value), decimals, floor))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def decimal_text(value: Any) -> str:
    """Return a number as plain decimal text, exactly; ValueError if it is none."""
    if isinstance(value, str):
        text = value.strip()
        if "e" not in text.lower():
            return text
        value = text
    try:
        number = Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError("not a number")
    return format(number, "f")


def _text_or_none(value: Any) -> str:
    try:
        return decimal_text(value)
    except ValueError:
        return ""


def _decimals(text: str) -> int:
    return len(text.rstrip("0").partition(".")[2]) if "." in text else 0


# --- time -----------------------------------------------------------------------------------------


def _unit(name: str, value: Any, place: str) -> str:
    """Return the unit of a column of times: by its name, its type, or the size of a value."""
    if isinstance(value, datetime) or (isinstance(value, str) and not _is_number(value)):
        return "iso"
    for unit in ("ms", "us", "ns", "s"):
        if name.endswith(f"_{unit}"):
            return unit
    size = abs(float(value)) if _is_number(value) else 0.0
    found = [unit for least, unit in SIZES if size >= least]
    if not found:
        expected = "a time since 1970 in s, ms, us or ns, or as ISO 8601"
        raise InvalidInputError(f"{place}, {name}", value, expected)
    return found[-1]


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _time_ns(value: Any, unit: str) -> int:
    """Return a time in ns since the epoch; ValueError if it is none, or one of another unit."""
    if unit == "iso":
        when = value if isinstance(value, datetime) else _parsed(value)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return round(when.timestamp() * 1_000_000) * 1_000
    ts_ns = int(Decimal(decimal_text(value)) * UNITS_NS[unit])
    if not FIRST_NS <= ts_ns < LAST_NS:
        raise ValueError(f"not a time of {YEAR_FIRST} to {YEAR_LAST} in {unit}: another unit?")
    return ts_ns


def _time_or_0(value: Any, unit: str) -> int:
    try:
        return _time_ns(value, unit)
    except ValueError:
        return 0


def _parsed(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError("not a time as 2025-01-31T12:30:00Z") from None


def _interval_ns(path: Path, times: Sequence[int]) -> int:
    """Return how long a bar is: the step that most rows have, else what the file's name says."""
    steps = Counter(b - a for a, b in pairwise(times) if b > a)
    if steps:
        return steps.most_common(1)[0][0]
    said = _STEP.search(plain_name(path))
    if said is None:
        expected = "two rows, or a name that says the length of a bar, as BTCUSDT_1m"
        raise InvalidInputError(path.name, f"{len(times)} rows", expected)
    return int(said[1]) * _STEP_S[said[2]] * NS_PER_S


# --- files ----------------------------------------------------------------------------------------


def _place(columns: Sequence[str], name: str) -> int | None:
    known = [column.strip().lower() for column in columns]
    return next((known.index(one) for one in NAMES[name] if one in known), None)


def _places(columns: Sequence[str]) -> dict[str, int] | None:
    found = {name: place for name in NAMES if (place := _place(columns, name)) is not None}
    return found if {"time", *PRICES} <= found.keys() else None


def _columns(path: Path) -> list[str]:
    name = plain_name(path)
    if name.endswith(".csv"):
        _, first = next(LineReader([path], None).lines(path), (1, b""))
        return next(csv.reader([first.decode("utf-8-sig", "replace")]), [])
    if name.endswith((".jsonl", ".ndjson")):
        _, first = next(LineReader([path], None).lines(path), (1, b"{}"))
        return list(_object(first))
    names = _arrow(path, lambda file: file.schema.names, lambda file: file.schema_arrow.names)
    return list(names)


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError("not a line of JSON") from error
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def _arrow(path: Path, feather: Callable[[Any], Any], parquet: Callable[[Any], Any]) -> Any:
    try:
        if plain_name(path).endswith(".parquet"):
            return parquet(pq.ParquetFile(path))
        return feather(ipc.open_file(pa.memory_map(str(path))))
    except (OSError, pa.ArrowException) as error:
        raise WorldError(f"{path}: cannot be read: {error}") from error


def _sample(path: Path, places: dict[str, int]) -> list[Row]:
    """Return the first rows that have every column."""
    found = []
    for row in _rows(path, None):
        if len(row[1]) > max(places.values()):
            found.append(row)
        if len(found) == SCANNED_ROWS:
            break
    return found


def _rows(path: Path, progress: Progress | None) -> Iterator[Row]:
    """Yield the rows of a table, whatever it is kept in."""
    name = plain_name(path)
    if name.endswith((".csv", ".jsonl", ".ndjson")):
        columns = _columns(path)
        for number, line in LineReader([path], progress).lines(path):
            if name.endswith(".csv"):
                if number > 1:
                    text = line.decode("utf-8", "replace")
                    yield number, next(csv.reader(io.StringIO(text)), [])
                continue
            try:
                found = _object(line)
            except ValueError:
                yield number, []
            else:
                yield number, [found.get(column) for column in columns]
        return
    number = 0
    for batch in _batches(path):
        columns_of = [_plain(column) for column in batch.columns]
        for values in zip(*columns_of, strict=True):
            number += 1
            yield number, list(values)


def _batches(path: Path) -> Iterator[Any]:
    def parts(file: Any) -> Iterator[Any]:
        return (file.get_batch(at) for at in range(file.num_record_batches))

    yield from _arrow(path, parts, lambda file: file.iter_batches(batch_size=BATCH_ROWS))


def _plain(column: Any) -> list[Any]:
    """Return a column as Python values; times as whole microseconds, which a datetime can say."""
    if pa.types.is_timestamp(column.type):
        zone = column.type.tz or "UTC"
        return list(column.cast(pa.timestamp("us", tz=zone), safe=False).to_pylist())
    return list(column.to_pylist())
