"""Errors of papertape: each says what was wrong, where, and what was expected.

Exit codes are a promise: 1 the check failed, 2 wrong usage or config, 3 already running or not
running, 4 data from a newer version, 5 the outside world (disk, network, port).
"""

from __future__ import annotations

from collections import deque
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

VALUE_CHARS_MAX = 80  # of a bad value shown back to the person: enough to recognise it
NEAR_WORDS_MAX = 200  # newest words that a misspelt one is compared with: some milliseconds
NEAR_CHARS_MAX = 100  # of the misspelt word


class PapertapeError(Exception):
    """Base of every error that a person can cause or meet."""

    exit_code: ClassVar[int] = 1


class CheckFailedError(PapertapeError):
    """A check that was asked for found a difference."""

    exit_code = 1


class ConfigError(PapertapeError):
    """Wrong usage or configuration."""

    exit_code = 2


class RunningError(PapertapeError):
    """Already running, or not running when it should be."""

    exit_code = 3


class NewerDataError(PapertapeError):
    """The data folder was written by a newer papertape."""

    exit_code = 4


class WorldError(PapertapeError):
    """Disk, network, port or a file from outside."""

    exit_code = 5


class LedgerDamagedError(WorldError):
    """A ledger file that is not ours, or not whole; it is left untouched."""


class LedgerFailedError(WorldError):
    """The ledger can no longer record: nothing may be traded from here on."""


class AccountsBrokenError(PapertapeError):
    """The books do not conserve: a mistake of ours, so trading halts at once."""


MISSING = object()
"""Stands for a value that was not given at all."""


class InvalidInputError(PapertapeError, ValueError):
    """One value that cannot be taken, with the field it stood in."""

    exit_code = 2

    def __init__(self, field: str, value: object, expected: str, *, nearest: str = "") -> None:
        """Keep the parts, so that an API can name the field and a page can show the hint."""
        self.field = field
        self.value = "" if value is MISSING else shown(value)
        self.expected = expected
        self.nearest = nearest
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        said = "missing, expected" if value is MISSING else f"{self.value} is not"
        super().__init__(f"{field}: {said} {expected}{hint}")


def shown(value: object) -> str:
    """Return a short, safe form of a value for a message.

    Huge integers are named by size, never rendered: rendering one takes longer than refusing it.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = ascii(value)  # ASCII: what is shown goes into records and logs
    except Exception:  # noqa: BLE001  a foreign object may fail in any way to describe itself
        text = f"a {type(value).__name__}"
    return text if len(text) <= VALUE_CHARS_MAX else text[: VALUE_CHARS_MAX - 1] + "…"


def nearest_match(word: str, known: Iterable[str]) -> str:
    """Return the known word most like this one, or "" when none is near."""
    newest = deque(known, maxlen=NEAR_WORDS_MAX)
    matches = get_close_matches(word[:NEAR_CHARS_MAX], newest, n=1, cutoff=0.6)
    return matches[0] if matches else ""
