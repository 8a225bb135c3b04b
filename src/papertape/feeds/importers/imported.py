"""The one door for recordings of others: recognise, convert once, remember by content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from papertape.errors import InvalidInputError, WorldError
from papertape.feeds.importers.files import Progress, content_hash, first_line, plain_name
from papertape.feeds.importers.ohlcv import HEADER, read_bars
from papertape.feeds.importers.polymarket_books import read_books
from papertape.feeds.importers.polymarket_deltas import (
    COLUMNS,
    NAME_COLUMNS,
    has_columns,
    read_deltas,
)
from papertape.feeds.importers.raw_capture import FIRST_NAME, read_raw
from papertape.feeds.importers.report import ImportReport
from papertape.feeds.importers.table_series import read_tables
from papertape.feeds.importers.tables import SUFFIXES, is_table
from papertape.model.market_data import MarketData
from papertape.tape.manifest import MANIFEST_FILE
from papertape.tape.recorder import MarketRecorder

IMPORTER_VERSION = "3"  # raise it when an importer's output changes: imports are made anew
FILES_MAX = 256  # in one folder; candles are merged with every file open at once

PAYOUTS_FILE = "markets.csv"
FORMATS = (
    "a papertape recording (manifest.json) or its raw folder, "
    "Polymarket book messages (*.jsonl, with markets.csv), "
    f"book changes (*.csv with {', '.join(COLUMNS)}) "
    "or candles (*.csv, *.jsonl, *.parquet or *.feather with a time, open, high, low and close); "
    ".xz and .gz are fine for text"
)


class _Format(msgspec.Struct, frozen=True):
    """A recognised source: all its files, and how to read them."""

    name: str
    paths: list[Path]
    read: Callable[[ImportReport, Progress | None], Iterator[MarketData]]


def import_data(source: Path, market_dir: Path, *, progress: Progress | None = None) -> Path:
    """Return the folder of a recording that holds `source`, converting it if that is new.

    A recording of papertape is returned as it is. Anything else is converted once into
    `market_dir/import-<12 hex>`, named after the content of the files. progress: told bytes done
    and bytes in all. Raises InvalidInputError for a source of no known format.
    """
    if (source / MANIFEST_FILE).is_file():
        return source
    found = _recognise(source)
    folder = market_dir / f"import-{content_hash(found.paths, found.name + IMPORTER_VERSION)}"
    if (folder / MANIFEST_FILE).is_file():
        return folder
    try:
        _made_whole(found, source, folder, progress)
    except OSError as error:
        if not (folder / MANIFEST_FILE).is_file():  # else another process was faster
            raise WorldError(f"{folder}: cannot be written: {error}") from error
    return folder


def _made_whole(found: _Format, source: Path, folder: Path, progress: Progress | None) -> None:
    """Convert beside the folder and move it there: it is whole or it is not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".importing-", dir=folder.parent) as workshop:
        made = Path(workshop) / folder.name
        _convert(found, source, made, progress)
        made.rename(folder)


def convert_data(
    source: Path, folder: Path, *, symbol: str = "", progress: Progress | None = None
) -> Path:
    """Convert a source into a recording at `folder`, which must not be there, and return it.

    symbol: of tables of candles whose files are not named after their pair.
    """
    found = _recognise(source)
    if symbol and found.name != "table":
        raise InvalidInputError("symbol", symbol, f"left out: {found.name} says its own symbols")
    if found.name == "table":
        paths = found.paths
        found = msgspec.structs.replace(
            found, read=lambda report, tell: read_tables(paths, report, tell, symbol)
        )
    if folder.exists():
        raise InvalidInputError("to", str(folder), "a folder that is not there yet")
    try:
        _made_whole(found, source, folder, progress)
    except OSError as error:
        raise WorldError(f"{folder}: cannot be written: {error}") from error
    return folder


def _convert(found: _Format, source: Path, folder: Path, progress: Progress | None) -> None:
    """Record what the source says; the folder takes its place only when it is whole."""
    report = ImportReport(format=found.name, source=source.name)
    recorder = MarketRecorder(folder, source=f"import:{found.name}")
    try:
        for item in found.read(report, progress):
            recorder.record(item)
            report.items += 1
        recorder.note(import_report=report.as_meta())
    finally:
        recorder.close()
    if not report.items:
        reasons = ", ".join(f"{reason} ({each.count})" for reason, each in report.malformed.items())
        expected = f"a recording with a usable record; found none: {reasons or 'empty'}"
        raise InvalidInputError("source", str(source), expected)


def _recognise(source: Path) -> _Format:
    if not source.exists():
        raise InvalidInputError("source", str(source), "an existing file or folder")
    files = _data_files(source)
    captured = [path for path in files if path.name.startswith(FIRST_NAME)]
    if captured and captured == files:
        return _Format(
            "raw_capture", captured, lambda report, progress: read_raw(captured, report, progress)
        )
    loose = [path for path in files if first_line(path) != HEADER and is_table(path)]
    if loose:
        _refuse_others([p for p in files if plain_name(p).endswith(SUFFIXES)], loose, "candles")
        return _Format(
            "table", loose, lambda report, progress: read_tables(loose, report, progress)
        )
    books = [path for path in files if plain_name(path).endswith(".jsonl")]
    tables = [path for path in files if plain_name(path).endswith(".csv")]
    if books:
        payouts = _payouts_beside(books[0])
        paths = books if payouts is None else [*books, payouts]
        return _Format(
            "polymarket_books",
            paths,
            lambda report, progress: read_books(books, payouts, report, progress),
        )
    changes = [path for path in tables if has_columns(path, COLUMNS)]
    if changes:
        names = [path for path in tables if path not in changes and has_columns(path, NAME_COLUMNS)]
        _refuse_others(tables, [*changes, *names], "book changes with " + ", ".join(COLUMNS))
        return _Format(
            "polymarket_deltas",
            [*changes, *names],
            lambda report, progress: read_deltas(changes, names, report, progress),
        )
    candles = [path for path in tables if first_line(path) == HEADER]
    if candles:
        _refuse_others(tables, candles, f"one-minute candles ({HEADER})")
        return _Format(
            "ohlcv_1m", candles, lambda report, progress: read_bars(candles, report, progress)
        )
    raise InvalidInputError("source", str(source), FORMATS)


def _refuse_others(tables: list[Path], taken: list[Path], expected: str) -> None:
    others = ", ".join(path.name for path in tables if path not in taken)
    if others:
        raise InvalidInputError("source", others, expected)


def _data_files(source: Path) -> list[Path]:
    try:
        files = [source] if source.is_file() else sorted(p for p in source.iterdir() if p.is_file())
    except OSError as error:
        raise WorldError(f"{source}: cannot be read: {error}") from error
    if len(files) > FILES_MAX:
        raise InvalidInputError("source", str(source), f"a folder of at most {FILES_MAX} files")
    return files


def _payouts_beside(books: Path) -> Path | None:
    path = books.parent / PAYOUTS_FILE
    return path if path.is_file() else None
