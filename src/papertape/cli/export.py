"""`papertape export`: trades, portfolio or signals as a file or on stdout."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from papertape.cli.options import ConfigOption, DataDirOption, settings
from papertape.errors import ConfigError

app = typer.Typer(rich_markup_mode=None, add_completion=False)

JOURNAL_PAGE_ROWS = 500
ROW_GROUP_ROWS = 10_000  # of a Parquet file: what is in memory at a time

Row = dict[str, Any]


class What(StrEnum):
    """What can be exported."""

    TRADES = "trades"
    PORTFOLIO = "portfolio"
    SIGNALS = "signals"
    JOURNAL = "journal"


class Form(StrEnum):
    """In which form."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


COLUMNS: Mapping[What, Mapping[str, str]] = {  # name -> text, number or time
    What.TRADES: {
        "mode": "text", "time": "text", "ts_ns": "whole", "seq": "whole", "id": "text",
        "kind": "text", "strategy": "text", "symbol": "text", "venue": "text", "market": "text",
        "outcome": "text", "side": "text", "quantity": "number", "price": "number",
        "notional": "number", "fee": "number", "realized_pnl": "number", "liquidity": "text",
        "order_id": "text", "signal_id": "text",
    },
    What.PORTFOLIO: {
        "mode": "text", "symbol": "text", "venue": "text", "market": "text", "outcome": "text",
        "quantity": "number", "avg_price": "number", "current_price": "number", "cost": "number",
        "value": "number", "pnl": "number", "pnl_pct": "number", "opened_at": "text",
        "strategies": "text",
    },
    What.SIGNALS: {
        "mode": "text", "time": "text", "ts_ns": "whole", "seq": "whole", "id": "text",
        "strategy": "text", "state": "text", "code": "text", "figure": "text", "reason": "text",
        "symbols": "text",
    },
    What.JOURNAL: {
        "id": "text", "created_at": "text", "updated_at": "text", "trade_id": "text",
        "strategy": "text", "symbol": "text", "entry_reason": "text",
        "confidence_level": "whole", "exit_reason": "text", "lessons_learned": "text",
        "rating": "whole", "tags": "text", "notes": "text",
    },
}  # fmt: skip


@app.command(epilog="Example: papertape export trades --format csv --out trades.csv")
def export(
    what: Annotated[What, typer.Argument(metavar="trades|portfolio|signals|journal")],
    form: Annotated[Form, typer.Option("--format", help="csv, json or parquet.")] = Form.CSV,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Default stdout.")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write what the tape says of the newest run's account, or what people wrote in the journal.

    Every row of the tape carries its mode.
    """
    if form is Form.PARQUET and out is None:
        raise ConfigError("--format parquet needs --out FILE")
    chosen = settings(config, data_dir=data_dir)
    rows = _journal(chosen.data_dir) if what is What.JOURNAL else _rows(what, chosen.data_dir)
    first = next(rows, None)  # a missing or foreign ledger is told before a file is touched
    with _target(out, form) as file:
        count = _write(file, form, what, rows if first is None else _chain(first, rows))
    if out is not None:
        typer.echo(f"wrote {count:,} {what} to {out}", err=True)


def _chain(first: Row, rows: Iterable[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _rows(what: What, data_dir: Path) -> Iterator[Row]:
    from papertape.cli.ledgers import fold, ledger_of

    with ledger_of(data_dir) as reader:
        run = reader.run()
        if run is None:
            return
        mode, account = run["mode"], run["account"]
        if what is What.PORTFOLIO:
            for position in fold(reader, data_dir).portfolio.get_positions():
                strategies = " ".join(position["strategies"])
                yield position | {"mode": mode, "strategies": strategies}
        elif what is What.TRADES:
            yield from (_trade(row, mode) for row in reader.trades_iter(account))
        else:
            yield from (_stamped(row, mode) for row in reader.signals_iter(account))


def _journal(data_dir: Path) -> Iterator[Row]:
    from papertape.clock import SystemClock
    from papertape.dashboard.desk import JournalDesk, cursor_of

    desk = JournalDesk(data_dir / "desk.db", SystemClock())
    before: int | None = None
    try:
        while page := desk.entries(limit=JOURNAL_PAGE_ROWS, before=before):
            yield from (entry | {"tags": " ".join(entry["tags"])} for entry in page)
            before = cursor_of(page[-1])
    finally:
        desk.close()


def _stamped(row: Mapping[str, Any], mode: str) -> Row:
    from papertape.clock import iso_utc

    return dict(row) | {"mode": mode, "time": iso_utc(row["ts_ns"])}


def _trade(row: Mapping[str, Any], mode: str) -> Row:
    from papertape.model.money import MICROS, NANOS

    price = row["price_nanos"]
    return _stamped(row, mode) | {
        "market": row["market_id"],
        "quantity": row["quantity_nanos"] / NANOS,
        "price": None if price is None else price / NANOS,
        "notional": row["notional_micros"] / MICROS,
        "fee": row["fee_micros"] / MICROS,
        "realized_pnl": row["realized_micros"] / MICROS,
    }


@contextmanager
def _target(out: Path | None, form: Form) -> Iterator[IO[Any]]:
    if out is None:
        yield sys.stdout
        return
    partial = out.with_name(out.name + ".partial")  # a file is there as a whole, or not at all
    try:
        if form is Form.PARQUET:
            with partial.open("wb") as binary:
                yield binary
        else:
            with partial.open("w", encoding="utf-8", newline="") as text:
                yield text
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)


def _write(file: IO[Any], form: Form, what: What, rows: Iterator[Row]) -> int:
    columns = COLUMNS[what]
    cut = ({name: row.get(name) for name in columns} for row in rows)
    if form is Form.CSV:
        return _write_csv(file, columns, cut)
    if form is Form.JSON:
        return _write_json(file, what, cut)
    return _write_parquet(file, columns, cut)


def _write_csv(file: IO[str], columns: Mapping[str, str], rows: Iterator[Row]) -> int:
    writer = csv.writer(file)
    writer.writerow(columns)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007  the count is the result
        writer.writerow([_cell(value) for value in row.values()])
    return count


def _cell(value: object) -> object:
    from papertape.services.trade_logger import safe_cell

    if isinstance(value, float):  # 0.00001 is clearer to people and sheets than 1e-05
        return f"{value:.9f}".rstrip("0").rstrip(".")
    return safe_cell(value)


def _write_json(file: IO[str], what: What, rows: Iterator[Row]) -> int:
    count = 0
    file.write(f'{{"{what}": [')
    for count, row in enumerate(rows, start=1):
        comma = ",\n" if count > 1 else "\n"
        file.write(comma + json.dumps(row, allow_nan=False, ensure_ascii=False))
    file.write("\n]}\n")
    return count


def _write_parquet(file: IO[bytes], columns: Mapping[str, str], rows: Iterator[Row]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "number": pa.float64(), "whole": pa.int64()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    count = 0
    with pq.ParquetWriter(file, schema) as writer:
        while group := list(islice(rows, ROW_GROUP_ROWS)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count
