"""Formulas against other libraries (reference.json), cases worked out by hand, and their limits."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.research import formulas
from papertape.research.bootstrap import intervals, of_returns, of_trips
from papertape.research.luck import probabilistic_sharpe

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
CASES = REFERENCE["cases"]
YEAR = 365
SERIES = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=60)


def growth(returns: list[float]) -> float:
    return math.prod(1 + r for r in returns)


def curve(returns: list[float]) -> list[float]:
    equity = [1.0]
    for r in returns:
        equity.append(equity[-1] * (1 + r))
    return equity


@pytest.mark.parametrize("case", CASES, ids=[f"{c['kind']}-{c['count']}" for c in CASES])
def test_other_libraries_say_the_same(case: dict[str, Any]) -> None:
    """empyrical-reloaded and scipy, on returns per day with 365 days a year."""
    returns, expected = case["returns"], case["expected"]
    yearly = formulas.annual_return(growth(returns), len(returns) / YEAR)
    drawdown = formulas.max_drawdown(curve(returns))
    found = {
        "total_return": growth(returns) - 1,
        "annual_return": yearly,
        "volatility": formulas.volatility(returns, YEAR),
        "sharpe": formulas.sharpe(returns, YEAR),
        "sortino": formulas.sortino(returns, YEAR),
        "calmar": formulas.calmar(yearly, drawdown),
        "max_drawdown": -drawdown,
        "value_at_risk": formulas.value_at_risk(returns),
        "expected_shortfall": formulas.expected_shortfall(returns),
        "skewness": formulas.skewness(returns),
        "kurtosis": formulas.kurtosis(returns),
        "deviation": formulas.deviation(returns),
    }
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_round_trips_by_hand() -> None:
    """Five trips: +3, -1, +2, 0, -2."""
    nets = [3.0, -1.0, 2.0, 0.0, -2.0]
    assert formulas.win_rate(nets) == 0.4
    assert formulas.profit_factor(nets) == pytest.approx(5 / 3)
    assert formulas.mean(nets) == pytest.approx(0.4)
    spread = math.sqrt((2.6**2 + 1.4**2 + 1.6**2 + 0.4**2 + 2.4**2) / 4)
    assert formulas.system_quality(nets) == pytest.approx(0.4 / spread * math.sqrt(5))
    many = nets * 100
    spread = formulas.deviation(many)
    assert spread is not None
    assert formulas.system_quality(many) == pytest.approx(0.4 / spread * 10)  # n stops at 100


def test_probabilities_by_hand() -> None:
    """A coin has 0.25 and ln 2; certainty that fails is dear but not infinite."""
    assert formulas.brier_score([0.5, 0.5], [True, False]) == 0.25
    assert formulas.log_loss([0.5, 0.5], [True, False]) == pytest.approx(math.log(2))
    assert formulas.brier_score([0.9, 0.2], [True, False]) == pytest.approx((0.01 + 0.04) / 2)
    expected = -(math.log(0.9) + math.log(0.8)) / 2
    assert formulas.log_loss([0.9, 0.2], [True, False]) == pytest.approx(expected)
    assert formulas.log_loss([1.0], [False]) == pytest.approx(-math.log(0.005))


def test_what_cannot_be_said_is_none() -> None:
    """No value, one value, no spread, no loss: None instead of 0 or infinity."""
    for name in ("sharpe", "sortino", "volatility"):
        formula = getattr(formulas, name)
        assert formula([], YEAR) is None
        assert formula([0.01], YEAR) is None
    assert formulas.sharpe([0.001] * 50, YEAR) is None
    assert formulas.sharpe([0.1 + 0.2 - 0.3] * 50, YEAR) is None
    assert formulas.sortino([0.01, 0.02], YEAR) is None
    assert formulas.profit_factor([1.0, 2.0]) is None
    assert formulas.annual_return(0.0, 1.0) is None
    assert formulas.annual_return(2.0, 0.0) is None
    assert formulas.calmar(0.1, 0.0) is None
    assert formulas.value_at_risk([]) is None
    assert formulas.expected_shortfall([]) is None
    assert formulas.brier_score([], []) is None
    assert probabilistic_sharpe([0.01] * 10) is None
    assert formulas.max_drawdown([]) == 0.0


@given(SERIES)
def test_formulas_stay_in_their_bounds(returns: list[float]) -> None:
    """Whatever the returns: drawdown within 0 to 1, tails in order, probabilities within 0 to 1."""
    assert 0 <= formulas.max_drawdown(curve(returns)) <= 1
    tail, risk = formulas.expected_shortfall(returns), formulas.value_at_risk(returns)
    assert tail is not None
    assert risk is not None
    assert min(returns) - 1e-12 <= tail <= risk + 1e-12 <= max(returns) + 1e-9
    skill = probabilistic_sharpe(returns)
    assert skill is None or 0 <= skill <= 1


def test_equal_seeds_give_equal_intervals() -> None:
    """And other seeds give others; the figure itself lies inside."""
    returns = CASES[1]["returns"]
    first, again, other = (of_returns(returns, YEAR, seed) for seed in (1, 1, 2))
    assert first == again != other
    ratio = formulas.sharpe(returns, YEAR)
    assert ratio is not None
    assert first["sharpe"][0] < ratio < first["sharpe"][1]


def test_an_interval_is_as_wide_as_theory_says() -> None:
    """The mean of independent values: 1.96 standard errors to each side, within a fifth."""
    chance = random.Random(11)
    values = [chance.gauss(0, 1) for _ in range(1000)]
    low, high = intervals([values], {"mean": lambda n, sums: sums[0] / n}, 3)["mean"]
    spread = formulas.deviation(values)
    assert spread is not None
    assert high - low == pytest.approx(2 * 1.96 * spread / math.sqrt(1000), rel=0.2)


def test_short_series_have_no_interval() -> None:
    """Seven values say nothing about how they vary; a total loss has no logarithm."""
    assert of_returns([0.01] * 7, YEAR, 1) == {}
    assert of_returns([-1.0] * 20, YEAR, 1) == {}
    assert of_trips([], 1) == {}
    assert "profit_factor" not in of_trips([1.0] * 20, 1)
