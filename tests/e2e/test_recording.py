"""The recorded BTC 5-minute markets, to the end, twice: same decisions, settled, verified."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bots import papertape, summary_of

from papertape.services.tape_view import TapeView
from papertape.tape.follow import LedgerReader

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(
    shared_data: Path, btc5m: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """Return a folder in which the recording was replayed twice, and both summaries."""
    data_dir = tmp_path_factory.mktemp("recording") / "data"
    shutil.copytree(btc5m, data_dir / "market" / btc5m.name)  # as if imported here before
    recording = shared_data / "polymarket_l2_btc5m"
    words = ("--feed", "replay", "--data", str(recording), "--speed", "max")
    return data_dir, [summary_of(*words, data_dir=data_dir) for _ in range(2)]


def test_two_runs_decide_the_same(told: tuple[Path, list[dict[str, Any]]]) -> None:
    one, two = told[1]
    differing = {"run_id", "events_per_s", "seq"}
    assert {k: v for k, v in one.items() if k not in differing} == {
        k: v for k, v in two.items() if k not in differing
    }
    assert one["mode"] == "REPLAY"
    assert one["events"] > 100_000
    assert one["trades"] > 0
    assert one["fees"] > 0


def test_its_markets_resolve_and_its_strategies_close(
    told: tuple[Path, list[dict[str, Any]]],
) -> None:
    data_dir, (_, summary) = told
    reader, view = LedgerReader(data_dir / "papertape.db"), TapeView()
    while records := reader.read(view.seq, 5_000):
        for record in records:
            view.apply(record)
    reader.close()
    resolved = [state for state in view.market_states.values() if state == "resolved"]
    assert len(resolved) == 38
    assert summary["open_positions"] == 0
    assert view.portfolio.accounts.positions == {}
    assert view.state_hash() == summary["state_hash"]
    scores = view.strategies.scores
    for name in ("momentum", "mean_reversion"):
        assert scores[name].trips > 0, name
    assert not view.activity.skips_by_test.get("mirror")


def test_it_verifies_and_is_told_again(told: tuple[Path, list[dict[str, Any]]]) -> None:
    data_dir, _ = told
    for command in (("verify",), ("replay", "last")):
        done = papertape(*command, data_dir=data_dir)
        assert done.returncode == 0, (command, done.stdout)
