"""Sweeps: the space, the search, the store; stopped, killed and resumed they come to the same."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.research.market import Swing, wavy_bars

from papertape import run_backtest
from papertape.cli.main import run
from papertape.config import load_config
from papertape.errors import ConfigError, NewerDataError, WorldError
from papertape.model.market_data import BarSeen
from papertape.research.sweep import Standing, make_plan, run_sweep
from papertape.research.sweep_result import SweepResult
from papertape.research.trial import Try
from papertape.research.trial_store import TrialStore
from papertape.research.verdict import judge
from papertape.research.workshop import LocalProcesses
from papertape.strategies.base import Answer

MARKET = Path(__file__).with_name("market.py")
SPACE = {"low": "95..98:1", "high": "102..105:1"}


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 1,200 bars."""
    return wavy_bars(tmp_path_factory.mktemp("bars") / "BTCUSDT_1m.csv", 1_200)


@pytest.fixture(scope="module")
def whole(bars: Path) -> SweepResult:
    """Return a sweep that nobody disturbed, in this process."""
    return run_sweep(Swing, bars, SPACE, data_dir=bars.parent / "whole", jobs=1)


def rows(result: SweepResult) -> list[dict[str, Any]]:
    return result.table.to_pylist()


# --- the search ---------------------------------------------------------------------------------


def test_every_try_is_a_backtest(bars: Path, whole: SweepResult) -> None:
    """The best one is run again on its own tape: the same figures, every one of them."""
    assert len(whole.trials) == whole.facts["done"] == 16
    assert whole.best is not None
    assert whole.backtest is not None
    assert whole.backtest.metrics == whole.best.outcome.figures
    other = whole.trials[3]
    alone = run_backtest(Swing, bars, params=other.params, data_dir=bars.parent / "alone")
    assert alone.metrics == other.outcome.figures
    assert len(other.outcome.grid) == len(whole.trials[0].outcome.grid)


def test_processes_find_what_one_finds(bars: Path, whole: SweepResult) -> None:
    """Two processes, and a second run that finds everything in the store."""
    folder = bars.parent / "two"
    found = run_sweep(Swing, bars, SPACE, data_dir=folder, jobs=2)
    assert rows(found) == rows(whole)
    assert found.verdict == whole.verdict
    again = run_sweep(f"{MARKET}:Swing", bars, SPACE, data_dir=folder, jobs=2)
    assert again.facts["from_store"] == 16
    assert rows(again) == rows(whole)
    wider = run_sweep(Swing, bars, SPACE | {"low": "95..99:1"}, data_dir=folder, jobs=1)
    assert (wider.facts["from_store"], wider.facts["done"]) == (16, 20)


def test_what_an_outcome_depends_on_is_its_name(bars: Path, tmp_path: Path) -> None:
    """Other code, fees, cash, seed or data: another study; nothing is taken from the wrong one."""
    folder = tmp_path / "data"
    first = tmp_path / "mine.py"
    first.write_text(MARKET.read_text(encoding="utf-8"), encoding="utf-8")
    base: dict[str, Any] = {"data_dir": folder}
    studies = {
        make_plan(f"{first}:Swing", bars, **base, **more).study
        for more in ({}, {"fees": "none"}, {"initial_cash": 5_000}, {"seed": 8})
    }
    same = make_plan(f"{first}:Swing", bars, start="2025-01-01T01:00", jobs=2, **base).study
    assert same in studies  # which part of the data is a matter of the try
    first.write_text(first.read_text(encoding="utf-8") + "\n# other\n", encoding="utf-8")
    studies.add(make_plan(f"{first}:Swing", bars, **base).study)
    shorter = wavy_bars(tmp_path / "BTCUSDT_1m.csv", 900)
    studies.add(make_plan(f"{first}:Swing", shorter, **base).study)
    assert len(studies) == 6


def test_settings_of_execution_are_heeded(bars: Path, tmp_path: Path, whole: SweepResult) -> None:
    """Latency and fill model change what comes of a try, in processes as in a backtest."""
    slow = load_config(None, {}, {"execution.latency_ms": 60_000, "data_dir": str(tmp_path)})
    found = run_sweep(Swing, bars, SPACE, config=slow, jobs=2)
    assert found.facts["study"] != whole.facts["study"]
    assert found.best is not None
    assert found.backtest is not None
    assert found.backtest.metrics == found.best.outcome.figures
    assert rows(found) != rows(whole)


