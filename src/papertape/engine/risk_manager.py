"""RiskManager: one place that says no, with the limit, the value and the bound."""

from __future__ import annotations

import msgspec

from papertape.clock import NS_PER_S
from papertape.model.money import PPM, format_micros


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds that every signal is held against; money in micros of the quote currency."""

    order_micros_max: int
    position_micros_max: int
    exposure_ppm_max: int
    daily_loss_micros_max: int
    open_orders_max: int
    price_age_ns_max: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A no, with what it rests on."""

    code: str
    reason: str
    symbol: str = ""
    field: str = ""
    value: str = ""
    bound: str = ""


class LegRisk(msgspec.Struct, frozen=True, kw_only=True):
    """What risk looks at for one leg; money in micros."""

    symbol: str
    buying: bool
    lots: int
    held_lots: int
    promised_lots: int
    min_lots: int
    quantity_text: str
    held_text: str
    notional_micros: int
    ordered_micros: int
    fee_micros: int
    position_micros: int
    min_notional_micros: int
    price_age_ns: int | None
    book_state: str
    market_state: str
    filled_lots: int
    waits: bool
    rests: bool
    worst_ticks: int | None = None


class AccountRisk(msgspec.Struct, frozen=True, kw_only=True):
    """What risk looks at of the account; money in micros."""

    equity_micros: int
    exposure_micros: int
    free_cash_micros: int
    today_micros: int
    open_orders: int


class RiskManager:
    """Holds signals against the limits. Doubt means no; closing what is held is held to less."""

    def __init__(self, limits: RiskLimits) -> None:
        """Take the limits."""
        self.limits = limits

    def refuse(
        self, legs: list[LegRisk], account: AccountRisk, *, all_or_none: bool
    ) -> Refusal | None:
        """Return why the signal must not be traded, None if it may."""
        for leg in legs:
            refusal = self._market(leg) or self._size(leg)
            if refusal is not None:
                return refusal
        if all_or_none:
            for leg in legs:
                if leg.filled_lots < leg.lots:
                    return Refusal(
                        code="depth",
                        reason="all or none: the book does not offer the whole leg",
                        symbol=leg.symbol,
                        field="quantity",
                        value=str(leg.lots),
                        bound=str(leg.filled_lots),
                    )
        return self._account(legs, account)

    def _market(self, leg: LegRisk) -> Refusal | None:
        if leg.market_state not in {"", "trading"}:
            return Refusal(
                code="market_closed",
                reason=f"the market is {leg.market_state}",
                symbol=leg.symbol,
                value=leg.market_state,
                bound="trading",
            )
        if leg.price_age_ns is None:
            return Refusal(code="no_price", reason="no price has been seen", symbol=leg.symbol)
        if leg.book_state != "live":
            return Refusal(
                code="stale_book",
                reason=f"the book is {leg.book_state}",
                symbol=leg.symbol,
                value=leg.book_state,
                bound="live",
            )
        if leg.price_age_ns > self.limits.price_age_ns_max:
            return Refusal(
                code="stale_book",
                reason=f"book stale for {leg.price_age_ns // NS_PER_S} s",
                symbol=leg.symbol,
                field="price_age_s",
                value=str(leg.price_age_ns // NS_PER_S),
                bound=str(self.limits.price_age_ns_max // NS_PER_S),
            )
        return None

    def _size(self, leg: LegRisk) -> Refusal | None:
        if not leg.buying:
            free = leg.held_lots - leg.promised_lots
            if leg.lots > free:
                return Refusal(
                    code="not_held",
                    reason=f"selling {leg.quantity_text} of {leg.held_text} held"
                    + (" (part of it is promised to resting orders)" if leg.promised_lots else ""),
                    symbol=leg.symbol,
                    field="quantity",
                    value=leg.quantity_text,
                    bound=leg.held_text,
                )
            return None
        if leg.lots < leg.min_lots:
            return Refusal(
                code="venue_minimum",
                reason="below the venue's smallest order",
                symbol=leg.symbol,
                field="quantity",
                value=leg.quantity_text,
                bound=str(leg.min_lots),
            )
        if leg.ordered_micros < leg.min_notional_micros:
            return over(
                "venue_minimum",
                "below the venue's smallest amount",
                leg.ordered_micros,
                leg.min_notional_micros,
                leg.symbol,
            )
        if not leg.filled_lots and not leg.rests and not leg.waits:
            return Refusal(
                code="no_depth",
                reason="the book offers nothing at that price",
                symbol=leg.symbol,
                field="price",
            )
        return None

    def _account(self, legs: list[LegRisk], account: AccountRisk) -> Refusal | None:
        limits = self.limits
        opening = [leg for leg in legs if leg.buying]
        if not opening:
            return None
        for leg in opening:
            if leg.notional_micros > limits.order_micros_max:
                return over(
                    "max_order",
                    "order too large",
                    leg.notional_micros,
                    limits.order_micros_max,
                    leg.symbol,
                )
            position = leg.position_micros + leg.notional_micros
            if position > limits.position_micros_max:
                return over(
                    "max_position",
                    "position would be too large",
                    position,
                    limits.position_micros_max,
                    leg.symbol,
                )
        if -account.today_micros >= limits.daily_loss_micros_max:
            return over(
                "max_daily_loss",
                "today's loss has reached its limit",
                -account.today_micros,
                limits.daily_loss_micros_max,
            )
        exposure = account.exposure_micros + sum(leg.notional_micros for leg in opening)
        exposure_max = account.equity_micros * limits.exposure_ppm_max // PPM
        if exposure > exposure_max:
            return over("max_exposure", "exposure would be too large", exposure, exposure_max)
        if account.open_orders >= limits.open_orders_max:
            return Refusal(
                code="max_open_orders",
                reason="too many orders rest",
                field="open_orders",
                value=str(account.open_orders),
                bound=str(limits.open_orders_max),
            )
        needed = sum(leg.notional_micros + leg.fee_micros for leg in opening)
        if needed > account.free_cash_micros:
            return over("cash", "not enough free cash", needed, account.free_cash_micros)
        return None


def over(code: str, words: str, value: int, bound: int, symbol: str = "") -> Refusal:
    """Return a no about money: an amount in micros beyond its bound."""
    return Refusal(
        code=code,
        reason=f"{words}: {format_micros(value)} against {format_micros(bound)}",
        symbol=symbol,
        field=code,
        value=format_micros(value),
        bound=format_micros(bound),
    )
