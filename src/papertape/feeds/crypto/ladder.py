"""Order books as ccxt keeps them, but in integers: what it stores here never was a float.

ccxt fills a book through `store`, `storeArray` and `reset` and reads it as lists of [price, size].
These classes take the venue's decimal text, keep it as text for ccxt, and beside it as counts of
1e-9, sorted best first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from papertape.core.decimal_text import scaled

NANO_DECIMALS = 9
TEXTS_KEPT_MAX = 100_000  # number texts remembered per book; neighbouring changes repeat them
EVERY_LEVEL = 1_000_000


class OffGridError(ValueError):
    """A price that the pair's grid does not have."""


class _Counts(dict[str, int]):
    """Decimal texts as counts of a unit: prices exactly, sizes cut (depth is never overstated)."""

    def __init__(self, *, cut: bool) -> None:
        super().__init__()
        self._cut = cut
        self._unit_nanos = 1

    def regrid(self, unit_nanos: int) -> None:
        self.clear()
        self._unit_nanos = unit_nanos

    def count(self, nanos: int) -> int:
        count, rest = divmod(nanos, self._unit_nanos)
        if rest and not self._cut:
            raise OffGridError("a price off the tick")
        return count

    def __missing__(self, text: str) -> int:
        if len(self) >= TEXTS_KEPT_MAX:
            self.clear()
        count = self.count(scaled(text, NANO_DECIMALS, self._cut))
        self[text] = count
        return count


class LadderSide(list[list[Any]]):
    """One side of a book: for ccxt a list of [price text, size text, ...], best first.

    keys: prices, negative on the bid side, rising. sizes: in the order of `keys`. Both count 1e-9
    until the book is put on its pair's grid, then ticks and lots; a size below a lot is no level.
    edge: the key up to which the venue told every level; beyond it some may be missing. None: all.
    """

    def __init__(self, book: Ladder, *, is_bid: bool, depth: int) -> None:
        """Begin empty."""
        super().__init__()
        self.keys: list[int] = []
        self.sizes: list[int] = []
        self.edge: int | None = None
        self._book = book
        self._sign = -1 if is_bid else 1
        self._depth = depth

    def store(self, price: str, size: str, *more: Any) -> None:
        """Set the total at a price; 0 removes the level, and so does a count of 0."""
        self.storeArray([price, size, *more])

    def storeArray(self, delta: list[Any]) -> None:  # noqa: N802  ccxt's name
        """Take [price, size] or [price, size, count]; raises ValueError for what is no number."""
        book = self._book
        key = self._sign * book.prices[delta[0]]
        size = book.amounts[delta[1]]
        if len(delta) > 2 and not delta[2]:
            size = 0
        book.touched()
        keys = self.keys
        at = bisect_left(keys, key)
        known = at < len(keys) and keys[at] == key
        if not size:
            if known:
                del keys[at], self.sizes[at], self[at]
        elif known:
            self.sizes[at] = size
            self[at] = delta
        else:
            keys.insert(at, key)
            self.sizes.insert(at, size)
            self.insert(at, delta)

    store_array = storeArray

    def known(self) -> int:
        """Return how many of the best levels are surely all that there are."""
        return len(self.keys) if self.edge is None else bisect_right(self.keys, self.edge)

    def limit(self) -> None:
        """Drop what lies deeper than the depth that was asked for, and remember that it did."""
        if len(self) > 2 * self._depth:
            del self[self._depth :], self.keys[self._depth :], self.sizes[self._depth :]
            worst = self.keys[-1]
            self.edge = worst if self.edge is None else min(self.edge, worst)

    def regrid(self) -> None:
        """Count what is here in the book's new units."""
        kept = [
            (self._sign * self._book.prices.count(abs(key)), self._book.amounts.count(size), level)
            for key, size, level in zip(self.keys, self.sizes, self, strict=True)
        ]
        kept = [each for each in kept if each[1]]
        edge = None if self.edge is None else self._book.prices.count(abs(self.edge)) * self._sign
        self.empty()
        self.keys.extend(key for key, _, _ in kept)
        self.sizes.extend(size for _, size, _ in kept)
        self.extend(level for _, _, level in kept)
        self.edge = edge

    def take(self, deltas: list[list[Any]]) -> None:
        """Take many [price, size] at once, as `storeArray` takes one."""
        book, keys, sizes, sign = self._book, self.keys, self.sizes, self._sign
        prices, amounts = book.prices, book.amounts
        book.touched()
        for delta in deltas:
            key = sign * prices[delta[0]]
            size = amounts[delta[1]]
            at = bisect_left(keys, key)
            if at < len(keys) and keys[at] == key:
                if size:
                    sizes[at] = size
                    self[at] = delta
                else:
                    del keys[at], sizes[at], self[at]
            elif size:
                keys.insert(at, key)
                sizes.insert(at, size)
                self.insert(at, delta)

    def best(self, levels: int) -> tuple[list[int], list[int]]:
        """Return prices and sizes of the best levels, of those that are surely all there are."""
        count = min(levels, self.known())
        keys = self.keys[:count]
        return ([-key for key in keys] if self._sign < 0 else keys), self.sizes[:count]

    def empty(self) -> None:
        """Drop every level."""
        self.clear()
        self.keys.clear()
        self.sizes.clear()

    def fill(self, levels: Iterable[list[Any]]) -> None:
        """Take whole levels in any order."""
        self.empty()
        for level in levels:
            self.storeArray(list(level))
        is_cut = len(self.keys) >= self._depth
        self.edge = self.keys[-1] if is_cut else None


