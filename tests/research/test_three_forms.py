"""One rule as Python per bar, vectorised and compiled: the same trades to the unit; look-ahead."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.research.market import write_bars

from papertape import Leg, Param, Signal, Strategy, run_backtest
from papertape.config import load_config
from papertape.core.loop_rules import EmaCross, MeanReversion, Momentum
from papertape.errors import CheckFailedError, InvalidInputError
from papertape.feeds.importers.imported import import_data
from papertape.research.loaded_market import LoadedMarket
from papertape.research.lookahead import LookAheadError
from papertape.strategies.vectorised import VectorStrategy

pl = pytest.importorskip("polars")

LOTS = 100_000
MILLION = 1_000_000
RICH = {
    "account.initial_cash_usd": "1000000", "risk.max_order_usd": "900000",
    "risk.max_position_usd": "900000", "risk.max_daily_loss_usd": "900000",
}  # fmt: skip
WINDOW = (
    Param("window", int, 7, 1, 1_000, "bars"),
    Param("edge_ppm", int, 1_000, 0, 900_000, "ppm"),
)


class PerBar(Strategy):
    """Trades to the lots that `aim` returns, None for no wish."""

    def on_start(self) -> None:
        self.wanted = 0
        self.closes: deque[int] = deque(maxlen=1_001)

    def on_bar(self, bar: Any) -> Signal | None:
        self.closes.append(bar.close_ticks)
        target = self.aim(bar.close_ticks)
        if target is None or target == self.wanted:
            return None
        self.wanted = target
        missing = target - self.held_lots(bar.symbol)
        if not missing:
            return None
        side: Any = "BUY" if missing > 0 else "SELL"
        return Signal(legs=(Leg(symbol=bar.symbol, side=side, quantity_lots=abs(missing)),))

    def aim(self, close: int) -> int | None:
        raise NotImplementedError


class EmaBar(PerBar):
    name = "ema_bar"
    params = (Param("fast", int, 3, 1, 500, "bars"), Param("slow", int, 9, 1, 500, "bars"))
    fast: int
    slow: int

    def aim(self, close: int) -> int:
        if len(self.closes) == 1:
            self.averages = [float(close)] * 2
            return 0
        for at, span in enumerate((self.fast, self.slow)):
            self.averages[at] += 2.0 / (span + 1) * (close - self.averages[at])
        return LOTS if self.averages[0] > self.averages[1] else 0


class EmaFrame(VectorStrategy):
    name = "ema_frame"
    params = EmaBar.params
    fast: int
    slow: int

    def signals(self, frame: Any) -> Any:
        def average(span: int) -> list[float]:
            out: list[float] = []
            for price in frame["close_ticks"].to_list():
                out.append(out[-1] + 2.0 / (span + 1) * (price - out[-1]) if out else float(price))
            return out

        fast, slow = pl.Series(average(self.fast)), pl.Series(average(self.slow))
        return frame.select(target_lots=pl.when(fast > slow).then(LOTS).otherwise(0))


class MomentumBar(PerBar):
    name = "momentum_bar"
    params = WINDOW
    window: int
    edge_ppm: int

    def aim(self, close: int) -> int | None:
        if len(self.closes) <= self.window:
            return None
        before = self.closes[-1 - self.window]
        return LOTS if close * MILLION > before * (MILLION + self.edge_ppm) else 0


class MomentumFrame(VectorStrategy):
    name = "momentum_frame"
    params = WINDOW
    window: int
    edge_ppm: int

    def signals(self, frame: Any) -> Any:
        close = pl.col("close_ticks")
        before = close.shift(self.window)
        risen = close * MILLION > before * (MILLION + self.edge_ppm)
        return frame.select(
            target_lots=pl.when(before.is_null()).then(None).when(risen).then(LOTS).otherwise(0)
        )


class ReversionBar(PerBar):
    name = "reversion_bar"
    params = WINDOW
    window: int
    edge_ppm: int

    def aim(self, close: int) -> int | None:
        if len(self.closes) < self.window:
            return None
        total = sum(list(self.closes)[-self.window :])
        if close * self.window >= total:
            return 0
        low = close * self.window * MILLION < total * (MILLION - self.edge_ppm)
        return LOTS if low else None


class ReversionFrame(VectorStrategy):
    name = "reversion_frame"
    params = WINDOW
    window: int
    edge_ppm: int

    def signals(self, frame: Any) -> Any:
        close = pl.col("close_ticks") * self.window
        total = pl.col("close_ticks").cum_sum() - pl.col("close_ticks").cum_sum().shift(
            self.window, fill_value=0
        )
        low = close * MILLION < total * (MILLION - self.edge_ppm)
        ready = pl.int_range(pl.len()) >= self.window - 1
        return frame.select(
            target_lots=pl.when(~ready).then(None).when(close >= total).then(0).when(low).then(LOTS)
        )


FORMS: dict[str, tuple[Any, Any, Any]] = {
    "ema": (EmaBar, EmaFrame, EmaCross),
    "momentum": (MomentumBar, MomentumFrame, Momentum),
    "reversion": (ReversionBar, ReversionFrame, MeanReversion),
}


def bars_of(closes: list[int], folder: Path) -> Path:
    """Write bars that open where the last one closed; closes in cents."""
    rows = []
    before = closes[0]
    for close in closes:
        high, low = max(before, close), min(before, close)
        rows.append((before / 100, high / 100, low / 100, close / 100, 5_000.0))
        before = close
    return import_data(write_bars(folder / "BTCUSDT_1m.csv", rows), folder / "market")


@pytest.mark.parametrize("rule", FORMS)
@settings(max_examples=12)
@given(data=st.data())
def test_three_forms_make_the_same_trades(
    rule: str, data: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    closes = data.draw(st.lists(st.integers(9_000, 11_000), min_size=40, max_size=160))
    first, second = data.draw(st.integers(1, 12)), data.draw(st.integers(0, 20_000))
    if rule == "ema":
        second = data.draw(st.integers(1, 40))
    market = LoadedMarket.load(bars_of(closes, tmp_path_factory.mktemp("forms")))
    config = load_config(overrides=RICH)
    python, vector, compiled = FORMS[rule]
    names = [param.name for param in python.params]
    values = dict(zip(names, (first, second), strict=True))
    results = [
        market.run_once(one, config)
        for one in (python(**values), vector(**values), compiled(first, second, LOTS))
    ]
    assert [one.engine for one in results] == ["loop"] * 3
    trades = [one.trades for one in results]
    assert trades[0] == trades[1] == trades[2]
    assert len({one.equity_micros for one in results}) == 1


def test_a_backtest_of_a_frame_is_that_of_its_bars(tmp_path: Path) -> None:
    closes = [10_000 + (at * 7_919) % 601 for at in range(600)]
    data, config = bars_of(closes, tmp_path), load_config(overrides=RICH)
    runs = [
        run_backtest(kind(window=5, edge_ppm=500), data, config=config, data_dir=tmp_path, **more)
        for kind, more in (
            (MomentumBar, {}), (MomentumFrame, {"check_future": True}),
            (MomentumFrame, {"engine": "live"}),
        )
    ]  # fmt: skip
    fills = [
        list(zip(run.trades["time"].cast("int64"), run.trades["quantity"], strict=True))
        for run in runs
    ]
    assert len(fills[0]) > 50
    assert fills[0] == fills[1] == fills[2]
    assert runs[1].facts["state_hash"] == runs[2].facts["state_hash"]
    assert not runs[1].facts["lookahead"]["found"]


class Prophet(VectorStrategy):
    """Buys before the price rises."""

    name: ClassVar[str] = "prophet"

    def signals(self, frame: Any) -> Any:
        rises = pl.col("close").shift(-1) > pl.col("close")
        return frame.select(target_lots=pl.when(rises).then(LOTS).otherwise(0))


def test_look_ahead_is_refused_with_its_row(tmp_path: Path) -> None:
    data = bars_of([10_000 + at for at in range(60)], tmp_path)
    with pytest.raises(LookAheadError, match=r"row \d+ \(binance:BTC/USDT, bar closed 2025-01-01T"):
        run_backtest(Prophet(), data, data_dir=tmp_path, check_future=True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda frame: None, "a frame with the column target_lots"),
        (lambda frame: frame.select(target_lots=pl.lit(0)), "60 rows"),
        (lambda frame: frame.select(target_lots=pl.col("close")), "whole lots"),
        (lambda frame: frame.select(target_lots=-pl.col("close_ticks")), "row 0"),
    ],
)
def test_nonsense_is_named(tmp_path: Path, answer: Any, said: str) -> None:
    class Odd(VectorStrategy):
        name: ClassVar[str] = "odd"

        def signals(self, frame: Any) -> Any:
            return answer(frame)

    with pytest.raises(InvalidInputError, match=said):
        run_backtest(Odd(), bars_of([10_000] * 60, tmp_path), data_dir=tmp_path)


def test_a_failing_frame_is_told_with_its_strategy(tmp_path: Path) -> None:
    class Broken(VectorStrategy):
        name: ClassVar[str] = "broken"

        def signals(self, frame: Any) -> Any:
            return frame["no such column"]

    with pytest.raises(CheckFailedError, match=r"broken, binance:BTC/USDT: signals\(\) failed"):
        run_backtest(Broken(), bars_of([10_000] * 60, tmp_path), data_dir=tmp_path)
