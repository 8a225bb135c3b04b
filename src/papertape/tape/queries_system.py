"""What a data folder weighs and how far its ledger and anchor are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

from papertape.errors import LedgerDamagedError
from papertape.tape.anchor import read_anchor
from papertape.tape.follow import LedgerReader
from papertape.tape.identity import wal_of
from papertape.tape.schema import events

MARKET_FILES_MAX = 100_000  # looked at for a folder's size; far above what a quota lets stand


def head(reader: LedgerReader) -> dict[str, Any] | None:
    """Return {seq, hash, ts_ns} of the newest record, None for an empty ledger."""
    query = select(events.c.seq, events.c.hash, events.c.ts_ns).order_by(events.c.seq.desc())
    found = reader.rows(query.limit(1))
    if not found:
        return None
    return {"seq": found[0]["seq"], "hash": found[0]["hash"].hex(), "ts_ns": found[0]["ts_ns"]}


def anchor(data_dir: Path) -> dict[str, Any]:
    """Return {state: ok, missing or unreadable, seq, sealed, written_ns} of anchor.json."""
    path = data_dir / "anchor.json"
    nothing = {"seq": None, "sealed": None, "written_ns": None}
    try:
        found = read_anchor(path)
        written_ns = path.stat().st_mtime_ns if found else None
    except (LedgerDamagedError, OSError):
        return {"state": "unreadable", **nothing}
    if found is None:
        return {"state": "missing", **nothing}
    return {
        "state": "ok",
        "seq": found.seq,
        "sealed": found.file_sha256 is not None,
        "written_ns": written_ns,
    }


def sizes(data_dir: Path) -> dict[str, int]:
    """Return bytes of the ledger, its write-ahead log, board, desk, market data and logs."""
    ledger = data_dir / "papertape.db"
    return {
        "ledger_bytes": file_bytes(ledger),
        "wal_bytes": file_bytes(wal_of(ledger)),
        "board_bytes": file_bytes(data_dir / "board.db"),
        "desk_bytes": file_bytes(data_dir / "desk.db"),
        "market_bytes": folder_bytes(data_dir / "market"),
        "logs_bytes": folder_bytes(data_dir / "logs"),
    }


def file_bytes(path: Path) -> int:
    """Return the size of a file, 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def folder_bytes(folder: Path) -> int:
    """Return the size of all files in a folder and its folders, 0 if there is none."""
    total = 0
    for number, path in enumerate(folder.rglob("*")):
        if number >= MARKET_FILES_MAX:
            break
        if path.is_file() and not path.is_symlink():
            total += file_bytes(path)
    return total
