"""A ledger that numbers records, shows each to somebody, and keeps none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from papertape.model.events import Event, Record
from papertape.tape.memory import MemoryLedger


class UnkeptLedger(MemoryLedger):
    """For runs whose tape nobody will read."""

    def __init__(self, told: Callable[[Record], None]) -> None:
        """Show records to `told` as they are written."""
        super().__init__()
        self._told = told
        self._head = 0

    def append(self, events: Sequence[Event], *, ts_ns: int, mseq: int) -> list[Record]:
        """Number the events as one unit, and show them."""
        records = []
        for event in events:
            self._head += 1
            record = Record(self._head, "", ts_ns, mseq, event)
            records.append(record)
            self._told(record)
        return records

    def head_seq(self) -> int:
        """Return the last number given."""
        return self._head
