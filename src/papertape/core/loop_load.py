# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: `SegmentRows` holds every column to the segment's length before rows are read.
"""Rows of a recorded segment become the values of `Columns`: one pass, no object per row."""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence
from typing import Any

from papertape.core.loop_columns import BAR, BOOK, NEWS, PRINT, QUOTE, int64_column
from papertape.errors import InvalidInputError

A_BAR, A_QUOTE, A_BOOK, A_PRINT, A_PIECE_OF_NEWS = BAR, QUOTE, BOOK, PRINT, NEWS
MIXED_INTERVALS = -2


class SegmentRows:
    """The columns of a segment, each a contiguous column of 64-bit integers."""

    def __init__(
        self,
        kinds: Any,
        instrument: Any,
        states: Any,
        bid_ends: Any,
        ask_ends: Any,
        levels: tuple[Any, Any, Any, Any],
    ) -> None:
        """Take what every row has; bars and prints are added where a segment holds them.

        kinds: as in `Columns`. instrument: index; any for news. bid_ends, ask_ends: one more than
        rows, from 0 on. levels: bid ticks, bid lots, ask ticks, ask lots.
        """
        self.kinds = int64_column(kinds, "kind")
        self.rows = len(self.kinds)
        self.instrument = self._column(instrument, "symbol", self.rows)
        self.states = self._column(states, "state", self.rows)
        self.bid_ends = self._column(bid_ends, "bid_ticks", self.rows + 1)
        self.ask_ends = self._column(ask_ends, "ask_ticks", self.rows + 1)
        names = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
        one, two, three, four = (
            int64_column(part, name) for part, name in zip(levels, names, strict=True)
        )
        self.bid_ticks, self.bid_lots, self.ask_ticks, self.ask_lots = one, two, three, four
        self.bids, self.asks = len(one), len(three)
        self._check_levels()
        nothing = memoryview(b"").cast("q")
        self.interval = self.open = self.high = self.low = self.close = self.volume = nothing
        self.price = self.quantity = self.side = nothing
        self.has_bars = self.has_prints = False

    def _column(self, column: Any, name: str, rows: int) -> memoryview:
        view = int64_column(column, name)
        if len(view) != rows:
            raise InvalidInputError(name, f"{len(view)} rows", f"{rows} rows")
        return view

    def _check_levels(self) -> None:
        if len(self.bid_lots) != self.bids or len(self.ask_lots) != self.asks:
            raise InvalidInputError("levels", "lots", "as many as ticks")
        for row in range(self.rows):
            if self.bid_ends[row] > self.bid_ends[row + 1] or self.bid_ends[row] < 0:
                raise InvalidInputError(f"row {row}, bid_ticks", "offsets", "in order")
            if self.ask_ends[row] > self.ask_ends[row + 1] or self.ask_ends[row] < 0:
                raise InvalidInputError(f"row {row}, ask_ticks", "offsets", "in order")
        if self.bid_ends[self.rows] > self.bids or self.ask_ends[self.rows] > self.asks:
            raise InvalidInputError("levels", "offsets", "within the levels")

    def with_bars(
        self, interval: Any, opened: Any, high: Any, low: Any, close: Any, volume: Any
    ) -> None:
        """Add the columns of bars."""
        rows = self.rows
        self.interval = self._column(interval, "interval_ns", rows)
        self.open = self._column(opened, "open_ticks", rows)
        self.high = self._column(high, "high_ticks", rows)
        self.low = self._column(low, "low_ticks", rows)
        self.close = self._column(close, "close_ticks", rows)
        self.volume = self._column(volume, "volume_lots", rows)
        self.has_bars = True

    def with_prints(self, price: Any, quantity: Any, side: Any) -> None:
        """Add the columns of prints; side 1 for BUY, -1 for SELL."""
        self.price = self._column(price, "price_ticks", self.rows)
        self.quantity = self._column(quantity, "quantity_lots", self.rows)
        self.side = self._column(side, "side", self.rows)
        self.has_prints = True

    def values(self, first_news: int, intervals: Any, firsts: Any) -> list[array[int]]:
        """Return v0 to v4 of `Columns` for every row; books point into bids, then asks.

        first_news: number of the segment's first piece of news. intervals: length of bars by
        instrument, 0 where unknown; filled in, MIXED_INTERVALS where bars of one differ. firsts:
        the first row with a price by instrument, -1 where none was; filled in.
        """
        out = [array("q", bytes(8 * self.rows)) for _ in range(5)]
        known: MutableSequence[int] = intervals
        first: MutableSequence[int] = firsts
        news, behind_bids, instruments = first_news, self.bids, len(intervals)
        if len(firsts) != instruments:
            raise InvalidInputError("firsts", len(firsts), "one per instrument")
        v0: MutableSequence[int] = out[0]
        v1: MutableSequence[int] = out[1]
        v2: MutableSequence[int] = out[2]
        v3: MutableSequence[int] = out[3]
        v4: MutableSequence[int] = out[4]
        for row in range(self.rows):
            kind, index = self.kinds[row], self.instrument[row]
            if kind != A_PIECE_OF_NEWS and 0 <= index < instruments and first[index] < 0:
                first[index] = row
            bid, ask = self.bid_ends[row], self.ask_ends[row]
            bids, asks = self.bid_ends[row + 1] - bid, self.ask_ends[row + 1] - ask
            if kind == A_BOOK:
                v0[row], v1[row] = bid, bids
                v2[row], v3[row] = ask + behind_bids, asks
                v4[row] = self.states[row]
            elif kind == A_QUOTE:
                if bids != 1 or asks != 1:
                    raise InvalidInputError(f"row {row}, quote", "levels", "one on each side")
                v0[row], v1[row] = self.bid_ticks[bid], self.bid_lots[bid]
                v2[row], v3[row] = self.ask_ticks[ask], self.ask_lots[ask]
            elif kind == A_BAR and self.has_bars:
                v0[row], v1[row], v2[row] = self.open[row], self.high[row], self.low[row]
                v3[row], v4[row] = self.close[row], self.volume[row]
                if 0 <= index < instruments and known[index] != self.interval[row]:
                    known[index] = self.interval[row] if not known[index] else MIXED_INTERVALS
            elif kind == A_PRINT and self.has_prints:
                v0[row], v1[row] = self.price[row], self.quantity[row]
                v2[row] = self.side[row]
            elif kind == A_PIECE_OF_NEWS:
                v0[row] = news
                news += 1
            else:
                raise InvalidInputError(f"row {row}, kind", kind, "a known kind with its columns")
        return out
