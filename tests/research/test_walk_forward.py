"""Walk-forward: what is chosen never saw what it is judged on; the windows add up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.research.market import Swing, write_bars

from papertape import run_backtest, run_sweep, walk_forward
from papertape.cli.main import run
from papertape.errors import ConfigError, InvalidInputError
from papertape.research.walk_forward import Scheme
from papertape.research.walk_report import render_walk
from papertape.research.walk_result import WalkForwardResult

MARKET = Path(__file__).with_name("market.py")
SPACE = {"low": "95..99:2", "high": "101,105"}
WINDOWS = Scheme(train_s=4 * 3600, test_s=2 * 3600)
HALF = 720  # bars of each half


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a day of bars whose waves become half as high at noon: other parameters are best."""
    rows = []
    before = 100.0
    for minute in range(2 * HALF):
        high = 6.0 if minute < HALF else 2.5
        phase = minute % 120
        close = 100 + high * (1 - abs(phase - 60) / 30)
        rows.append((before, max(before, close) + 0.1, min(before, close) - 0.1, close, 500.0))
        before = close
    return write_bars(tmp_path_factory.mktemp("bars") / "BTCUSDT_1m.csv", rows)


@pytest.fixture(scope="module")
def rolling(bars: Path) -> WalkForwardResult:
    """Return a walk with rolling windows."""
    return walk_forward(
        Swing, bars, SPACE, scheme=WINDOWS, objective="total_return", jobs=1,
        data_dir=bars.parent / "data",
    )  # fmt: skip


def test_windows_follow_each_other(rolling: WalkForwardResult) -> None:
    """In sample, then at once out of sample; what is judged is whole and without overlap."""
    assert len(rolling.windows) == 9
    for one, after in zip(rolling.windows, rolling.windows[1:], strict=False):
        assert one.train[-1][1] == one.test[0][0]
        assert one.test[-1][1] == after.test[0][0]
        assert one.train[0][1] - one.train[0][0] == 2 * (one.test[0][1] - one.test[0][0])
    table = rolling.table
    assert table.num_rows == 9
    assert table["number"].to_pylist() == list(range(1, 10))


def test_a_window_is_a_sweep_and_a_backtest(bars: Path, rolling: WalkForwardResult) -> None:
    """The search of a window is a sweep over its past, its judgement a backtest of what follows."""
    one = rolling.windows[4]
    start, end = one.train[0][0] + 1, one.train[0][1]
    folder = bars.parent / "apart"
    search = run_sweep(
        Swing, bars, SPACE, objectives=["total_return"], start=start, end=end, jobs=1,
        data_dir=folder,
    )  # fmt: skip
    assert search.best is not None
    assert search.best.params == one.params
    inside, found = one.inside["total_return_pct"], search.best.outcome.figures["total_return_pct"]
    assert inside == found
    alone = run_backtest(
        Swing, bars, params=one.params, start=one.test[0][0] + 1, end=one.test[0][1],
        data_dir=folder,
    )  # fmt: skip
    assert alone.metrics["total_return_pct"] == one.outside["total_return_pct"]
    product = 1.0
    for each in one.returns:
        product *= 1 + each
    assert 100 * (product - 1) == pytest.approx(one.outside["total_return_pct"], abs=1e-9)


def test_the_stitched_curve_is_what_was_earned(rolling: WalkForwardResult) -> None:
    """Window after window; no day is counted twice, none is left out."""
    product = 1.0
    for one in rolling.windows:
        product *= 1 + (one.outside["total_return_pct"] or 0) / 100
    assert rolling.metrics["total_return_pct"] == pytest.approx(100 * (product - 1), abs=1e-9)
    assert rolling.curve[-1][1] == pytest.approx(10_000 * product, abs=1e-3)
    times = [ts_ns for ts_ns, _ in rolling.curve]
    assert times == sorted(set(times))
    assert times[0] == rolling.windows[0].test[0][0]
    assert times[-1] == rolling.windows[-1].test[0][1]


def test_what_is_chosen_follows_the_past(rolling: WalkForwardResult) -> None:
    """Wide limits while waves are high; once they are not, narrow ones, but only afterwards."""
    wide, narrow = rolling.windows[0].params, rolling.windows[-1].params
    assert wide == {"low": 95.0, "high": 105.0}
    assert narrow is not None
    assert narrow["high"] == 101.0
    first_low = rolling.windows[4]  # searched on high waves only, judged on low ones only
    assert first_low.params == wide
    assert not first_low.outside["total_return_pct"]
    assert "Out of sample" in rolling.words[0]


