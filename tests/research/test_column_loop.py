"""A backtest over columns writes the tape that the live loop writes, record by record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.research.market import EAGER, Fails, Hangs, Swing, wavy_bars

from papertape import Leg, Signal, Strategy, run_backtest
from papertape.config import load_config
from papertape.errors import InvalidInputError
from papertape.model.events import (
    OrderFilled,
    PositionSettled,
    RunStarted,
    SetsConverted,
    SetsMerged,
)
from papertape.research import session
from papertape.services.verification import verify
from papertape.strategies.arbitrage import Arbitrage
from papertape.strategies.mean_reversion import MeanReversion
from papertape.strategies.momentum import Momentum
from papertape.tape.follow import LedgerReader


class Keeper(Strategy):
    """Keeps what it is shown, looks at other books, rests orders, and trades on what it kept."""

    name = "keeper"

    def on_start(self) -> None:
        self.kept: list[Any] = []
        self.bids: list[Any] = []

    def wants(self, instrument: Any) -> bool:
        return bool(instrument.kind == "outcome")

    def on_book(self, book: Any) -> Any:
        if len(self.kept) > 20:
            del self.kept[0], self.bids[0]
        self.kept.append(book)
        self.bids.append(book.bid_ticks)
        other = self.context.book(self.kept[0].symbol)
        first = self.kept[0]
        if other is None or not len(first.bid_ticks) or not len(book.ask_ticks):
            return None
        assert tuple(self.bids[0]) == tuple(first.bid_ticks)
        price = max(first.bid_ticks[0], min(first.bid_ticks[:3]))
        if (price + other.ts_ns // 1_000_000) % 7:
            return None
        step = self.context.instruments[book.symbol].step_ticks
        held = self.held_lots(book.symbol)
        leg = Leg(
            symbol=book.symbol, side="SELL" if held else "BUY", quantity_lots=held or 2_000,
            limit_ticks=book.ask_ticks[0] if held else min(9_000, book.ask_ticks[0]) - 2 * step,
        )  # fmt: skip
        return Signal(legs=(leg,), time_in_force="GTC", reason=f"seen {first.ts_ns}")

    def on_fill(self, fill: Any) -> Any:
        self.kept.append(self.kept[-1])
        self.bids.append(self.bids[-1])


def tape(result: Any) -> list[Any]:
    """Return the run's records without what names the run."""
    reader = LedgerReader(result.folder / "papertape.db")
    try:
        return [
            (r.seq, r.ts_ns, r.mseq, r.event)
            for r in reader.read(0, 1_000_000)
            if not isinstance(r.event, RunStarted)
        ]
    finally:
        reader.close()


def both(strategy: Any, data: Path, folder: Path, **more: Any) -> Any:
    """Run on both engines; expect the same tape, figures and hash."""
    loop, live = (
        run_backtest(strategy, data, data_dir=folder, engine=engine, **more)
        for engine in ("loop", "live")
    )
    ours, theirs = tape(loop), tape(live)
    for mine, other in zip(ours, theirs, strict=False):
        assert mine == other
    assert len(ours) == len(theirs)
    assert loop.facts["state_hash"] == live.facts["state_hash"]
    assert loop.metrics == live.metrics
    assert loop.facts["events"] == live.facts["events"]
    assert loop.failure == live.failure
    assert (loop.facts["engine"], live.facts["engine"]) == ("loop", "live")
    assert verify(loop.folder).ok
    return [event for _, _, _, event in ours]


@pytest.mark.parametrize("kind", [Momentum, MeanReversion, Arbitrage, Keeper])
def test_the_simulated_feed(simulated: Path, folder: Path, kind: Any) -> None:
    values = EAGER if kind in (Momentum, MeanReversion) else {}
    events = both(kind(**values), simulated, folder)
    fills = [event for event in events if isinstance(event, OrderFilled)]
    assert len(fills) > 20
    if kind is Arbitrage:
        assert any(isinstance(event, SetsMerged | SetsConverted) for event in events)


def test_polymarket_with_payouts(btc5m: Path, folder: Path) -> None:
    events = both(MeanReversion(**EAGER, hold_s=86_400), btc5m, folder)
    assert any(isinstance(event, OrderFilled) for event in events)
    assert any(isinstance(event, PositionSettled) for event in events)


def test_bars_and_a_part_of_them(bars: Path, folder: Path) -> None:
    assert len(both(Swing(), bars, folder)) > 50
    span = {"start": "2025-01-01T10:00:00Z", "end": "2025-01-02T10:00:30Z"}
    assert len(both(Swing(), bars, folder, fees=700, **span)) > 20


def test_orders_that_take_their_time_and_stand_in_queues(simulated: Path, folder: Path) -> None:
    settings: dict[str, object] = {"execution.latency_spread_ms": 200, "execution.prints": True}
    config = load_config(overrides=settings)
    late: dict[str, Any] = {"config": config, "fills": "likely", "latency_ms": 700}
    fills = [e for e in both(Keeper(), simulated, folder, **late) if isinstance(e, OrderFilled)]
    assert len(fills) > 20
    with pytest.raises(InvalidInputError, match="latency_ms"):
        run_backtest(Keeper(), simulated, data_dir=folder, latency_ms=-1)


def test_a_failure_is_told_alike(bars: Path, folder: Path) -> None:
    both(Fails(), bars, folder)


def test_a_strategy_that_hangs_is_ended(
    bars: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "CALL_S_MAX", 0.2)
    result = run_backtest(Hangs(), bars, data_dir=folder)
    assert "hangs failed at market record 3" in result.failure
    assert "longer than 0.2 s" in result.failure


def test_the_future_is_cut_off_at_the_same_record(tmp_path: Path) -> None:
    data = wavy_bars(tmp_path / "BTCUSDT_1m.csv")
    result = run_backtest(Swing(), data, data_dir=tmp_path, check_future=True)
    assert result.facts["lookahead"]["found"] is False
