"""The tapes of every released version stay readable, and can be gone on with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from tests.tape.samples import trade

from papertape.model.events import Event, Record
from papertape.tape.ledger import SqliteLedger
from papertape.tape.verify import verify_ledger

HERE = Path(__file__).parent
TAPES = sorted(HERE.glob("tape_*.db"))


def test_there_is_a_golden_tape() -> None:
    assert TAPES


@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: tape.stem)
def test_a_golden_tape_reads_as_it_did(tape: Path, tmp_path: Path) -> None:
    path = tmp_path / "papertape.db"
    shutil.copy(tape, path)
    expected = msgspec.json.decode(tape.with_suffix(".json").read_bytes(), type=list[Record])
    records: list[Record] = []
    report = verify_ledger(path, on_record=records.append)
    assert report.ok, report.differences
    assert records == expected
    ledger = SqliteLedger(path)
    assert ledger.read(0, 1_000) == expected
    assert ledger.latest_snapshot() == (5, b"{}")
    added = ledger.append(trade(9), ts_ns=expected[-1].ts_ns + 1, mseq=99)
    assert added[0].seq == expected[-1].seq + 1
    ledger.close()
    assert verify_ledger(path).ok


def test_the_golden_tapes_have_every_kind() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("tape_*.json"))
    tags = [kind.__struct_config__.tag for kind in get_args(Event)]
    missing = [tag for tag in tags if f'"{tag}"' not in text]
    assert not missing, f"{missing}: kinds of this version belong into its tape"
