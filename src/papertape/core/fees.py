"""What a venue charges for a fill, exactly as the venue rounds it. Sources: docs/venues.md."""

from papertape.core.arithmetic import div_ceil, div_half_even, div_half_up
from papertape.model.instrument import Instrument

PPM = 1_000_000
NANOS = 1_000_000_000
FIVE_DECIMALS_MICROS = 10  # Polymarket rounds fees to 5 decimals: steps of 10 micros
CENT_MICROS = 10_000


def fee_weight(instrument: Instrument, ticks: int, lots: int, *, maker: bool) -> int:
    """Return rate x lots x (t(one-t))^e: what a curve's fee is proportional to, as an integer.

    The rate is part of it, so that taker's and maker's fills of one order can be added.
    """
    fees = instrument.fees
    rate_ppm = fees.maker_ppm if maker else fees.taker_ppm
    if not rate_ppm:
        return 0
    one = instrument.one_ticks
    return rate_ppm * lots * (ticks * (one - ticks)) ** fees.exponent


def fill_fee_micros(
    instrument: Instrument,
    ticks: int,
    lots: int,
    notional_micros: int,
    *,
    maker: bool,
    weight_before: int = 0,
    charged_before_micros: int = 0,
) -> int:
    """Return the fee of one fill at one price level, in micros, >= 0.

    weight_before, charged_before_micros: the same order's earlier fills, for venues that round per
    order (Kalshi). Polymarket: C r (p(1-p))^e per level, 5 decimals half-up, makers pay nothing.
    """
    fees = instrument.fees
    if fees.kind == "none":
        return 0
    rate_ppm = fees.maker_ppm if maker else fees.taker_ppm
    if not rate_ppm:
        return 0
    if fees.kind == "proportional":
        return div_half_even(notional_micros * rate_ppm, PPM)
    scale = PPM * NANOS * instrument.one_ticks ** (2 * fees.exponent)
    weight = fee_weight(instrument, ticks, lots, maker=maker)
    if fees.kind == "curve":
        steps = 100_000 * weight * instrument.lot_nanos
        return FIVE_DECIMALS_MICROS * div_half_up(steps, scale)
    total = 100 * (weight_before + weight) * instrument.lot_nanos
    return CENT_MICROS * div_ceil(total, scale) - charged_before_micros


def maker_rebate_estimate_micros(
    instrument: Instrument, ticks: int, lots: int, notional_micros: int
) -> int:
    """Return what a maker rebate might come to; an estimate, never booked as income.

    Source: Polymarket pays rebateRate of the market's taker fees pro rata, daily (docs/venues.md).
    """
    taker = fill_fee_micros(instrument, ticks, lots, notional_micros, maker=False)
    return div_half_even(taker * instrument.fees.rebate_ppm, PPM)
