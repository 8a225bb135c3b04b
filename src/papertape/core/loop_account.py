# cython: annotation_typing=False, cdivision=True, boundscheck=False, wraparound=False
# boundscheck: every index is below a length that the same function has just held it against.
# cdivision: divisors are positive constants or twice a count.
"""The loop's account: exact books of one strategy, its trades as columns, equity in bounded memory.

The same entries, in the same order, as `core.accounts`, and the same marking of equity as live.
"""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence

from papertape.core.loop_slot import Slot
from papertape.errors import AccountsBrokenError

INT64_MAX = 9_223_372_036_854_775_807
DAY_NS = 86_400_000_000_000
BUCKETS = 2_048  # of the equity curve: more than any screen has columns, 200 KB
TRADE_ROWS_FIRST = 256  # room for trades at the start; it doubles when full

TRADE_FIELDS = (
    "ts_ns",
    "instrument",
    "side",
    "price_ticks",
    "quantity_lots",
    "notional_micros",
    "fee_micros",
    "cost_micros",
    "realized_micros",
    "order",
    "maker",
    "kind",
    "decided_half_ticks",
    "confidence_pct",
)
"""Columns of the trades. side: 1 buy, -1 sell. cost: change of the position's cost. kind: 0 fill,
1 settlement (then notional is the cash paid and price what one share paid, in ticks). decided: the
mid when the order was decided, in half ticks, confidence: as the signal stated it; -1 unknown."""
FIELDS_COUNT = len(TRADE_FIELDS)
FIELDS = FIELDS_COUNT
NO_ROWS = array("q")
FILL, SETTLEMENT = 0, 1


def added(first: int, second: int) -> int:
    """Return first + second; OverflowError past 64 bits, compiled or not."""
    if second >= 0:
        if first > INT64_MAX - second:
            raise OverflowError("an amount does not fit in 64 bits")
    elif first < -INT64_MAX - second:
        raise OverflowError("an amount does not fit in 64 bits")
    return first + second


