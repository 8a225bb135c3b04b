"""A recorded run, read back exactly as it was recorded, segment by segment."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from papertape.errors import WorldError
from papertape.model.market_data import MarketData
from papertape.tape.manifest import Manifest, SegmentEntry, read_manifest
from papertape.tape.segment import decode_segment


class Recording:
    """The market data of one run; memory holds one segment at a time."""

    def __init__(self, folder: Path) -> None:
        """Read the manifest; raises WorldError naming the file if there is none or it is bad."""
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)

    def items(self, after_mseq: int = 0) -> Iterator[tuple[int, MarketData]]:
        """Yield (mseq, item) with mseq > after_mseq, in order.

        Raises WorldError naming the segment that is missing, truncated or altered.
        """
        for entry in self.manifest.segments:
            if entry.last_mseq > after_mseq:
                yield from self._segment(entry, after_mseq)

    def verify(self) -> list[str]:
        """Return what is wrong with the segments, one line each; empty if all is well."""
        problems = []
        for entry in self.manifest.segments:
            try:
                self.body(entry)
            except WorldError as error:
                problems.append(str(error))
        return problems

    def _segment(self, entry: SegmentEntry, after_mseq: int) -> Iterator[tuple[int, MarketData]]:
        body = self.body(entry)
        try:
            yield from decode_segment(body, after_mseq)
        except (pa.ArrowException, KeyError) as error:
            path = self.folder / entry.file
            raise WorldError(f"{path}: the segment cannot be read: {error}") from error

    def body(self, entry: SegmentEntry) -> bytes:
        """Return a segment's bytes, held against its digest; WorldError says what is wrong."""
        path = self.folder / Path(entry.file).name
        try:
            body = path.read_bytes()
        except OSError as error:
            raise WorldError(f"{path}: the segment cannot be read: {error}") from error
        if len(body) != entry.bytes:
            raise WorldError(
                f"{path}: the segment is damaged: {len(body)} bytes, expected {entry.bytes}"
            )
        if sha256(body).hexdigest() != entry.sha256:
            raise WorldError(f"{path}: the segment is damaged: its SHA-256 differs")
        return body
