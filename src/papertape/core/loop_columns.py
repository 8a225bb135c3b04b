# cython: annotation_typing=False, boundscheck=False, wraparound=False
# boundscheck: every column is held to the length of `ts_ns` when it is taken; rows stay below it.
"""Columns: market data as 64-bit integers, one row per event, checked before anything trades on it.

Rows carry a kind and up to five values v0 to v4:

    BAR     open, high, low, close ticks, volume lots; `ts_ns` is the close
    QUOTE   bid ticks, bid lots, ask ticks, ask lots; a side with 0 lots is empty
    BOOK    first bid, bids, first ask, asks: rows of `level_ticks` and `level_lots`; state code
    PRINT   price ticks, quantity lots, side of the taker (1 buy, -1 sell)
    STATE   1 trading, 0 halted, 2 closed or resolved (what rests expires)
    SETTLE  payout in micros per share, 1 if void (cost back)
    NEWS    number of a piece of news, told to whoever keeps the list of instruments and markets
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from papertape.errors import InvalidInputError
from papertape.model.market_data import BookState

BAR, QUOTE, BOOK, PRINT, STATE, SETTLE, NEWS = 1, 2, 3, 4, 5, 6, 7
LIVE, STALE, GAP, UNVERIFIED = 0, 1, 2, 3
BOOK_STATES: tuple[BookState, ...] = (
    "live", "stale", "gap", "unverified", "resyncing",
)  # fmt: skip
TRADING, HALTED, OVER = 1, 0, 2
MINUTE_NS = 60_000_000_000
NAMES = {
    BAR: ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots"),
    QUOTE: ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "v4"),
    BOOK: ("first_bid", "bids", "first_ask", "asks", "state"),
    PRINT: ("price_ticks", "quantity_lots", "side", "v3", "v4"),
    STATE: ("state", "v1", "v2", "v3", "v4"),
    SETTLE: ("payout_micros", "void", "v2", "v3", "v4"),
    NEWS: ("number", "v1", "v2", "v3", "v4"),
}
A_BAR, PRICES_TO = BAR, QUOTE  # the same, as C integers in the compiled form
NOTHING = memoryview(b"").cast("q")


def int64_column(column: Any, name: str) -> memoryview:
    """Return a column as a contiguous view of 64-bit integers, without copying it.

    Takes what has the buffer protocol (array('q'), memoryview, numpy) or an Arrow array.
    """
    if hasattr(column, "buffers"):  # Arrow: validity first, then the values
        if column.null_count or len(column.buffers()) != 2 or column.type.bit_width != 64:
            raise InvalidInputError(name, str(column.type), "64-bit integers without nulls")
        values = memoryview(column.buffers()[1]).cast("B").cast("q")
        return values[column.offset : column.offset + len(column)]
    view = memoryview(column)
    if view.ndim != 1 or view.itemsize != 8 or view.format not in {"q", "l"} or not view.contiguous:
        raise InvalidInputError(name, view.format, "64-bit integers in one piece")
    return view if view.format == "q" else view.cast("B").cast("q")


class Columns:
    """One stretch of market data in the order in which it was seen."""

    def __init__(
        self,
        ts_ns: Any,
        values: Sequence[Any],
        *,
        kind: int = 0,
        kinds: Any = None,
        instrument: Any = None,
        venue_ts_ns: Any = None,
        targets: Any = None,
        level_ticks: Any = None,
        level_lots: Any = None,
        interval_ns: int = 0,
        intervals: dict[int, int] | None = None,
        name: str = "data",
    ) -> None:
        """Take the columns as they are; one `kind` for all rows, or `kinds` row by row.

        instrument: index per row, all 0 without it. venue_ts_ns: the venue's clock. targets: lots
        to hold from each row on, decided after it closed, -1 for no wish. interval_ns: length of
        bars; intervals: by instrument. name: the source, for messages.
        """
        assert (kinds is None) == (kind in NAMES), "one kind for all rows, or a column of kinds"
        self.name = name
        self.kind = kind
        self.ts = int64_column(ts_ns, "ts_ns")
        self.rows = len(self.ts)
        self.mixed, self.kinds = self._optional(kinds, "kind")
        self.many, self.instrument = self._optional(instrument, "instrument")
        self.aimed, self.targets = self._optional(targets, "targets")
        self.venued, self.venue = self._optional(venue_ts_ns, "venue_ts_ns")
        names = NAMES.get(kind, ("v0", "v1", "v2", "v3", "v4"))
        taken = [
            self._same_length(int64_column(v, n), n) for v, n in zip(values, names, strict=False)
        ]
        if len(taken) < (5 if kind in {0, BAR, BOOK} else 4 if kind == QUOTE else 3):
            raise InvalidInputError("values", len(taken), f"the columns {', '.join(names)}")
        taken += [taken[0]] * (5 - len(taken))
        self.v0, self.v1, self.v2, self.v3, self.v4 = taken
        self.level_ticks = NOTHING if level_ticks is None else int64_column(level_ticks, "levels")
        self.level_lots = NOTHING if level_lots is None else int64_column(level_lots, "levels")
        if len(self.level_ticks) != len(self.level_lots):
            raise InvalidInputError("level_lots", len(self.level_lots), "as long as level_ticks")
        self.interval_ns = interval_ns
        self.intervals = intervals or {}
        self.instruments_seen = 0
        self.checked = False

    def _optional(self, column: Any, name: str) -> tuple[bool, memoryview]:
        if column is None:
            return False, NOTHING
        return True, self._same_length(int64_column(column, name), name)

    def _same_length(self, column: memoryview, name: str) -> memoryview:
        if len(column) != self.rows:
            field = f"{self.name}: {name}"
            raise InvalidInputError(field, f"{len(column)} rows", f"{self.rows} rows, as ts_ns")
        return column

    def __len__(self) -> int:
        return self.rows

    @classmethod
    def bars(
        cls, ts_ns: Any, open_ticks: Any, high_ticks: Any, low_ticks: Any, close_ticks: Any,
        volume_lots: Any, *, interval_ns: int = MINUTE_NS, **more: Any,
    ) -> Columns:  # fmt: skip
        """Take closed bars."""
        values = (open_ticks, high_ticks, low_ticks, close_ticks, volume_lots)
        return cls(ts_ns, values, kind=BAR, interval_ns=interval_ns, **more)

    @classmethod
    def quotes(
        cls, ts_ns: Any, bid_ticks: Any, bid_lots: Any, ask_ticks: Any, ask_lots: Any, **more: Any
    ) -> Columns:
        """Take quotes."""
        return cls(ts_ns, (bid_ticks, bid_lots, ask_ticks, ask_lots), kind=QUOTE, **more)

    def part(self, begin: int, end: int) -> Columns:
        """Return some rows, without copying them; what was checked stays so."""
        some = Columns(
            self.ts[begin:end],
            [
                self.v0[begin:end],
                self.v1[begin:end],
                self.v2[begin:end],
                self.v3[begin:end],
                self.v4[begin:end],
            ],
            kind=self.kind,
            kinds=self.kinds[begin:end] if self.mixed else None,
            instrument=self.instrument[begin:end] if self.many else None,
            venue_ts_ns=self.venue[begin:end] if self.venued else None,
            targets=self.targets[begin:end] if self.aimed else None,
            level_ticks=self.level_ticks,
            level_lots=self.level_lots,
            interval_ns=self.interval_ns,
            intervals=self.intervals,
            name=self.name,
        )
        some.checked, some.instruments_seen = self.checked, self.instruments_seen
        return some

    def first_unordered(self, after_ns: int) -> int:
        """Return the first row whose time is before the one before it, -1 if there is none."""
        before = after_ns
        for row in range(self.rows):
            if self.ts[row] < before:
                return row
            before = self.ts[row]
        return -1

    # --- checking -------------------------------------------------------------------------------

    def check(self) -> None:
        """Refuse data that contradicts itself, by row and column; looks at every row once."""
        if self.checked:
            return
        before, most, kind = 0, 0, self.kind
        for row in range(self.rows):
            now = self.ts[row]
            if now < before:
                self._refuse(row, "ts_ns", now, "at or after the row before")
            before = now
            if self.mixed:
                kind = self.kinds[row]
            if self.many:
                index = self.instrument[row]
                if index < 0:
                    self._refuse(row, "instrument", index, "an index, 0 or more")
                most = max(most, index)
            if 0 < kind <= PRICES_TO:
                self._check_price(row, kind)
            else:
                self._check_other(row, kind)
            if self.aimed and self.targets[row] < -1:
                self._refuse(row, "targets", self.targets[row], "lots to hold, -1 for no wish")
        self.instruments_seen = most + 1
        self.checked = True

    def _check_price(self, row: int, kind: int) -> None:
        a, b, c, d = self.v0[row], self.v1[row], self.v2[row], self.v3[row]
        if a < 0 or b < 0 or c < 0 or d < 0 or (kind == A_BAR and self.v4[row] < 0):
            self._refuse_negative(row, kind)
        if kind == A_BAR and (b < a or b < d or b < c or c > a or c > d):
            said = f"open {a} high {b} low {c} close {d}"
            self._refuse(row, "bar", said, "with its high and low around open and close")

    def _check_other(self, row: int, kind: int) -> None:
        a, b, c, d = self.v0[row], self.v1[row], self.v2[row], self.v3[row]
        if kind == BOOK:
            levels = len(self.level_ticks)
            for first, count in ((a, b), (c, d)):
                if first < 0 or not 0 <= count <= levels or first > levels - count:
                    self._refuse(row, "first", f"{first}, {count} levels", f"within {levels}")
                if count and min(self.level_lots[first : first + count]) <= 0:
                    self._refuse(row, "level_lots", first, "more than 0 on every level")
            if not 0 <= self.v4[row] < len(BOOK_STATES):
                self._refuse(row, "state", self.v4[row], f"0 to {len(BOOK_STATES) - 1}")
        elif kind == PRINT:
            if a < 0 or b < 0 or c not in (-1, 1):
                self._refuse(row, "print", f"{a} x {b} side {c}", "a price, a size and 1 or -1")
        elif kind == SETTLE:
            if a < 0 or b not in (0, 1):
                self._refuse(row, "payout_micros", a, "0 or more, and void 0 or 1")
        elif kind == NEWS:
            if a < 0:
                self._refuse(row, "number", a, "0 or more")
        elif kind != STATE or a not in (TRADING, HALTED, OVER):
            self._refuse(row, "kind", f"{kind} with {a}", "a known kind of row")

    def _refuse_negative(self, row: int, kind: int) -> None:
        values = (self.v0[row], self.v1[row], self.v2[row], self.v3[row], self.v4[row])
        for name, value in zip(NAMES[kind], values, strict=True):
            if value < 0:
                self._refuse(row, name, value, "0 or more")

    def _refuse(self, row: int, column: str, value: object, expected: str) -> None:
        raise InvalidInputError(f"{self.name}, row {row}, {column}", value, expected)
