"""The ledger in memory: same port, same promises but durability; for tests and single use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from papertape.errors import LedgerFailedError
from papertape.model.events import Event, Record, RunStarted, encode_event
from papertape.tape.numbering import event_id_of


class MemoryLedger:
    """A list of records that keeps the rules of ports.Ledger."""

    def __init__(self, *, event_id: Callable[[str, int], str] = event_id_of) -> None:
        """Begin empty."""
        self.ledger_id = "memory"
        self._records: list[Record] = []
        self._snapshots: dict[int, bytes] = {}
        self._event_id = event_id
        self._run_id = ""
        self._lock = threading.Lock()
        self._closed = False

    def append(self, events: Sequence[Event], *, ts_ns: int, mseq: int) -> list[Record]:
        """Number the events as one unit."""
        for event in events:
            encode_event(event)  # what the tape could not hold is refused here too
        with self._lock:
            if self._closed:
                raise LedgerFailedError("the ledger is closed")
            records = []
            seq = len(self._records)
            for event in events:
                if type(event) is RunStarted:
                    self._run_id = event.run_id
                seq += 1
                records.append(Record(seq, self._event_id(self._run_id, seq), ts_ns, mseq, event))
            self._records.extend(records)
        return records

    def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep a fold of the tape up to `seq`; the newest two stay."""
        assert 0 < seq <= len(self._records), "a snapshot covers records that exist"
        self._snapshots[seq] = body
        for old in sorted(self._snapshots)[:-2]:
            del self._snapshots[old]

    def latest_snapshot(self) -> tuple[int, bytes] | None:
        """Return the newest snapshot as (seq, body)."""
        return max(self._snapshots.items(), default=None)

    def head_seq(self) -> int:
        """Return the last number given."""
        return len(self._records)

    def durable_seq(self) -> int:
        """Return the last number given: memory has no later."""
        return len(self._records)

    def failure(self) -> BaseException | None:
        """Return None: memory does not fail."""
        return None

    def flush(self, timeout_s: float = 10.0) -> int:
        """Return the last number given."""
        return len(self._records)

    def read(self, after_seq: int, limit: int = 1000) -> list[Record]:
        """Return records with seq > after_seq, at most `limit`."""
        return self._records[max(after_seq, 0) : max(after_seq, 0) + limit]

    def close(self) -> None:
        """Take no more; what was recorded can still be read."""
        self._closed = True
