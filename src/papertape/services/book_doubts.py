"""What the engine says on the tape when a book ceases to be trusted, and when it is live again."""

from __future__ import annotations

from typing import NamedTuple

from papertape.model.events import BookStateChanged
from papertape.model.market_data import BookSeen, BookState


class _Doubt(NamedTuple):
    """What is not trusted of a book, since when, and what failed first."""

    state: BookState
    since_ns: int
    reason: str


class BookDoubts:
    """The books that are not live now; a book that was never doubted costs one lookup."""

    def __init__(self) -> None:
        """Begin with every book trusted."""
        self._doubted: dict[str, _Doubt] = {}

    def see(self, book: BookSeen) -> BookStateChanged | None:
        """Return what this book changes, None if it changes nothing."""
        before = self._doubted.get(book.symbol)
        if before is None and book.state == "live":
            return None
        if before is not None and before.state == book.state:
            return None
        reason = book.reason
        since_ns = book.ts_ns
        if before is not None:
            since_ns = before.since_ns
            reason = reason or before.reason
        if book.state == "live":
            del self._doubted[book.symbol]
        else:
            self._doubted[book.symbol] = _Doubt(book.state, since_ns, reason)
        return BookStateChanged(
            source=book.symbol.partition(":")[0],
            symbol=book.symbol,
            state=book.state,
            reason=reason,
            doubted_ns=book.ts_ns - since_ns,
        )

    def doubts(self, symbol: str) -> bool:
        """Return whether a book is not live now."""
        return symbol in self._doubted

    def forget(self, symbol: str) -> None:
        """Drop a book whose market is over."""
        self._doubted.pop(symbol, None)
