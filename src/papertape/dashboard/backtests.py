"""The shelf of backtests: what finished runs left in the data folder, read when it is asked for.

A run is a folder with its result and its own tape. Nothing here writes; a result that cannot be
read is passed over and counted.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from papertape.clock import NS_PER_S, iso_utc
from papertape.services.metric_registry import METRICS

FOLDER = "backtests"
RESULT_FILE = "result.json"
REPORT_FILE = "report.html"
LEDGER_FILE = "papertape.db"
RUNS_MAX = 1_000  # the newest are listed; what is listed is kept in memory, about 4 KB each
RESULT_BYTES_MAX = 20_000_000  # ours have some hundred KB
TRIPS_FEW = 30  # below it an interval of a mean is a guess
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", re.ASCII)
STAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
WHOLE = "the recording ended"

Row = dict[str, Any]


class Result(msgspec.Struct, kw_only=True):
    """What `papertape backtest` wrote of a run, without its series."""

    run_id: str
    strategy: str
    data: str
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    params: dict[str, float | int | str | bool | None] = {}
    ended: str = WHOLE
    failure: str | None = None
    fees_schedule: str = "default"
    seed: int = 0
    period_s: float = 0
    initial_cash: float = 0
    state_hash: str = ""
    events: int = 0
    signals: int = 0
    refused: dict[str, int] = {}
    skipped: dict[str, int] = {}
    trades: int = 0
    settled: int = 0
    open_positions: int = 0
    metrics: dict[str, float | None] = {}
    intervals: dict[str, tuple[float, float]] = {}


class Document(Result, kw_only=True):
    """The same with what its charts draw."""

    charts: dict[str, Any] = {}


_result = msgspec.json.Decoder(Result)
_document = msgspec.json.Decoder(Document)


class Shelf:
    """The finished backtests of a data folder; from any thread."""

    def __init__(self, data_dir: Path) -> None:
        """Read below this folder; it need not exist yet."""
        self.folder = data_dir / FOLDER
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, Row | None]] = {}

    def rows(self) -> tuple[list[Row], int]:
        """Return a row per run, the newest first, and how many could not be read."""
        with self._lock:
            names = sorted(self._names(), reverse=True)[:RUNS_MAX]
            self._known = {name: self._known[name] for name in names if name in self._known}
            rows = [self._row(name) for name in names]
        found = [row for row in rows if row is not None]
        found.sort(key=lambda row: (row["created_ts_ns"], row["id"]), reverse=True)
        return found, len(rows) - len(found)

    def _names(self) -> Iterator[str]:
        try:
            for place in self.folder.iterdir():
                if RUN_ID.fullmatch(place.name) and (place / RESULT_FILE).is_file():
                    yield place.name
        except OSError:
            return

    def _row(self, name: str) -> Row | None:
        path = self.folder / name / RESULT_FILE
        try:
            stat = path.stat()
            known = self._known.get(name)
            if known is None or known[0] != stat.st_mtime_ns:
                known = (stat.st_mtime_ns, self._read_row(name, path, stat.st_mtime_ns))
                self._known[name] = known
            row = known[1]
        except OSError:
            return None
        return None if row is None else row | {"report": self.report(name) is not None}

    def _read_row(self, name: str, path: Path, changed_ns: int) -> Row | None:
        body = _body(path)
        try:
            return None if body is None else summary(_result.decode(body), name, changed_ns)
        except (msgspec.MsgspecError, ValueError):
            return None

    def place(self, run_id: str) -> Path | None:
        """Return the folder of a run that has a result, None if there is none of this name."""
        if not RUN_ID.fullmatch(run_id):
            return None
        place = self.folder / run_id
        return place if (place / RESULT_FILE).is_file() else None

    def document(self, run_id: str) -> tuple[Row, Document] | None:
        """Return a run's row and all that is known of it; None if there is no such run."""
        place = self.place(run_id)
        if place is None:
            return None
        path = place / RESULT_FILE
        body = _body(path)
        try:
            found = None if body is None else _document.decode(body)
            changed_ns = path.stat().st_mtime_ns
        except (msgspec.MsgspecError, ValueError, OSError):
            return None
        if found is None:
            return None
        row = summary(found, run_id, changed_ns) | {"report": self.report(run_id) is not None}
        return row, found

    def report(self, run_id: str) -> Path | None:
        """Return where a run's report lies, None if none was kept."""
        path = self.folder / run_id / REPORT_FILE
        return path if path.is_file() else None


def _body(path: Path) -> bytes | None:
    with path.open("rb") as file:
        body = file.read(RESULT_BYTES_MAX + 1)
    return body if len(body) <= RESULT_BYTES_MAX else None


# --- what is said of a run ----------------------------------------------------------------------


def summary(found: Result, run_id: str, changed_ns: int) -> Row:
    """Return a run as one row of the list; figures by the names of the metrics."""
    created_ns = _created_ns(run_id, changed_ns)
    return {
        "id": run_id,
        "strategy": found.strategy,
        "data": found.data,
        "from": found.since,
        "to": found.until,
        "params": found.params,
        "created_at": iso_utc(created_ns),
        "created_ts_ns": created_ns,
        "initial_cash": found.initial_cash,
        "fees_schedule": found.fees_schedule,
        "market_records": found.events,
        "fills": found.trades,
        "settled": found.settled,
        "failure": found.failure or "",
        "whole": not found.failure and found.ended == WHOLE,
        **{metric.name: found.metrics.get(metric.name) for metric in METRICS},
        "intervals": found.intervals,
    }


def _created_ns(run_id: str, changed_ns: int) -> int:
    """Return when a run was begun, as its name says it; else when its result was written."""
    stamp = STAMP.match(run_id)
    if stamp is None:
        return changed_ns
    try:
        when = datetime.strptime(stamp[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return changed_ns
    return int(when.timestamp()) * NS_PER_S


def figures(found: Result) -> list[Row]:
    """Return every metric with its value, interval and formula, in the order of reports."""
    rows = []
    for metric in METRICS:
        low, high = found.intervals.get(metric.name) or (None, None)
        rows.append(
            {
                "name": metric.name,
                "label": metric.label,
                "formula": metric.formula,
                "source": metric.source,
                "unit": metric.unit,
                "value": found.metrics.get(metric.name),
                "low": low,
                "high": high,
            }
        )
    return rows


def warnings(found: Result) -> list[str]:
    """Return what a reader must know before believing the figures, in words."""
    said = []
    trips = found.metrics.get("trips") or 0
    if found.failure:
        said.append(f"{found.failure}. The figures are of what was done until then.")
    elif found.ended != WHOLE:
        said.append(f"The run did not reach the end of its data: {found.ended}.")
    if not found.trades:
        said.append("The strategy never traded: there is nothing to judge.")
    elif trips < TRIPS_FEW:
        said.append(
            f"{trips:.0f} round trips are few: below {TRIPS_FEW} luck explains most results."
        )
    if found.open_positions:
        positions = "position is" if found.open_positions == 1 else "positions are"
        said.append(f"{found.open_positions} {positions} open at the end, valued at the last bid.")
    if found.fees_schedule == "none":
        said.append("No fees were charged: a live account would earn less.")
    return said


def ordered(rows: list[Row], key: str, *, descending: bool) -> list[Row]:
    """Return rows by one of their figures or words; what is not known comes last."""

    def known(row: Mapping[str, Any]) -> bool:
        return row[key] is not None

    there = sorted(filter(known, rows), key=lambda row: row[key], reverse=descending)
    return there + [row for row in rows if not known(row)]
