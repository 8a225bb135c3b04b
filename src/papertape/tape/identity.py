"""Is this file a whole ledger of ours? Answered without changing a byte of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from papertape.errors import LedgerDamagedError, NewerDataError
from papertape.tape.schema import APPLICATION_ID, SCHEMA_VERSION, metadata
from papertape.tape.store import held_here

MAGIC = b"SQLite format 3\x00"
HEADER_BYTES = 100


def wal_of(path: Path) -> Path:
    """Return the write-ahead log beside a SQLite file."""
    return path.with_name(path.name + "-wal")


def has_wal(path: Path) -> bool:
    """Return whether a write-ahead log with content lies beside the file."""
    try:
        return wal_of(path).stat().st_size > 0
    except FileNotFoundError:
        return False


def read_uri(path: Path) -> str:
    """Return the URI that opens the file without writing to it or beside it, where possible."""
    uri = path.absolute().as_uri() + "?mode=ro"
    return uri if has_wal(path) or held_here(path) else uri + "&immutable=1"


def check_file(path: Path) -> bool:
    """Return whether a ledger is there; raise if something else or a damaged one is.

    Raises LedgerDamagedError naming what is wrong, NewerDataError for a newer schema.
    """
    if not path.exists():
        return False
    if not held_here(path):
        try:
            with path.open("rb") as file:
                header = file.read(HEADER_BYTES)
            size = path.stat().st_size
        except OSError as error:
            raise LedgerDamagedError(f"{path}: cannot be read: {error}") from error
        _check_header(path, header, size)
    _check_inside(path)
    return True


def _check_header(path: Path, header: bytes, size: int) -> None:
    """Refuse a header that is not that of a whole papertape ledger.

    The size is compared only when no WAL is there: a checkpoint that was cut short by a kill
    writes the header before the pages, and the WAL then still holds them.
    """
    if not header.startswith(MAGIC[: len(header)]) or not header:
        raise LedgerDamagedError(f"{path}: not a papertape ledger (not a SQLite file)")
    if len(header) < HEADER_BYTES:
        raise LedgerDamagedError(f"{path}: the file header is truncated at byte {len(header)}")
    check_stamp(path, int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big"))
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65_536 if page_bytes == 1 else page_bytes
    pages = int.from_bytes(header[28:32], "big")
    if not has_wal(path) and size < page_bytes * pages:
        raise LedgerDamagedError(
            f"{path}: the file is truncated: {size} bytes, expected {page_bytes * pages}"
        )


def check_stamp(path: Path, application_id: int, version: int) -> None:
    """Refuse a file that is not a ledger, or one of a newer version."""
    if application_id != APPLICATION_ID:
        raise LedgerDamagedError(
            f"{path}: not a papertape ledger (application id {application_id:#x}, "
            f"expected {APPLICATION_ID:#x})"
        )
    if version > SCHEMA_VERSION:
        raise NewerDataError(
            f"{path}: written by a newer papertape (schema {version}, this one knows "
            f"{SCHEMA_VERSION})"
        )


def _check_inside(path: Path) -> None:
    try:
        connection = sqlite3.connect(read_uri(path), uri=True)
        try:
            application_id = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            check_stamp(path, application_id, version)
            found = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
        finally:
            connection.close()
    except (sqlite3.Error, ValueError) as error:  # its message may quote bytes of the file
        raise LedgerDamagedError(f"{path}: the ledger cannot be read: {error}") from error
    missing = [name for name in metadata.tables if name not in found]
    if missing and version == SCHEMA_VERSION:
        raise LedgerDamagedError(f"{path}: tables are missing: {', '.join(sorted(missing))}")
