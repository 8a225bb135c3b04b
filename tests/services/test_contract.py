"""The Python names and plain forms that users were promised, in a fresh interpreter."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.errors import InvalidInputError
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.portfolio_tracker import PortfolioTracker
from papertape.services.trade_logger import TradeLogger

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json
from papertape import Leg, Signal, Strategy
from papertape.services.data_flow_manager import DataFlowManager
from papertape.services.portfolio_tracker import PortfolioTracker
from papertape.services.trade_logger import TradeLogger

manager = DataFlowManager()
decision = manager.process_signal("mine", {
    "action": "BUY", "symbol": "ETH-USD", "price": 3000, "quantity": 1, "confidence": 85})
assert manager.get_portfolio_summary()["cash"] == 7000, manager.get_portfolio_summary()
assert manager.execute_signal({"strategy": "mine", "action": "SELL", "symbol": "ETH-USD",
                               "price": "3100.5", "quantity": 1})["success"]
assert manager.update_dashboard_cache("mine", decision.trades[0]) is False
assert DataFlowManager.instance() is DataFlowManager.instance()
assert DataFlowManager.instance() is not manager

portfolio, log = PortfolioTracker(initial_cash=100), TradeLogger()
for trade in ({"symbol": "ETH-USD", "side": "BUY", "quantity": 10, "price": 1},
              {"symbol": "ETH-USD", "side": "SELL", "quantity": 5, "price": 2}):
    portfolio.update(trade)
    log.log(trade)
portfolio.update_prices({"ETH-USD": "1.5"})
(position,) = portfolio.get_positions()
print(json.dumps([decision["status"], dict(decision)["success"],
    manager.get_portfolio_summary()["realized_pnl"], portfolio.get_summary()["realized_pnl"],
    position["avg_price"], position["pnl"], log.get_trade_stats()["trades"],
    [trade["side"] for trade in log.get_recent_trades(limit=10)]]))
"""


def test_the_promised_names_work_in_a_fresh_interpreter(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PAPERTAPE")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        "filled", True, 100.5, 5.0, 1.0, 2.5, 2, ["SELL", "BUY"],
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []  # a script that stands alone leaves nothing behind


def numbers() -> Iterator[Any]:
    """Yield the same number in every form that is taken."""
    yield from (3000, 3000.0, "3000", "3000.00", Decimal(3000), Decimal("3000.0"))


@pytest.mark.parametrize("price", [*numbers()], ids=repr)
def test_numbers_are_taken_as_int_decimal_text_or_shortest_float(price: Any) -> None:
    manager = DataFlowManager()
    form = {"action": "BUY", "symbol": "ETH-USD", "price": price, "quantity": 0.1}
    assert manager.process_signal("mine", form).status == "filled"
    assert manager.view.portfolio.accounts.cash_micros == 9_700_000_000


@pytest.mark.parametrize("quantity", [0.1, 0.07, 1.1, 2.675, 0.3])
def test_a_float_is_its_shortest_decimal_form(quantity: float) -> None:
    portfolio = PortfolioTracker()
    portfolio.update({"symbol": "ETH-USD", "side": "BUY", "quantity": quantity, "price": 1})
    spent = 10_000_000_000 - portfolio.accounts.cash_micros
    assert spent == Decimal(repr(quantity)) * 1_000_000


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"symbol": None}, "symbol"), ({"symbol": "nonsense"}, "symbol"), ({"symbol": 5}, "symbol"),
        ({"side": "HOLD"}, "side"), ({"side": None}, "side"), ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"), ({"quantity": float("nan")}, "quantity"),
        ({"quantity": "1e2000000"}, "quantity"), ({"quantity": True}, "quantity"),
        ({"price": None}, "price"), ({"price": -1}, "price"), ({"price": "x"}, "price"),
        ({"price": float("inf")}, "price"), ({"fee": -1}, "fee"), ({"fee": "x"}, "fee"),
        ({"fee": "0.0000001"}, "fee"), ({"ts_ns": 1.5}, "ts_ns"), ({"ts_ns": -1}, "ts_ns"),
        ({"strategy": 5}, "strategy"), ({"side": "SELL"}, "quantity"),
        ({"quantity": 9 * 10**9, "price": 9 * 10**11}, "price"),
    ],
)  # fmt: skip
def test_a_bad_plain_trade_is_refused_by_field_and_changes_nothing(
    changed: dict[str, Any], field: str
) -> None:
    portfolio, log = PortfolioTracker(), TradeLogger()
    trade = {"symbol": "ETH-USD", "side": "BUY", "quantity": 1, "price": 1} | changed
    for call, state in ((portfolio.update, portfolio.snapshot), (log.log, log.snapshot)):
        if call == log.log and (
            changed == {"side": "SELL"} or (field == "price" and "quantity" in changed)
        ):
            continue  # a log lists what it is told; it keeps no positions
        before = state()
        with pytest.raises(InvalidInputError) as refused:
            call(trade)
        assert refused.value.field == field
        assert state() == before


