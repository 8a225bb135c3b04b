"""run_backtest through its front door: figures, tape, errors, and what a person gets to see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.research.market import Fails, Hangs, Remembers, Swing, Timed, wavy_bars, write_bars

from papertape import Leg, Signal, Strategy, run_backtest
from papertape.config import load_config
from papertape.errors import ConfigError, InvalidInputError
from papertape.research import session
from papertape.research.lookahead import LookAheadError, cut_points
from papertape.research.result import Result
from papertape.runner import run_bot
from papertape.services.metric_registry import BY_NAME, METRICS
from papertape.services.verification import verify

MINUTE_S = 60.0


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 3,000 candles."""
    return wavy_bars(tmp_path_factory.mktemp("bars") / "BTCUSDT_1m.csv")


@pytest.fixture
def run(bars: Path, tmp_path: Path) -> Any:
    """Return a function that runs a backtest in a folder of its own."""

    def go(strategy: Any = Swing, data: Path = bars, **more: Any) -> Result:
        return run_backtest(strategy, data, data_dir=tmp_path / "data", **more)

    return go


def test_a_run_worked_out_by_hand(run: Any, tmp_path: Path) -> None:
    """Bars that open at 100 + i; bought at 103, sold at 104 where 105.40 had been seen."""
    opens = [100.0 + i for i in range(10)]
    opens[6] = 104.0
    rows = [(o, o + 2, o - 2, o + 0.4, 100.0) for o in opens]
    result = run(Timed, write_bars(tmp_path / "BTCUSDT_1m.csv", rows), fees=1_000)
    found = result.metrics
    assert found["fees"] == pytest.approx(0.207)  # 0.1 % of 103 and of 104
    assert found["slippage"] == pytest.approx((103 - 102.4) + (105.4 - 104))
    assert found["expectancy"] == pytest.approx(1 - 0.207)
    assert found["total_return_pct"] == pytest.approx(0.793 / 100)
    assert found["traded"] == pytest.approx(207)
    assert found["holding_s"] == 3 * MINUTE_S  # seen with the bars that closed at 4 and 7
    assert found["time_in_market_pct"] == pytest.approx(100 * 3 / 9)
    assert found["turnover"] == pytest.approx(207 / 2 / 10_000, rel=1e-3)
    assert found["exposure_pct"] == pytest.approx(100 * (3 / 9) * 104.4 / 10_000, rel=0.02)
    assert (found["trips"], found["win_rate_pct"]) == (1, 100)
    assert found["brier"] == pytest.approx(0.04)
    assert found["profit_factor"] is None
    assert found["annual_return_pct"] is None
    assert result.charts["costs"]["at_mid"] == pytest.approx(0.793 + 0.207 + 2.0)


def test_a_backtest_decides_what_a_live_replay_decides(
    run: Any, bars: Path, tmp_path: Path
) -> None:
    """The same state hash as `papertape run --feed replay`: decisions, fills and books."""
    feed = {"feed.kind": "replay", "feed.data": str(bars), "feed.speed": "max"}
    config = load_config(overrides={"data_dir": str(tmp_path / "live"), **feed})
    strategy = f"{Path(__file__).with_name('market.py')}:Swing"
    live = run_bot(config, strategies=[strategy])
    result = run(strategy)
    assert result.facts["state_hash"] == live.state_hash
    assert result.facts["trades"] == live.trades > 10
    assert result.facts["fees"] == live.fees


def test_name_class_and_instance_are_one(run: Any) -> None:
    """Three ways to name a strategy, one result; parameters may be given with either."""
    ways = (
        run(Swing, params={"low": 96.5}),
        run(Swing(low=96.5)),
        run(Swing(low=90.0), params={"low": "96.5"}),
        run(f"{Path(__file__).with_name('market.py')}:Swing", params={"low": "96.5"}),
    )
    assert len({result.facts["state_hash"] for result in ways}) == 1
    assert run(Swing).facts["state_hash"] != ways[0].facts["state_hash"]
    assert ways[0].facts["params"] == {"low": 96.5, "high": 103.0}


def test_the_run_stays_on_a_tape_of_its_own(run: Any) -> None:
    """`verify` finds nothing, the Arrow tables add up to the metrics, the document is beside it."""
    result = run()
    assert verify(result.folder).ok
    trades, equity = result.trades, result.equity
    assert trades.num_rows == result.facts["trades"]
    fees = sum(trades["fee"].to_pylist())
    assert fees == pytest.approx(result.metrics["fees"])
    realized = sum(x for x in trades["realized_pnl"].to_pylist() if x is not None)
    assert realized == pytest.approx(result.facts["realized_pnl"])
    last = equity["equity"].to_pylist()[-1]
    assert last == pytest.approx(10_000 * (1 + result.metrics["total_return_pct"] / 100))
    assert max(equity["drawdown_pct"].to_pylist()) == pytest.approx(
        result.metrics["max_drawdown_pct"]
    )
    document = json.loads((result.folder / "result.json").read_text())
    assert document["run_id"] == result.run_id
    assert document["metrics"].keys() == BY_NAME.keys() == result.metrics.keys()


