"""A data folder's words and deeds as one file: ledger and desk, each a whole copy of one moment.

Recorded market data is not in it: it is large, has a quota of its own, and no book depends on it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import zlib
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec

from papertape.errors import ConfigError, LedgerDamagedError, WorldError
from papertape.tape.anchor import AnchorState, read_anchor
from papertape.tape.files import sync_folder, write_atomic
from papertape.tape.identity import check_file

FORMAT = 1
LEDGER, DESK, ANCHOR, MANIFEST = "papertape.db", "desk.db", "anchor.json", "manifest.json"
FILES = (LEDGER, DESK, ANCHOR)
COMPRESSION = 3  # of gzip: half the size at 60 MB/s; more effort gains a tenth
COPY_BYTES = 1_048_576
MANIFEST_BYTES_MAX = 65_536
BUSY_S = 5.0


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: of which ledger, up to which record, and every file's digest."""

    format: int
    made_at: str
    software: str
    ledger_id: str
    head_seq: int
    head_hash: str
    files: dict[str, Copied]


def copy_folder(data_dir: Path, staging: Path) -> None:
    """Copy ledger and desk into `staging`, while the bot and the dashboard may be writing.

    Each copy is made in one step, so it is of one moment. Raises WorldError if there is no ledger.
    """
    ledger = data_dir / LEDGER
    if not check_file(ledger):
        raise WorldError(f"{ledger}: there is no ledger to back up")
    anchor = read_anchor(data_dir / ANCHOR)  # read first: the copy must reach at least this far
    _copy_database(ledger, staging / LEDGER)
    if anchor is not None:
        plain = msgspec.structs.replace(anchor, file_bytes=None, file_sha256=None)
        write_atomic(staging / ANCHOR, msgspec.json.encode(plain))
    if (data_dir / DESK).exists():
        _copy_database(data_dir / DESK, staging / DESK)
        _check_desk(staging / DESK)


def _copy_database(source: Path, target: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True,
                                    timeout=BUSY_S)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):  # fmt: skip
            reading.backup(writing, pages=-1)
            # one file, not three: whoever opens it to write turns the log on again
            writing.execute("PRAGMA journal_mode=DELETE").fetchall()
    except sqlite3.Error as error:
        raise LedgerDamagedError(f"{source}: cannot be copied: {error}") from error


def _check_desk(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise LedgerDamagedError(f"{path.name}: SQLite says: {found}")


def pack(staging: Path, out: Path, manifest: Manifest) -> None:
    """Write the copies as one file; it is there as a whole or not at all, and never over another.

    The anchor is made to name the copy's newest record.
    """
    anchor = AnchorState(
        ledger_id=manifest.ledger_id, seq=manifest.head_seq, hash=manifest.head_hash
    )
    write_atomic(staging / ANCHOR, msgspec.json.encode(anchor))
    files = {name: _measured(staging / name) for name in FILES if (staging / name).exists()}
    whole = msgspec.structs.replace(manifest, files=files)
    write_atomic(staging / MANIFEST, msgspec.json.encode(whole))
    partial = out.with_name(out.name + ".partial")
    try:
        with partial.open("wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=COMPRESSION) as tar:
                for name in (MANIFEST, *files):
                    tar.add(staging / name, arcname=name, filter=_nobody)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, out)  # unlike a rename it never replaces what is there
        sync_folder(out.parent)
    except FileExistsError as error:
        raise ConfigError(f"{out} is there already; a backup replaces nothing") from error
    except OSError as error:
        raise WorldError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave names of people and machines out."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _measured(path: Path) -> Copied:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(COPY_BYTES):
            digest.update(piece)
    return Copied(bytes=path.stat().st_size, sha256=digest.hexdigest())


def unpack(source: Path, staging: Path) -> Manifest:
    """Write a backup's files into `staging` and return its manifest.

    Only the names that a backup holds are written, no more bytes than the manifest says, and each
    file must have its digest. Raises LedgerDamagedError if anything is not as it was packed.
    """
    try:
        with tarfile.open(source, mode="r:gz") as tar:
            manifest = _manifest(source, tar)
            found = set()
            while (member := tar.next()) is not None:
                if member.name not in manifest.files or member.name in found:
                    raise LedgerDamagedError(f"{source}: holds {member.name!r}, which is not ours")
                _extract(source, tar, member, manifest.files[member.name], staging)
                found.add(member.name)
    except FileNotFoundError as error:
        raise WorldError(f"{source}: there is no such file") from error
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise LedgerDamagedError(f"{source}: not a whole papertape backup: {error}") from error
    missing = (manifest.files.keys() | {LEDGER}) - found
    if missing:
        raise LedgerDamagedError(f"{source}: {', '.join(sorted(missing))} is missing")
    return manifest


def _manifest(source: Path, tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg():
        raise LedgerDamagedError(f"{source}: not a papertape backup")
    if first.size > MANIFEST_BYTES_MAX:
        raise LedgerDamagedError(f"{source}: not a papertape backup")
    file = tar.extractfile(first)
    if file is None:
        raise LedgerDamagedError(f"{source}: not a papertape backup")
    manifest = msgspec.json.decode(file.read(), type=Manifest)
    if manifest.format != FORMAT or not set(manifest.files) <= set(FILES):
        raise LedgerDamagedError(f"{source}: a backup of a kind that this version does not know")
    return manifest


def _extract(
    source: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, expected: Copied, staging: Path
) -> None:
    file = tar.extractfile(member) if member.isreg() else None
    if file is None or member.size != expected.bytes:
        raise LedgerDamagedError(f"{source}: {member.name} is not as it was packed")
    target = staging / member.name
    with file, target.open("xb") as out:
        shutil.copyfileobj(file, out, COPY_BYTES)
        out.flush()
        os.fsync(out.fileno())
    if _measured(target) != expected:
        raise LedgerDamagedError(f"{source}: {member.name} has another SHA-256 than when packed")
