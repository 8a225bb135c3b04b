"""A recording told again: at real speed, at a multiple of it, or as fast as the engine takes it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from papertape.clock import Clock
from papertape.feeds.base import Pacer, Sleep, Speed
from papertape.model.market_data import MarketData
from papertape.tape.recording import Recording


class ReplayFeed:
    """The items of a recording exactly as they were recorded (implements `ports.Feed`).

    It ends by itself at the end of the recording. after_mseq: begin after this item.
    """

    source = "replay"

    def __init__(
        self,
        recording: Recording,
        *,
        speed: Speed,
        clock: Clock,
        after_mseq: int = 0,
        sleep: Sleep = time.sleep,
    ) -> None:
        """Tell `recording`; nothing is read before `items` is asked."""
        self._recording = recording
        self._after_mseq = after_mseq
        self._pacer = Pacer(speed, clock=clock, sleep=sleep)
        self._is_paced = speed != "max"

    def stop(self) -> None:
        """Make `items` end within 100 ms; safe in a signal handler."""
        self._pacer.stop()

    def items(self) -> Iterator[MarketData]:
        """Yield the items in order, held back until their time."""
        pacer = self._pacer
        for _, item in self._recording.items(self._after_mseq):
            if pacer.stopped or (self._is_paced and not pacer.wait_until(item.ts_ns)):
                return
            yield item
