"""Real markets as they happen, on paper (implements `ports.Feed`).

Every venue is listened to on a thread with one event loop; the engine takes items from a bounded
outbox. Nothing simulated can come in here. A venue that fails says stale and is tried again; the
others go on, and none steps in for it.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import structlog

from papertape.clock import Clock
from papertape.errors import ConfigError, PapertapeError, WorldError
from papertape.feeds.desk import Desk, Venue
from papertape.feeds.outbox import Outbox
from papertape.model.market_data import MarketData
from papertape.tape.raw_capture import RawSink

TAKE_S = 0.05  # longest wait before looking at the stop flag: stop() acts within 100 ms
CLOSE_S = 3.0
RETRY_S = 15.0  # a venue that failed altogether is tried again after this
REASON_CHARS_MAX = 200

log = structlog.get_logger()


class LiveFeed:
    """Books, prints and news of chosen markets; it ends only when it is stopped."""

    def __init__(
        self,
        venues: Sequence[Venue],
        *,
        clock: Clock,
        jitter: random.Random,
        retry_s: float = RETRY_S,
        raw: RawSink | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        """Open nothing before `items` is asked; `clock` stamps what is received.

        raw: told what arrives as it arrives, by venues that can.
        """
        assert venues, "a live feed has at least one venue"
        self.venues = tuple(venues)
        self.source = "+".join(venue.source for venue in venues)
        self.counts: Counter[str] = Counter()
        self.outbox = outbox or Outbox()
        self._desk = Desk(
            self.outbox,
            clock=clock,
            jitter=jitter,
            counts=self.counts,
            stopped=lambda: self._stopped,
            raw=raw,
        )
        self._retry_s = retry_s
        self._failures: dict[str, Exception] = {}
        self._stopped = False
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def stop(self) -> None:
        """Make `items` end within 100 ms; takes no lock, so a signal handler may call it."""
        self._stopped = True

    def items(self) -> Iterator[MarketData]:
        """Yield what the venues say, and a sign of life when they say nothing."""
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
                counts=dict(self.counts),
                coalesced=self.outbox.coalesced,
                **{venue.source: venue.facts() for venue in self.venues},
            )

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for venue in self.venues:
                tasks.create_task(self._keep(venue))

    async def _keep(self, venue: Venue) -> None:
        """Run a venue until stopped; what it cannot get over fails it alone."""
        while not self._stopped:
            try:
                await venue.run(self._desk)
            except Exception as error:  # of one venue: the others go on
                error = _innermost(error)
                self._failures[venue.source] = error
                if isinstance(error, ConfigError) or self._hopeless():
                    raise error from None
                reason = str(error) if isinstance(error, PapertapeError) else repr(error)
                log.error("a venue failed", venue=venue.source, reason=reason[:1_000])
                self.counts[f"{venue.source}: failed"] += 1
                await self._desk.pause(venue.source, self._retry_s, reason[:REASON_CHARS_MAX])
            else:
                return

    def _hopeless(self) -> bool:
        """Return whether every venue failed before it ever was live."""
        return not self._desk.were_live and len(self._failures) == len(self.venues)


def _innermost(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