class Ladder(dict[str, Any]):
    """A book under ccxt's keys; `resets` counts how often it was given whole."""

    def __init__(
        self,
        snapshot: Mapping[str, Any] | None = None,
        depth: int | None = None,
        *,
        on_change: Callable[[Ladder], None],
    ) -> None:
        """Take what ccxt gives; `on_change` is told once per `settle` that something changed."""
        super().__init__()
        self.cache: list[Any] = []
        self.prices = _Counts(cut=False)
        self.amounts = _Counts(cut=True)
        self.is_on_grid = False
        self.resets = 0
        self._on_change = on_change
        self._is_dirty = False
        limit = depth or EVERY_LEVEL
        self["bids"] = LadderSide(self, is_bid=True, depth=limit)
        self["asks"] = LadderSide(self, is_bid=False, depth=limit)
        self._take(snapshot or {})

    @property
    def bids(self) -> LadderSide:
        """Return the bid side."""
        side: LadderSide = self["bids"]
        return side

    @property
    def asks(self) -> LadderSide:
        """Return the ask side."""
        side: LadderSide = self["asks"]
        return side

    def put_on_grid(self, tick_nanos: int, lot_nanos: int) -> None:
        """Count in ticks and lots from now on; raises OffGridError for a price between ticks."""
        if self.is_on_grid:
            return
        self.prices.regrid(tick_nanos)
        self.amounts.regrid(lot_nanos)
        for side in (self.bids, self.asks):
            side.regrid()
        self.is_on_grid = True

    def touched(self) -> None:
        """Note that a level changed."""
        if not self._is_dirty:
            self._is_dirty = True
            self._on_change(self)

    def settle(self) -> None:
        """Note that the changes so far were looked at."""
        self._is_dirty = False

    def limit(self) -> Ladder:
        """Drop what lies deeper than the depth that was asked for."""
        self.bids.limit()
        self.asks.limit()
        return self

    def reset(self, snapshot: Mapping[str, Any] | None = None) -> None:
        """Become what a snapshot says."""
        self.resets += 1
        self.touched()
        self._take(snapshot or {})

    def update(self, snapshot: Mapping[str, Any]) -> None:  # type: ignore[override]
        """Become what a snapshot says, unless it is older than what is known."""
        nonce, known = snapshot.get("nonce"), self["nonce"]
        if nonce is None or known is None or nonce >= known:
            self.reset(snapshot)

    def _take(self, snapshot: Mapping[str, Any]) -> None:
        self.bids.fill(snapshot.get("bids") or ())
        self.asks.fill(snapshot.get("asks") or ())
        for key in ("nonce", "timestamp", "datetime", "symbol"):
            self[key] = snapshot.get(key)
