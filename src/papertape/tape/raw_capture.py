"""What arrived from a venue, as it arrived: compressed lines with the local time, safe from a kill.

A file is a row of whole gzip members, so that any tool reads it, and what a kill leaves is readable
up to the last member: at most FLUSH_S of it is missing.
"""

from __future__ import annotations

import gzip
import os
import queue
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from papertape.errors import WorldError

FOLDER = "raw"
PATTERN = "raw-*.jsonl.gz"
FLUSH_S = 1.0
BLOCK_BYTES = 256 * 1024  # of text: one member
FILE_BYTES = 64 * 1024 * 1024  # of compressed data: then the next file begins
QUEUED_BLOCKS_MAX = 64  # then recording waits for the disk: memory stays bounded
LEVEL = 3  # of gzip: frames of a venue repeat each other, a higher one gains little
CLOSE_TIMEOUT_S = 30.0
CHUNK_BYTES = 1 << 20


class RawEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that arrived, or that was done on our side between two things that arrived.

    ns: local time. kind: what it is, in the venue's own adapter's words. by: which connection or
    what it is about. body: as received, verbatim.
    """

    ns: int
    venue: str
    kind: str
    by: str = ""
    body: str = ""
    more: str = ""
    tokens: tuple[str, ...] = ()


class RawSink(Protocol):
    """Where what arrives is told, in order, before it is folded."""

    def note(self, entry: RawEntry) -> None:
        """Keep an entry; raises WorldError if it can no longer be kept."""
        ...


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RawEntry).decode


class RawWriter:
    """Writes entries into a folder of files; one thread may note, another writes."""

    def __init__(
        self,
        folder: Path,
        *,
        file_bytes: int = FILE_BYTES,
        flush_s: float = FLUSH_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the folder; it must hold no capture yet."""
        if folder.exists() and any(folder.glob(PATTERN)):
            raise WorldError(f"{folder}: something was captured here already")
        folder.mkdir(parents=True, exist_ok=True)
        self.entries = 0
        self.bytes = 0
        self._folder = folder
        self._file_bytes = file_bytes
        self._flush_s = flush_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._size = 0
        self._queue: queue.Queue[bytes | None] = queue.Queue(QUEUED_BLOCKS_MAX)
        self._failure: OSError | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="raw-capture", daemon=True)
        self._thread.start()

    def note(self, entry: RawEntry) -> None:
        """Keep an entry."""
        self.check()
        line = _encode(entry)
        with self._lock:
            self._lines.append(line)
            self._size += len(line) + 1
            self.entries += 1
            block = self._block() if self._size >= BLOCK_BYTES else None
        if block is not None:
            self._hand_over(block)

    def close(self) -> None:
        """Write what is left; twice is fine. Raises WorldError if something could not be kept."""
        if self._closed:
            return
        self._closed = True
        with self._lock:
            block = self._block()
        if block is not None:
            self._hand_over(block)
        self._hand_over(None)
        self._thread.join(CLOSE_TIMEOUT_S)
        self.check()

    def check(self) -> None:
        """Raise WorldError if something could not be kept."""
        if self._failure is not None:
            raise WorldError(f"{self._folder}: capturing has failed: {self._failure}")

    def _block(self) -> bytes | None:
        if not self._lines:
            return None
        block = b"\n".join(self._lines) + b"\n"
        self._lines, self._size = [], 0
        return block

    def _hand_over(self, block: bytes | None) -> None:
        while self._failure is None:
            try:
                self._queue.put(block, timeout=self._flush_s)
                return
            except queue.Full:
                continue

    def _work(self) -> None:
        number = size = 0
        file = -1
        try:
            while (block := self._next()) is not None:
                if not block:
                    continue
                if file < 0 or size >= self._file_bytes:
                    _close(file)
                    number, size = number + 1, 0
                    path = self._folder / f"raw-{number:06d}.jsonl.gz"
                    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                member = gzip.compress(block, LEVEL, mtime=0)
                _write(file, member)
                size += len(member)
                self.bytes += len(member)
            _close(file)
        except OSError as error:
            self._failure = error

    def _next(self) -> bytes | None:
        """Return the next block, an empty one if there is none yet, None at the end."""
        try:
            return self._queue.get(timeout=self._flush_s)
        except queue.Empty:
            with self._lock:
                # an older block may be on its way to the queue: blocks are written in order
                return (self._block() or b"") if self._queue.empty() else b""


def _write(file: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(file, view) :]


def _close(file: int) -> None:
    if file >= 0:
        os.fsync(file)
        os.close(file)


def raw_files(folder: Path) -> list[Path]:
    """Return the files of a capture in their order."""
    return sorted(folder.glob(PATTERN))


class RawReader:
    """Reads a capture; `torn` says whether its end is missing, as after a kill."""

    def __init__(self, paths: list[Path]) -> None:
        """Read these files in this order."""
        self.torn = False
        self.bytes_read = 0
        self._paths = paths

    def entries(self) -> Iterator[RawEntry]:
        """Yield the entries; raises WorldError for damage anywhere but at the very end."""
        for path in self._paths:
            rest = b""
            for chunk in self._chunks(path):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield _entry(line, path)
            self.torn = self.torn or bool(rest)

    def _chunks(self, path: Path) -> Iterator[bytes]:
        try:
            with path.open("rb") as packed:
                unpack = zlib.decompressobj(wbits=31)
                while chunk := packed.read(CHUNK_BYTES):
                    self.bytes_read += len(chunk)
                    while chunk:
                        yield unpack.decompress(chunk)
                        chunk = unpack.unused_data
                        if unpack.eof:
                            unpack = zlib.decompressobj(wbits=31)
        except (OSError, zlib.error) as error:
            raise WorldError(f"{path}: the capture cannot be read: {error}") from error


def _entry(line: bytes, path: Path) -> RawEntry:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WorldError(f"{path}: no line of a capture: {error}") from error
