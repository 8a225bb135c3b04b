"""Where the outcomes of searches are kept: one SQLite file beside the backtests.

An outcome is found again by its study (code, data, settings) and its try (parameters, span, period
of returns): what was computed once is not computed again, whoever asks. Each lies on the disk as
soon as it is there, so a search that was killed goes on where it was.
"""

from __future__ import annotations

import sqlite3
import zlib
from array import array
from collections.abc import Iterable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from papertape.errors import NewerDataError, WorldError
from papertape.research.trial import Outcome, Try

STORE_FILE = "trials.db"
FORMAT = 1
BUSY_S = 30.0  # how long another search may write before we give up
KEYS_PER_QUESTION = 500  # SQLite takes 999 values in one statement at least

SCHEMA = """
CREATE TABLE studies (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE trials (
    study TEXT NOT NULL REFERENCES studies (id),
    key TEXT NOT NULL,
    params TEXT NOT NULL,
    figures TEXT NOT NULL,
    grid BLOB NOT NULL,
    step_ns INTEGER NOT NULL,
    failure TEXT NOT NULL,
    PRIMARY KEY (study, key)
) WITHOUT ROWID;
"""


def try_key(one: Try) -> str:
    """Return what a try is found by within its study."""
    values = {name: float(value) for name, value in sorted(one.params.items())}
    words = msgspec.json.encode([values, one.span, one.step_ns])
    return sha256(words).hexdigest()[:32]


class TrialStore:
    """Outcomes by study and try; one writer at a time, many stores on one file."""

    def __init__(self, folder: Path) -> None:
        """Open or make the store in a folder of backtests; WorldError names a file not ours."""
        self.path = folder / STORE_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise WorldError(f"{self.path}: the store cannot be opened: {error}") from error

    def _prepare(self) -> None:
        db = self._db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            db.execute("ROLLBACK")
            raise NewerDataError(f"{self.path}: written by a newer papertape (format {version})")
        if not version:
            for statement in SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def begin(self, study: str, document: Mapping[str, Any]) -> None:
        """Note what a study is."""
        body = msgspec.json.encode(document, order="sorted").decode()
        self._write([("INSERT OR IGNORE INTO studies VALUES (?, ?)", (study, body))])

    def found(self, study: str, tries: Iterable[Try]) -> dict[str, Outcome]:
        """Return the outcomes there are, by the keys of their tries."""
        keys = [try_key(one) for one in tries]
        outcomes: dict[str, Outcome] = {}
        for at in range(0, len(keys), KEYS_PER_QUESTION):
            part = keys[at : at + KEYS_PER_QUESTION]
            marks = ",".join("?" * len(part))
            rows = self._db.execute(
                "SELECT key, figures, grid, step_ns, failure FROM trials "
                f"WHERE study = ? AND key IN ({marks})",
                (study, *part),
            )
            with closing(rows):
                outcomes.update((row[0], _outcome(row)) for row in rows)
        return outcomes

    def keep(self, study: str, done: Iterable[tuple[Try, Outcome]]) -> None:
        """Write outcomes, all or none; one that is there already stays."""
        self._write([
            (
                "INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    study,
                    try_key(one),
                    msgspec.json.encode([one.params, one.span]).decode(),
                    msgspec.json.encode(outcome.figures).decode(),
                    zlib.compress(array("q", outcome.grid).tobytes(), 1),
                    outcome.step_ns,
                    outcome.failure,
                ),
            )
            for one, outcome in done
        ])  # fmt: skip

    def count(self, study: str) -> int:
        """Return how many outcomes a study has."""
        rows = self._db.execute("SELECT count(*) FROM trials WHERE study = ?", (study,))
        return int(rows.fetchone()[0])

    def _write(self, statements: list[tuple[str, tuple[Any, ...]]]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for words, values in statements:
                self._db.execute(words, values)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise WorldError(f"{self.path}: cannot be written: {error}") from error


def _outcome(row: tuple[str, str, bytes, int, str]) -> Outcome:
    _, figures, packed, step_ns, failure = row
    grid = array("q")
    grid.frombytes(zlib.decompress(packed))
    return Outcome(
        figures=msgspec.json.decode(figures), grid=tuple(grid), step_ns=step_ns, failure=failure
    )
