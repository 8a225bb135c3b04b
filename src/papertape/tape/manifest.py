"""manifest.json of a recorded run: what it holds, and the digest of every segment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from papertape.errors import NewerDataError, WorldError
from papertape.tape.files import write_atomic

FORMAT_VERSION = 2  # 2: why a book is not live, and the venue's clock
MANIFEST_FILE = "manifest.json"


class SegmentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file."""

    file: str
    rows: int
    first_mseq: int
    last_mseq: int
    first_ts_ns: int
    last_ts_ns: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, kw_only=True):
    """A run of market data; `sealed` once its recorder has closed it in good order."""

    format: int = FORMAT_VERSION
    name: str
    source: str
    sealed: bool = False
    rows: int = 0
    bytes: int = 0
    counts: dict[str, int] = {}
    segments: list[SegmentEntry] = []
    meta: dict[str, Any] = {}

    @property
    def first_mseq(self) -> int:
        """Return the first mseq, 0 if nothing was recorded."""
        return self.segments[0].first_mseq if self.segments else 0

    @property
    def last_mseq(self) -> int:
        """Return the last mseq, 0 if nothing was recorded."""
        return self.segments[-1].last_mseq if self.segments else 0

    @property
    def first_ts_ns(self) -> int:
        """Return engine time of the first item, 0 if nothing was recorded."""
        return self.segments[0].first_ts_ns if self.segments else 0

    @property
    def last_ts_ns(self) -> int:
        """Return engine time of the last item, 0 if nothing was recorded."""
        return self.segments[-1].last_ts_ns if self.segments else 0


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a recorded run; WorldError names what is wrong with it."""
    path = folder / MANIFEST_FILE
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise WorldError(f"{folder}: no recorded run here (no {MANIFEST_FILE})") from None
    except (OSError, ValueError) as error:
        raise WorldError(f"{path}: cannot be read: {error}") from error
    if manifest.format > FORMAT_VERSION:
        raise NewerDataError(f"{path}: written by a newer papertape (format {manifest.format})")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest, durably."""
    body = msgspec.json.encode(
        {
            **msgspec.to_builtins(manifest),
            "first_mseq": manifest.first_mseq,
            "last_mseq": manifest.last_mseq,
            "first_ts_ns": manifest.first_ts_ns,
            "last_ts_ns": manifest.last_ts_ns,
        }
    )
    write_atomic(folder / MANIFEST_FILE, msgspec.json.format(body, indent=1) + b"\n")
