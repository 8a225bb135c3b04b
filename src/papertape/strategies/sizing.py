"""How much: amounts of money turned into lots that the venue takes."""

from __future__ import annotations

from collections.abc import Sequence

from papertape.core.arithmetic import notional_micros
from papertape.core.fees import fill_fee_micros
from papertape.model.instrument import Instrument
from papertape.model.money import NANOS

ATTO_PER_MICRO = 1_000_000_000_000  # tick x lot sizes are in 1e-18 of the currency


def lots_for_micros(instrument: Instrument, price_ticks: int, micros: int) -> int:
    """Return how many lots an amount buys at a price, rounded down; 0 below the venue's minimum."""
    worth = price_ticks * instrument.tick_nanos * instrument.lot_nanos
    if worth <= 0:
        return 0
    lots = micros * ATTO_PER_MICRO // worth
    if lots < max(instrument.min_lots, 1):
        return 0
    return 0 if micros < instrument.min_notional_micros else lots


def edge_micros(instrument: Instrument, edge_half_ticks: float, lots: int) -> int:
    """Return what an edge per share, in half ticks, comes to for a size: an estimate, not money."""
    worth = edge_half_ticks / 2 * lots * instrument.tick_nanos * instrument.lot_nanos
    return round(worth / ATTO_PER_MICRO)


def taker_fee_ticks(instrument: Instrument, price_ticks: int) -> int:
    """Return the taker fee of one whole share at a price, in ticks, rounded up."""
    lots = max(NANOS // instrument.lot_nanos, 1)
    unit = instrument.tick_nanos * instrument.lot_nanos
    worth = notional_micros(price_ticks, lots, unit)
    fee = fill_fee_micros(instrument, price_ticks, lots, worth, maker=False)
    return -(-fee * ATTO_PER_MICRO // (lots * unit))


def depth_lots(ticks: Sequence[int], lots: Sequence[int], worst_ticks: int, share: float) -> int:
    """Return a share of what a side of the book offers up to a price, best level first.

    Taking all of it would tell everybody; `share` (0 to 1) says how much of it is ours to take.
    """
    assert 0 <= share <= 1, share
    rising = len(ticks) < 2 or ticks[-1] >= ticks[0]
    seen = 0
    for level_ticks, level_lots in zip(ticks, lots, strict=True):
        if (level_ticks > worst_ticks) if rising else (level_ticks < worst_ticks):
            break
        seen += level_lots
    return int(seen * share)


def kelly_share(chance: float, price: float, fee: float = 0.0) -> float:
    """Return the share of wealth that grows it fastest on a token that pays 1 with this chance.

    price and fee are per token; both are lost if it pays nothing. 0 where there is no edge. Half of
    it is what people use: the chance is an estimate. Source: Kelly (1956), Bell System Technical
    Journal 35(4), with odds of (1 - cost) to cost.
    """
    cost = price + fee
    if not 0 < cost < 1 or chance <= cost:
        return 0.0
    return (min(chance, 1.0) - cost) / (1 - cost)


def volatility_share(target: float, volatility: float, share_max: float = 1.0) -> float:
    """Return the share of wealth at which a position swings by `target` as the volatility does.

    Both over the same span, as fractions. Without a volatility there is no size.
    """
    if not volatility > 0 or not target > 0:
        return 0.0
    return min(target / volatility, share_max)


def micros_of_share(equity_micros: int, share: float, most_micros: int) -> int:
    """Return a share of equity in micros, bounded; an estimate of size, not money on the books."""
    assert most_micros >= 0, most_micros
    return max(0, min(round(equity_micros * share), most_micros))
