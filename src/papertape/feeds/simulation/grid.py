"""The grid of simulated time, and the instruments' own grids."""

from __future__ import annotations

from datetime import date

from papertape.feeds.polymarket_fees import fee_for
from papertape.model.instrument import FeeSchedule, Instrument

STEP_NS = 250_000_000  # base step of market time
STEPS_PER_S = 4
STEPS_PER_MINUTE = 240
STEPS_PER_HOUR = 14_400
NS_PER_MINUTE = STEPS_PER_MINUTE * STEP_NS

VENUE = "simulated"
ONE_TICKS = 10_000  # a price of 1 on an outcome token: ticks of 0.0001
CENT_TICKS = 100  # their grid: 0.01
SHARE_LOTS = 100  # one share: lots of 0.01

_RATES_OF = date(2026, 11, 22)  # the simulation charges what Polymarket charged on this day
CRYPTO_FEES = fee_for("crypto", _RATES_OF)
EVENT_FEES = fee_for("politics", _RATES_OF)
PAIR_FEES = FeeSchedule(
    kind="proportional",
    taker_ppm=1_000,
    maker_ppm=1_000,
    dated=_RATES_OF.isoformat(),
    source="spot venues' base tier, 0.1 %",
)


def market_id_of(slug: str) -> str:
    """Return the id of a simulated market."""
    return f"{VENUE}:{slug}"


def outcome_instrument(slug: str, outcome: str, fees: FeeSchedule) -> Instrument:
    """Return one outcome token of a simulated market, on Polymarket's grid."""
    return Instrument(
        symbol=f"{VENUE}:{slug}:{outcome}",
        venue=VENUE,
        kind="outcome",
        quote_currency="USD",
        tick_nanos=100_000,
        lot_nanos=10_000_000,
        step_ticks=CENT_TICKS,
        min_lots=5 * SHARE_LOTS,
        min_notional_micros=1_000_000,
        fees=fees,
        market_id=market_id_of(slug),
        outcome=outcome,
    )


def pair_instrument(pair: str) -> Instrument:
    """Return a simulated crypto pair such as BTC/USDT."""
    return Instrument(
        symbol=f"{VENUE}:{pair}",
        venue=VENUE,
        kind="spot",
        quote_currency=pair.partition("/")[2],
        tick_nanos=10_000_000,
        lot_nanos=10_000,
        min_lots=1,
        min_notional_micros=1_000_000,
        fees=PAIR_FEES,
    )