class Account:
    """Cash, open positions, trades and equity; cash + cost = initial + realised - fees, always."""

    def __init__(
        self, initial_micros: int, equity_every_ns: int, start_ns: int = 0, period_ns: int = 0
    ) -> None:
        """Open with cash and nothing else; with `period_ns`, keep equity at the end of periods."""
        self.initial = self.cash = initial_micros
        self.cost = self.realized = self.fees = 0
        self.open: list[Slot] = []
        self.fills = self.settled = self.turnover = 0
        self._begin_rows()
        self.equity_every_ns = equity_every_ns
        self.marked_ns = self.fills_marked = 0
        self.marked_value = self.marked_cash = -1
        self.marks = 0
        self.day, self.day_start, self.last_equity = -1, initial_micros, initial_micros
        self.day_begins = self.day_ends = 0
        self.days: list[tuple[int, int]] = []
        self.peak, self.drawdown, self.drawdown_peak = initial_micros, 0, initial_micros
        self.low, self.high = initial_micros, initial_micros
        self.held_ns = self.held_since = 0
        self.value, self.value_cash = initial_micros, initial_micros
        self.start_ns = self.valued_ns = start_ns
        self.period_ns, self.due_ns = period_ns, start_ns + period_ns
        self.grid = [initial_micros]
        self.slippage_twice = self.priced_fills = 0
        self.area = self.held_area = self.drawdown_share = 0.0
        self.below_ns, self.drawdown_ns = -1, 0
        self.buckets = array("q", bytes(8 * 8 * BUCKETS))
        self.bucket: MutableSequence[int] = self.buckets
        self.bucket_count = self.in_last = 0
        self.per_bucket = 1

    # --- entries --------------------------------------------------------------------------------

    def fill(
        self, slot: Slot, buying: bool, ticks: int, lots: int, worth: int, fee: int, ts_ns: int,
        order: int, maker: bool, decided: int, confidence: int,
    ) -> None:  # fmt: skip
        """Book a fill."""
        if buying:
            cost, realized, moved = worth, 0, -worth
        else:
            cost = -slot.released(lots)
            realized, moved = worth + cost, worth
        cash = added(added(self.cash, moved), -fee)
        self._enter(slot, lots if buying else -lots, cost, realized, fee, ts_ns)
        self.cash = cash
        self._check()
        self.turnover = added(self.turnover, worth)
        self.fills += 1
        if decided >= 0:  # mids are half ticks, so slippage is kept twice
            paid = added(added(worth, worth), -slot.notional(decided, lots))
            self.slippage_twice = added(self.slippage_twice, paid if buying else -paid)
            self.priced_fills += 1
        if realized != fee:
            self._turn_day(ts_ns)
        self._note(
            ts_ns, slot.index, 1 if buying else -1, ticks, lots, worth, fee, cost, realized,
            order, maker, FILL, decided, confidence,
        )  # fmt: skip

    def settle(self, slot: Slot, payout_ticks: int, cash_in: int, ts_ns: int) -> None:
        """Book a whole position that is paid at resolution."""
        lots, cost = slot.lots, -slot.cost
        realized = added(cash_in, cost)
        cash = added(self.cash, cash_in)
        self._enter(slot, -lots, cost, realized, 0, ts_ns)
        self.cash = cash
        self._check()
        self.settled += 1
        if realized:
            self._turn_day(ts_ns)
        self._note(
            ts_ns, slot.index, -1, payout_ticks, lots, cash_in, 0, cost, realized, 0, False,
            SETTLEMENT, -1, -1,
        )  # fmt: skip

    def _enter(self, slot: Slot, lots: int, cost: int, realized: int, fee: int, ts_ns: int) -> None:
        """Change one position and the totals; a position that is flat afterwards is forgotten."""
        flat = slot.lots == 0
        new_lots, new_cost = added(slot.lots, lots), added(slot.cost, cost)
        if new_lots < 0 or (new_lots == 0 and new_cost != 0):
            raise AccountsBrokenError(f"{slot.symbol}: {new_lots} lots at a cost")
        self.cost = added(self.cost, cost)
        self.realized = added(self.realized, realized)
        self.fees = added(self.fees, fee)
        slot.realized = added(slot.realized, realized)
        slot.fees = added(slot.fees, fee)
        slot.lots, slot.cost = new_lots, new_cost
        if flat:
            if not self.open:
                self.held_since = ts_ns
            slot.opened_ns = ts_ns
            self.open.append(slot)
        elif new_lots == 0:
            slot.realized = slot.fees = slot.opened_ns = 0
            self.open.remove(slot)
            if not self.open:
                self.held_ns += ts_ns - self.held_since

    def _check(self) -> None:
        have = added(self.cash, self.cost)
        want = added(added(self.initial, self.realized), -self.fees)
        if have != want:
            raise AccountsBrokenError(f"books do not conserve: {have} micros where {want} must be")

    def _note(
        self, ts_ns: int, index: int, side: int, ticks: int, lots: int, worth: int, fee: int,
        cost: int, realized: int, order: int, maker: int, kind: int, decided: int, confidence: int,
    ) -> None:  # fmt: skip
        """Append a row to the trades."""
        if self.row_count == self.row_room:
            self._grow()
        at = self.row_count * FIELDS
        row = self.row
        row[at], row[at + 1], row[at + 2], row[at + 3] = ts_ns, index, side, ticks
        row[at + 4], row[at + 5], row[at + 6] = lots, worth, fee
        row[at + 7], row[at + 8], row[at + 9] = cost, realized, order
        row[at + 10], row[at + 11] = maker, kind
        row[at + 12], row[at + 13] = decided, confidence
        self.row_count += 1

    def _grow(self) -> None:
        """Double the room for trades."""
        self.row = NO_ROWS  # a view in use would hold the array where it is
        self.rows *= 2
        self.row = self.rows
        self.row_room *= 2

    def last_row(self) -> list[int]:
        """Return the newest trade."""
        at = (self.row_count - 1) * FIELDS
        return list(self.rows[at : at + FIELDS])

    def take_trades(self) -> tuple[array[int], int]:
        """Return (rows so far and room behind them, how many rows), and begin anew."""
        taken = (self.rows, self.row_count)
        self._begin_rows()
        return taken

    def _begin_rows(self) -> None:
        self.rows = array("q", bytes(8 * FIELDS * TRADE_ROWS_FIRST))
        self.row = self.rows
        self.row_count, self.row_room = 0, TRADE_ROWS_FIRST

    # --- equity ---------------------------------------------------------------------------------

    def exposure(self) -> int:
        """Return what is held at mark."""
        total = 0
        for at in range(len(self.open)):
            slot = self.open[at]
            total = added(total, slot.notional(slot.mark_ticks, slot.lots))
        return total

    def equity_now(self) -> int:
        """Return cash plus positions at mark."""
        return added(self.cash, self.exposure())

    def mark(self, now_ns: int, force: bool) -> None:
        """Record equity as live does: soon after trades, else every so often while it changes."""
        traded = self.fills + self.settled
        due = now_ns - self.marked_ns >= self.equity_every_ns
        if due or force or traded != self.fills_marked:
            value = self.equity_now()
            self.marked_ns = now_ns
            if value != self.marked_value or self.cash != self.marked_cash:
                self._turn_day(now_ns)
                self.last_equity = value
                self.pass_time(now_ns)
                self.value, self.value_cash = value, self.cash
                self.sample(now_ns, value)
            self.marked_value, self.marked_cash = value, self.cash
            self.fills_marked = traded

    def _turn_day(self, ts_ns: int) -> None:
        if not self.day_begins <= ts_ns < self.day_ends:
            if self.day >= 0:
                self.days.append((self.day, self.last_equity))
            self.day = ts_ns // DAY_NS
            self.day_begins = self.day * DAY_NS
            self.day_ends = self.day_begins + DAY_NS
            self.day_start = self.last_equity

    def today(self, equity: int, ts_ns: int) -> int:
        """Return the change of equity since the UTC day began."""
        same = self.day_begins <= ts_ns < self.day_ends
        return added(equity, -(self.day_start if same else self.last_equity))

    def sample(self, ts_ns: int, value: int) -> None:
        """Add a point to the curve; when it is full, neighbours merge and keep their extremes."""
        self.marks += 1
        self.low, self.high = min(self.low, value), max(self.high, value)
        if value >= self.peak:
            self.peak = value
            self._surface(ts_ns)
        else:
            self._sink(ts_ns, value)
        bucket = self.bucket
        if self.bucket_count and self.in_last < self.per_bucket:
            at = 8 * (self.bucket_count - 1)
            if value < bucket[at + 3]:
                bucket[at + 2], bucket[at + 3] = ts_ns, value
            if value > bucket[at + 5]:
                bucket[at + 4], bucket[at + 5] = ts_ns, value
            bucket[at + 6], bucket[at + 7] = ts_ns, value
            self.in_last += 1
        else:
            if self.bucket_count == BUCKETS:
                self._halve()
            at = 8 * self.bucket_count
            for pair in range(4):
                bucket[at + 2 * pair], bucket[at + 2 * pair + 1] = ts_ns, value
            self.bucket_count += 1
            self.in_last = 1

    def _surface(self, ts_ns: int) -> None:
        if self.below_ns >= 0:
            self.drawdown_ns = max(self.drawdown_ns, ts_ns - self.below_ns)
            self.below_ns = -1

    def _sink(self, ts_ns: int, value: int) -> None:
        if self.below_ns < 0:
            self.below_ns = ts_ns
        if self.peak - value > self.drawdown:
            self.drawdown, self.drawdown_peak = self.peak - value, self.peak
        if self.peak > 0:
            share = 1.0 - float(value) / float(self.peak)
            self.drawdown_share = max(self.drawdown_share, share)

    def pass_time(self, ts_ns: int) -> None:
        """Count the value held so far up to now, and note it at the ends of periods."""
        step = ts_ns - self.valued_ns
        if step > 0:
            self.valued_ns = ts_ns
            self.area += float(step) * float(self.value)
            self.held_area += float(step) * float(self.value - self.value_cash)
            while self.period_ns > 0 and self.due_ns < ts_ns:
                self.grid.append(self.value)  # what is marked at the end of a period belongs to it
                self.due_ns += self.period_ns

    def finish(self, ts_ns: int) -> None:
        """Close the account of time; what is under water stays so, the last period may be short."""
        self.pass_time(ts_ns)
        if self.below_ns >= 0:
            self.drawdown_ns = max(self.drawdown_ns, ts_ns - self.below_ns)
        if self.period_ns > 0 and ts_ns > self.due_ns - self.period_ns:
            self.grid.append(self.value)

    def _halve(self) -> None:
        bucket = self.bucket
        for pair in range(BUCKETS // 2):
            to, a, b = 8 * pair, 16 * pair, 16 * pair + 8
            low = a if bucket[a + 3] <= bucket[b + 3] else b
            high = a if bucket[a + 5] >= bucket[b + 5] else b
            low_ns, low_value = bucket[low + 2], bucket[low + 3]
            high_ns, high_value = bucket[high + 4], bucket[high + 5]
            first_ns, first_value = bucket[a], bucket[a + 1]
            last_ns, last_value = bucket[b + 6], bucket[b + 7]
            bucket[to], bucket[to + 1] = first_ns, first_value
            bucket[to + 2], bucket[to + 3] = low_ns, low_value
            bucket[to + 4], bucket[to + 5] = high_ns, high_value
            bucket[to + 6], bucket[to + 7] = last_ns, last_value
        self.bucket_count = BUCKETS // 2
        self.per_bucket *= 2

    def curve(self) -> array[int]:
        """Return the buckets in use: (ts_ns, value) first, lowest, highest, last of each."""
        return self.buckets[: 8 * self.bucket_count]

    def daily(self) -> list[tuple[int, int]]:
        """Return (day number since 1970, equity micros at its end) of days with a mark."""
        last = [(self.day, self.last_equity)] if self.day >= 0 else []
        return self.days + last
