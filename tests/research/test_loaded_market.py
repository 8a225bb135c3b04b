"""Runs over a loaded market are those of the live engine: same trades, same figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.research.market import EAGER, Fails, Swing

from papertape import run_backtest
from papertape.config import Config, load_config
from papertape.core.loop_rules import EmaCross
from papertape.errors import ConfigError, WorldError
from papertape.research.loaded_market import LoadedMarket
from papertape.strategies.arbitrage import Arbitrage
from papertape.strategies.mean_reversion import MeanReversion
from papertape.strategies.momentum import Momentum


def rows_of(trades: pa.Table) -> list[dict[str, Any]]:
    """Return trades row by row, times in nanoseconds."""
    at = trades.schema.get_field_index("time")
    return trades.set_column(at, "time", trades["time"].cast(pa.int64())).to_pylist()


def same(market: LoadedMarket, strategy: Any, folder: Path, config: Config, **span: Any) -> Any:
    """Run once on the loop and once as a backtest on its tape; expect the same of both."""
    fresh = type(strategy)(**strategy.values())
    done = market.run_once(strategy, config, span=tuple(span.values()) or None)
    assert (done.engine, done.why) == ("loop", "")
    assert done.trades is not None
    told = run_backtest(
        fresh, market.folder, config=config, data_dir=folder, fees=market.fees,
        start=span.get("start"), end=span.get("end"),
    )  # fmt: skip
    rows, mine = rows_of(told.trades), rows_of(done.trades)
    assert [(r["time"], r["symbol"], r["side"], r["quantity"]) for r in rows] == [
        (
            m["time"], m["symbol"], m["side"],
            m["quantity_lots"] * market.instrument(m["symbol"]).lot_nanos / 1e9,
        )
        for m in mine
    ]  # fmt: skip
    assert [round(r["notional"] * 1e6) for r in rows] == [m["notional_micros"] for m in mine]
    assert [round(r["fee"] * 1e6) for r in rows] == [m["fee_micros"] for m in mine]
    assert done.figures.keys() == told.metrics.keys()
    for name, value in told.metrics.items():
        found = done.figures[name]
        if value is None or found is None:
            assert found is value, name
        else:
            assert found == pytest.approx(value, rel=1e-9, abs=1e-12), name
    assert done.failure.partition(" at ")[0] == "" or told.failure
    return done


def test_bars(bars: Path, folder: Path) -> None:
    market = LoadedMarket.load(bars)
    config = load_config()
    done = same(market, Swing(), folder, config)
    assert done.figures["trips"] > 10
    quarter = (market.last_ns - market.first_ns) // 4
    span = {"start": market.first_ns + quarter, "end": market.last_ns - quarter}
    assert same(market, Swing(), folder, config, **span).figures["trips"] > 3


def test_fees_are_those_asked_for(bars: Path, folder: Path) -> None:
    done = same(LoadedMarket.load(bars, fees="2500"), Swing(), folder, load_config())
    assert done.figures["fees"] > 0


@pytest.mark.parametrize("kind", [Momentum, MeanReversion])
def test_the_simulated_feed(simulated: Path, folder: Path, kind: Any) -> None:
    market = LoadedMarket.load(simulated)
    assert market.cannot == ""
    done = same(market, kind(**EAGER), folder, load_config())
    assert done.result.fills > 20


@pytest.mark.parametrize("kind", [Momentum, MeanReversion])
def test_polymarket_with_payouts(btc5m: Path, folder: Path, kind: Any) -> None:
    market = LoadedMarket.load(btc5m)
    done = same(market, kind(**EAGER, hold_s=86_400), folder, load_config())
    assert done.result.settlements > 0


def test_sets_go_through_the_live_engine(simulated: Path, folder: Path) -> None:
    market = LoadedMarket.load(simulated)
    config = load_config()
    done = market.run_once(Arbitrage(), config)
    told = run_backtest(Arbitrage(), market.folder, config=config, data_dir=folder)
    assert done.engine == "live"
    assert done.why
    assert done.figures == told.metrics
    assert done.figures["trips"]


def test_a_failing_strategy_is_a_result(bars: Path) -> None:
    done = LoadedMarket.load(bars).run_once(Fails(), load_config())
    assert "market record 2,002: ValueError: no more" in done.failure
    assert done.events == 2_002


def test_settings_that_only_a_live_run_has(bars: Path) -> None:
    config = load_config(overrides={"risk.duplicate_window_ms": 500})
    market = LoadedMarket.load(bars)
    done = market.run_once(Swing(), config)
    assert (done.engine, done.trades) == ("live", None)
    assert "duplicate_window_ms" in done.why
    with pytest.raises(WorldError, match="loop only"):
        market.run_once(EmaCross(3, 8, 100_000), config)


def test_a_compiled_rule_and_a_strategy_in_one_market(bars: Path) -> None:
    market = LoadedMarket.load(bars)
    done = market.run_once(EmaCross(10, 30, 100_000), load_config())
    assert done.result is not None
    assert done.result.fills > 20
    assert done.equity is not None
    assert done.equity.num_rows > 100
    with pytest.raises(ConfigError):
        Swing(low="x")
