"""Bars that are well formed and still look wrong: counted with their places, and kept."""

from __future__ import annotations

from papertape.clock import NS_PER_S
from papertape.feeds.importers.report import FileFacts, ImportReport
from papertape.model.market_data import BarSeen

JUMP = 0.2  # of the price from close to close: no market of ours moves so in one bar and stays
SPIKE = 0.2  # of the price that high or low stand off open and close
STILL_BARS = 60  # bars in a row without any change: a feed that hangs repeats its last value


class FileWatch:
    """Looks at the bars of one file in order of time, and keeps the facts of the file."""

    def __init__(self, report: ImportReport, name: str, time_unit: str) -> None:
        """Count into this report, under the file's name."""
        self._report = report
        self._facts = report.files[name] = FileFacts(time_unit=time_unit)
        self._before: BarSeen | None = None
        self._still = 0

    def look(self, bar: BarSeen, at: str) -> None:
        """Look at the next bar, which stands at a place such as `file.csv:17`."""
        before, self._before = self._before, bar
        facts = self._facts
        facts.rows += 1
        facts.first_ns = facts.first_ns or bar.ts_ns
        facts.last_ns = bar.ts_ns
        facts.interval_s = bar.interval_ns / NS_PER_S
        if not bar.volume_lots:
            self._report.suspect("no volume", at)
        inner_high = max(bar.open_ticks, bar.close_ticks)
        inner_low = min(bar.open_ticks, bar.close_ticks)
        if bar.high_ticks > inner_high * (1 + SPIKE) or bar.low_ticks < inner_low * (1 - SPIKE):
            self._report.suspect(f"high or low over {SPIKE:.0%} off open and close", at)
        if before is not None:
            self._follows(before, bar, at)

    def _follows(self, before: BarSeen, bar: BarSeen, at: str) -> None:
        self._facts.gaps += bar.ts_ns - before.ts_ns > bar.interval_ns
        self._facts.duplicates += bar.ts_ns == before.ts_ns
        if abs(bar.close_ticks - before.close_ticks) > JUMP * before.close_ticks:
            self._report.suspect(f"close over {JUMP:.0%} off the one before", at)
        same = bar.high_ticks == bar.low_ticks == before.close_ticks
        self._still = self._still + 1 if same else 0
        if self._still == STILL_BARS:
            self._report.suspect(f"price unchanged for {STILL_BARS} bars", at)
