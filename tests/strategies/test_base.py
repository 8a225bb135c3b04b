"""Parameters, the registry, windows and sizes: what a strategy's author meets first."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.desk import outcome, spot

from papertape.errors import ConfigError
from papertape.strategies.momentum import Momentum
from papertape.strategies.registry import SHIPPED, strategy_class
from papertape.strategies.sizing import lots_for_micros
from papertape.strategies.window import TimeWindow


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"window_s": 0}, "momentum.window_s: 0 is not a whole number from 1 to 3600 s"),
        ({"window_s": 1.5}, "momentum.window_s: 1.5 is not a whole number"),
        ({"window_s": "x"}, "momentum.window_s: 'x' is not a whole number"),
        ({"window_s": True}, "momentum.window_s: True is not"),
        ({"order_usd": float("nan")}, "momentum.order_usd: nan is not a number from 1"),
        ({"order_usd": "inf"}, "momentum.order_usd: 'inf' is not"),
        ({"order_usd": None}, "momentum.order_usd: None is not"),
        ({"order_usd": []}, "momentum.order_usd: [] is not"),
        ({"order_usd": 10**400}, "momentum.order_usd: an integer of 1329 bits is not"),
        ({"windw_s": 5}, "momentum.windw_s: not a parameter of momentum; did you mean 'window_s'?"),
        ({"zzz": 5}, "momentum.zzz: not a parameter of momentum; it has ["),
    ],
)
def test_a_wrong_parameter_is_named_with_what_was_expected(
    given_: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        Momentum(**given_)
    assert str(refused.value).startswith(said)


def test_right_parameters_are_taken_as_text_too() -> None:
    strategy = Momentum(window_s="45", order_usd="12.5", rise_cents=3)
    assert (strategy.window_s, strategy.order_usd, strategy.rise_cents) == (45, 12.5, 3.0)
    assert strategy.values()["window_s"] == 45


PAGES = Path(__file__).resolve().parents[2] / "docs" / "strategies"


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_strategy_has_a_page_that_is_true(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert "**Inputs**" in page
    assert "**Loses money when**" in page
    for p in strategy_class(name).params:
        row = f"| `{p.name}` | {p.default:g} | {p.low:g} to {p.high:g} | {p.unit} | {p.doc} |"
        assert row in page, row
    for text in strategy_class(name).texts:
        assert f"`{text.name}`" in page


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_strategy_says_what_it_is(name: str) -> None:
    kind = strategy_class(name)
    assert kind.name == name
    assert kind.summary
    for param in kind.params:
        assert param.doc, param.name
        assert param.low <= param.default <= param.high
    assert set(kind().values()) == {param.name for param in kind.declared()}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("momentun", "did you mean 'momentum'?"),
        ("zzz", "there are arbitrage, momentum, mean_reversion"),
        ("nowhere.py:Mine", "no file 'nowhere.py'"),
    ],
)
def test_an_unknown_strategy_is_named_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        strategy_class(name)
    assert said in str(refused.value)


def test_a_strategy_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from papertape import Strategy\n\nclass Mine(Strategy):\n    pass\n")
    assert strategy_class(f"{path}:Mine").name == "Mine"
    with pytest.raises(ConfigError, match="did you mean 'Mine'"):
        strategy_class(f"{path}:Mime")
    path.write_text("import nowhere_to_be_found\n")
    with pytest.raises(ConfigError, match="ModuleNotFoundError"):
        strategy_class(f"{path}:Mine")
    path.write_text("def broken(:\n")
    with pytest.raises(ConfigError, match="SyntaxError"):
        strategy_class(f"{path}:Mine")
    path.write_text("raise SystemExit(7)\n")
    with pytest.raises(ConfigError, match="SystemExit"):
        strategy_class(f"{path}:Mine")


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10**8)), min_size=1, max_size=80),
    st.integers(1, 50),
)
def test_a_window_is_what_a_list_would_say(moves: list[tuple[int, int]], span: int) -> None:
    window, seen, now = TimeWindow(span), [], 0
    for pause, value in moves:
        now += pause
        seen.append((now, value))
        window.add(now, value)
        inside = [v for ts, v in seen if ts >= now - span]
        assert (window.count, window.first) == (len(inside), inside[0])
        assert window.mean() == pytest.approx(statistics.fmean(inside))
        assert window.deviation() == pytest.approx(statistics.pstdev(inside), abs=1e-6)
        assert window.covers(now, now - seen[0][0])
        assert not window.covers(now, now - seen[0][0] + 1)


@given(st.integers(0, 10**6), st.integers(0, 10**12))
def test_a_size_never_costs_more_than_the_amount(ticks: int, micros: int) -> None:
    for instrument in (outcome("test:rain:YES", min_lots=500), spot()):
        lots = lots_for_micros(instrument, ticks, micros)
        worth = lots * ticks * instrument.tick_nanos * instrument.lot_nanos
        assert worth <= micros * 10**12
        assert not lots or lots >= instrument.min_lots
        if lots:
            assert worth + ticks * instrument.tick_nanos * instrument.lot_nanos > micros * 10**12
