"""Client-made ids: contiguous per run, so that the same run told again has the same ids."""

from __future__ import annotations


class Ids:
    """Numbers signals, orders and fills of one run."""

    def __init__(self, run_number: int) -> None:
        """Begin at 1 for each kind."""
        self._prefix = f"r{run_number}."
        self._next = {"s": 0, "o": 0, "f": 0}

    def _make(self, kind: str) -> str:
        self._next[kind] += 1
        return f"{self._prefix}{kind}{self._next[kind]}"

    def signal(self) -> str:
        """Return the next signal's id."""
        return self._make("s")

    def order(self) -> str:
        """Return the next order's id."""
        return self._make("o")

    def fill(self) -> str:
        """Return the next fill's id."""
        return self._make("f")

    @property
    def orders_given(self) -> int:
        """Return how many order ids were given."""
        return self._next["o"]

    def orders_since(self, given: int) -> list[str]:
        """Return the order ids given after the first `given`."""
        return [f"{self._prefix}o{n}" for n in range(given + 1, self._next["o"] + 1)]