def test_prices_are_all_taken_or_none() -> None:
    portfolio = PortfolioTracker()
    portfolio.update({"symbol": "ETH-USD", "side": "BUY", "quantity": 1, "price": 100})
    for bad in (float("nan"), -1, "x", None, 10**14):
        with pytest.raises(InvalidInputError, match=r"prices\[BTC-USD\]"):
            portfolio.update_prices({"ETH-USD": 200, "BTC-USD": bad})  # type: ignore[dict-item]
    assert portfolio.get_summary()["unrealized_pnl"] == 0.0
    portfolio.update_prices({"ETH-USD": 0})
    assert portfolio.get_positions()[0]["current_price"] == 0.0
    assert portfolio.get_summary()["total_value"] == 9_900.0


trades = st.lists(
    st.tuples(
        st.sampled_from(["ETH-USD", "kalshi:cpi:YES"]),
        st.booleans(),
        st.integers(1, 500),
        st.integers(0, 100),
        st.integers(0, 300),
    ),
    max_size=40,
)


@given(trades)
def test_by_hand_the_books_conserve_too(doing: list[tuple[str, bool, int, int, int]]) -> None:
    portfolio = PortfolioTracker(initial_cash="12345.67")
    for symbol, buying, quantity, cents, fee in doing:
        trade = {
            "symbol": symbol,
            "side": "BUY" if buying else "SELL",
            "quantity": Decimal(quantity) / 100,
            "price": Decimal(cents) / 100,
            "fee": Decimal(fee) / 100,
        }
        held = portfolio.held_lots("manual", symbol)
        wanted = portfolio.instrument_of(symbol).lots(trade["quantity"])
        if buying or wanted <= held:
            portfolio.update(trade)
        else:
            with pytest.raises(InvalidInputError):
                portfolio.update(trade)
        portfolio.accounts.check()
    copy = PortfolioTracker()
    copy.restore(portfolio.snapshot())
    assert copy.snapshot() == portfolio.snapshot()


def test_the_logs_csv_is_safe_and_complete(tmp_path: Path) -> None:
    log = TradeLogger()
    names = ["=1+1", "+x", "-x", "@x", "a,b", 'quo"te', "ünïcode", "＝1"]  # noqa: RUF001
    for name in names:
        log.log(
            {"symbol": "ETH-USD", "side": "BUY", "quantity": 1, "price": "0.1", "strategy": name}
        )
    path = log.export_to_csv(tmp_path / "trades.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [row["strategy"] for row in rows]
    assert cells == [f"'{n}" if n[0] in "=+-@＝" else n for n in names]  # noqa: RUF001
    assert {row["price"] for row in rows} == {"0.1"}


@pytest.mark.parametrize("limit", [0, -1, 10_001, True, "5", None, 1.5])
def test_a_limit_has_a_limit(limit: Any) -> None:
    with pytest.raises(InvalidInputError, match="limit"):
        TradeLogger().get_recent_trades(limit)


def test_a_trade_from_elsewhere_is_booked_once_through_the_door() -> None:
    manager = DataFlowManager()
    trade = {"symbol": "ETH-USD", "side": "BUY", "quantity": 1, "price": 100, "id": "theirs-1"}
    assert manager.update_dashboard_cache("mine", trade) is True
    assert manager.update_dashboard_cache("mine", trade) is False
    assert manager.view.portfolio.trades_count == 1
    for bad in ({}, {"symbol": "ETH-USD"}, None, {"id": []}, {**trade, "id": "x", "price": "x"}):
        assert manager.update_dashboard_cache("mine", bad) is False  # type: ignore[arg-type]
