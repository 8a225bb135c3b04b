"""Exports: streamed, in constant memory, and nothing in them that a spreadsheet executes."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from flask import Blueprint, Response

from papertape.dashboard import picture, rows, strict_json
from papertape.dashboard.api.answers import ApiError, Query, choice, endpoint
from papertape.dashboard.api.trade_filters import FILTERS, SIGNAL_FILTERS, wanted_trades
from papertape.dashboard.state import state
from papertape.services.trade_logger import CSV_COLUMNS, safe_cell
from papertape.tape.follow import LedgerReader
from papertape.tape.queries_trades import TradeFilter, Window, signals_page, trades_page

api = Blueprint("export", __name__)

EXPORTS_AT_ONCE = 4  # each holds a page of rows and a cursor in the ledger
ROWS_PER_CHUNK = 500
FILE_CHUNK_BYTES = 65_536
FORMAT = choice("format", ("csv", "json", "parquet"), "csv")
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
FILES = tuple(kind.partition(";")[0] for kind in TYPES.values())
TRADE_COLUMNS = (*CSV_COLUMNS, "seq", "account", "mode")
POSITION_COLUMNS = (
    "symbol", "venue", "market", "question", "outcome", "quantity", "avg_price", "current_price",
    "cost", "value", "pnl", "pnl_pct", "opened_at", "strategies", "account", "mode",
)  # fmt: skip

SIGNAL_COLUMNS = (
    "id", "time", "state", "strategy", "code", "figure", "reason", "symbols", "signal_id", "seq",
    "account", "mode",
)  # fmt: skip
FIGURES = frozenset({
    "quantity", "price", "notional", "fee", "realized_pnl", "avg_price", "current_price", "cost",
    "value", "pnl", "pnl_pct",
})  # fmt: skip

_open = {"exports": 0}

Row = Mapping[str, Any]


@endpoint(api, "/api/export/trades", "The account's trades under a filter, oldest first",
          params=(FORMAT, *FILTERS), content=FILES, fails=(429,))  # fmt: skip
def export_trades(query: Query) -> Response:
    """Return a file of trades."""
    follower = state().follower
    account, mode = follower.view.account, follower.view.mode
    about = {"account": account, "mode": mode}
    trades = _trades(follower.reader, account, wanted_trades(query))
    found = (rows.trade_row(row) | about for row in trades)
    return file_of("trades", query["format"], TRADE_COLUMNS, found, {})


def _trades(reader: LedgerReader, account: str, wanted: TradeFilter) -> Iterator[Row]:
    """Yield the trades under a filter, page by page: no cursor stays open, no list grows."""
    if wanted == TradeFilter():
        yield from reader.trades_iter(account)
        return
    following: int | None = 0
    while following is not None:
        window = Window(after_seq=following, newest_first=False)
        page, following = trades_page(reader, account, wanted, window, ROWS_PER_CHUNK)
        yield from page


@endpoint(api, "/api/export/signals", "Signals under a filter, the newest first",
          params=(FORMAT, *SIGNAL_FILTERS), content=FILES, fails=(429,))  # fmt: skip
def export_signals(query: Query) -> Response:
    """Return a file of signals, refusals, skipped opportunities and data alarms."""
    follower = state().follower
    account, mode = follower.view.account, follower.view.mode
    flat = query["format"] != "json"

    def found() -> Iterator[Row]:
        behind: int | None = None
        while True:
            page, behind = signals_page(
                follower.reader, account, ROWS_PER_CHUNK,
                before_seq=behind, state=query["state"], strategy=query["strategy"],
            )  # fmt: skip
            for each in page:
                row = rows.signal_row(each) | {"account": account, "mode": mode}
                yield row | {"symbols": " ".join(row["symbols"])} if flat else row
            if behind is None:
                return

    return file_of("signals", query["format"], SIGNAL_COLUMNS, found(), {})


@endpoint(api, "/api/export/portfolio", "Open positions and the account's figures",
          params=(FORMAT,), content=FILES, fails=(429,))  # fmt: skip
def export_portfolio(query: Query) -> Response:
    """Return a file of positions, cash as the last of them; JSON holds the summary as well."""
    follower = state().follower
    about = {"account": follower.view.account, "mode": follower.view.mode}
    found = picture.portfolio(follower)
    positions = [
        row | about | {"strategies": " ".join(row["strategies"])} for row in found["positions"]
    ]
    if query["format"] == "json":
        return file_of("portfolio", "json", (), found["positions"], {"summary": found["summary"]})
    cash = found["summary"]["cash"]
    if cash is not None:
        positions.append({"symbol": "cash", "cost": cash, "value": cash} | about)
    return file_of("portfolio", query["format"], POSITION_COLUMNS, positions, {})


def file_of(
    name: str, form: str, columns: tuple[str, ...], found: Iterable[Row], head: dict[str, Any]
) -> Response:
    """Return rows as a streamed file in one of the forms; `head` goes into those that have one."""
    follower = state().follower
    seq, mode = follower.view.seq, follower.view.mode or "EMPTY"
    if _open["exports"] >= EXPORTS_AT_ONCE:
        raise ApiError(429, "too_many_exports", f"{EXPORTS_AT_ONCE} exports are under way")
    head = {"as_of_seq": seq, "account": follower.view.account, "mode": mode, **head}
    makers: dict[str, Callable[[], Iterator[bytes]]] = {
        "csv": lambda: _csv(columns, found),
        "json": lambda: _json(name, found, head),
        "parquet": lambda: _parquet(columns, found, head),
    }
    headers = {
        "Content-Disposition": f'attachment; filename="papertape-{name}-{mode}-{seq}.{form}"'
    }
    return Response(
        _counted(makers[form], state().breathe), content_type=TYPES[form], headers=headers
    )


def _counted(make: Callable[[], Iterator[bytes]], breathe: Callable[[], object]) -> Iterator[bytes]:
    _open["exports"] += 1
    try:
        for piece in make():
            yield piece
            breathe()
    finally:
        _open["exports"] -= 1


class _Lines(list[str]):
    """Collects what csv.writer writes."""

    write = list.append


def _csv(columns: tuple[str, ...], found: Iterable[Row]) -> Iterator[bytes]:
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(columns)
    for row in found:
        writer.writerow([safe_cell(row.get(column)) for column in columns])
        if len(lines) >= ROWS_PER_CHUNK:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _json(name: str, found: Iterable[Row], head: dict[str, Any]) -> Iterator[bytes]:
    yield strict_json.dumps(head)[:-1].encode() + f',"{name}":['.encode()
    source, comma = iter(found), b""
    while page := list(islice(source, ROWS_PER_CHUNK)):
        yield comma + ",".join(strict_json.dumps(row) for row in page).encode()
        comma = b","
    yield b"]}\n"


def _numeric(page: list[dict[str, Any]], name: str) -> bool:
    """Return whether a column holds numbers, as far as its first rows tell."""
    values = [row[name] for row in page if row.get(name) is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _parquet(
    columns: tuple[str, ...], found: Iterable[Row], head: dict[str, Any]
) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415  heavy: only for those who ask for it
    import pyarrow.parquet as pq  # noqa: PLC0415

    source = iter(found)
    first = [dict(row) for row in islice(source, ROWS_PER_CHUNK)]
    numbers = {name for name in columns if name in FIGURES or _numeric(first, name)}
    kinds = {name: pa.float64() if name in numbers else pa.string() for name in columns}
    if "seq" in kinds:
        kinds["seq"] = pa.int64()
    schema = pa.schema(
        list(kinds.items()), metadata={key: str(value) for key, value in head.items()}
    )

    def table(page: list[dict[str, Any]]) -> Any:
        texts = {name for name in columns if kinds[name] == pa.string()}
        cells = [
            {name: _text(row.get(name)) if name in texts else row.get(name) for name in columns}
            for row in page
        ]
        return pa.Table.from_pylist(cells, schema=schema)

    with tempfile.TemporaryFile() as file:  # a Parquet file ends with what was learnt on the way
        with pq.ParquetWriter(file, schema) as writer:
            page = first
            while page:
                writer.write_table(table(page))
                yield b""  # nothing to send yet, but a turn for the others
                page = [dict(row) for row in islice(source, ROWS_PER_CHUNK)]
        file.seek(0)
        while piece := file.read(FILE_CHUNK_BYTES):
            yield piece
