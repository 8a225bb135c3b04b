"""Disk quota of recorded runs, and the state files for people."""

from __future__ import annotations

import json
import os
from pathlib import Path

from papertape.tape.manifest import Manifest, write_manifest
from papertape.tape.quota import enforce_quota
from papertape.tape.state_files import TRADES_MAX, StateFiles

KB = 1_000


def run(market: Path, name: str, age_s: int, *, sealed: bool = True) -> None:
    folder = market / name
    folder.mkdir(parents=True)
    (folder / "segment-000001.parquet").write_bytes(b"x" * 100 * KB)
    write_manifest(folder, Manifest(name=name, source="s", sealed=sealed))
    written_s = 1_700_000_000 - age_s
    os.utime(folder / "manifest.json", (written_s, written_s))


def test_the_oldest_sealed_runs_go_first_and_the_current_never(tmp_path: Path) -> None:
    market = tmp_path / "market"
    assert enforce_quota(market, 0, set()) == []
    run(market, "newest", 1)
    run(market, "oldest", 30)
    run(market, "middle", 20)
    run(market, "killed", 40, sealed=False)
    run(market, "current", 50, sealed=False)
    (market / "notes.txt").write_text("not a run")
    assert enforce_quota(market, 600 * KB, {"current"}) == []
    assert enforce_quota(market, 450 * KB, {"current"}) == ["oldest"]
    assert enforce_quota(market, 250 * KB, {"current"}) == ["middle", "newest"]
    assert enforce_quota(market, 0, {"current"}) == ["killed"]
    assert sorted(path.name for path in market.iterdir()) == ["current", "notes.txt"]


def test_a_run_behind_a_link_is_not_touched(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    run(outside, "precious", 1)
    (tmp_path / "market").mkdir()
    (tmp_path / "market" / "link").symlink_to(outside / "precious")
    assert enforce_quota(tmp_path / "market", 0, set()) == []
    assert (outside / "precious" / "manifest.json").exists()


def test_state_files_are_written_at_most_once_a_second(tmp_path: Path) -> None:
    now_s = [0.0]
    files = StateFiles(tmp_path, monotonic=lambda: now_s[0])
    assert files.write({"cash": 1}, [{"id": "f1"}])
    assert not files.write({"cash": 2}, [])
    assert json.loads((tmp_path / "portfolio_state.json").read_text()) == {"cash": 1}
    assert json.loads((tmp_path / "trades.json").read_text()) == [{"id": "f1"}]
    assert files.write({"cash": 3}, [], force=True)
    now_s[0] = 1.0
    assert files.due()
    many = [{"id": n} for n in range(TRADES_MAX + 5)]
    assert files.write({"cash": 4}, many)
    assert json.loads((tmp_path / "trades.json").read_text()) == many[:TRADES_MAX]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "portfolio_state.json",
        "trades.json",
    ]
