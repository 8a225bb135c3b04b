"""What a person asks for in one line: words and conditions, such as `crypto up/down 5m ends<2h`.

words                 all of them in question, slug, event or kind of market; `up/down` is `updown`
tag:NAME              the venue's tag, by slug or number
volume>N  liquidity>N at least so many dollars; 10k and 1.5m are fine
ends<SPAN             resolves within 30m, 2h, 7d
"""

from __future__ import annotations

import re
from typing import NamedTuple

from papertape.errors import InvalidInputError, nearest_match

HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}
TIMES = {"": 1, "k": 1_000, "m": 1_000_000}
CONDITIONS = ("tag:", "volume>", "liquidity>", "ends<")
EXAMPLE = "words, tag:NAME, volume>10k, liquidity>500 or ends<2h"

_AMOUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)([km]?)", re.ASCII)
_SPAN = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([mhd])", re.ASCII)
_TAG = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)
_CONDITION = re.compile(r"([a-z]+[:<>]=?)(.*)", re.ASCII)


class Query(NamedTuple):
    """A line, taken apart; a condition that was not said is 0, "" or None."""

    words: tuple[str, ...] = ()
    tag: str = ""
    volume_usd_min: int = 0
    liquidity_usd_min: int = 0
    ends_within_h: float | None = None


def parse_query(text: str) -> Query:
    """Return what a line asks for; raises InvalidInputError naming the part that is wrong."""
    words: list[str] = []
    said = Query()
    for part in text.lower().split():
        match = _CONDITION.fullmatch(part)
        if match is None:
            words.append(part.replace("/", ""))
            continue
        said = _with(said, match[1].removesuffix("="), match[2], part)
    return said._replace(words=tuple(words))


def _with(said: Query, condition: str, value: str, part: str) -> Query:
    if condition == "tag:" and _TAG.fullmatch(value):
        return said._replace(tag=value)
    if condition == "volume>" and (amount := _AMOUNT.fullmatch(value)):
        return said._replace(volume_usd_min=_dollars(amount))
    if condition == "liquidity>" and (amount := _AMOUNT.fullmatch(value)):
        return said._replace(liquidity_usd_min=_dollars(amount))
    if condition == "ends<" and (span := _SPAN.fullmatch(value)) and float(span[1]):
        return said._replace(ends_within_h=float(span[1]) * HOURS[span[2]])
    nearest = nearest_match(condition, CONDITIONS) or ""
    raise InvalidInputError("query", part, EXAMPLE, nearest=nearest)


def _dollars(amount: re.Match[str]) -> int:
    return round(float(amount[1]) * TIMES[amount[2]])
