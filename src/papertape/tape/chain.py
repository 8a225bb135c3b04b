"""The SHA-256 chain over the events: any altered, dropped or reordered record changes the head."""

from __future__ import annotations

from hashlib import sha256
from struct import Struct

HASH_BYTES = 32
_FRAME = Struct(">QqQII")  # seq, ts_ns, mseq, bytes of event_id, bytes of kind; the rest is body
_pack = _FRAME.pack


def genesis(ledger_id: str) -> bytes:
    """Return the hash before the first record; it ties the chain to this ledger."""
    return sha256(b"papertape ledger " + ledger_id.encode()).digest()


def link(prev: bytes, seq: int, event_id: bytes, ts_ns: int, mseq: int, kind: bytes,
         body: bytes) -> bytes:  # fmt: skip
    """Return the hash of a record that follows `prev`; the framing leaves no two readings."""
    head = _pack(seq, ts_ns, mseq, len(event_id), len(kind))
    return sha256(b"".join((prev, head, event_id, kind, body))).digest()