def test_the_future_changes_nothing(bars: Path, rolling: WalkForwardResult) -> None:
    """Cut off after window 5, the first five come out the same."""
    cut = walk_forward(
        Swing, bars, SPACE, scheme=WINDOWS, objective="total_return", jobs=1,
        end=rolling.windows[4].test[0][1], data_dir=bars.parent / "cut",
    )  # fmt: skip
    assert cut.windows == rolling.windows[:5]


def test_anchored_windows_begin_at_the_beginning(bars: Path, rolling: WalkForwardResult) -> None:
    """And a second study takes from the store what it has in common with the first."""
    scheme = Scheme(train_s=4 * 3600, test_s=2 * 3600, anchored=True, warm_up_s=1800)
    found = walk_forward(
        Swing, bars, SPACE, scheme=scheme, objective="total_return", jobs=1,
        data_dir=bars.parent / "data",
    )  # fmt: skip
    assert {one.train[0][0] for one in found.windows} == {rolling.windows[0].train[0][0]}
    assert found.facts["from_store"] == 6
    assert found.windows[0].inside == rolling.windows[0].inside
    counts = [[len(one.returns) for one in each.windows] for each in (found, rolling)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("judged", [1, 2])
def test_folds_are_purged(bars: Path, judged: int) -> None:
    """Every fold is judged by what the others chose; the returns are those of whole runs."""
    scheme = Scheme(folds=4, judged=judged, embargo_s=600)
    found = walk_forward(Swing, bars, SPACE, scheme=scheme, jobs=1, data_dir=bars.parent / "data")
    assert len(found.windows) == {1: 4, 2: 6}[judged]
    assert found.facts["purge_s"] > 0  # as long as positions are held
    for one in found.windows:
        for start, end in one.test:
            for begin, finish in one.train:
                assert finish <= start - found.facts["purge_s"] * 1e9 or begin >= end + 600e9
    assert len(found.paths) == (3 if judged == 2 else 0)
    assert (
        found.curve[-1][0] - found.curve[0][0] == found.windows[-1].test[-1][1] - found.curve[0][0]
    )
    with pytest.raises(ConfigError, match="by returns alone"):
        walk_forward(
            Swing, bars, SPACE, scheme=scheme, objective="sqn", data_dir=bars.parent / "data"
        )


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        (Scheme(train_s=86_400, test_s=7_200), "train"),
        (Scheme(folds=1), "folds"),
        (Scheme(folds=4, judged=4), "judged"),
        (Scheme(folds=4, purge_s=50_000), "purge"),
    ],
)
def test_schemes_that_cannot_be(bars: Path, scheme: Scheme, said: str) -> None:
    """Named, with what was expected."""
    with pytest.raises(InvalidInputError, match=said):
        walk_forward(Swing, bars, SPACE, scheme=scheme, jobs=1, data_dir=bars.parent / "data")


def test_the_command_and_the_report(
    bars: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], rolling: WalkForwardResult
) -> None:
    """The same study from the command line, from the store; words, JSON, page."""
    words: list[Any] = [
        "walk-forward", "--strategy", f"{MARKET}:Swing", "--data", str(bars), "--train", "4h",
        "--test", "2h", "--objective", "total_return", "--jobs", "1",
        "--data-dir", str(bars.parent / "data"),
    ]  # fmt: skip
    for name, word in SPACE.items():
        words += ["--param", f"{name}={word}"]
    report = tmp_path / "walk.html"
    assert run([*words, "--report", str(report)]) == 0
    said = capsys.readouterr().out
    for part in ("Windows", "Out of sample", "95 % interval", rolling.words[0]):
        assert part in said
    assert report.read_text(encoding="utf-8") == render_walk(rolling)
    assert run([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["from_store"] == document["tries"] == 63
    assert len(document["windows"]) == 9
    assert run([*words, "--purge", "x"]) == 2
    assert "--purge" in capsys.readouterr().err
    assert "windows" in repr(rolling)
    assert rolling._repr_html_().count("<tr>") == 10
