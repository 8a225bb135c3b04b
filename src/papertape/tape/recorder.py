"""Market data as the engine saw it, numbered before anyone reacts, kept in Parquet segments.

The ledger is the truth of what was traded; this is the material to tell a run again. A kill
therefore may cost the newest seconds of it, and no more.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from papertape.errors import WorldError
from papertape.model.market_data import MarketData
from papertape.tape.files import write_atomic
from papertape.tape.manifest import MANIFEST_FILE, Manifest, SegmentEntry, write_manifest
from papertape.tape.segment import KINDS, SegmentBuilder

ROWS_PER_SEGMENT = 50_000  # a file of some MB that is read as a whole
LEVELS_PER_SEGMENT = 2_000_000  # 32 MB of ticks and lots in memory
QUEUED_SEGMENTS_MAX = 2  # then recording waits for the disk: memory stays bounded
YOUNG_RUN_S = 600.0  # a young run is what people try out and kill …
AGE_YOUNG_S = 5.0  # … so it is written out this often,
AGE_S = 30.0  # and a long one this often, to make fewer, larger files
TICK_S = 1.0  # how often the writing thread looks at the age
CLOSE_TIMEOUT_S = 60.0


class CountingSink:
    """Numbers market data without keeping it: what is replayed already is a recording."""

    def __init__(self) -> None:
        """Begin before the first item."""
        self.mseq = 0

    def record(self, item: MarketData) -> int:
        """Return the item's mseq."""
        self.mseq += 1
        return self.mseq

    def close(self) -> None:
        """Do nothing."""


class MarketRecorder:
    """Records one run into a folder of its own (ports.MarketSink); one thread may record."""

    def __init__(
        self,
        folder: Path,
        *,
        source: str = "",
        meta: dict[str, Any] | None = None,
        rows_per_segment: int = ROWS_PER_SEGMENT,
        levels_per_segment: int = LEVELS_PER_SEGMENT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the folder; raises WorldError if a run was recorded there already."""
        if (folder / MANIFEST_FILE).exists():
            raise WorldError(f"{folder}: a run was recorded here already")
        folder.mkdir(parents=True, exist_ok=True)
        self.mseq = 0
        self._folder = folder
        self._rows_max = rows_per_segment
        self._levels_max = levels_per_segment
        self._monotonic = monotonic
        self._began_s = monotonic()
        self._manifest = Manifest(name=folder.name, source=source, meta=dict(meta or {}))
        write_manifest(folder, self._manifest)
        self._lock = threading.Lock()
        self._segment = SegmentBuilder(1, self._began_s)
        self._queue: queue.Queue[SegmentBuilder | None] = queue.Queue(QUEUED_SEGMENTS_MAX)
        self._failure: BaseException | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="market-recorder", daemon=True)
        self._thread.start()

    def record(self, item: MarketData) -> int:
        """Keep the item and return its mseq; raises WorldError if it can no longer be kept."""
        if self._failure is not None:
            raise WorldError(f"{self._folder}: recording has failed: {self._failure}")
        assert not self._closed, "record after close"
        full = None
        with self._lock:
            segment = self._segment
            segment.add(item)
            self.mseq += 1
            mseq = self.mseq
            if segment.rows >= self._rows_max or segment.levels >= self._levels_max:
                full = segment
                self._segment = SegmentBuilder(mseq + 1, self._monotonic())
        if full is not None:
            self._hand_over(full)
        return mseq

    @property
    def bytes(self) -> int:
        """Return how much has been written so far."""
        return self._manifest.bytes

    def note(self, **meta: Any) -> None:
        """Add to the manifest's meta what is known now (an import report, say)."""
        with self._lock:
            self._manifest.meta = {**self._manifest.meta, **meta}

    def close(self) -> None:
        """Write what is left and seal the run; twice is fine. Raises WorldError on failure."""
        if self._closed:
            return
        self._closed = True
        with self._lock:
            last = self._segment
            self._segment = SegmentBuilder(self.mseq + 1)
        if last.rows:
            self._hand_over(last)
        self._hand_over(None)
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._failure is not None:
            raise WorldError(f"{self._folder}: recording has failed: {self._failure}")

    def _hand_over(self, segment: SegmentBuilder | None) -> None:
        while self._failure is None:
            try:
                self._queue.put(segment, timeout=TICK_S)
                return
            except queue.Full:
                continue

    def _work(self) -> None:
        try:
            while (segment := self._next_segment()) is not None:
                if segment.rows:
                    self._write(segment)
            self._manifest.sealed = True
            write_manifest(self._folder, self._manifest)
        except Exception as error:  # noqa: BLE001  whatever it is, record() must say so
            self._failure = error

    def _next_segment(self) -> SegmentBuilder | None:
        """Return the next segment to write, an empty one if there is none yet, None at the end."""
        try:
            return self._queue.get(timeout=TICK_S)
        except queue.Empty:
            return self._aged_segment()

    def _aged_segment(self) -> SegmentBuilder:
        now_s = self._monotonic()
        age_max_s = AGE_YOUNG_S if now_s - self._began_s < YOUNG_RUN_S else AGE_S
        with self._lock:
            segment = self._segment
            # An older one may be on its way to the queue: segments are written in order.
            next_in_line = segment.first_mseq == self._manifest.last_mseq + 1
            if not segment.rows or not next_in_line or now_s - segment.opened_s < age_max_s:
                return SegmentBuilder(0)
            self._segment = SegmentBuilder(self.mseq + 1, now_s)
        return segment

    def _write(self, segment: SegmentBuilder) -> None:
        body = segment.encode()
        manifest = self._manifest
        assert segment.first_mseq == manifest.last_mseq + 1, "segments are contiguous"
        name = f"segment-{len(manifest.segments) + 1:06d}.parquet"
        write_atomic(self._folder / name, body)
        first_ts_ns, last_ts_ns = segment.span_ns
        entry = SegmentEntry(
            file=name, rows=segment.rows, first_mseq=segment.first_mseq,
            last_mseq=segment.last_mseq, first_ts_ns=first_ts_ns, last_ts_ns=last_ts_ns,
            bytes=len(body), sha256=sha256(body).hexdigest(),
        )  # fmt: skip
        with self._lock:
            manifest.segments = [*manifest.segments, entry]
        manifest.rows += segment.rows
        manifest.bytes += len(body)
        manifest.counts = {
            kind: manifest.counts.get(kind, 0) + count
            for kind, count in zip(KINDS, segment.counts, strict=True)
            if manifest.counts.get(kind, 0) + count
        }
        write_manifest(self._folder, manifest)
