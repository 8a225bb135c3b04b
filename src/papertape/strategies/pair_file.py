"""The file in which a person says that two questions of two venues are one and the same.

    pairs:
      - name: fed-december
        first: polymarket:fed-cut-december      # market ids; * stands for the same text in both
        second: kalshi:KXFEDDECISION-25DEC
        polarity: same                          # or inverse: YES of one is NO of the other
        confirmed_by: Jane Doe
        confirmed_on: 2026-06-30
        source: both resolve on the FOMC statement of that day
        deadline: both close 2026-12-10 19:00 UTC
        void: both pay 50/50 if there is no meeting

Likeness of titles proves nothing: most pairs that matchers find differ in hour, source or void
rule. A pair counts only when every one of these was compared and written down; any other is shown
as not confirmed, and is never traded.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from papertape.errors import ConfigError, nearest_match, shown

PAIRS_MAX = 1_000
BYTES_MAX = 1_000_000
STAR = "*"
WRITTEN = ("confirmed_by", "confirmed_on", "source", "deadline", "void")
"""What a person must have written down before a pair is one question."""


class QuestionPair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two markets that a person holds to be one question."""

    name: str
    first: str
    second: str
    polarity: Literal["same", "inverse"] | None = None
    confirmed_by: str = ""
    confirmed_on: date | None = None
    source: str = ""
    deadline: str = ""
    void: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Return what nobody has written down yet; nothing missing is a confirmed pair."""
        gaps = tuple(field for field in WRITTEN if not getattr(self, field))
        return gaps if self.polarity is not None else ("polarity", *gaps)

    def partner(self, market_id: str) -> str | None:
        """Return the market that this one is paired with, None if it is in neither place."""
        for mine, other in ((self.first, self.second), (self.second, self.first)):
            head, star, tail = mine.partition(STAR)
            if not star:
                if market_id == mine:
                    return other
            elif len(market_id) > len(head) + len(tail) and (
                market_id.startswith(head) and market_id.endswith(tail)
            ):
                return other.replace(STAR, market_id[len(head) : len(market_id) - len(tail)])
        return None


def read_pairs(path: Path) -> tuple[QuestionPair, ...]:
    """Return the pairs of a file; a mistake is named with the pair and the key."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise ConfigError(f"{path}: larger than {BYTES_MAX:,} bytes")
        text = path.read_text(encoding="utf-8")
        document = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    rows = document.get("pairs") if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(rows) > PAIRS_MAX:
        raise ConfigError(f"{path}: it needs `pairs:` with a list of at most {PAIRS_MAX:,} pairs")
    pairs = tuple(_pair(path, number, row) for number, row in enumerate(rows, start=1))
    names = [pair.name for pair in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{path}: two pairs are named {shown(twice)}")
    return pairs


def _pair(path: Path, number: int, row: Any) -> QuestionPair:
    where = f"{path}: pair {number}"
    if isinstance(row, dict):
        known = QuestionPair.__struct_fields__
        for key in row:
            if key not in known:
                near = nearest_match(str(key), known)
                hint = f"; did you mean {near}?" if near else f"; it may have {', '.join(known)}"
                raise ConfigError(f"{where}: no key {shown(key)}{hint}")
    try:
        pair = msgspec.convert(row, QuestionPair)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from error
    if pair.first.partition(":")[0] == pair.second.partition(":")[0] and pair.first == pair.second:
        raise ConfigError(f"{where}: first and second are the same market")
    if (STAR in pair.first) != (STAR in pair.second) or pair.first.count(STAR) > 1:
        raise ConfigError(f"{where}: a * stands in both markets, once each, or in neither")
    if pair.second.count(STAR) > 1:
        raise ConfigError(f"{where}: a * stands in both markets, once each, or in neither")
    return pair
