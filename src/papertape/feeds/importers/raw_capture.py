"""Raw captures of our own: what arrived is folded again, and gives what was told then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from papertape.errors import WorldError
from papertape.feeds.importers.files import Progress
from papertape.feeds.importers.report import ImportReport
from papertape.feeds.polymarket.intake import renormalised
from papertape.feeds.polymarket.messages import FrameReader
from papertape.feeds.polymarket_levels import BadRecordError
from papertape.model.market_data import MarketData
from papertape.tape.raw_capture import RawEntry, RawReader

FIRST_NAME = "raw-"
ENTRIES_PER_PROGRESS = 5_000


def read_raw(
    paths: list[Path], report: ImportReport, progress: Progress | None
) -> Iterator[MarketData]:
    """Yield the items of a capture; a torn end, as a kill leaves it, is counted and left out."""
    reader, frames = RawReader(paths), FrameReader()
    total = sum(path.stat().st_size for path in paths)

    def counted() -> Iterator[RawEntry]:
        for entry in reader.entries():
            report.rows += 1
            if progress is not None and report.rows % ENTRIES_PER_PROGRESS == 0:
                progress(min(reader.bytes_read, total), total)
            yield entry

    try:
        yield from renormalised(counted(), frames)
    except (BadRecordError, ValueError) as error:
        raise WorldError(f"{paths[0].parent}: entry {report.rows}: {error}") from error
    for reason, count in frames.malformed.items():
        for _ in range(count):
            report.refuse(reason, paths[0].parent.name)
    if reader.torn:
        report.refuse("the end is torn", paths[-1].name)
