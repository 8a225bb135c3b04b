"""Splits of time into what is searched and what is judged: windows that roll on, purged folds.

All are ranges of places [start, end) in a series of `count` periods; periods are times the length
of one return. What is judged is never searched in the same split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import comb

import msgspec

from papertape.errors import InvalidInputError

SPLITS_MAX = 1_000  # in one study: beyond it, the search takes longer than anyone waits

Span = tuple[int, int]


class Split(msgspec.Struct, frozen=True):
    """One split: spans that are searched, spans that are judged, both in order of time."""

    train: tuple[Span, ...]
    test: tuple[Span, ...]


def windows(
    count: int, *, train: int, test: int, step: int = 0, anchored: bool = False
) -> list[Split]:
    """Return splits that walk forward: search `train` periods, judge the `test` after them.

    step: how far each split is from the one before; `test` when 0, so that what is judged is whole
    and without overlap. anchored: every search begins at the beginning, and grows. Source: Pardo
    (2008), The Evaluation and Optimization of Trading Strategies, walk-forward analysis.
    """
    step = step or test
    for name, value in (("train", train), ("test", test), ("step", step)):
        if value < 1:
            raise InvalidInputError(name, value, "at least one period")
    if train + test > count:
        expected = f"shorter with the test of {test}: the data has {count} periods"
        raise InvalidInputError("train", f"{train} periods", expected)
    number = (count - train - test) // step + 1
    if number > SPLITS_MAX:
        raise InvalidInputError("step", f"{number:,} windows", f"at most {SPLITS_MAX:,}")
    found = []
    for index in range(number):
        middle = train + index * step
        begin = 0 if anchored else middle - train
        found.append(Split(train=((begin, middle),), test=((middle, middle + test),)))
    return found


def folds(count: int, number: int) -> list[Span]:
    """Return `number` spans of time that follow each other, as equal as they can be."""
    if not 2 <= number <= count:
        raise InvalidInputError("folds", number, f"from 2 to {count}")
    ends = [count * place // number for place in range(number + 1)]
    return list(pairwise(ends))


def purged_folds(count: int, number: int, *, purge: int = 0, embargo: int = 0) -> list[Split]:
    """Return one split per fold: that fold is judged, the rest is searched, purged and embargoed.

    purge: periods left out of the search on both sides of what is judged, as long as a decision
    takes to come out. embargo: periods left out after it besides, because what follows remembers
    it. Source: Lopez de Prado (2018), Advances in Financial Machine Learning, section 7.4.
    """
    return purged_combinations(count, number, 1, purge=purge, embargo=embargo)


def purged_combinations(
    count: int, number: int, judged: int, *, purge: int = 0, embargo: int = 0
) -> list[Split]:
    """Return one split per choice of `judged` out of `number` folds.

    Source: Lopez de Prado (2018), section 12.3, combinatorial purged cross-validation.
    """
    spans = folds(count, number)
    if not 1 <= judged < number:
        raise InvalidInputError("judged", judged, f"from 1 to {number - 1} of {number} folds")
    for name, value in (("purge", purge), ("embargo", embargo)):
        if value < 0:
            raise InvalidInputError(name, value, "0 or more periods")
    if comb(number, judged) > SPLITS_MAX:
        raise InvalidInputError("folds", f"{comb(number, judged):,} splits", f"{SPLITS_MAX:,}")
    found = []
    for chosen in combinations(range(number), judged):
        test = _joined([spans[place] for place in chosen])
        train = tuple(_rest(count, test, purge, purge + embargo))
        if not train:
            expected = f"short enough to leave something of {count} periods to search"
            raise InvalidInputError("purge", f"{purge} and embargo {embargo}", expected)
        found.append(Split(train=train, test=tuple(test)))
    return found


def paths(number: int, judged: int) -> list[list[tuple[int, int]]]:
    """Return the paths through all folds that the splits of `purged_combinations` give.

    Each path names, fold by fold, (fold, split that judges it there); there are
    C(number - 1, judged - 1) of them, and no split judges a fold on two paths.
    Source: Lopez de Prado (2018), section 12.4.
    """
    taken = [0] * number
    found: list[list[tuple[int, int]]] = [[] for _ in range(comb(number - 1, judged - 1))]
    for split, chosen in enumerate(combinations(range(number), judged)):
        for fold in chosen:
            found[taken[fold]].append((fold, split))
            taken[fold] += 1
    return [sorted(path) for path in found]


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return spans with neighbours made one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _rest(count: int, test: Sequence[Span], before: int, after: int) -> Iterator[Span]:
    """Yield what is left of time around spans, with room before and after each."""
    begin = 0
    for start, end in test:
        if start - before > begin:
            yield begin, start - before
        begin = max(begin, end + after)
    if begin < count:
        yield begin, count
