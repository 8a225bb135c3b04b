"""portfolio_state.json and trades.json: the state for people and scripts, never read back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from papertape.tape.files import write_atomic

WRITE_INTERVAL_S = 1.0  # at most one write a second
TRADES_MAX = 10_000  # newest trades kept in trades.json

_encode = msgspec.json.Encoder().encode


class StateFiles:
    """Writes both files as a whole, so that a reader never sees half of one."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Write into this data folder."""
        self._folder = folder
        self._monotonic = monotonic
        self._written_s = float("-inf")

    def due(self) -> bool:
        """Return whether a second has passed since the last write."""
        return self._monotonic() - self._written_s >= WRITE_INTERVAL_S

    def write(self, portfolio: dict[str, Any], trades: list[dict[str, Any]] | dict[str, Any],
              *, force: bool = False) -> bool:  # fmt: skip
        """Replace both files and return True, or do nothing if it is too soon.

        trades: newest first; a list is cut to the newest 10,000.
        """
        if not force and not self.due():
            return False
        self._written_s = self._monotonic()
        if isinstance(trades, list):
            trades = trades[:TRADES_MAX]
        write_atomic(self._folder / "portfolio_state.json", _encode(portfolio) + b"\n")
        write_atomic(self._folder / "trades.json", _encode(trades) + b"\n")
        return True
