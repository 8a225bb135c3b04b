"""One rule in three forms makes the same trades to the unit, and so does the live loop."""

from __future__ import annotations

import csv
import io
import lzma
from array import array
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from benchmarks.ema_cross import EmaCrossStrategy
from tests.engine.desk import spot
from tests.forms import compiled, core_fixture, plain
from tests.research.parity import columns_of, live, live_trades, loop_trades, looped, same
from tests.research.test_parity import FEES, LIMITS, market

from papertape.clock import NS_PER_S
from papertape.model.market_data import BarSeen

loop = core_fixture("loop")

LOTS = 1_000
CASH = 10_000_000_000


def forms(loop: Any, items: list[Any], instrument: Any, fast: int, slow: int) -> list[Any]:
    """Return the results of the three forms."""
    symbols = [instrument.symbol]
    data = columns_of(loop, items, symbols)
    rule = loop.EmaCross(fast, slow, LOTS)
    rule.begin(1)
    quotes = data.kinds[0] == 2
    wanted = []
    for row in range(len(data)):
        if quotes and not (data.v1[row] and data.v3[row]):
            wanted.append(-1)
        else:
            price = data.v0[row] + data.v2[row] if quotes else data.v3[row]
            wanted.append(rule.target(0, price))
    aimed = columns_of(loop, items, symbols, targets=array("q", wanted))
    python = EmaCrossStrategy(fast=fast, slow=slow, lots=LOTS)
    return [
        loop.run_loop([chunk], [instrument], one, initial_cash_micros=CASH, limits=LIMITS)
        for chunk, one in (
            (data, python),
            (aimed, None),
            (data, loop.EmaCross(fast, slow, LOTS)),
        )
    ]


@pytest.mark.parametrize("fees", ["none", "proportional"])
@pytest.mark.parametrize("kinds", ["b", "q"])
@pytest.mark.parametrize("spans", [(2, 5), (10, 30)])
def test_three_forms_trade_alike(
    loop: ModuleType, fees: str, kinds: str, spans: tuple[int, int]
) -> None:
    instrument = spot(fees=FEES[fees])
    items = market(11, 4_000, [instrument], kinds)
    results = forms(loop, items, instrument, *spans)
    first = loop_trades(results[0])
    assert len(first) > 40
    for result in results:
        assert loop_trades(result) == first
        assert result.equity == results[0].equity
        assert result.refusals == results[0].refusals
        assert result.cash_micros == results[0].cash_micros
    desk = live(items, [instrument], EmaCrossStrategy(fast=spans[0], slow=spans[1], lots=LOTS))
    same(desk, results[0], [instrument])


def recorded(folder: Path, count: int) -> list[BarSeen]:
    """Return the first bars of a recording of one-minute bars; prices are on the tick of 0.01."""
    path = sorted((folder / "ohlcv_1m").glob("BTCUSDT_*.csv.xz"))[0]
    text = io.StringIO(lzma.decompress(path.read_bytes()).decode())
    bars = []
    for row in csv.DictReader(text):
        lower = {key.lower(): value for key, value in row.items()}
        prices = [round(float(lower[key]) * 100) for key in ("open", "high", "low", "close")]
        bars.append(
            BarSeen(
                symbol="test:BTC/USDT",
                ts_ns=T0 + (len(bars) + 1) * 60 * NS_PER_S,
                interval_ns=60 * NS_PER_S,
                open_ticks=prices[0],
                high_ticks=prices[1],
                low_ticks=prices[2],
                close_ticks=prices[3],
                volume_lots=int(float(lower["volume"]) * 100_000),
            )
        )
        if len(bars) == count:
            break
    return bars


T0 = 1_700_000_000 * NS_PER_S


@pytest.mark.parametrize("form", [compiled, plain], ids=["compiled", "plain"])
def test_a_recording_is_traded_as_live(form: Any, shared_data: Path) -> None:
    items = recorded(shared_data, 6_000)
    instrument = spot(fees=FEES["proportional"])
    desk = live(items, [instrument], EmaCrossStrategy(fast=10, slow=30, lots=LOTS))
    strategy = EmaCrossStrategy(fast=10, slow=30, lots=LOTS)
    result = looped(form("loop"), items, [instrument], strategy, limits=LIMITS, parts=4)
    assert result.fills > 200
    assert loop_trades(result) == live_trades(desk, [instrument.symbol])
    same(desk, result, [instrument])
