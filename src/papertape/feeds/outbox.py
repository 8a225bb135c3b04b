"""From a feed's own thread to the engine's: in order, bounded, and nothing that matters is lost."""

from __future__ import annotations

import threading
from collections import deque

from papertape.model.market_data import BookSeen, MarketData, PrintSeen

KEEP_EVERY_BOOK = 2_000  # waiting items up to which each book is kept: some hundred milliseconds
FULL = 100_000  # waiting items from which on the feed must stop reading: prints are never dropped


class Outbox:
    """A queue for one writing and one reading thread.

    While the reader keeps up it sees every item. When more than KEEP_EVERY_BOOK items wait, a
    newer book takes the place of the older one of its instrument and state, so that a gap is never
    painted over; news (a tick, a state, a resolution) is never overtaken, and prints and news are
    never dropped.
    """

    def __init__(self, keep_every_book: int = KEEP_EVERY_BOOK, full: int = FULL) -> None:
        """Begin empty."""
        self.coalesced = 0
        self.waiting_reader = False
        self._keep = keep_every_book
        self._full = full
        self._items: deque[list[MarketData]] = deque()
        self._places: dict[str, list[MarketData]] = {}
        self._changed = threading.Condition()
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Return whether the writer should wait before it puts more."""
        return len(self._items) >= self._full

    @property
    def is_idle(self) -> bool:
        """Return whether the reader has taken everything and waits for more."""
        return self.waiting_reader and not self._items

    def put(self, item: MarketData) -> None:
        """Add an item behind the others, or a book in the place of an older one."""
        with self._changed:
            if isinstance(item, BookSeen):
                place = self._places.get(item.symbol)
                if place is not None and len(self._items) > self._keep and _alike(place[0], item):
                    place[0] = item
                    self.coalesced += 1
                    return
                place = self._places[item.symbol] = [item]
            else:
                if not isinstance(item, PrintSeen):
                    self._places.clear()
                place = [item]
            self._items.append(place)
            self._changed.notify()

    def take(self, timeout_s: float) -> MarketData | None:
        """Return the next item, None if there is none within the time or the box is closed."""
        with self._changed:
            if not self._items and not self._closed:
                self.waiting_reader = True
                self._changed.wait(timeout_s)
                self.waiting_reader = False
            if not self._items:
                return None
            item = self._items.popleft()[0]
            if isinstance(item, BookSeen):
                place = self._places.get(item.symbol)
                if place is not None and place[0] is item:
                    del self._places[item.symbol]
            return item

    @property
    def is_closed(self) -> bool:
        """Return whether the writer is done and everything was taken."""
        return self._closed and not self._items

    def close(self) -> None:
        """Say that nothing more will come; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()


def _alike(one: MarketData, other: BookSeen) -> bool:
    return isinstance(one, BookSeen) and one.state == other.state
