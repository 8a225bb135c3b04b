"""How much: amounts of money turned into lots that the venue takes."""

from __future__ import annotations

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
