"""Real markets as they happen, on paper (implements `ports.Feed`).

The venue is listened to on a thread with an event loop of its own; the engine takes items from a
bounded outbox. Nothing simulated can come in here: there is one source, and when it fails the feed
says stale and goes on trying.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator

import structlog

from papertape.clock import Clock
from papertape.errors import PapertapeError, WorldError
from papertape.feeds.outbox import Outbox
from papertape.feeds.polymarket.messages import FrameReader
from papertape.feeds.polymarket.picker import Choice
from papertape.feeds.polymarket.session import SOURCE, Places, Session
from papertape.feeds.polymarket.stream import Timing
from papertape.model.market_data import MarketData

TAKE_S = 0.05  # longest wait before looking at the stop flag: stop() acts within 100 ms
CLOSE_S = 3.0

log = structlog.get_logger()


class LiveFeed:
    """Books, prints and news of chosen markets; it ends only when it is stopped."""

    source = SOURCE

    def __init__(
        self,
        places: Places,
        choice: Choice,
        *,
        clock: Clock,
        jitter: random.Random,
        timing: Timing | None = None,
    ) -> None:
        """Open nothing before `items` is asked; `clock` stamps what is received."""
        self.counts: Counter[str] = Counter()
        self.reader = FrameReader()
        self.outbox = Outbox()
        self.session: Session | None = None
        self._places = places
        self._choice = choice
        self._clock = clock
        self._jitter = jitter
        self._timing = timing or Timing()
        self._stopped = False
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def stop(self) -> None:
        """Make `items` end within 100 ms; takes no lock, so a signal handler may call it."""
        self._stopped = True

    def items(self) -> Iterator[MarketData]:
        """Yield what the venue says, and a sign of life when it says nothing."""
        assert self._thread is None, "a live feed is asked once"
        self._thread = threading.Thread(target=self._work, name="live-feed", daemon=True)
        self._thread.start()
        try:
            while not self._stopped and not self.outbox.is_closed:
                item = self.outbox.take(TAKE_S)
                if item is not None and not self._stopped:
                    yield item
        finally:
            self._stopped = True
        if isinstance(self._failure, PapertapeError):
            raise self._failure
        if self._failure is not None:
            raise WorldError(f"the live feed broke: {self._failure!r}") from self._failure

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Stop, and wait until every connection is closed; return whether they are."""
        self._stopped = True
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive()
        return True

    def _work(self) -> None:
        try:
            asyncio.run(self._live())
        except Exception as error:  # noqa: BLE001  whatever it is, items() must say so
            inner = error
            while isinstance(inner, ExceptionGroup):
                inner = inner.exceptions[0]
            self._failure = inner
        finally:
            self.outbox.close()
            log.info(
                "the live feed ended",
                malformed=dict(self.reader.malformed),
                unknown=dict(self.reader.unknown),
                counts=dict(self.counts),
                coalesced=self.outbox.coalesced,
            )

    async def _live(self) -> None:
        self.session = Session(
            self._places,
            self._choice,
            self.outbox,
            clock=self._clock,
            jitter=self._jitter,
            timing=self._timing,
            counts=self.counts,
            reader=self.reader,
            stopped=lambda: self._stopped,
        )
        await self.session.run()
