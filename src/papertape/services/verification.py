"""Verification: everything that can be derived from the tape is derived again and compared."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from papertape.errors import PapertapeError
from papertape.model.events import Record
from papertape.services.tape_view import TapeView
from papertape.tape.follow import LedgerReader
from papertape.tape.verify import LedgerReport, verify_ledger

DIFFERENCES_MAX = 20


class VerificationReport(msgspec.Struct, kw_only=True):
    """What was checked and every difference found; `ok` when there is none."""

    ledger: str = ""
    ledger_id: str = ""
    events: int = 0
    head_hash: str = ""
    account: str = ""
    trades: int = 0
    state_hash: str = ""
    differences: list[str] = []

    @property
    def ok(self) -> bool:
        """Return whether nothing differs."""
        return not self.differences

    def add(self, what: str) -> None:
        """Note a difference; past twenty they are dropped, the check has failed anyway."""
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(what)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {"ok": self.ok, **msgspec.structs.asdict(self)}


def verify(data_dir: Path) -> VerificationReport:
    """Recompute hash chain, numbering, books and projections of a data folder; change nothing.

    Raises WorldError if there is no ledger.
    """
    path = data_dir / "papertape.db"
    fold = _Fold()
    ledger = verify_ledger(path, on_record=fold.apply)
    report = VerificationReport(ledger=str(path))
    _take_over(report, ledger)
    if fold.failure:
        report.add(fold.failure)
    report.account = fold.view.account
    report.trades = fold.view.trades.fills
    report.state_hash = fold.view.state_hash()
    if report.ok:
        _compare_snapshot(report, path, fold)
        _compare_totals(report, path, fold.view)
    return report


class _Fold:
    """Folds every record from the first on, without any snapshot; the books assert themselves."""

    def __init__(self) -> None:
        self.view = TapeView()
        self.failure = ""

    def apply(self, record: Record) -> None:
        if self.failure:
            return
        try:
            self.view.apply(record)
        except (PapertapeError, AssertionError, KeyError, ValueError) as error:
            self.failure = f"seq {record.seq}: the books do not fold: {error!r}"


def _take_over(report: VerificationReport, ledger: LedgerReport) -> None:
    report.ledger_id = ledger.ledger_id
    report.events = ledger.events
    report.head_hash = ledger.head_hash
    for difference in ledger.differences:
        report.add(str(difference))
    hidden = ledger.count - len(ledger.differences)
    if hidden > 0:
        report.add(f"and {hidden} more")


def _compare_snapshot(report: VerificationReport, path: Path, fold: _Fold) -> None:
    """Fold the tail upon the newest snapshot: it must end where the whole fold ended."""
    reader = LedgerReader(path)
    try:
        snapshot = reader.latest_snapshot()
        if snapshot is None:
            return
        view = TapeView()
        if not view.restore_bytes(snapshot[1]):
            return
        while records := reader.read(view.seq, 5_000):
            for record in records:
                view.apply(record)
        if view.digest() != fold.view.digest():
            report.add(f"the snapshot at seq {snapshot[0]} is not the fold of the tape")
    finally:
        reader.close()


def _compare_totals(report: VerificationReport, path: Path, view: TapeView) -> None:
    """Compare the folded books with sums over the trades table, which no projection uses."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        row = connection.execute(
            "SELECT count(*), coalesce(sum(fee_micros), 0), coalesce(sum(realized_micros), 0)"
            " FROM trades WHERE account = ?",
            (view.account,),
        ).fetchone()
    finally:
        connection.close()
    books = view.portfolio.accounts
    for what, table, folded in (
        ("fees", row[1], books.fees_micros),
        ("realised P&L", row[2], books.realized_micros),
    ):
        if table != folded:
            report.add(f"{what}: {table} micros in the trades table, {folded} in the books")
