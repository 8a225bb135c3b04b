"""Disk quota of recorded market data: the oldest runs go first, the current one never."""

from __future__ import annotations

import shutil
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from papertape.clock import NS_PER_S
from papertape.errors import WorldError
from papertape.tape.manifest import MANIFEST_FILE, read_manifest

RECORDING_NS = 600 * NS_PER_S  # a recorder writes at least every 30 s


class _Run(NamedTuple):
    unsealed: bool
    written_ns: int
    name: str
    folder: Path
    bytes: int


def enforce_quota(
    market_dir: Path, quota_bytes: int, keep: AbstractSet[str], *, now_ns: int | None = None
) -> list[str]:
    """Remove whole runs until at most `quota_bytes` are left; return the names removed.

    keep: folder names that stay whatever happens (the current run). Sealed runs go first, oldest
    first; then what a killed bot left unsealed, but with `now_ns` (wall time) none that was written
    to within RECORDING_NS: somebody else is recording it.
    """
    runs = sorted(_runs(market_dir))
    total_bytes = sum(run.bytes for run in runs)
    removed = []
    for run in runs:
        if total_bytes <= quota_bytes:
            break
        if run.name in keep:
            continue
        if now_ns is not None and run.unsealed and now_ns - run.written_ns < RECORDING_NS:
            continue
        (run.folder / MANIFEST_FILE).unlink(missing_ok=True)  # half a run is never read as a whole
        shutil.rmtree(run.folder)
        total_bytes -= run.bytes
        removed.append(run.name)
    return removed


def _runs(market_dir: Path) -> list[_Run]:
    if not market_dir.is_dir():
        return []
    folders = [path for path in market_dir.iterdir() if path.is_dir() and not path.is_symlink()]
    return [_measure(folder) for folder in folders]


def _measure(folder: Path) -> _Run:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    try:
        sealed = read_manifest(folder).sealed
        written_ns = (folder / MANIFEST_FILE).stat().st_mtime_ns
    except WorldError:
        sealed, written_ns = False, folder.stat().st_mtime_ns
    return _Run(not sealed, written_ns, folder.name, folder, size)
