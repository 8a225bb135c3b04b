"""The contract of orders and matching: events in, records out, live and in a backtest."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.desk import folded
from tests.execution.scenario_file import Scenario, read_scenarios
from tests.execution.scenario_runs import backtest, live

SCENARIOS = read_scenarios()
OF_ONE = [one for one in SCENARIOS if not any(" by " in step for step in one.steps)]


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(SCENARIOS) >= 90
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)
    assert all(one.expected for one in SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_live(scenario: Scenario) -> None:
    desk, lines = live(scenario)
    assert lines == scenario.expected
    assert folded(desk.ledger).digest() == desk.view.digest()


@pytest.mark.parametrize("scenario", OF_ONE, ids=lambda one: one.name)
def test_backtest(scenario: Scenario, tmp_path: Path) -> None:
    assert backtest(scenario, tmp_path) == scenario.expected
