"""Levels from bytes: what JSON and exact decimals say, or None; the same compiled and plain."""

from __future__ import annotations

import json
from array import array
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.forms import core_fixture

from papertape.feeds.polymarket.sides import Side

level_text = core_fixture("level_text")
module_scope = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

prices = st.integers(1, 9_999).map(lambda ticks: f"0.{ticks:04d}")
sizes = st.one_of(
    st.integers(0, 10**9).map(str),
    st.decimals(0, 10**8, places=6, allow_nan=False).map(lambda size: f"{size:f}"),
)


def text_of(levels: list[tuple[str, str]]) -> bytes:
    """Return levels as the venue writes them."""
    rows = [{"price": price, "size": size} for price, size in levels]
    return json.dumps(rows, separators=(",", ":")).encode()


@module_scope
@given(
    prices=st.lists(prices, unique=True, max_size=30).map(sorted),
    data=st.data(), rising=st.booleans(),
)  # fmt: skip
def test_the_levels_are_the_decimals_own(
    level_text: Any, prices: list[str], data: st.DataObject, rising: bool
) -> None:
    """Ticks exactly, lots cut below; levels under a lot are counted and left out."""
    levels = [(price, data.draw(sizes)) for price in prices]
    said = text_of(levels if rising else levels[::-1])
    ticks, lots, dust = level_text.read_levels(said, 1, 10_000, 4, 2, rising)
    exact = [
        (int(Decimal(price) * 10_000), int((Decimal(size) * 100).to_integral_value(ROUND_DOWN)))
        for price, size in levels
    ]
    assert list(zip(ticks, lots, strict=True)) == [(t, n) for t, n in exact if n]
    assert dust == sum(not n for _, n in exact)
    assert isinstance(ticks, array)


@pytest.mark.parametrize(
    "said",
    [
        b"", b"[", b"]", b"{}", b"null", b"[]]", b"[ ]", b'[{"price":"0.5","size":"1"}',
        b'[{"price":"0.5","size":"1"},]', b'[{"price":"0.5", "size":"1"}]',
        b'[{"size":"1","price":"0.5"}]', b'[{"price":"0.5","size":"1","x":1}]',
        b'[{"price":0.5,"size":"1"}]', b'[{"price":"-0.5","size":"1"}]',
        b'[{"price":"0.5","size":"1e9"}]', b'[{"price":".5","size":"1"}]',
        b'[{"price":"0.","size":"1"}]', b'[{"price":"0.5","size":""}]',
        b'[{"price":"0.5","size":"1.2.3"}]', b'[{"price":"0.505","size":"1"}]',
        b'[{"price":"0","size":"1"}]', b'[{"price":"1.0","size":"1"}]',
        b'[{"price":"0.5","size":"1"},{"price":"0.5","size":"2"}]',
        b'[{"price":"0.5","size":"1"},{"price":"0.4","size":"2"}]',
        b'[{"price":"0.5","size":"' + b"9" * 30 + b'"}]',
        b'[{"price":"0.5","size":"1"}]x', b"[" * 50, '[{"price":"0.5","size":"\u0661"}]'.encode(),
        b'[{"price":"0.5","size":"1',
    ],
)  # fmt: skip
def test_any_other_form_is_left_to_the_json_parser(level_text: Any, said: bytes) -> None:
    """None, never a guess."""
    assert level_text.read_levels(said, 100, 10_000, 4, 2, True) is None


@module_scope
@given(st.binary(max_size=80))
def test_no_bytes_break_it(level_text: Any, said: bytes) -> None:
    """Nothing raises, nothing is read beyond the end."""
    for text in (said, b'[{"price":"' + said, b'[{"price":"0.5","size":"' + said):
        level_text.read_levels(text, 1, 10_000, 4, 2, True)


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)), max_size=80))
def test_a_side_is_a_sorted_dictionary(changes: list[tuple[int, int]]) -> None:
    """Whatever is put: prices rise, no level is empty, totals are the newest."""
    side, model = Side(), dict[int, int]()
    for ticks, lots in changes:
        side.put(ticks, lots)
        model[ticks] = lots
        model = {price: total for price, total in model.items() if total}
        assert list(zip(side.ticks, side.lots, strict=True)) == sorted(model.items())
    assert side.same(Side.of(list(model), list(model.values())))
