"""Walking the asks of a whole set: how many complete sets pay, level by level, fees included."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from papertape.core.accounts import settlement_micros
from papertape.core.arithmetic import notional_micros
from papertape.core.fees import fill_fee_micros
from papertape.model.instrument import Instrument
from papertape.model.money import format_micros

STEPS_MAX = 500  # levels of a set looked at: beyond that nothing has ever paid


class SetLeg(msgspec.Struct, frozen=True):
    """One leg: its instrument and its asks, best first."""

    instrument: Instrument
    ask_ticks: Sequence[int]
    ask_lots: Sequence[int]


class SetWalk(msgspec.Struct, frozen=True):
    """What the walk found: the size that pays, its cost and profit after fees, in micros.

    gross_micros and first_* are of one whole share at the best level, before and for fees.
    """

    lots: int
    profit_micros: int
    worst_ticks: tuple[int, ...]
    min_lots: int
    gross_micros: int
    first_cost_micros: int
    first_fee_micros: int
    pays_micros: int
    quantity_text: str

    @property
    def first_cost_text(self) -> str:
        """Return the cost of one set at the best level."""
        return format_micros(self.first_cost_micros)

    @property
    def first_fee_text(self) -> str:
        """Return the fees of one set at the best level."""
        return format_micros(self.first_fee_micros)

    @property
    def gross_text(self) -> str:
        """Return what one set pays beyond its cost at the best level, before fees."""
        return format_micros(self.gross_micros)

    @property
    def profit_text(self) -> str:
        """Return the profit of the whole size after fees."""
        return format_micros(self.profit_micros)

    @property
    def pays_text(self) -> str:
        """Return what one set pays."""
        return format_micros(self.pays_micros)


def walk_set(legs: Sequence[SetLeg], pays_micros: int, budget_micros: int) -> SetWalk:
    """Return the largest size at which every further step still earns, within the budget.

    Each step goes to the end of the thinnest leg's level; the fees of each level are exact. The
    profit is that of the whole size after fees and rounding.
    """
    one_lots = 1_000_000_000 // legs[0].instrument.lot_nanos
    first_cost, first_fee = _step_cost(legs, [0] * len(legs), one_lots)
    at, left = [0] * len(legs), [leg.ask_lots[0] for leg in legs]
    worst = tuple(leg.ask_ticks[0] for leg in legs)
    lots = spent = profit = 0
    for _ in range(STEPS_MAX):
        step = min(left)
        cost, fee = _step_cost(legs, at, one_lots)
        if cost + fee >= pays_micros:
            break
        if cost + fee:  # a set that costs nothing is bought whatever the budget
            step = min(step, (budget_micros - spent) * one_lots // (cost + fee))
        if step <= 0:
            break
        step_cost, step_fee = _step_cost(legs, at, step)
        lot_nanos = legs[0].instrument.lot_nanos
        profit += settlement_micros(step, lot_nanos, pays_micros) - step_cost - step_fee
        spent += step_cost + step_fee
        lots += step
        worst = tuple(leg.ask_ticks[i] for leg, i in zip(legs, at, strict=True))
        left = [lots_left - step for lots_left in left]
        for i, leg in enumerate(legs):
            if not left[i] and at[i] + 1 < len(leg.ask_ticks):
                at[i] += 1
                left[i] = leg.ask_lots[at[i]]
        if not min(left):
            break
    return SetWalk(
        lots=lots,
        profit_micros=profit,
        worst_ticks=worst,
        min_lots=max(leg.instrument.min_lots for leg in legs),
        gross_micros=pays_micros - first_cost,
        first_cost_micros=first_cost,
        first_fee_micros=first_fee,
        pays_micros=pays_micros,
        quantity_text=legs[0].instrument.quantity_text(lots),
    )


def _step_cost(legs: Sequence[SetLeg], at: Sequence[int], lots: int) -> tuple[int, int]:
    cost = fee = 0
    for leg, i in zip(legs, at, strict=True):
        instrument, ticks = leg.instrument, leg.ask_ticks[i]
        worth = notional_micros(ticks, lots, instrument.tick_nanos * instrument.lot_nanos)
        cost += worth
        fee += fill_fee_micros(instrument, ticks, lots, worth, maker=False)
    return cost, fee
