# cython: annotation_typing=False, cdivision=True
# cdivision: the divisor is a positive constant, the dividend is held to be non-negative.
"""The loop's door: plans a signal, holds it against risk, and lets the venue trade it.

Source of the rules: `services.data_flow_manager`, `engine.risk_manager`; tests hold both to the
same trades and the same refusals.
"""

from __future__ import annotations

from typing import Protocol

from papertape.core.arithmetic import checked
from papertape.core.fees import fee_weight
from papertape.core.loop_account import Account, added
from papertape.core.loop_slot import Slot, Want
from papertape.core.loop_venue import Venue

INT64_MAX = 9_223_372_036_854_775_807
PPM = 1_000_000
PPM_SAFE = INT64_MAX // PPM
REFUSALS_KEPT = 1_000  # told one by one; all of them are counted
NOT_GIVEN = INT64_MAX  # a limit that no amount exceeds


class Limits(Protocol):
    """The bounds of `engine.risk_manager.RiskLimits`; money in micros."""

    order_micros_max: int
    position_micros_max: int
    exposure_ppm_max: int
    daily_loss_micros_max: int
    open_orders_max: int
    price_age_ns_max: int


class Engine(Venue):
    """Takes signals that are already in integers: plans, refuses, trades."""

    def __init__(
        self, account: Account, slots: list[Slot], tag: str, tell: bool, limits: Limits | None
    ) -> None:
        """Trade for `account`, without limits but the cash and the holdings if none are given."""
        super().__init__(account, slots, tag, tell)
        self.refusals: dict[str, int] = {}
        self.refused: list[tuple[int, str, str]] = []
        self.limited = limits is not None
        self.alive = True  # False while the feed says that it has nothing new
        self.order_max = self.position_max = self.loss_max = NOT_GIVEN
        self.exposure_ppm = self.price_age_max = self.open_orders_max = NOT_GIVEN
        if limits is not None:
            self.order_max = limits.order_micros_max
            self.position_max = limits.position_micros_max
            self.loss_max = limits.daily_loss_micros_max
            self.exposure_ppm = limits.exposure_ppm_max
            self.price_age_max = limits.price_age_ns_max
            self.open_orders_max = limits.open_orders_max

    # --- deciding -------------------------------------------------------------------------------

    def decide(self, wants: list[Want], gtc: bool, all_or_none: bool) -> bool:
        """Hold a signal against risk and trade it; return whether it was let through."""
        try:
            code = self._refusal(wants, gtc, all_or_none)
        except OverflowError:
            code = "invalid"
        if code is not None:
            self.refuse(code, wants[0].slot.symbol)
            return False
        for at in range(len(wants)):
            self.submit(wants[at], gtc)
        return True

    def refuse(self, code: str, symbol: str) -> None:
        """Count a refusal, and keep the first ones."""
        self.refusals[code] = self.refusals.get(code, 0) + 1
        if len(self.refused) < REFUSALS_KEPT:
            self.refused.append((self.now_ns, code, symbol))

    def _refusal(self, wants: list[Want], gtc: bool, all_or_none: bool) -> str | None:
        opening = False
        for at in range(len(wants)):
            self._plan(wants[at], gtc)
        for at in range(len(wants)):
            want = wants[at]
            code = self._leg_refusal(want, gtc)
            if code is not None:
                return code
            opening = opening or want.buying
        if all_or_none:
            for at in range(len(wants)):
                want = wants[at]
                if want.filled < want.lots:
                    return "depth"
        return self._account_refusal(wants) if opening else None

    def _plan(self, want: Want, gtc: bool) -> None:
        """Work out what a leg would get now; what rests or waits is counted at limit or mark."""
        slot = want.slot
        want.filled = want.worth = want.fee = 0
        want.waits = False
        if not slot.has_book:
            want.waits = slot.has_bar
        elif slot.deep:
            self._plan_deep(want)
        else:
            left = self.offered(slot, want.buying, want.limited, want.limit_ticks)
            if left > 0:
                ticks = slot.quote.ask_ticks if want.buying else slot.quote.bid_ticks
                want.filled = min(left, want.lots)
                want.worth = slot.notional(ticks, want.filled)
                want.fee = slot.fee(ticks, want.filled, want.worth, False)
        left = want.lots - want.filled
        if left and (want.waits or (gtc and want.limited)):
            ticks = want.limit_ticks if want.limited else self.mark_of(slot)
            want.worth = added(want.worth, slot.notional(ticks, left))
        want.ordered = slot.notional(want.limit_ticks, want.lots) if want.limited else want.worth

    def _plan_deep(self, want: Want) -> None:
        slot = want.slot
        weight = 0
        limit = want.limit_ticks if want.limited else None
        for ticks, lots, _, _ in self.walk(slot, want.buying, want.lots, limit):
            worth = slot.notional(ticks, lots)
            fee = slot.any_fee(ticks, lots, worth, False, weight, want.fee)
            weight += fee_weight(slot.instrument, ticks, lots, maker=False)
            want.fee = added(want.fee, fee)
            want.worth = added(want.worth, worth)
            want.filled += lots

    # --- risk -----------------------------------------------------------------------------------

    def _leg_refusal(self, want: Want, gtc: bool) -> str | None:
        slot = want.slot
        if not slot.trading:
            return "market_closed"
        seen_ns = slot.seen_ns()
        if seen_ns < 0:
            return "no_price"
        if slot.has_book and not slot.live:
            return "stale_book"
        if self.now_ns - seen_ns > self.price_age_max:
            return "stale_book"
        if not want.buying:
            promised = self._promised(slot) if slot.resting else 0
            return "not_held" if want.lots > slot.lots - promised else None
        if want.lots < slot.min_lots or want.ordered < slot.min_notional:
            return "venue_minimum"
        rests = gtc and want.limited
        if not want.filled and not rests and not want.waits:
            return "no_depth"
        return None

    def _promised(self, slot: Slot) -> int:
        """Return the lots that resting sells have promised."""
        total = 0
        for order in slot.resting:
            if not order.buying:
                total += order.remaining
        return total

    def _reserved(self, slot: Slot) -> int:
        """Return the cash that resting buys of an instrument may still need, fees included."""
        total = 0
        for order in slot.resting:
            if order.buying:
                ticks = order.limit_ticks if order.limited else self.mark_of(slot)
                worth = slot.notional(ticks, order.remaining)
                fee = slot.fee(ticks, order.remaining, worth, False)
                total = added(total, added(worth, fee))
        return total

    def _account_refusal(self, wants: list[Want]) -> str | None:
        account = self.account
        needed = worth = 0
        for at in range(len(wants)):
            want = wants[at]
            if not want.buying:
                continue
            if want.worth > self.order_max:
                return "max_order"
            if self.limited:
                slot = want.slot
                held = added(slot.cost, self._reserved(slot) if slot.resting else 0)
                if added(held, want.worth) > self.position_max:
                    return "max_position"
            worth = added(worth, want.worth)
            needed = added(needed, added(want.worth, want.fee))
        reserved = self.all_reserved() if self.resting_count else 0
        if self.limited:
            exposure = account.exposure()
            equity = added(account.cash, exposure)
            if -account.today(equity, self.now_ns) >= self.loss_max:
                return "max_daily_loss"
            exposure = added(added(exposure, reserved), worth)
            if exposure > self._exposure_max(equity):
                return "max_exposure"
            if self.resting_count >= self.open_orders_max:
                return "max_open_orders"
        return "cash" if needed > added(account.cash, -reserved) else None

    def all_reserved(self) -> int:
        """Return the cash that all resting buys may still need."""
        total = 0
        for slot in self.slots:
            if slot.resting:
                total = added(total, self._reserved(slot))
        return total

    def _exposure_max(self, equity: int) -> int:
        if 0 <= equity <= PPM_SAFE and self.exposure_ppm <= PPM:
            return equity * self.exposure_ppm // PPM
        return self._wide_exposure_max(equity, self.exposure_ppm)

    def _wide_exposure_max(self, equity: int, ppm: int) -> int:
        most: int = checked(min(equity * ppm // PPM, INT64_MAX))
        return most
