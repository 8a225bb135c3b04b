"""How much: amounts of money turned into lots that the venue takes."""

from __future__ import annotations

from papertape.model.instrument import Instrument

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
