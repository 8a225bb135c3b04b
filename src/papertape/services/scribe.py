"""The scribe: whatever the engine decides goes through here, to the projections and to the tape."""

from __future__ import annotations

from typing import Protocol

from papertape.model.events import Event, Record
from papertape.model.ports import Ledger


class Fold(Protocol):
    """Something that takes records in order."""

    def apply(self, record: Record) -> None:
        """Take one record."""
        ...


class Scribe:
    """Numbers events, folds them at once, and writes all of one reaction as one unit.

    One reaction (what happened because of one market record or one call) is one transaction on the
    tape: a crash leaves all of it or nothing of it. Nobody outside this process sees an event
    before it is durable, because others read the ledger.
    """

    def __init__(self, ledger: Ledger, fold: Fold) -> None:
        """Write to `ledger` and keep `fold` current."""
        self._ledger = ledger
        self._fold = fold
        self._seq = ledger.head_seq()
        self._unit: list[Event] = []
        self.ts_ns = 0
        self.mseq = 0

    @property
    def seq(self) -> int:
        """Return the number of the newest event, committed or not."""
        return self._seq

    def at(self, ts_ns: int, mseq: int) -> None:
        """Set the engine time and the market number that the next events carry."""
        assert not self._unit, "a unit must be committed before time moves"
        self.ts_ns = ts_ns
        self.mseq = mseq

    def note(self, event: Event) -> Record:
        """Number and fold an event; it becomes durable with the unit."""
        self._seq += 1
        record = Record(self._seq, "", self.ts_ns, self.mseq, event)
        self._fold.apply(record)
        self._unit.append(event)
        return record

    def pending(self) -> int:
        """Return how many events wait in the open unit."""
        return len(self._unit)

    def noted_since(self, mark: int) -> list[Event]:
        """Return the open unit's events from `mark` (a value of `pending`) on."""
        return self._unit[mark:]

    def halt(self, event: Event) -> None:
        """Forget the open unit and tell the halt alone: the books broke, the fold is of no use."""
        self._unit = []
        self._seq = self._ledger.append([event], ts_ns=self.ts_ns, mseq=self.mseq)[-1].seq

    def commit(self) -> None:
        """Hand the unit to the ledger; on LedgerFailedError nothing more may be done."""
        if not self._unit:
            return
        unit, self._unit = self._unit, []
        records = self._ledger.append(unit, ts_ns=self.ts_ns, mseq=self.mseq)
        assert records[-1].seq == self._seq, "another writer is on this ledger"
