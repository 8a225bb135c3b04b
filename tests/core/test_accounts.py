"""The books: conservation after anything, averages that stay, costs that leave whole."""

from __future__ import annotations

from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.forms import core_fixture

from papertape.errors import AccountsBrokenError

accounts = core_fixture("accounts")
both = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

KEY = ("s", "YES")
UNIT = 1_000_000  # micros of 1.00


def conserved(books: Any) -> None:
    """Hold the books against the law, position by position."""
    held = sum(position.cost_micros for position in books.positions.values())
    assert held == books.cost_micros
    want = books.initial_micros + books.realized_micros - books.fees_micros
    assert books.cash_micros + held == want
    for position in books.positions.values():
        assert position.quantity_lots >= 0
        assert position.quantity_lots or not position.cost_micros


def test_partial_close_keeps_the_average(accounts: ModuleType) -> None:
    """Buy 10 at 1, sell 5 at 2: realised 5, average still 1."""
    books = accounts.Accounts(100 * UNIT)
    books.fill(KEY, True, 1_000, 10 * UNIT, 0, 1)
    cost, realized = books.fill(KEY, False, 500, 10 * UNIT, 0, 2)
    position = books.positions[KEY]
    assert (cost, realized) == (-5 * UNIT, 5 * UNIT)
    assert (position.quantity_lots, position.cost_micros) == (500, 5 * UNIT)
    assert books.realized_micros == 5 * UNIT
    assert books.cash_micros == 100 * UNIT


actions = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "settle", "merge", "convert"]),
        st.integers(0, 2),  # which instrument
        st.integers(1, 10**7),  # lots, or a share of what is held
        st.integers(0, 10**12),  # notional
        st.integers(0, 10**7),  # fee
    ),
    max_size=60,
)


def act(accounts: ModuleType, books: Any, action: tuple[str, int, int, int, int]) -> None:
    """Do one thing to the books if it can be done."""
    what, which, lots, notional, fee = action
    symbols = ("A", "B", "C")
    key = ("s", symbols[which])
    held = books.held_lots(key)
    if what == "buy":
        books.fill(key, True, lots, notional, fee, 1)
    elif what == "sell" and held:
        books.fill(key, False, lots % held + 1, notional, fee, 1)
    elif what == "settle" and held:
        cost = books.positions[key].cost_micros
        released, realized = books.leave(key, held, notional, 1)
        assert (released, realized) == (cost, notional - cost)
    elif what in ("merge", "convert"):
        least = min(books.held_lots(("s", symbol)) for symbol in symbols[:2])
        if least:
            lots = lots % least + 1
            parts = [
                (symbol, -lots, -books.positions["s", symbol].released_cost(lots))
                for symbol in symbols[:2]
            ]
            left = -sum(part[2] for part in parts) // 2 if what == "convert" else 0
            if what == "convert":
                parts.append(("C", lots, left))
            realized = books.exchange("s", parts, notional, 1)
            assert realized == notional + sum(part[2] for part in parts)


@both
@given(actions)
def test_conservation_after_anything(
    accounts: ModuleType, doing: list[tuple[str, int, int, int, int]]
) -> None:
    books = accounts.Accounts(10_000 * UNIT)
    for action in doing:
        act(accounts, books, action)
        conserved(books)
        for key in list(books.positions):
            books.close_if_flat(key)
        conserved(books)


@both
@given(
    st.integers(1, 10**9),
    st.integers(0, 10**12),
    st.lists(st.integers(1, 10**9), min_size=1, max_size=30),
)
def test_selling_out_in_any_steps_releases_all_cost(
    accounts: ModuleType, lots: int, cost: int, steps: list[int]
) -> None:
    books = accounts.Accounts(10_000 * UNIT)
    books.fill(KEY, True, lots, cost, 0, 1)
    released = 0
    for step in [*steps, lots]:
        left = books.held_lots(KEY)
        if not left:
            break
        part = min(step, left)
        exact = Fraction(books.positions[KEY].cost_micros * part, left)
        moved, _ = books.fill(KEY, False, part, 0, 0, 1)
        assert abs(-moved - exact) <= Fraction(1, 2)
        released -= moved
    if not books.held_lots(KEY):
        assert released == cost
        assert books.close_if_flat(KEY) == -cost


def test_a_round_trip_is_told_after_its_fees(accounts: ModuleType) -> None:
    books = accounts.Accounts(100 * UNIT)
    books.fill(KEY, True, 100, 10 * UNIT, 30, 1)
    assert books.close_if_flat(KEY) is None
    books.fill(KEY, False, 100, 10 * UNIT, 40, 2)
    assert books.close_if_flat(KEY) == -70
    assert books.close_if_flat(KEY) is None
    assert books.cash_micros == 100 * UNIT - 70


@pytest.mark.parametrize("lots", [0, -1, 101, 10**30])
def test_more_than_is_held_never_leaves(accounts: ModuleType, lots: int) -> None:
    books = accounts.Accounts(100 * UNIT)
    with pytest.raises(AccountsBrokenError):
        books.fill(KEY, False, 100, UNIT, 0, 1)
    books.fill(KEY, True, 100, UNIT, 0, 1)
    with pytest.raises((AccountsBrokenError, OverflowError)):
        books.fill(KEY, False, lots, UNIT, 0, 1)
    assert books.held_lots(KEY) == 100
    conserved(books)


def test_what_overflows_changes_nothing(accounts: ModuleType) -> None:
    books = accounts.Accounts(100 * UNIT)
    books.fill(KEY, True, 100, 2**62, 0, 1)
    before = (books.cash_micros, books.positions[KEY].values())
    with pytest.raises(OverflowError):
        books.fill(KEY, True, 100, 2**62, 2**62, 1)
    assert (books.cash_micros, books.positions[KEY].values()) == before
    conserved(books)


def test_broken_books_are_noticed(accounts: ModuleType) -> None:
    books = accounts.Accounts(100)
    books.cash_micros += 1
    with pytest.raises(AccountsBrokenError, match="101 micros where 100"):
        books.check()


@pytest.mark.parametrize(
    ("payout", "micros"), [(1_000_000, 12_340_000), (500_000, 6_170_000), (0, 0)]
)
def test_settlement_pays_per_share(accounts: ModuleType, payout: int, micros: int) -> None:
    assert accounts.settlement_micros(1_234, 10_000_000, payout) == micros
