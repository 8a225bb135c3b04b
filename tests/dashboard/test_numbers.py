"""The formatter shared with the browser: same cases, same text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.dashboard import numbers

CASES = json.loads((Path(__file__).parent.parent / "data" / "format_cases.json").read_text())
NAMES = {"age_ms": numbers.age, "countdown_ms": numbers.countdown}


@pytest.mark.parametrize("name", [name for name in CASES if name != "about"])
def test_cases_of_both_sides(name: str) -> None:
    form = NAMES.get(name) or getattr(numbers, name)
    assert [form(value) for value, _ in CASES[name]] == [text for _, text in CASES[name]]


@given(st.integers(-(10**15), 10**15))
def test_money_shows_no_more_and_no_less_than_its_cents(cents: int) -> None:
    text = numbers.money(cents / 100 if abs(cents) < 10**13 else cents // 100)
    back = text.replace(",", "").replace(numbers.MINUS, "-")
    if abs(cents) < 10**13:
        assert round(float(back) * 100) == cents


def test_what_is_no_number_has_no_figure() -> None:
    assert numbers.money(float("nan")) == numbers.NO_VALUE
    assert numbers.percent(float("inf")) == numbers.NO_VALUE
    assert numbers.age(None) == numbers.NO_VALUE
