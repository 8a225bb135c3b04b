"""The tail of the log files, newest line first, read backwards and never more than a bound."""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

from papertape.logs import LOG_FILES

SCANNED_BYTES_MAX = 1_000_000  # of each log for one answer: some 5,000 lines, under 50 ms
CHUNK_BYTES = 65_536
SOURCES = ("bot", "dashboard")
LEVELS = ("debug", "info", "warning", "error", "critical")
SHOWN = ("timestamp", "level", "event")

Line = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which lines: of this source, at least of this level, with these words, before this time."""

    source: str | None = None
    level: str = "debug"
    words: str = ""
    before_us: int | None = None
    limit: int = 100


def read_logs(folder: Path, wanted: Wanted) -> tuple[list[Line], int | None]:
    """Return lines, newest first, and the time (us) to go on before, None at the end."""
    budgets = {
        name: _Budget(SCANNED_BYTES_MAX) for name in SOURCES if wanted.source in (None, name)
    }
    before_us = wanted.before_us
    merged = heapq.merge(
        *[_lines(folder, name, before_us, budget) for name, budget in budgets.items()],
        key=lambda line: -int(line["ts_us"]),
    )
    found: list[Line] = []
    last_us = None
    for line in merged:
        # one log at its bound: the other must not run ahead of it; one instant is not cut in two
        full = len(found) >= wanted.limit or any(budget.spent for budget in budgets.values())
        if full and line["ts_us"] != last_us:
            return found, last_us
        last_us = line["ts_us"]
        if _fits(line, wanted):
            found.append(line)
    spent = any(budget.spent for budget in budgets.values())
    return found, last_us if spent else None


@dataclass
class _Budget:
    """How many bytes may still be read."""

    left: int
    spent: bool = False


def _fits(line: Line, wanted: Wanted) -> bool:
    rank = LEVELS.index(line["level"]) if line["level"] in LEVELS else LEVELS.index("info")
    if rank < LEVELS.index(wanted.level):
        return False
    if not wanted.words:
        return True
    text = json.dumps(line, ensure_ascii=False, default=str).casefold()
    return all(word in text for word in wanted.words.casefold().split())


def _lines(folder: Path, source: str, before_us: int | None, budget: _Budget) -> Iterator[Line]:
    names = [f"{source}.jsonl", *(f"{source}.jsonl.{n}" for n in range(1, LOG_FILES))]
    for name in names:
        for raw in _backwards(folder / name, before_us, budget):
            line = _line(raw, source)
            if line is not None and (before_us is None or line["ts_us"] < before_us):
                yield line


def _backwards(path: Path, before_us: int | None, budget: _Budget) -> Iterator[bytes]:
    """Yield the whole lines of a file, the last one first, from about `before_us` on."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            if before_us is not None:
                end = _end_of(file, end, before_us)
            rest = b""
            while end > 0:
                if budget.left <= 0:
                    budget.spent = True
                    return
                begin = max(0, end - CHUNK_BYTES)
                file.seek(begin)
                piece = file.read(end - begin) + rest
                budget.left -= end - begin
                rest, *whole = piece.split(b"\n")
                yield from reversed(whole)
                end = begin
            yield rest
    except OSError:  # rotated away between two looks
        return


def _end_of(file: BinaryIO, size: int, before_us: int) -> int:
    """Return an offset behind every line older than `before_us`; not much further."""
    low, high = 0, size
    while high - low > CHUNK_BYTES:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()  # the rest of a line
        line = None
        while line is None and file.tell() < high:
            line = _line(file.readline(), "")
        if line is None or line["ts_us"] >= before_us:
            high = middle
        else:
            low = middle
    return min(size, high + CHUNK_BYTES)


def _line(raw: bytes, source: str) -> Line | None:
    """Return a line as the API shows it; None for one that is not whole."""
    try:
        told = json.loads(raw)
        moment = datetime.fromisoformat(told["timestamp"])
        ts_us = int(moment.timestamp() * 1_000_000)
        more = {name: value for name, value in told.items() if name not in SHOWN}
        return {
            "id": f"{source}-{ts_us}-{crc32(raw):08x}",
            "source": source,
            "time": told["timestamp"],
            "ts_us": ts_us,
            "level": str(told["level"]),
            "event": str(told["event"]),
            "more": more,
        }
    except (ValueError, KeyError, TypeError):
        return None
