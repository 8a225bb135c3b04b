"""What Polymarket (international) charged takers, by category and date.

Used where a recording carries no fee schedule of its own; a live market's own `feeSchedule` always
goes first. Rates in parts per million of shares x p x (1-p); makers pay nothing.
Sources: docs.polymarket.com/trading/fees (copies of 2026-04-14, 2026-08/09 and 2026-10-02) and
`feeSchedule` objects of recorded markets.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, get_args

import msgspec

from papertape.errors import InvalidInputError, nearest_match
from papertape.model.instrument import FeeSchedule

Category = Literal[
    "crypto",
    "crypto_15m",
    "sports",
    "finance",
    "politics",
    "mentions",
    "tech",
    "economics",
    "culture",
    "weather",
    "general",
    "geopolitics",
]

SOURCE = "docs.polymarket.com/trading/fees"


class _Step(msgspec.Struct, frozen=True):
    """A rate in force from a date on."""

    since: date
    taker_ppm: int
    rebate_ppm: int
    exponent: int = 1


def _flat(taker_ppm: int) -> tuple[_Step, ...]:
    return (_Step(date(2026, 3, 30), taker_ppm, 250_000),)


_CRYPTO = (_Step(date(2026, 3, 6), 72_000, 200_000), _Step(date(2026, 7, 1), 70_000, 200_000))

# When exactly the crypto rate fell from 0.072 to 0.07 is not published: copies of the table show
# 0.072 in April and recorded markets 0.07 on 2026-07-24; July 1 is the earliest likely day.
_STEPS: dict[Category, tuple[_Step, ...]] = {
    "crypto": _CRYPTO,
    "crypto_15m": (_Step(date(2026, 1, 5), 250_000, 200_000, 2), *_CRYPTO),
    "sports": (
        _Step(date(2026, 2, 18), 30_000, 250_000),
        _Step(date(2026, 7, 10), 50_000, 150_000),
    ),
    "finance": _flat(40_000),
    "politics": _flat(40_000),
    "mentions": _flat(40_000),
    "tech": _flat(40_000),
    "economics": _flat(50_000),
    "culture": _flat(50_000),
    "weather": _flat(50_000),
    "general": _flat(50_000),
    "geopolitics": (),
}


def fee_for(category: str, on: date) -> FeeSchedule:
    """Return the schedule of a market of `category` that was listed on a day (UTC).

    A market keeps the schedule of its listing. Before fees began, and for geopolitics, it is free.
    """
    steps = _STEPS.get(category)  # type: ignore[call-overload]
    if steps is None:
        known = get_args(Category)
        nearest = nearest_match(category, known)
        raise InvalidInputError("category", category, "one of " + ", ".join(known), nearest=nearest)
    step = next((step for step in reversed(steps) if step.since <= on), None)
    if step is None:
        return FeeSchedule(kind="none", dated=on.isoformat(), source=SOURCE)
    return FeeSchedule(
        kind="curve",
        taker_ppm=step.taker_ppm,
        exponent=step.exponent,
        rebate_ppm=step.rebate_ppm,
        dated=step.since.isoformat(),
        source=SOURCE,
    )
