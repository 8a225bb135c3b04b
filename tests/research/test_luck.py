"""Statistics of luck: the papers' own examples, simulated noise, and what may never happen."""

from __future__ import annotations

import json
import math
import random
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.errors import InvalidInputError
from papertape.research import luck, splits

CASES = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))["cases"]
DAYS = 250
PAPER = luck.Moments(count=1_250, ratio=2.5 / math.sqrt(DAYS), skew=-3.0, tail=10.0)


def noise(tries: int, periods: int, seed: int, edge: float = 0.0) -> list[list[float]]:
    """Return independent returns of 1 % deviation; the first try earns `edge` a period."""
    dice = random.Random(seed)
    return [
        [dice.gauss(0.0 if one else edge, 0.01) for _ in range(periods)] for one in range(tries)
    ]


def test_the_probabilistic_sharpe_ratio_by_hand() -> None:
    """The published formula, with moments computed here in another way."""
    returns = CASES[0]["returns"]
    n = len(returns)
    centre = sum(returns) / n
    moments = [sum((r - centre) ** k for r in returns) / n for k in (2, 3, 4)]
    ratio = centre / math.sqrt(moments[0] * n / (n - 1))
    skew, tail = moments[1] / moments[0] ** 1.5, moments[2] / moments[0] ** 2
    z = ratio * math.sqrt(n - 1) / math.sqrt(1 - skew * ratio + (tail - 1) / 4 * ratio**2)
    expected = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    assert luck.probabilistic_sharpe(returns) == pytest.approx(expected, rel=1e-9)


def test_the_deflated_sharpe_ratio_of_the_paper() -> None:
    """Bailey & Lopez de Prado (2014): 2.5 a year, 5 years of days, 100 tries of variance 1/2."""
    benchmark = luck.expected_max_sharpe(100, 0.5 / DAYS)
    assert benchmark == pytest.approx(0.1132, abs=5e-5)
    assert luck.probability_above(PAPER, benchmark) == pytest.approx(0.9004, abs=5e-5)
    # with 46 tries it would have been 0.95, and with normal returns 88 would do
    fewer = luck.expected_max_sharpe(46, 0.5 / DAYS)
    assert luck.probability_above(PAPER, fewer) == pytest.approx(0.9505, abs=5e-5)
    normal = luck.Moments(count=1_250, ratio=PAPER.ratio, skew=0.0, tail=3.0)
    fewer = luck.expected_max_sharpe(88, 0.5 / DAYS)
    assert luck.probability_above(normal, fewer) == pytest.approx(0.9505, abs=5e-5)


