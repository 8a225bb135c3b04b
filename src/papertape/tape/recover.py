"""What a ledger file holds: read before the first write, by the same path after any end."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from papertape.errors import LedgerDamagedError
from papertape.tape.chain import genesis, link
from papertape.tape.identity import read_uri
from papertape.tape.rows import Row

TAIL_EVENTS = 64  # newest links of the chain that are checked at every start; verify checks all


class Recovered(NamedTuple):
    """Where the ledger goes on."""

    ledger_id: str
    head_seq: int
    head_hash: bytes
    run_id: str
    account: str
    instruments: list[Row]
    anchored: bytes | None


def recover(path: Path, anchor_seq: int = 0) -> Recovered:
    """Read where the ledger stands, read-only; raise LedgerDamagedError if its end is not whole.

    anchor_seq: the record whose hash is wanted as `anchored`.
    """
    try:
        connection = sqlite3.connect(read_uri(path), uri=True)
        try:
            return _recover(path, connection, anchor_seq)
        finally:
            connection.close()
    except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:
        raise LedgerDamagedError(f"{path}: the ledger cannot be read: {error}") from error


def _recover(path: Path, connection: sqlite3.Connection, anchor_seq: int) -> Recovered:
    row = connection.execute("SELECT value FROM meta WHERE key='ledger_id'").fetchone()
    if row is None:
        raise LedgerDamagedError(f"{path}: the ledger has lost its id")
    ledger_id = str(row[0])
    head_seq, head_hash = _check_tail(path, connection, ledger_id)
    run = connection.execute(
        "SELECT run_id, account FROM runs ORDER BY seq DESC LIMIT 1"
    ).fetchone() or ("", "")
    instruments = connection.execute("SELECT * FROM instruments ORDER BY seq").fetchall()
    anchored = connection.execute(
        "SELECT hash FROM events WHERE seq = ?", (anchor_seq,)
    ).fetchone() or (None,)
    return Recovered(ledger_id, head_seq, head_hash, run[0], run[1], instruments, anchored[0])


def _check_tail(path: Path, connection: sqlite3.Connection, ledger_id: str) -> tuple[int, bytes]:
    rows = connection.execute(
        "SELECT seq, event_id, ts_ns, mseq, kind, body, hash FROM events ORDER BY seq DESC LIMIT ?",
        (TAIL_EVENTS + 1,),
    ).fetchall()[::-1]
    prev = genesis(ledger_id)
    if len(rows) > TAIL_EVENTS:
        prev = rows.pop(0)[6]
    head_seq = rows[0][0] - 1 if rows else 0
    for seq, event_id, ts_ns, mseq, kind, body, digest in rows:
        expected = link(prev, seq, event_id.encode(), ts_ns, mseq, kind.encode(), body.encode())
        if seq != head_seq + 1 or digest != expected:
            raise LedgerDamagedError(f"{path}: the record at seq {seq} does not fit the chain")
        head_seq, prev = seq, digest
    return head_seq, prev
