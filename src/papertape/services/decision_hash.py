"""DecisionHash: one number for everything a run decided, so that two runs can be compared."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import msgspec

from papertape.model.events import (
    DataAlarm,
    EquityMarked,
    Event,
    ExitMarked,
    OpportunitySkipped,
    OrderAccepted,
    OrderAmended,
    OrderCancelAsked,
    OrderChangeRefused,
    OrderClosed,
    OrderFilled,
    OrderSubmitted,
    OrderTriggered,
    PositionSettled,
    Record,
    RunStarted,
    SetsConverted,
    SetsMerged,
    SetsSplit,
    SignalRaised,
    SignalRefused,
    encode_event,
)

DECISIONS: frozenset[type[Event]] = frozenset(
    {
        SignalRaised,
        SignalRefused,
        OpportunitySkipped,
        DataAlarm,
        OrderSubmitted,
        OrderAccepted,
        OrderTriggered,
        OrderAmended,
        OrderCancelAsked,
        OrderChangeRefused,
        OrderFilled,
        OrderClosed,
        SetsMerged,
        SetsSplit,
        SetsConverted,
        PositionSettled,
        EquityMarked,
        ExitMarked,
    }
)


class DecisionHash:
    """A running SHA-256 over the newest run's decisions.

    Bodies hold neither wall time nor run id; ids carry the run's number on this ledger ("r3.o12"),
    which is left out, so the same run told on another ledger hashes the same.
    """

    takes: ClassVar[frozenset[type[Event]]] = frozenset({*DECISIONS, RunStarted})

    def __init__(self) -> None:
        """Start before the first run."""
        self.value = bytes(32)
        self._prefix = b""

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event = record.event
        if type(event) in DECISIONS:
            body = encode_event(event).replace(self._prefix, b'"')
            self.value = hashlib.sha256(self.value + body).digest()
        elif isinstance(event, RunStarted):
            self.value = bytes(32)
            self._prefix = b'"r%d.' % event.number

    def with_books(self, *books: Any) -> str:
        """Return the hash of the decisions and the given books, in hex."""
        body = msgspec.json.encode(books, order="deterministic")
        return hashlib.sha256(self.value + body).hexdigest()

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {"value": self.value.hex(), "prefix": self._prefix.decode()}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.value = bytes.fromhex(state["value"])
        self._prefix = state["prefix"].encode()
