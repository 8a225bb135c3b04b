"""`papertape backtest` as a process, on recorded data: README commands, JSON, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.research.market import wavy_bars

from papertape.research.report import STATIC

CANDLES = Path("ohlcv_1m") / "BTCUSDT_2025-01-01_2025-02-04.csv.xz"
PROMISED = {
    "run_id", "state_hash", "events", "events_per_s", "signals", "refused", "trades", "settled",
    "fees", "realized_pnl", "total_return", "total_return_pct", "max_drawdown_pct",
}  # fmt: skip
MARKET = Path(__file__).with_name("market.py")


def papertape(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line with `folder` as data folder."""
    line = [sys.executable, "-m", "papertape.cli", *map(str, words), "--data-dir", str(folder)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)


def backtest(folder: Path, *words: object) -> tuple[int, Any, str]:
    """Return (exit code, JSON or None, stderr)."""
    done = papertape(folder, "backtest", *words, "--json")
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


@pytest.mark.slow
def test_candles_end_in_figures_a_report_and_a_tape(shared_data: Path, tmp_path: Path) -> None:
    """Twice the same hash; verify and export read the run's own tape."""
    more: list[object] = ["--check-lookahead"]
    if (STATIC / "vendor" / "lightweight-charts.js").is_file():
        more += ["--report", tmp_path / "out.html"]
    words = ("--strategy", "momentum", "--data", shared_data / CANDLES)
    code, first, said = backtest(tmp_path, *words, *more)
    assert code == 0, said
    assert first.keys() >= PROMISED
    assert first["trades"] > 100
    assert (tmp_path / "out.html").is_file() == (len(more) > 1)
    _, again, _ = backtest(tmp_path, *words)
    assert again["state_hash"] == first["state_hash"]
    assert again["metrics"] == first["metrics"]
    assert again["intervals"] == first["intervals"]
    assert papertape(Path(first["folder"]), "verify").returncode == 0
    exported = papertape(Path(first["folder"]), "export", "trades").stdout
    assert len(exported.splitlines()) == first["trades"] + 1


@pytest.mark.slow
def test_recorded_books_end_in_figures(btc5m: Path, tmp_path: Path) -> None:
    """Book walk, curve fees and settlement; the summary for people has every metric."""
    done = papertape(tmp_path, "backtest", "--strategy", "momentum", "--data", btc5m)
    assert done.returncode == 0, done.stderr
    for words in ("Backtest of momentum", "positions settled", "Sharpe ratio", "Brier score",
                  "95 % interval", "state hash"):  # fmt: skip
        assert words in done.stdout


@pytest.mark.slow
def test_wrong_usage_is_told_in_one_line_with_exit_code_2(tmp_path: Path) -> None:
    """Before anything runs; the data folder stays without a backtest."""
    bars = wavy_bars(tmp_path / "BTCUSDT_1m.csv", 200)
    good = ("--strategy", "momentum", "--data", bars)
    for words, said in (
        (("--strategy", "momentun", "--data", bars), "did you mean 'momentum'"),
        ((*good, "--param", "window=3"), "did you mean 'window_s'"),
        ((*good, "--param", "fast"), "not name=value"),
        ((*good, "--from", "2027-01-01"), "within the recording"),
        ((*good, "--report", tmp_path / "missing" / "out.html"), "there is no folder"),
        (("--strategy", "momentum", "--data", tmp_path / "nothing.csv"), "existing file"),
    ):
        code, document, complaint = backtest(tmp_path / "data", *words)
        assert (code, document) == (2, None), complaint
        assert said in complaint
        assert len(complaint.splitlines()) == 1
    assert not (tmp_path / "data" / "backtests").exists()


@pytest.mark.slow
def test_a_failing_strategy_is_exit_code_1_with_its_results(tmp_path: Path) -> None:
    """The figures until then come first, the reason last."""
    bars = wavy_bars(tmp_path / "BTCUSDT_1m.csv")
    code, document, said = backtest(tmp_path, "--strategy", f"{MARKET}:Fails", "--data", bars)
    assert code == 1
    assert document["trades"] > 0
    assert "ValueError: no more" in document["failure"]
    assert "the results until then are kept" in said


@pytest.mark.slow
def test_an_interrupt_keeps_what_there_is(shared_data: Path, tmp_path: Path) -> None:
    """SIGINT ends the run in good order: figures are printed, the tape adds up."""
    words = ("--strategy", "momentum", "--data", shared_data / "ohlcv_1m", "--json")
    line = [sys.executable, "-m", "papertape.cli", "backtest", *map(str, words)]
    process = subprocess.Popen(
        [*line, "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    told = [process.stderr.readline()]
    while not told[-1].startswith("backtest: "):
        assert process.poll() is None
        told.append(process.stderr.readline())
    assert any(line.startswith("importing: ") for line in told)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    document = json.loads(out)
    assert document["ended"] == "stopped by SIGINT"
    assert papertape(Path(document["folder"]), "verify").returncode == 0
