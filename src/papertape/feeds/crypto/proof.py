"""What proves that a venue's book misses no change, venue by venue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Proof = Literal["chained", "counted", "none"]
"""chained: ccxt checks update ids or a checksum and drops the book where they do not fit.
counted: each message of a connection carries the next number, and that is checked here.
none: nothing is checked; such books are shown but not traded on.
"""

PROOFS: dict[str, Proof] = {
    "binance": "chained",
    "binanceus": "chained",
    "bitget": "chained",
    "coinbase": "counted",
    "cryptocom": "chained",
    "gate": "chained",
    "htx": "chained",
    "kraken": "chained",
    "okx": "chained",
}
SNAPSHOT_BY_REST = frozenset({"binance", "binanceus", "gate"})
"""Here a book begins with a REST answer; it counts once the stream has been joined to it."""


def proof_of(venue: str) -> Proof:
    """Return what proves the books of a venue."""
    return PROOFS.get(venue, "none")


class MessageNumbers:
    """Coinbase numbers every message of a connection, whatever its channel, without a hole."""

    def __init__(self) -> None:
        """Begin with no connection heard."""
        self._next: dict[int, int] = {}

    def check(self, connection: int, message: Any) -> str:
        """Return what is missing before this message, "" if nothing is."""
        number = message.get("sequence_num") if isinstance(message, Mapping) else None
        if not isinstance(number, int):
            return ""
        expected = self._next.get(connection)
        self._next[connection] = number + 1
        if expected is None or expected == number:
            return ""
        return f"message {number} came where {expected} was due"

    def forget(self, connection: int) -> None:
        """Drop a connection that is gone."""
        self._next.pop(connection, None)
