"""Opening a data folder's ledger to read: what every reading command does first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from papertape.errors import WorldError
from papertape.services.tape_view import TapeView
from papertape.tape.board import BoardReader
from papertape.tape.follow import LedgerReader
from papertape.tape.identity import check_file

LEDGER_FILE = "papertape.db"
BOARD_FILE = "board.db"
PAGE_RECORDS = 5_000  # of one read while folding


@contextmanager
def ledger_of(data_dir: Path) -> Iterator[LedgerReader]:
    """Open the folder's ledger read-only; a WorldError if there is none yet."""
    path = data_dir / LEDGER_FILE
    if not check_file(path):
        raise WorldError(f"{path}: there is no ledger yet; start a bot with: papertape run")
    reader = LedgerReader(path)
    try:
        yield reader
    finally:
        reader.close()


def fold(reader: LedgerReader, data_dir: Path) -> TapeView:
    """Return the projections of the whole tape, marked with the newest quotes."""
    view = TapeView()
    snapshot = reader.latest_snapshot()
    if snapshot is not None and not view.restore_bytes(snapshot[1]):
        view = TapeView()
    while records := reader.read(view.seq, PAGE_RECORDS):
        for record in records:
            view.apply(record)
    board = BoardReader(data_dir / BOARD_FILE)
    try:
        view.update_quotes(board.quotes())
    finally:
        board.close()
    return view
