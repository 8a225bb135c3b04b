"""What an import found: malformed records are counted by reason and never guessed."""

from __future__ import annotations

from typing import Any

import msgspec

LINES_SHOWN = 5  # places per reason that a person can look up


class Malformed(msgspec.Struct):
    """Records left out, or suspected, for one reason, and where the first of them stand."""

    count: int = 0
    first_at: list[str] = msgspec.field(default_factory=list)


class FileFacts(msgspec.Struct):
    """One file of bars: rows that could be read, first and last close, holes, rows twice."""

    rows: int = 0
    first_ns: int = 0
    last_ns: int = 0
    interval_s: float = 0
    time_unit: str = ""
    gaps: int = 0
    duplicates: int = 0


class ImportReport(msgspec.Struct):
    """Counts of one import.

    rows: records read. duplicates: the same record again, left out. unverified: books whose hash
    does not reproduce. late: records whose receive time ran back, told at the time before. gaps:
    holes in a series of bars. dust_levels: book levels below one lot, left out. suspicious: bars
    that are well formed and look wrong all the same; they are kept.
    """

    format: str
    source: str
    rows: int = 0
    items: int = 0
    duplicates: int = 0
    unverified: int = 0
    late: int = 0
    gaps: int = 0
    dust_levels: int = 0
    markets: int = 0
    resolved: int = 0
    malformed: dict[str, Malformed] = msgspec.field(default_factory=dict)
    suspicious: dict[str, Malformed] = msgspec.field(default_factory=dict)
    files: dict[str, FileFacts] = msgspec.field(default_factory=dict)

    @property
    def malformed_rows(self) -> int:
        """Return how many records were left out as malformed."""
        return sum(each.count for each in self.malformed.values())

    def refuse(self, reason: str, at: str) -> None:
        """Count a malformed record."""
        _count(self.malformed, reason, at)

    def suspect(self, reason: str, at: str) -> None:
        """Count a record that is kept and looks wrong."""
        _count(self.suspicious, reason, at)

    def as_meta(self) -> dict[str, Any]:
        """Return the report as JSON-able values, for a recording's manifest."""
        meta: dict[str, Any] = msgspec.to_builtins(self)
        return {**meta, "malformed_rows": self.malformed_rows}


def _count(counts: dict[str, Malformed], reason: str, at: str) -> None:
    found = counts.setdefault(reason, Malformed())
    found.count += 1
    if len(found.first_at) < LINES_SHOWN:
        found.first_at.append(at)
