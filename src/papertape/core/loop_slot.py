# cython: annotation_typing=False, cdivision=True
# cdivision: every divisor here is positive and every dividend non-negative by construction.
"""Slot: one instrument in the loop: its grid and fees, what was seen of it, what is held of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from papertape.core.arithmetic import div_half_even, notional_micros
from papertape.core.fees import FIVE_DECIMALS_MICROS, fill_fee_micros
from papertape.core.loop_views import BarView, BookView, PrintView, QuoteView
from papertape.errors import AccountsBrokenError
from papertape.model.instrument import Instrument

NANOS = 1_000_000_000
PPM = 1_000_000
ATTO_PER_MICRO = 1_000_000_000_000
SAFE_FACTOR = 1 << 31  # two non-negative factors below it have a product below 2^62
SAFE_PRODUCT = 1 << 61  # what may still be doubled and added to a divisor within 64 bits

FIVE = FIVE_DECIMALS_MICROS
FREE, PROPORTIONAL, CURVE, ANY_FEE = 0, 1, 2, 3


def half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded half to even; both within 64 bits, not negative."""
    quotient = numerator // denominator
    rest = numerator - quotient * denominator
    other = denominator - rest
    if rest > other or (rest == other and quotient & 1):
        quotient += 1
    return quotient


class Order:
    """An order that rests or waits for the next bar."""

    def __init__(self, slot: Slot) -> None:
        """Begin with nothing wanted; the venue fills in the rest."""
        self.slot = slot
        self.buying = self.limited = self.gtc = False
        self.lots = self.remaining = self.limit_ticks = 0
        self.number = self.signal = 0
        self.signal_id = ""
        self.weight = 0
        self.charged = 0
        self.decided = self.confidence = -1


class Want:
    """A leg of a signal in the engine's integers, with what it would get right now."""

    def __init__(
        self, slot: Slot, buying: bool, lots: int, limited: bool = False, limit_ticks: int = 0
    ) -> None:
        """Take the leg; the plan is filled in later."""
        self.slot = slot
        self.buying = buying
        self.lots = lots
        self.limited = limited
        self.limit_ticks = limit_ticks
        self.filled = self.worth = self.ordered = self.fee = 0
        self.waits = False
        self.confidence = -1

    def same(self, other: Want) -> bool:
        """Return whether both are the same wish."""
        return (
            self.slot is other.slot
            and self.buying == other.buying
            and self.lots == other.lots
            and self.limited == other.limited
            and self.limit_ticks == other.limit_ticks
        )


