"""What every venue of the live feed is given: where items go, the clock, chance, and when to stop.

Several venues write to one desk; whatever they say leaves it in the order of one clock.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Literal, Protocol

from papertape.clock import Clock
from papertape.feeds.outbox import Outbox
from papertape.model.market_data import FeedStateSeen, MarketData
from papertape.tape.raw_capture import RawSink

BEAT_S = 1.0  # a venue that is away says so this often, so that the engine's loop goes on
SLICE_S = 0.05  # longest sleep before looking at the stop flag


class Desk:
    """Takes what venues say, stamped so that time never runs back across them."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        clock: Clock,
        jitter: random.Random,
        counts: Counter[str],
        stopped: Callable[[], bool],
        raw: RawSink | None = None,
    ) -> None:
        """Take the parts; `stopped` is asked often and ends every venue's `run`.

        raw: told what arrives as it arrives, by venues that can.
        """
        self.raw = raw
        self.clock = clock
        self.jitter = jitter
        self.counts = counts
        self.stopped = stopped
        self.states: dict[str, str] = {}
        self.were_live: set[str] = set()
        self._outbox = outbox
        self._last_ns = 0

    @property
    def is_full(self) -> bool:
        """Return whether venues should wait before they read more."""
        return self._outbox.is_full

    def put(self, item: MarketData) -> None:
        """Pass an item on; its time is raised to that of the item before it."""
        self._last_ns = item.ts_ns = max(item.ts_ns, self._last_ns)
        if isinstance(item, FeedStateSeen):
            self.states[item.source] = item.state
            if item.state == "live":
                self.were_live.add(item.source)
        self._outbox.put(item)

    def say(self, source: str, state: Literal["live", "stale"], reason: str = "") -> None:
        """Tell how a venue is now."""
        now_ns = self.clock.now_ns()
        self.put(FeedStateSeen(ts_ns=now_ns, source=source, state=state, reason=reason))

    async def pause(self, source: str, wait_s: float, reason: str) -> None:
        """Wait, telling all the while that the venue is away; ends early when stopped."""
        now_s = asyncio.get_running_loop().time
        until_s, said_s = now_s() + wait_s, 0.0
        while not self.stopped() and now_s() < until_s:
            if now_s() - said_s >= BEAT_S and not self.is_full:
                said_s = now_s()
                self.say(source, "stale", reason)
            await asyncio.sleep(min(SLICE_S, wait_s))


class Venue(Protocol):
    """One venue of the live feed."""

    source: str

    async def run(self, desk: Desk) -> None:
        """Say what the venue says until `desk.stopped()`; raises PapertapeError if it cannot."""
        ...

    def facts(self) -> dict[str, object]:
        """Return what is worth a line in the log when the feed ends."""
        ...
