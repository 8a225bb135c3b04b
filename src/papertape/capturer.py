"""`papertape data record`: what real markets say, raw and normalised; no strategy, no ledger.

A recording is a folder of the market data like any run's, so it replays and counts to the quota;
its subfolder `raw` holds what arrived, as it arrived. A long recording is cut into several.
"""

from __future__ import annotations

import secrets
import signal
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from papertape import wiring
from papertape.clock import NS_PER_S, Clock, SystemClock
from papertape.config import Config
from papertape.errors import WorldError
from papertape.feeds.live import LiveFeed
from papertape.stop_signals import answering
from papertape.tape.quota import enforce_quota
from papertape.tape.raw_capture import FOLDER as RAW_FOLDER
from papertape.tape.raw_capture import RawWriter
from papertape.tape.recorder import MarketRecorder

MB = 1_000_000
PART_SHARE = 4  # a part is at most a quarter of the quota: there is always room for the current one
LOOK_NS = NS_PER_S  # between two looks at time and sizes
TIDY_NS = 30 * NS_PER_S  # between two looks at the quota

log = structlog.get_logger()


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording has brought."""

    folders: list[str]
    items: int
    raw_entries: int
    raw_bytes: int
    normalised_bytes: int
    counts: dict[str, int]
    seconds: float


class Capturer:
    """Records what the config's live markets say until it is stopped or the time is over."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        """Take the settings; nothing is opened before `run`."""
        self._config = config
        self._clock = clock or SystemClock()
        self._market_dir = config.data_dir / "market"
        self._quota_bytes = config.storage.market_quota_mb * MB
        self._feed: LiveFeed | None = None
        self._stopped = False
        self._end_ns: int | None = None
        self._folders: list[str] = []
        self._counts: Counter[str] = Counter()
        self._raw_entries = self._raw_bytes = self._bytes = 0

    def run(self, duration_s: float | None = None) -> Captured:
        """Record for a span, or until SIGINT or SIGTERM; raises WorldError if nothing can be."""
        began_ns = self._clock.now_ns()
        if duration_s is not None:
            self._end_ns = began_ns + round(duration_s * NS_PER_S)
        with answering({signal.SIGINT: self._stop, signal.SIGTERM: self._stop}):
            while not self._over():
                self._part()
        return Captured(
            folders=self._folders,
            items=self._counts.total(),
            raw_entries=self._raw_entries,
            raw_bytes=self._raw_bytes,
            normalised_bytes=self._bytes,
            counts=dict(self._counts),
            seconds=(self._clock.now_ns() - began_ns) / NS_PER_S,
        )

    def _stop(self, reason: str) -> None:
        self._stopped = True
        if self._feed is not None:
            self._feed.stop()

    def _over(self) -> bool:
        return self._stopped or (self._end_ns is not None and self._clock.now_ns() >= self._end_ns)

    def _part(self) -> None:
        """Record into one folder until it is full or the time is over."""
        folder = self._market_dir / _name(self._clock)
        self._tidy(folder)
        try:
            raw = RawWriter(folder / RAW_FOLDER)
        except OSError as error:
            raise WorldError(f"{folder}: cannot be written: {error}") from error
        recorder = MarketRecorder(
            folder,
            source="live",
            meta={"raw": RAW_FOLDER},
            rows_per_segment=self._config.storage.rows_per_segment,
        )
        self._folders.append(str(folder))
        self._feed = feed = wiring.live_feed(self._config, (), self._clock, raw=raw)
        log.info("recording", folder=str(folder))
        try:
            self._record(feed, recorder, raw, folder)
        finally:
            feed.close()
            raw.close()
            recorder.close()
            self._raw_entries += raw.entries
            self._raw_bytes += raw.bytes
            self._bytes += recorder.bytes

    def _record(
        self, feed: LiveFeed, recorder: MarketRecorder, raw: RawWriter, folder: Path
    ) -> None:
        looked_ns = tidied_ns = self._clock.now_ns()
        for item in feed.items():
            recorder.record(item)
            self._counts[type(item).__name__] += 1
            now_ns = self._clock.now_ns()
            if now_ns - looked_ns < LOOK_NS:
                continue
            looked_ns = now_ns
            raw.check()
            if self._over() or raw.bytes + recorder.bytes >= self._quota_bytes // PART_SHARE:
                feed.stop()
            if now_ns - tidied_ns >= TIDY_NS:
                tidied_ns = now_ns
                self._tidy(folder)

    def _tidy(self, folder: Path) -> None:
        removed = enforce_quota(
            self._market_dir, self._quota_bytes, {folder.name}, now_ns=self._clock.now_ns()
        )
        if removed:
            log.info("market data over its quota was removed", runs=removed)


def _name(clock: Clock) -> str:
    """Return a folder name that sorts by its beginning and never meets another one."""
    began = datetime.fromtimestamp(clock.now_ns() // NS_PER_S, tz=UTC)
    return f"live-{began.strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(3)}"