def test_costs_explain_the_whole_result(run: Any) -> None:
    """P&L at mid, less slippage, less fees, is the net P&L; no fees, no fee line."""
    for fees in ("default", "none", "2500"):
        result = run(fees=fees)
        costs = result.charts["costs"]
        paid = costs["slippage"] + costs["fees_taker"] + costs["fees_maker"]
        assert costs["at_mid"] - paid == pytest.approx(costs["net"])
        rate = {"default": 1_000, "none": 0, "2500": 2_500}[fees]
        assert result.metrics["fees"] == pytest.approx(
            result.metrics["traded"] * rate / 1e6, abs=1e-4
        )


def test_a_time_range_is_all_that_is_seen(run: Any) -> None:
    """From inclusive to inclusive; a text without zone is UTC; the rest was never told."""
    result = run(start="2025-01-01T10:00", end="2025-01-01T20:00:00+00:00", initial_cash="500")
    assert result.facts["from"] == "2025-01-01T10:00:00.000Z"
    assert result.facts["to"] == "2025-01-01T20:00:00.000Z"
    times = result.trades["time"].to_pylist()
    assert times
    assert all(10 <= when.hour <= 20 for when in times)
    assert result.facts["initial_cash"] == 500
    assert result.equity["equity"].to_pylist()[0] == 500


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"strategy": "momentun"}, ConfigError, "did you mean 'momentum'"),
        ({"params": {"lov": 3}}, ConfigError, "did you mean 'low'"),
        ({"params": {"low": "cheap"}}, ConfigError, "swing.low: 'cheap' is not a number"),
        ({"start": "2026-01-01"}, InvalidInputError, "within the recording: 2025-01-01"),
        ({"start": "2025-01-02", "end": "2025-01-01"}, InvalidInputError, "after from"),
        ({"start": "yesterday"}, InvalidInputError, "a time such as"),
        ({"fees": "cheap"}, InvalidInputError, "parts per million"),
        ({"fees": "-5"}, InvalidInputError, "parts per million"),
        ({"initial_cash": "NaN"}, InvalidInputError, "initial_cash"),
        ({"initial_cash": 0}, InvalidInputError, "more than 0"),
        ({"data": Path("nowhere.csv")}, InvalidInputError, "existing file or folder"),
        ({"strategy": 5}, InvalidInputError, "a Strategy, its name or file.py:Class"),
    ],
)
def test_what_is_wrong_is_named(run: Any, more: Any, error: type[Exception], said: str) -> None:
    """Before anything runs, with the nearest thing that exists."""
    with pytest.raises(error, match=None) as caught:
        run(**more)
    assert said in str(caught.value)


def test_a_strategy_that_raises_keeps_what_it_did(run: Any) -> None:
    """Where, when and why; the run ends there and its tape adds up."""
    result = run(Fails)
    assert "fails failed at market record 2,0" in result.failure
    assert "market.py:" in result.failure
    assert "ValueError: no more" in result.failure
    assert result.facts["trades"] > 0
    assert result.facts["events"] < 2_010
    assert verify(result.folder).ok
    assert result.to_dict()["failure"] == result.failure


def test_a_strategy_that_hangs_is_ended(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call has a time limit, and the message names it."""
    monkeypatch.setattr(session, "CALL_S_MAX", 0.4)
    result = run(Hangs)
    assert "one call took longer than 0.4 s" in result.failure
    assert "in on_bar" in result.failure
    assert verify(result.folder).ok


def test_the_past_stays_when_the_future_is_cut_off(run: Any) -> None:
    """An honest strategy passes and the points are told."""
    result = run(Swing, check_future=True)
    assert result.facts["lookahead"]["cut_after"] == cut_points(result.facts["events"], 7)


def test_a_strategy_that_knows_the_future_is_refused(run: Any) -> None:
    """The first decision that changes is named with its record and time."""
    run(Remembers)
    with pytest.raises(LookAheadError, match=r"market record [\d,]+ \(2025-01-0") as caught:
        run(Remembers, check_future=True)
    assert "without it" in str(caught.value)


def test_no_trade_is_a_result_too(run: Any, tmp_path: Path) -> None:
    """Figures that cannot be said are None; nothing divides by zero."""
    result = run(Swing, params={"low": 1.0})
    assert result.metrics["trips"] == 0
    assert result.metrics["total_return_pct"] == 0
    assert result.metrics["sharpe"] is None
    assert result.trades.num_rows == 0
    assert result.save_report(tmp_path / "out.html").is_file()


def test_a_notebook_shows_the_headline(run: Any) -> None:
    """As a small table, escaped."""

    class Hostile(Strategy):
        name = "<script>alert(1)</script>"

        def on_bar(self, bar: Any) -> Signal | None:
            return Signal(legs=(Leg(symbol=bar.symbol, side="SELL", quantity="1"),))

    shown = run(Hostile)._repr_html_()
    assert "<script>" not in shown
    assert ElementTree.fromstring(run().plot().svg()).tag.endswith("svg")
    assert "Total return" in shown
    assert "win_rate_pct" in repr(run())


def test_every_metric_says_its_formula_and_source() -> None:
    """The registry is what reports show."""
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert metric.label
        assert metric.formula
        assert metric.source
