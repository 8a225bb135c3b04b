"""What a search looks through and looks for: spaces, objectives, choosers."""

from __future__ import annotations

from random import Random

import pytest
from tests.research.market import Swing

from papertape.errors import ConfigError
from papertape.research.choosers import by_chance, make_chooser
from papertape.research.objectives import pareto, parse_objectives
from papertape.research.space import make_space
from papertape.strategies.base import Param


class Many(Swing):
    """Has parameters of every kind."""

    name = "many"
    params = (
        Param("fast", int, 5, 1, 1_000),
        Param("slow", int, 60, 1, 1_000),
        Param("edge", float, 0.5, 0, 100),
    )


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("5..8", (5, 6, 7, 8)),
        ("5..10:2", (5, 7, 9)),
        ("60,20,40", (60, 20, 40)),
        ("7", (7,)),
        ("1..1000:log4", (1, 10, 100, 1_000)),
        ("1..3:log9", (1, 2, 3)),
    ],
)
def test_ranges_of_whole_numbers(word: str, values: tuple[int, ...]) -> None:
    """Both ends are in, doubles of a rounded log range are not."""
    space = make_space(Many, {"fast": word})
    assert space.axes[0].values == values
    assert all(type(value) is int for value in space.axes[0].values)
    assert space.size == len(values)


def test_ranges_of_real_numbers_are_exact() -> None:
    """0.1 in steps of 0.1 is 0.3, not 0.30000000000000004."""
    space = make_space(Many, {"edge": "0.1..0.5:0.1"})
    assert space.axes[0].values == (0.1, 0.2, 0.3, 0.4, 0.5)
    logs = make_space(Many, {"edge": "0.01..100:log5"}).axes[0].values
    assert logs == pytest.approx((0.01, 0.1, 1, 10, 100))
    anywhere = make_space(Many, {"edge": "0.01..100:log", "fast": [3, 4]})
    assert anywhere.size is None
    drawn = [anywhere.draw(Random(seed)) for seed in range(200)]
    assert all(0.01 <= one["edge"] <= 100 and one["fast"] in (3, 4) for one in drawn)
    assert 60 < sum(one["edge"] < 1 for one in drawn) < 140  # half of the decades


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fats": "1..3"}, "did you mean 'fast'"),
        ({"fast": "9..3"}, "3 is not above 9"),
        ({"fast": "0..3"}, "not a whole number from 1 to 1000"),
        ({"fast": "1..5:0.5"}, "not a whole step"),
        ({"fast": "1..x"}, "is not a value, a list"),
        ({"fast": "1,1"}, "stands twice"),
        ({"edge": "0..1:log5"}, "begins above 0"),
        ({"edge": "1..2:log1"}, "is not as log5"),
        ({"edge": "0..100:0.0001"}, "more than 100,000 values"),
        ({"edge": "1..2"}, "a grid needs steps"),
        ({"fast": "1..1000", "slow": "1..1000", "edge": "1..2:0.1"}, "are more than 1,000,000"),
    ],
)
def test_spaces_that_cannot_be(given: dict[str, object], said: str) -> None:
    """The message names the parameter and what was expected."""
    with pytest.raises(ConfigError, match=said):
        list(make_space(Many, given).grid())


def test_a_grid_counts_and_chance_draws_from_it() -> None:
    """Every combination once; by chance none twice, the same for the same seed."""
    space = make_space(Many, {"fast": "1..3", "slow": "10,20", "edge": "0..1:0.5"})
    grid = list(space.grid())
    assert len(grid) == space.size == 18
    assert grid[:2] == [
        {"fast": 1, "slow": 10, "edge": 0.0}, {"fast": 1, "slow": 10, "edge": 0.5},
    ]  # fmt: skip
    drawn = by_chance(space, 10, 3)
    assert drawn == by_chance(space, 10, 3) != by_chance(space, 10, 4)
    assert len({tuple(one.values()) for one in drawn}) == 10
    assert sorted(map(str, by_chance(space, 99, 1))) == sorted(map(str, grid))
    assert len(by_chance(make_space(Many, {"edge": "0..1"}), 7, 1)) == 7


def test_objectives_and_the_front() -> None:
    """Names may lack their unit; the front is what nothing beats."""
    one, two = parse_objectives(["sharpe", "-max_drawdown"])
    assert (one.word, two.word) == ("sharpe", "-max_drawdown_pct")
    assert two.score({"max_drawdown_pct": 3.0}) == -3.0
    for bad in (["sharp"], ["sharpe", "-sharpe"]):
        with pytest.raises(ConfigError, match="--objective"):
            parse_objectives(bad)
    points = [(1.0, 5.0), (2.0, 4.0), (2.0, 3.0), None, (3.0, 1.0), (0.0, 5.0), (3.0, 1.0)]
    assert pareto(points) == [4, 6, 1, 0]


def test_a_chooser_needs_what_it_needs() -> None:
    """Words that do not go together."""
    space = make_space(Many, {"fast": "1..3"})
    goals = parse_objectives(())
    for kind, trials in (("grid", 5), ("annealing", None), ("random", 0)):
        with pytest.raises(ConfigError, match=r"--search|--trials"):
            make_chooser(kind, space, trials, 1, goals)