class Slot:
    """Exact integers throughout; products that 64 bits might not hold go through Python's own."""

    def __init__(self, index: int, instrument: Instrument) -> None:
        """Prepare the factors of the instrument's grid and fees."""
        self.index = index
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.min_lots = instrument.min_lots
        self.min_notional = instrument.min_notional_micros
        self.value = instrument.tick_nanos * instrument.lot_nanos
        common = gcd(self.value, ATTO_PER_MICRO)
        self.up, self.down = self.value // common, ATTO_PER_MICRO // common
        self.product_max = (SAFE_PRODUCT - 1) // self.up
        self.bar, self.quote = BarView(self.symbol), QuoteView(self.symbol)
        self.book, self.seen_print = BookView(self.symbol), PrintView(self.symbol)
        self.has_bar = self.has_book = self.deep = False
        self.book_ns = self.bid_used = self.ask_used = 0
        self.used_bids: dict[int, int] = {}
        self.used_asks: dict[int, int] = {}
        self.live = self.trading = True
        self.mid_half_ticks = -1
        self.mark_ticks = self.lots = self.cost = self.realized = self.fees = self.opened_ns = 0
        self.aim = 0
        self.wanted = True
        self.asked = False
        self.resting: list[Order] = []
        self.level_ticks: Sequence[int] = memoryview(b"").cast("q")
        self.level_lots: Sequence[int] = memoryview(b"").cast("q")
        self._prepare_fees(instrument)

    def _prepare_fees(self, instrument: Instrument) -> None:
        fees = instrument.fees
        self.taker_ppm, self.maker_ppm = fees.taker_ppm, fees.maker_ppm
        self.one_ticks = instrument.one_ticks
        self.taker_up = self.taker_down = self.maker_up = self.maker_down = 1
        self.taker_lots_max = self.maker_lots_max = 0
        self.fee_kind = ANY_FEE
        if fees.kind == "none" or not (fees.taker_ppm or fees.maker_ppm):
            self.fee_kind = FREE
        elif fees.kind == "proportional":
            self.fee_kind = PROPORTIONAL
            if min(fees.taker_ppm, fees.maker_ppm) < 0 or fees.taker_ppm + fees.maker_ppm > PPM:
                self.fee_kind = ANY_FEE
        elif fees.kind == "curve" and fees.exponent == 1 and self.one_ticks < SAFE_FACTOR:
            self.fee_kind = CURVE
            self.taker_up, self.taker_down, self.taker_lots_max = self._curve(fees.taker_ppm)
            self.maker_up, self.maker_down, self.maker_lots_max = self._curve(fees.maker_ppm)
        self.per_order = self.fee_kind == ANY_FEE

    def _curve(self, rate_ppm: int) -> tuple[int, int, int]:
        """Return (up, down, most lots): the fee is lots x t(one-t) x up / down, in 5 decimals."""
        if rate_ppm <= 0:
            return 1, 1, 0
        up = 100_000 * rate_ppm * self.instrument.lot_nanos
        down = PPM * NANOS * self.one_ticks**2
        common = gcd(up, down)
        up, down = up // common, down // common
        if down >= SAFE_PRODUCT or up >= SAFE_PRODUCT:
            return 1, 1, 0
        return up, down, SAFE_PRODUCT // up // (self.one_ticks**2 // 4 + 1)

    # --- money ----------------------------------------------------------------------------------

    def notional(self, ticks: int, lots: int) -> int:
        """Return what lots at a price are worth in micros, rounded half-even once."""
        if 0 <= ticks < SAFE_FACTOR and 0 <= lots < SAFE_FACTOR:
            product = ticks * lots
            if self.up == self.down:
                return product
            if product <= self.product_max:
                return half_even(product * self.up, self.down)
        return self._notional(ticks, lots)

    def _notional(self, ticks: int, lots: int) -> int:
        return notional_micros(ticks, lots, self.value)

    def fee(self, ticks: int, lots: int, worth: int, maker: bool) -> int:
        """Return the fee of an order's only fill in micros, as `core.fees` says."""
        if self.fee_kind == FREE:
            return 0
        rate = self.maker_ppm if maker else self.taker_ppm
        if not rate:
            return 0
        if self.fee_kind == PROPORTIONAL:
            if 0 <= worth < SAFE_PRODUCT // PPM:
                return half_even(worth * rate, PPM)
        elif self.fee_kind == CURVE:
            most = self.maker_lots_max if maker else self.taker_lots_max
            if 0 <= lots < most and 0 <= ticks <= self.one_ticks:
                up = self.maker_up if maker else self.taker_up
                down = self.maker_down if maker else self.taker_down
                steps = up * lots * (ticks * (self.one_ticks - ticks))
                return FIVE * ((2 * steps + down) // (2 * down))
        return self.any_fee(ticks, lots, worth, maker, 0, 0)

    def any_fee(
        self, ticks: int, lots: int, worth: int, maker: bool, weight: int, charged: int
    ) -> int:
        """Return the fee of any fill; weight, charged: of the order's earlier fills."""
        return fill_fee_micros(
            self.instrument,
            ticks,
            lots,
            worth,
            maker=bool(maker),
            weight_before=weight,
            charged_before_micros=charged,
        )

    def released(self, lots: int) -> int:
        """Return the cost that leaves with `lots`: pro rata, half-even, all of it at the end."""
        if not 0 < lots <= self.lots:
            raise AccountsBrokenError(f"{lots} lots leave a position of {self.lots}")
        if lots == self.lots:
            return self.cost
        if 0 <= self.cost < SAFE_FACTOR and lots < SAFE_FACTOR:
            return half_even(self.cost * lots, self.lots)
        return self._released(lots)

    def _released(self, lots: int) -> int:
        return div_half_even(self.cost * lots, self.lots)

    # --- what was seen --------------------------------------------------------------------------

    def forget(self) -> None:
        """Drop what was seen: the market is over."""
        self.has_bar = self.has_book = self.deep = False
        self.bid_used = self.ask_used = 0
        self.used_bids.clear()
        self.used_asks.clear()

    def seen_ns(self) -> int:
        """Return when a price was last seen, -1 if never."""
        if self.has_book:
            return self.book_ns
        return self.bar.ts_ns if self.has_bar else -1
