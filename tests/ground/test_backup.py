"""Backup and restore: whole copies of one moment, verified, never over anything that is there."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import tarfile
from pathlib import Path

import pytest
from tests.dashboard.tapes import Tape, busy

from papertape.cli.main import run
from papertape.clock import ManualClock
from papertape.dashboard.desk import JournalDesk
from papertape.services.verification import verify


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder with trades and a journal entry, and stand beside it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    tape = Tape(folder)
    busy(tape)
    tape.close()
    desk = JournalDesk(folder / "desk.db", ManualClock(10**18))
    desk.add({"entry_reason": "mine", "confidence_level": 7})
    desk.close()
    return folder


def saved(data_dir: Path, name: str = "b.tar.gz") -> Path:
    assert run(["backup", "--data-dir", str(data_dir), "--out", name]) == 0
    return Path(name).absolute()


def test_what_is_restored_is_what_was(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = verify(data_dir)
    file = saved(data_dir)
    (tmp_path / "empty").mkdir()
    for name in ("new", "deep/er", "empty"):
        assert run(["restore", str(file), "--data-dir", name]) == 0
        after = verify(tmp_path / name)
        assert after.ok
        assert (after.head_hash, after.state_hash) == (before.head_hash, before.state_hash)
        found = {path.name for path in (tmp_path / name).iterdir()}
        assert found == {"papertape.db", "desk.db", "anchor.json"}
    desk = JournalDesk(tmp_path / "new" / "desk.db", ManualClock(10**18))
    assert [entry["entry_reason"] for entry in desk.entries(limit=9)] == ["mine"]
    desk.close()
    Tape(tmp_path / "new", run=False).close()  # a bot opens it as its own
    assert not list(tmp_path.glob(".papertape-*"))
    assert not list(tmp_path.glob("*.partial"))
    capsys.readouterr()
    assert run(["backup", "--data-dir", "new", "--out", "again.tar.gz", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["head"]) == (before.events, before.head_hash)


def test_a_backup_of_a_ledger_that_is_being_written(tmp_path: Path) -> None:
    """The copy is of one moment, whole, and holds at least what the anchor names."""
    tape = Tape(tmp_path / "live")
    for number in range(3):
        tape.trade()
        tape.flush()
        out = tmp_path / f"{number}.tar.gz"
        assert run(["backup", "--data-dir", str(tmp_path / "live"), "--out", str(out)]) == 0
        tape.trade("SELL")
        tape.flush()
        assert run(["restore", str(out), "--data-dir", str(tmp_path / f"r{number}")]) == 0
        restored = verify(tmp_path / f"r{number}")
        assert restored.ok
        assert restored.events < tape.ledger.head_seq()
    tape.close()
    assert verify(tmp_path / "live").ok


def test_nothing_is_ever_replaced(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = saved(data_dir)
    body = file.read_bytes()
    assert run(["backup", "--data-dir", str(data_dir), "--out", str(file)]) == 2
    assert file.read_bytes() == body
    before = (data_dir / "papertape.db").read_bytes()
    assert run(["restore", str(file), "--data-dir", str(data_dir)]) == 2
    assert (data_dir / "papertape.db").read_bytes() == before
    assert "not empty" in capsys.readouterr().err
    assert run(["backup", "--data-dir", "nowhere", "--out", "x.tar.gz"]) == 5
    assert run(["backup", "--data-dir", str(data_dir), "--out", "no/x.tar.gz"]) == 5
    assert run(["restore", "none.tar.gz", "--data-dir", "new"]) == 5
    assert not Path("new").exists()
    assert not Path("x.tar.gz").exists()


def test_a_ledger_that_does_not_add_up_is_not_kept(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(data_dir / "papertape.db") as connection:
        connection.execute("UPDATE trades SET fee_micros = fee_micros + 1")
    connection.close()
    assert run(["backup", "--data-dir", str(data_dir), "--out", "bad.tar.gz"]) == 1
    assert "fee_micros" in capsys.readouterr().err
    assert not list(Path().glob("bad.tar.gz*"))


def repacked(file: Path, change: dict[str, bytes | None], extra: dict[str, bytes]) -> Path:
    """Return a backup with files changed (None: left out) or added."""
    out = file.with_name("evil.tar.gz")
    with tarfile.open(file) as old, tarfile.open(out, "w:gz") as new:
        for member in old:
            source = old.extractfile(member)
            assert source is not None
            body = change.get(member.name, source.read())
            if body is not None:
                member.size = len(body)
                new.addfile(member, io.BytesIO(body))
        for name, body in extra.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            new.addfile(info, io.BytesIO(body))
    return out


def test_hostile_and_damaged_files_leave_nothing(data_dir: Path, tmp_path: Path) -> None:
    """Names outside, twice, links, other sizes, other bytes, half a file: all refused."""
    file = saved(data_dir)
    cases = [
        repacked(file, {}, {"../escaped": b"x"}).rename(tmp_path / "1"),
        repacked(file, {}, {"papertape.db": b"x"}).rename(tmp_path / "2"),
        repacked(file, {"papertape.db": None}, {}).rename(tmp_path / "3"),
        repacked(file, {"desk.db": b"x" * 4_096}, {}).rename(tmp_path / "4"),
        repacked(file, {"manifest.json": b"{}"}, {}).rename(tmp_path / "5"),
    ]
    whole = file.read_bytes()
    for number, body in enumerate((whole[: len(whole) // 2], b"", b"no tar at all", whole[::-1])):
        cases.append(tmp_path / f"cut{number}")
        cases[-1].write_bytes(body)
    with tarfile.open(tmp_path / "link", "w:gz") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    for case in [*cases, tmp_path / "link"]:
        assert run(["restore", str(case), "--data-dir", str(tmp_path / "new")]) == 5, case
        assert not (tmp_path / "new").exists()
        assert not (tmp_path / "escaped").exists()
    assert not list(tmp_path.glob(".papertape-*"))
    shutil.rmtree(data_dir)


def test_the_journal_is_exported(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON as it was written; as CSV without a cell that a spreadsheet would execute."""
    desk = JournalDesk(data_dir / "desk.db", ManualClock(10**18))
    for number in range(600):
        desk.add({"entry_reason": "=1+1", "confidence_level": 1, "tags": ["a", f"n{number}"]})
    desk.close()
    assert run(["export", "journal", "--format", "json", "--data-dir", str(data_dir)]) == 0
    found = json.loads(capsys.readouterr().out)["journal"]
    assert [row["id"] for row in found] == [f"J{number}" for number in range(601, 0, -1)]
    assert (found[0]["tags"], found[-1]["entry_reason"]) == ("a n599", "mine")
    assert run(["export", "journal", "--data-dir", str(data_dir)]) == 0
    assert "'=1+1" in capsys.readouterr().out
    assert run(["export", "journal", "--data-dir", "nowhere"]) == 0
    assert not Path("nowhere").exists()