@pytest.mark.parametrize(("periods", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_the_minimum_track_record_of_the_paper(periods: int, years: float) -> None:
    """Bailey & Lopez de Prado (2012): a ratio of 2 a year against 1, at 95 %, normal returns."""
    moments = luck.Moments(count=9, ratio=2 / math.sqrt(periods), skew=0.0, tail=3.0)
    needed = luck.track_record_periods(moments, 1 / math.sqrt(periods))
    assert needed is not None
    assert needed / periods == pytest.approx(years, abs=5e-3)
    held = luck.Moments(count=math.ceil(needed), ratio=moments.ratio, skew=0.0, tail=3.0)
    reached = luck.probability_above(held, 1 / math.sqrt(periods))
    assert reached == pytest.approx(0.95, abs=1e-3)
    assert luck.track_record_periods(moments, 2 / math.sqrt(periods)) is None


def test_the_best_of_many_coin_flips_is_what_was_expected() -> None:
    """Against a simulation: the mean of the highest of N standard normals."""
    dice = random.Random(3)
    for count in (10, 100):
        best = mean(max(dice.gauss(0, 1) for _ in range(count)) for _ in range(4_000))
        assert luck.expected_max_sharpe(count, 1.0) == pytest.approx(best, rel=0.03)
    assert luck.expected_max_sharpe(1, 0.5) == 0.0


def test_the_deflated_sharpe_ratio_is_not_fooled_by_the_best_of_noise() -> None:
    """The best of 50 coin flips looks good alone; deflated, hardly one in twenty passes."""
    alone = deflated = 0
    for seed in range(60):
        tries = noise(50, 120, seed)
        ratios = [mean(one) / stdev(one) for one in tries]
        best = tries[max(range(50), key=ratios.__getitem__)]
        alone += (luck.probabilistic_sharpe(best) or 0) >= luck.LEVEL
        deflated += (luck.deflated_sharpe(best, ratios) or 0) >= luck.LEVEL
    assert alone > 45
    assert deflated <= 3
    real = noise(50, 500, 1, edge=0.004)
    ratios = [mean(one) / stdev(one) for one in real]
    assert (luck.deflated_sharpe(real[0], ratios) or 0) > luck.LEVEL


def test_overfitting_of_noise_is_a_coin_flip_and_of_skill_is_none() -> None:
    """Without skill the best in sample is anything out of sample; with skill it stays ahead."""
    found = [luck.overfitting(noise(12, 160, seed), 8) for seed in range(40)]
    chances = [one.probability for one in found if one is not None]
    assert mean(chances) == pytest.approx(0.5, abs=0.06)
    skilled = luck.overfitting(noise(12, 160, 1, edge=0.008), 8)
    assert skilled is not None
    assert skilled.probability == 0.0
    assert skilled.loss == 0.0
    assert len(skilled.pairs) == math.comb(8, 4)


def test_overfitting_by_a_slow_way() -> None:
    """Every split written out, with the standard library's deviation, and ranks by sorting."""
    tries = noise(7, 33, 5)  # 33 periods in 4 blocks: the first is left out
    blocks = [range(1 + 8 * b, 9 + 8 * b) for b in range(4)]
    worse, losing, pairs = 0, 0, set()
    for chosen in combinations(range(4), 2):
        inside = [t for b in chosen for t in blocks[b]]
        outside = [t for b in range(4) if b not in chosen for t in blocks[b]]
        ratios = [
            [mean(one[t] for t in part) / stdev(one[t] for t in part) for one in tries]
            for part in (inside, outside)
        ]
        best = ratios[0].index(max(ratios[0]))
        rank = sorted(ratios[1]).index(ratios[1][best]) + 1
        worse += rank / 8 <= 0.5
        losing += ratios[1][best] < 0
        pairs.add((round(ratios[0][best], 9), round(ratios[1][best], 9)))
    found = luck.overfitting(tries, 4)
    assert found is not None
    assert found.probability == worse / 6
    assert found.loss == losing / 6
    assert {(round(x, 9), round(y, 9)) for x, y in found.pairs} == pairs


def test_overfitting_needs_something_to_choose_from() -> None:
    """One try or too little time say nothing; tries that do nothing are in the middle."""
    assert luck.overfitting([]) is None
    assert luck.overfitting(noise(1, 100, 1)) is None
    assert luck.overfitting(noise(5, 7, 1)) is None
    idle = luck.overfitting([[0.0] * 40, [0.0] * 40, [0.0] * 40])
    assert idle is not None
    assert idle.probability == 1.0  # the middle of three is no more than the middle
    assert idle.slope is None
    assert luck.block_count(1_000, 1_000) == 14
    assert luck.block_count(200, 1_000) == 16
    assert luck.block_count(10**6, 1_000) == 4


def test_correlated_tries_count_for_fewer() -> None:
    """Copies of one try are one, independent ones as many as they are."""
    one = noise(1, 2_000, 4)[0]
    assert luck.independent_trials([one] * 30) == pytest.approx(1.0)
    apart = luck.independent_trials(noise(30, 2_000, 4))
    assert apart == pytest.approx(30, rel=0.02)
    assert luck.independent_trials([[0.0] * 10]) is None
    assert luck.independent_trials([one, [0.0] * 2_000]) == 1.0


# --- splits -------------------------------------------------------------------------------------


def test_windows_roll_and_stay_anchored() -> None:
    """What is judged follows what is searched, and is judged once."""
    rolling = splits.windows(100, train=40, test=15)
    assert [one.test[0] for one in rolling] == [(40, 55), (55, 70), (70, 85), (85, 100)]
    assert [one.train[0] for one in rolling] == [(0, 40), (15, 55), (30, 70), (45, 85)]
    anchored = splits.windows(100, train=40, test=15, anchored=True)
    assert [one.train[0] for one in anchored] == [(0, 40), (0, 55), (0, 70), (0, 85)]
    assert [one.test for one in anchored] == [one.test for one in rolling]
    with pytest.raises(InvalidInputError, match="the data has 100 periods"):
        splits.windows(100, train=90, test=15)
    with pytest.raises(InvalidInputError, match="at most 1,000"):
        splits.windows(10_000, train=10, test=1)


def test_purged_folds_by_hand() -> None:
    """Four folds of ten; one period purged on both sides, two more after for the embargo."""
    found = splits.purged_folds(40, 4, purge=1, embargo=2)
    assert [one.test for one in found] == [((0, 10),), ((10, 20),), ((20, 30),), ((30, 40),)]
    assert [one.train for one in found] == [
        ((13, 40),), ((0, 9), (23, 40)), ((0, 19), (33, 40)), ((0, 29),),
    ]  # fmt: skip


@given(
    count=st.integers(12, 200),
    number=st.integers(2, 7),
    judged=st.integers(1, 3),
    purge=st.integers(0, 3),
    embargo=st.integers(0, 3),
)
def test_nothing_judged_is_searched(
    count: int, number: int, judged: int, purge: int, embargo: int
) -> None:
    """However time is split: no overlap, room on both sides, nothing else lost."""
    if judged >= number:
        return
    try:
        found = splits.purged_combinations(count, number, judged, purge=purge, embargo=embargo)
    except InvalidInputError:
        assert count / number <= purge * 2 + embargo + 1 or judged == number - 1
        return
    assert len(found) == math.comb(number, judged)
    for one in found:
        test = {t for start, end in one.test for t in range(start, end)}
        train = {t for start, end in one.train for t in range(start, end)}
        kept_out = {
            t + shift
            for start, end in one.test
            for t in range(start, end)
            for shift in range(-purge, purge + embargo + 1)
        }
        assert train == set(range(count)) - kept_out
        assert not train & test


def test_every_path_sees_every_fold_once() -> None:
    """Six folds, two judged: five paths, each split's folds on one path each."""
    found = splits.paths(6, 2)
    assert len(found) == 5
    assert all([fold for fold, _ in path] == list(range(6)) for path in found)
    used = [step for path in found for step in path]
    assert len(set(used)) == len(used) == 2 * math.comb(6, 2)
