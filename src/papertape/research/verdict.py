"""Is the best of many tries more than the best of as many coin flips? In figures and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from papertape.clock import NS_PER_S
from papertape.research.formulas import deviation, sharpe
from papertape.research.luck import (
    LEVEL,
    Moments,
    expected_max_sharpe,
    independent_trials,
    overfitting,
    probability_above,
    track_record_periods,
)
from papertape.research.metrics import YEAR_S
from papertape.research.words import duration, number

LOSS_MAX = 0.10  # of splits whose best try loses out of sample, to be called more than luck
CHOICE_HELPS_MAX = 0.10  # probability of overfitting up to which choosing is said to help
CHOICE_BLIND_MIN = 0.40  # and from which it is said not to: a coin has 0.5
PAIRS_SHOWN = 400  # dots of splits in a report
PERIODS_MIN = 8  # returns, to say anything at all

Grade = Literal["more", "unclear", "luck", "unknown"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the luck in a search. Sharpe ratios per year; probabilities in percent.

    by_luck: the best Sharpe ratio that as many tries without skill would have. skill_pct: that the
    best one's is above 0 if it had been the only try; deflated_pct: that it is above what luck
    gives; deflated_independent_pct: the same for as many tries as were independent. needed_s: how
    long such a ratio must be held to be above 0 at 95 %. overfitting_pct, loss_pct, slope, pairs:
    see `luck.Overfitting`.
    """

    tries: int
    periods: int
    step_s: int
    independent: float | None = None
    sharpe: float | None = None
    by_luck: float | None = None
    skill_pct: float | None = None
    deflated_pct: float | None = None
    deflated_independent_pct: float | None = None
    needed_s: float | None = None
    overfitting_pct: float | None = None
    loss_pct: float | None = None
    slope: float | None = None
    blocks: int | None = None
    pairs: tuple[tuple[float, float], ...] = ()
    grade: Grade = "unknown"
    words: tuple[str, ...] = ()


def judge(returns: Sequence[Sequence[float]], best: int, step_ns: int) -> Verdict:
    """Return the verdict on the try at place `best` among all.

    returns: per period of `step_ns`, of each try, equally long.
    """
    step_s = step_ns // NS_PER_S
    bare = Verdict(tries=len(returns), periods=len(returns[best]) if returns else 0, step_s=step_s)
    moments = Moments.of(returns[best]) if returns else None
    if moments is None or bare.periods < PERIODS_MIN:
        words = ("Nothing can be said about luck: the best try has too few returns that vary.",)
        return msgspec.structs.replace(bare, words=words)
    ratios = [sharpe(one, 1.0) or 0.0 for one in returns]
    variance = (deviation(ratios) or 0.0) ** 2
    luck = expected_max_sharpe(len(returns), variance)
    independent = independent_trials(returns)
    fewer = expected_max_sharpe(independent or 1.0, variance)
    split = overfitting(returns)
    year = math.sqrt(YEAR_S / step_s)
    needed = track_record_periods(moments)
    found = msgspec.structs.replace(
        bare,
        independent=independent,
        sharpe=moments.ratio * year,
        by_luck=luck * year,
        skill_pct=_percent(probability_above(moments)),
        deflated_pct=_percent(probability_above(moments, luck)),
        deflated_independent_pct=_percent(probability_above(moments, fewer)),
        needed_s=None if needed is None else needed * step_s,
    )
    if split is not None:
        stride = -(-len(split.pairs) // PAIRS_SHOWN)
        found = msgspec.structs.replace(
            found,
            overfitting_pct=100 * split.probability,
            loss_pct=100 * split.loss,
            slope=split.slope,
            blocks=split.blocks,
            pairs=tuple((x * year, y * year) for x, y in split.pairs[::stride]),
        )
    found = msgspec.structs.replace(found, grade=_grade(found))
    return msgspec.structs.replace(found, words=tuple(_words(found)))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _grade(found: Verdict) -> Grade:
    if found.deflated_pct is None:
        return "unknown"
    if found.deflated_pct < 50:
        return "luck"
    steady = found.loss_pct is None or found.loss_pct <= 100 * LOSS_MAX
    return "more" if found.deflated_pct >= 100 * LEVEL and steady else "unclear"


def _words(found: Verdict) -> list[str]:
    count = f"{found.tries:,}"
    flips = "one coin flip" if found.tries == 1 else f"the best of {count} coin flips"
    heads = {
        "more": f"The best result is more than {flips}.",
        "unclear": f"It is not shown that the best result is more than {flips}.",
        "luck": f"The best result is no more than {flips}.",
        "unknown": f"Whether the best result is more than {flips} cannot be said.",
    }
    words = [heads[found.grade]]
    if found.sharpe is not None and found.deflated_pct is not None:
        words.append(
            f"{count} tries without any skill, spread as these are, would have had a best Sharpe "
            f"ratio of about {number(found.by_luck or 0.0)} a year; the best here has "
            f"{number(found.sharpe)}. The probability that it is above luck is "
            f"{percent_text(found.deflated_pct)} (deflated Sharpe ratio; 95 % would be called more "
            "than luck)."
        )
    if found.sharpe is not None and found.sharpe <= 0:
        words.append("The best try earned nothing: whatever was tried here lost or stood still.")
    words += _about_likeness(found) + _about_choice(found) + _about_length(found)
    return words


def _about_likeness(found: Verdict) -> list[str]:
    if found.independent is None or found.independent > 0.5 * found.tries or found.tries < 4:
        return []
    return [
        f"Many of the tries resemble each other: they are worth about "
        f"{number(found.independent, 0)} independent ones. Counted so, the probability is "
        f"{percent_text(found.deflated_independent_pct)}."
    ]


def _about_choice(found: Verdict) -> list[str]:
    if found.overfitting_pct is None or found.loss_pct is None:
        return []
    share = found.overfitting_pct / 100
    meaning = (
        "what was best in one half stayed among the better ones"
        if share <= CHOICE_HELPS_MAX
        else "choosing the best told nothing about the other half"
        if share >= CHOICE_BLIND_MIN
        else "choosing the best helped, but not surely"
    )
    return [
        f"With time split into halves in every way ({found.blocks} blocks), the best of one half "
        f"was among the lower half of all tries in the other half in "
        f"{percent_text(found.overfitting_pct)} of the splits (probability of backtest "
        f"overfitting; a coin has 50 %): {meaning}. It lost money there in "
        f"{percent_text(found.loss_pct)}."
    ]


def _about_length(found: Verdict) -> list[str]:
    if found.needed_s is None:
        return []
    have_s = found.periods * found.step_s
    judged = "which is enough" if have_s >= found.needed_s else "which is too short"
    return [
        f"Even tried alone, such a Sharpe ratio needs {duration(found.needed_s)} to be above 0 at "
        f"95 %; the data has {duration(have_s)}, {judged}."
    ]


def percent_text(value: float | None) -> str:
    """Return a probability; near the ends it is not said more exactly than it is known."""
    if value is None:
        return "not known"
    if value < 0.1:
        return "under 0.1 %"
    return "over 99.9 %" if value > 99.9 else f"{value:.1f} %"
