"""What a recording holds: counts, spans and silences per instrument, and what its import found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from papertape.clock import NS_PER_S
from papertape.model.market_data import (
    BarSeen,
    BookSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    PrintSeen,
    QuoteSeen,
)
from papertape.tape.raw_capture import FOLDER as RAW_FOLDER
from papertape.tape.raw_capture import RawReader, raw_files
from papertape.tape.recording import Recording

SILENCE_NS = 60 * NS_PER_S  # books and prints: a longer silence counts as a gap


class InstrumentFacts(msgspec.Struct):
    """One instrument's share of a recording; gaps are silences of over a minute, or bars missing.

    unverified: books that their recorder could not vouch for. breaks: times that the book ceased to
    be trusted, for `doubted_ns` in all.
    """

    symbol: str
    first_ts_ns: int
    last_ts_ns: int
    books: int = 0
    quotes: int = 0
    bars: int = 0
    prints: int = 0
    unverified: int = 0
    gaps: int = 0
    longest_gap_ns: int = 0
    breaks: int = 0
    doubted_ns: int = 0


class RawFacts(msgspec.Struct):
    """The raw capture beside a recording; torn: its end is missing, as after a kill."""

    files: int
    bytes: int
    entries: dict[str, int]
    first_ns: int = 0
    last_ns: int = 0
    torn: bool = False


class RecordingFacts(msgspec.Struct):
    """A recording as people ask about it; `import_report` is empty for our own recordings."""

    name: str
    source: str
    sealed: bool
    rows: int
    bytes: int
    first_ts_ns: int
    last_ts_ns: int
    counts: dict[str, int]
    markets: int
    resolved: int
    instruments: list[InstrumentFacts]
    import_report: dict[str, Any]
    raw: RawFacts | None = None

    @property
    def gaps(self) -> int:
        """Return the gaps of all instruments together."""
        return sum(each.gaps for each in self.instruments)

    @property
    def breaks(self) -> int:
        """Return how often books of any instrument ceased to be trusted."""
        return sum(each.breaks for each in self.instruments)


def describe(recording: Recording) -> RecordingFacts:
    """Read a whole recording and return what it holds; WorldError names a damaged segment."""
    manifest = recording.manifest
    found: dict[str, InstrumentFacts] = {}
    doubts: dict[str, int] = {}
    markets = resolved = 0
    for _, item in recording.items():
        markets += isinstance(item, MarketSeen)
        resolved += isinstance(item, MarketResolvedSeen)
        _count(found, item)
        if isinstance(item, BookSeen):
            _doubt(found[item.symbol], doubts, item)
    return RecordingFacts(
        name=manifest.name,
        source=manifest.source,
        sealed=manifest.sealed,
        rows=manifest.rows,
        bytes=manifest.bytes,
        first_ts_ns=manifest.first_ts_ns,
        last_ts_ns=manifest.last_ts_ns,
        counts=manifest.counts,
        markets=markets,
        resolved=resolved,
        instruments=sorted(found.values(), key=lambda facts: (facts.first_ts_ns, facts.symbol)),
        import_report=manifest.meta.get("import_report", {}),
        raw=describe_raw(recording.folder / RAW_FOLDER),
    )


def describe_raw(folder: Path) -> RawFacts | None:
    """Read a raw capture and return what it holds, None if there is none in this folder."""
    paths = raw_files(folder)
    if not paths:
        return None
    facts = RawFacts(len(paths), sum(path.stat().st_size for path in paths), {})
    reader = RawReader(paths)
    for entry in reader.entries():
        facts.entries[entry.kind] = facts.entries.get(entry.kind, 0) + 1
        facts.first_ns = facts.first_ns or entry.ns
        facts.last_ns = entry.ns
    facts.torn = reader.torn
    return facts


def _doubt(facts: InstrumentFacts, doubts: dict[str, int], book: BookSeen) -> None:
    since_ns = doubts.get(book.symbol)
    if book.state != "live" and since_ns is None:
        facts.breaks += 1
        doubts[book.symbol] = book.ts_ns
    elif book.state == "live" and since_ns is not None:
        facts.doubted_ns += book.ts_ns - since_ns
        del doubts[book.symbol]


def _count(found: dict[str, InstrumentFacts], item: MarketData) -> None:
    if not isinstance(item, BookSeen | QuoteSeen | BarSeen | PrintSeen):
        return
    facts = found.get(item.symbol)
    if facts is None:
        facts = found[item.symbol] = InstrumentFacts(item.symbol, item.ts_ns, item.ts_ns)
    allowed_ns = SILENCE_NS
    if isinstance(item, BookSeen):
        facts.books += 1
        facts.unverified += item.state == "unverified"
    elif isinstance(item, QuoteSeen):
        facts.quotes += 1
    elif isinstance(item, PrintSeen):
        facts.prints += 1
    else:
        facts.bars += 1
        allowed_ns = item.interval_ns
    silence_ns = item.ts_ns - facts.last_ts_ns
    facts.gaps += silence_ns > allowed_ns
    facts.longest_gap_ns = max(facts.longest_gap_ns, silence_ns)
    facts.last_ts_ns = item.ts_ns
