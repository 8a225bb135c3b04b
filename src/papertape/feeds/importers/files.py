"""Files of recordings: plain or compressed, read line by line within bounded memory."""

from __future__ import annotations

import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO

from papertape.errors import WorldError

Progress = Callable[[int, int], None]
"""Told now and then: bytes done, bytes in all."""

LINE_BYTES_MAX = 4 << 20  # a longer line is no record of ours; 106 levels take 5 kB
LINES_PER_PROGRESS = 2_000

_PACKED = (".xz", ".gz")


def _unpacked(raw: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix == ".xz":
        return lzma.LZMAFile(raw)
    if suffix == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw))
    return raw


def plain_name(path: Path) -> str:
    """Return a file's name without the suffix of its compression."""
    return path.stem if path.suffix in _PACKED else path.name


class LineReader:
    """Lines of several files one after the other, with progress over their compressed bytes."""

    def __init__(self, paths: list[Path], progress: Progress | None) -> None:
        """Read `paths` in order."""
        self._progress = progress
        self._bytes_total = sum(path.stat().st_size for path in paths)
        self._bytes_before = 0

    def lines(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yield (line number from 1, line); WorldError if the file is damaged."""
        try:
            with path.open("rb") as raw:
                lines = _unpacked(raw, path.suffix)
                number = 0
                while line := lines.readline(LINE_BYTES_MAX):
                    number += 1
                    yield number, line
                    if self._progress is not None and number % LINES_PER_PROGRESS == 0:
                        self._progress(self._bytes_before + raw.tell(), self._bytes_total)
                self._bytes_before += raw.tell()
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise WorldError(f"{path}: cannot be read: {error}") from error
        if self._progress is not None:
            self._progress(self._bytes_before, self._bytes_total)


def first_line(path: Path) -> str:
    """Return the first line of a file as text, "" if it has none that is text."""
    for _, line in LineReader([path], None).lines(path):
        return line.decode("ascii", "replace").strip()
    return ""


def content_hash(paths: list[Path], version: str) -> str:
    """Return 12 hex digits that change with any name, size or byte of the files."""
    digest = sha256(version.encode())
    for path in sorted(paths):
        try:
            with path.open("rb") as raw:
                body = _file_digest(raw)
            digest.update(f"\n{path.name} {path.stat().st_size} {body}".encode())
        except OSError as error:
            raise WorldError(f"{path}: cannot be read: {error}") from error
    return digest.hexdigest()[:12]


def _file_digest(raw: IO[bytes]) -> str:
    digest = sha256()
    while chunk := raw.read(io.DEFAULT_BUFFER_SIZE * 128):
        digest.update(chunk)
    return digest.hexdigest()
