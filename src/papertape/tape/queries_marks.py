"""What a position could have been sold for while it was held, from the recorded market data."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select

from papertape.errors import WorldError
from papertape.tape.follow import LedgerReader
from papertape.tape.manifest import read_manifest
from papertape.tape.schema import runs
from papertape.tape.segment import LEVELS

SEGMENTS_MAX = 12  # read for one question: under a second; a longer stretch is not looked through

BOOK_SEGMENTS_MAX = 2  # the one with the moment and the one before it

Bids = list[tuple[int, int]]


def recording_of(reader: LedgerReader, market_dir: Path, seq: int) -> Path | None:
    """Return the folder with the market data of the run that wrote a record, if it is still there.

    A replay's data lies elsewhere and is not looked for.
    """
    query = select(runs.c.market_data).where(runs.c.seq <= seq).order_by(runs.c.seq.desc())
    found = reader.rows(query.limit(1))
    name = found[0]["market_data"] if found else ""
    if not name or Path(name).name != name:
        return None
    folder = market_dir / name
    return folder if folder.is_dir() else None


def bids_between(folder: Path, symbol: str, from_ns: int, to_ns: int) -> Bids | None:
    """Return (ts_ns, best bid in ticks) of an instrument in order, both ends included.

    None if the stretch is not all there: not recorded yet, removed, or too long to look through.
    Raises WorldError for data that cannot be read.
    """
    manifest = read_manifest(folder)
    if not manifest.segments or manifest.first_ts_ns > from_ns or manifest.last_ts_ns < to_ns:
        return None
    wanted = [
        entry
        for entry in manifest.segments
        if entry.first_ts_ns <= to_ns and entry.last_ts_ns >= from_ns
    ]
    if len(wanted) > SEGMENTS_MAX:
        return None
    found: Bids = []
    for entry in wanted:
        found += _bids(folder / Path(entry.file).name, symbol, from_ns, to_ns)
    return found


def _bids(path: Path, symbol: str, from_ns: int, to_ns: int) -> Bids:
    try:
        table = pq.read_table(path, columns=["ts_ns", "symbol", "bid_ticks"], use_threads=False)
        mine = pc.and_(
            pc.equal(table["symbol"].cast(pa.string()), symbol),
            pc.and_(
                pc.greater_equal(table["ts_ns"], from_ns), pc.less_equal(table["ts_ns"], to_ns)
            ),
        )
        rows = table.filter(mine)
        rows = rows.filter(pc.greater(pc.list_value_length(rows["bid_ticks"]), 0))
        best = pc.list_element(rows["bid_ticks"], 0)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise WorldError(f"{path}: the segment cannot be read: {error}") from error
    return list(zip(rows["ts_ns"].to_pylist(), best.to_pylist(), strict=True))


class BookThen(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded book as the engine had seen it at a number of the market data."""

    ts_ns: int
    mseq: int
    bid_ticks: list[int]
    bid_lots: list[int]
    ask_ticks: list[int]
    ask_lots: list[int]


def book_at(folder: Path, symbol: str, mseq: int) -> BookThen | None:
    """Return the newest recorded book of an instrument up to an mseq, None if none is kept.

    Only BOOK_SEGMENTS_MAX segments are looked through. Raises WorldError for data that cannot be
    read.
    """
    manifest = read_manifest(folder)
    if manifest.last_mseq < mseq:
        return None  # not recorded yet
    earlier = [entry for entry in manifest.segments if entry.first_mseq <= mseq]
    for entry in reversed(earlier[-BOOK_SEGMENTS_MAX:]):
        found = _newest_book(folder / Path(entry.file).name, symbol, mseq)
        if found is not None:
            return found
    return None


def _newest_book(path: Path, symbol: str, mseq: int) -> BookThen | None:
    names = ["mseq", "ts_ns", "kind", "symbol", *LEVELS]
    try:
        table = pq.read_table(path, columns=names[:4], use_threads=False)
        mine = pc.and_(
            pc.equal(table["symbol"].cast(pa.string()), symbol),
            pc.and_(
                pc.less_equal(table["mseq"], mseq),
                pc.is_in(table["kind"].cast(pa.string()), pa.array(["book", "quote"])),
            ),
        )
        places = pc.indices_nonzero(mine)
        if not len(places):
            return None
        row = places[-1].as_py()
        deep = pq.read_table(path, columns=["mseq", "ts_ns", *LEVELS], use_threads=False)
        [found] = deep.slice(row, 1).to_pylist()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise WorldError(f"{path}: the segment cannot be read: {error}") from error
    sides = {name: found[name] or [] for name in LEVELS}
    return BookThen(mseq=found["mseq"], ts_ns=found["ts_ns"], **sides)