def test_tries_that_fail_are_named_and_left_out(bars: Path, tmp_path: Path) -> None:
    """A strategy that raises in the middle is an outcome, not an end."""

    class Picky(Swing):
        """Fails where `low` is 96."""

        name = "picky"

        def on_bar(self, bar: BarSeen) -> Answer:
            if self.low == 96:
                raise ValueError("not 96")
            return super().on_bar(bar)

    found = run_sweep(Picky, bars, {"low": "95..98:1"}, data_dir=tmp_path)
    assert found.facts["failures"] == 1
    assert "not 96" in found.to_dict()["failed"][0]["failure"]
    assert len(found.ranked) == 3
    assert found.verdict.tries == 3


def test_tpe_is_the_same_after_a_stop(bars: Path, tmp_path: Path) -> None:
    """What is chosen depends on outcomes, not on when they came; the search goes on."""
    pytest.importorskip("optuna")
    wanted: dict[str, Any] = {
        "search": "tpe", "trials": 20, "objectives": ["sharpe", "-max_drawdown"],
    }  # fmt: skip
    space = {"low": "94..99", "high": "101..106:0.5"}
    unbroken = run_sweep(Swing, bars, space, data_dir=tmp_path / "a", jobs=1, **wanted)

    def stop(standing: Standing) -> None:
        if standing.done >= 9:
            signal.raise_signal(signal.SIGINT)

    part = run_sweep(Swing, bars, space, data_dir=tmp_path / "b", jobs=1, progress=stop, **wanted)
    assert part.facts["ended"] == "stopped by SIGINT"
    assert 9 <= part.facts["done"] < 20
    rest = run_sweep(Swing, bars, space, data_dir=tmp_path / "b", jobs=1, **wanted)
    assert rest.facts["from_store"] == part.facts["done"]
    assert rows(rest) == rows(unbroken)
    assert [one.number for one in rest.front] == [one.number for one in unbroken.front]
    assert len(unbroken.trials) == 20


def test_a_process_that_dies_is_replaced(bars: Path, tmp_path: Path, whole: SweepResult) -> None:
    """Killed in the middle of the work; nothing is lost, nothing is there twice."""
    plan = make_plan(Swing, bars, data_dir=tmp_path, jobs=2)
    tries = [Try(params=one.params, span=plan.span) for one in whole.trials]
    shop = LocalProcesses(plan.setting, 2)
    outcomes: dict[int, Any] = {}
    killed = 0
    try:
        for done in shop.run(tries):
            assert not outcomes.keys() & {place for place, _ in done}
            outcomes.update(done)
            if len(outcomes) >= 2 and not killed:
                killed = shop.pids[0]
                os.kill(killed, signal.SIGKILL)
        assert killed not in shop.pids
        assert len(shop.pids) == 2
    finally:
        pids = shop.pids
        shop.close()
    assert [outcomes[place] for place in range(16)] == [one.outcome for one in whole.trials]
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_try_that_ends_its_process_is_given_up(bars: Path, tmp_path: Path) -> None:
    """Twice tried, then named; the others come to their end. What was lost is not kept."""
    deadly = tmp_path / "deadly.py"
    deadly.write_text(
        "import os\nfrom tests.research.market import Swing\n"
        "class Deadly(Swing):\n    name = 'deadly'\n    def on_bar(self, bar):\n"
        "        if self.low == 96:\n            os._exit(3)\n        return super().on_bar(bar)\n"
    )
    found = run_sweep(
        f"{deadly}:Deadly", bars, {"low": "95..98:1"}, data_dir=tmp_path / "data", jobs=2
    )
    assert found.facts["failures"] == 1
    assert "its process ended twice" in found.to_dict()["failed"][0]["failure"]
    assert len(found.ranked) == 3
    store = TrialStore(tmp_path / "data" / "backtests")
    assert store.count(found.facts["study"]) == 3
    store.close()
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no')\n")
    with pytest.raises(ConfigError, match=r"broken\.py"):
        run_sweep(f"{broken}:Deadly", bars, {"low": "95..98:1"}, data_dir=tmp_path / "data")


COMMAND = [sys.executable, "-m", "papertape.cli", "sweep", "--strategy", f"{MARKET}:Swing"]


def waited(check: Any, what: str) -> Any:
    """Return what a check gives once it gives something."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


def kept(folder: Path) -> int:
    """Return how many outcomes a store has, as another process sees it."""
    path = folder / "backtests" / "trials.db"
    if not path.is_file():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            return int(db.execute("SELECT count(*) FROM trials").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.slow
def test_killed_and_resumed_it_comes_to_the_same(
    bars: Path, tmp_path: Path, whole: SweepResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """kill -9 of the search: its processes end too; the same command goes on and finds the same."""
    words = [*COMMAND, "--data", str(bars), "--jobs", "2", "--data-dir", str(tmp_path), "--json"]
    for name, word in SPACE.items():
        words += ["--param", f"{name}={word}"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    search = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        waited(lambda: kept(tmp_path) >= 3, "three outcomes")
        children = Path(f"/proc/{search.pid}/task/{search.pid}/children").read_text().split()
    finally:
        search.kill()
        search.wait()
    assert len(children) == 2
    assert waited(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "the end")
    before = kept(tmp_path)
    assert 3 <= before < 16
    assert run(words[3:]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["from_store"] == before
    expected = whole.to_dict()
    assert document["trials"] == expected["trials"]
    assert document["luck"] == json.loads(json.dumps(expected["luck"]))


# --- the store ----------------------------------------------------------------------------------


def test_a_store_of_others_is_left_alone(tmp_path: Path) -> None:
    """A newer one and a file that is no store are refused, with the path."""
    (tmp_path / "trials.db").write_text("something else, long enough to be no database at all")
    with pytest.raises(WorldError, match=r"trials\.db"):
        TrialStore(tmp_path)
    newer = tmp_path / "newer"
    TrialStore(newer).close()
    with sqlite3.connect(newer / "trials.db") as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(NewerDataError, match="newer papertape"):
        TrialStore(newer)


# --- words and pages ----------------------------------------------------------------------------


def noise(count: int, edge: float) -> list[list[float]]:
    dice = Random(5)
    return [[dice.gauss(edge if not at else 0.0, 0.01) for _ in range(200)] for at in range(count)]


def test_the_verdict_in_words() -> None:
    """Skill, noise, and what cannot be said."""
    day_ns = 86_400_000_000_000
    skill = judge(noise(30, 0.006), 0, day_ns)
    assert skill.grade == "more"
    assert skill.words[0] == "The best result is more than the best of 30 coin flips."
    flips = noise(30, 0.0)
    best = max(range(30), key=lambda at: sum(flips[at]))
    luck = judge(flips, best, day_ns)
    assert luck.grade in ("luck", "unclear")
    assert "more than" in luck.words[0]
    assert "deflated Sharpe" in luck.words[1]
    silent = judge([[0.0] * 50] * 3, 0, day_ns)
    assert silent.grade == "unknown"
    assert judge([], 0, day_ns).grade == "unknown"


def test_the_command_says_it_all(
    bars: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables, words, the report; mistakes in one line each."""
    base = ["sweep", "--data", str(bars), "--data-dir", str(tmp_path), "--jobs", "1"]
    words = [*base, "--strategy", f"{MARKET}:Swing", "--param", "low=95..97:1"]
    report = tmp_path / "out.html"
    assert run([*words, "--objective", "sharpe", "--objective", "-max_drawdown", "--report",
                str(report)]) == 0  # fmt: skip
    said = capsys.readouterr().out
    for part in ("Best", "Pareto front", "95 % interval", "coin flips", "backtest   "):
        assert part in said
    assert report.read_text(encoding="utf-8").count("<section") >= 7
    for wrong, expected in (
        (["--param", "lwo=1..3"], "did you mean 'low'"),
        (["--param", "low=95..97:1", "--objective", "shrpe"], "did you mean 'sharpe'"),
        (["--param", "low=95..97:1", "--jobs", "0"], "--jobs"),
    ):
        assert run([*base, "--strategy", f"{MARKET}:Swing", *wrong]) == 2
        assert expected in capsys.readouterr().err
    idle = [*base, "--strategy", f"{MARKET}:Swing", "--param", "low=1..3:1"]
    assert run(idle) == 1  # nothing is ever bought: no Sharpe ratio
    captured = capsys.readouterr()
    assert "no combination can be judged" in captured.err


def test_a_result_is_nice_in_a_notebook(whole: SweepResult) -> None:
    """Card, table, one line."""
    card = whole._repr_html_()
    assert card.startswith("<svg")
    assert "coin flips" in card
    assert card.count("<tr>") == 17
    assert "16 tries" in repr(whole)
    table = whole.table
    assert table.num_rows == 16
    assert {"number", "low", "high", "sharpe", "failure"} <= set(table.column_names)
