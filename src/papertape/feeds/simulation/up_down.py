"""Five-minute markets on a simulated pair: up or down, as on Polymarket."""

from __future__ import annotations

import math

from papertape.feeds.simulation.grid import (
    CRYPTO_FEES,
    ONE_TICKS,
    SHARE_LOTS,
    STEPS_PER_MINUTE,
    STEPS_PER_S,
)
from papertape.feeds.simulation.series import (
    NO_WINS,
    YES_WINS,
    Payouts,
    SingleSeries,
    hour_text,
    unix_s,
)
from papertape.feeds.simulation.walks import Walk
from papertape.model.instrument import FeeSchedule

WINDOW_STEPS = 5 * STEPS_PER_MINUTE
RESOLVE_STEPS = 15 * STEPS_PER_S  # Polymarket pays these 15 to 60 s after the close
MOVE_SPREAD = 0.0046  # standard deviation of a five-minute move of our walks (measured)
LEFT_LEAST = 0.0006  # of a window: keeps the last quote finite


class UpDown(SingleSeries):
    """YES pays if the pair ends its five minutes at or above where it began."""

    def __init__(self, seed: int, asset: str, walk: Walk, *, offset_s: int) -> None:
        """Follow `walk`; windows start `offset_s` seconds after each multiple of five minutes."""
        super().__init__(
            seed,
            f"{asset}-updown-5m",
            period_steps=WINDOW_STEPS,
            offset_steps=offset_s * STEPS_PER_S,
            resolve_steps=RESOLVE_STEPS,
            every_steps=2,
            median_lots=160 * SHARE_LOTS,
        )
        self._asset = asset
        self._walk = walk

    def slug(self, window: int) -> str:
        """Return a slug of Polymarket's form."""
        return f"{self.name}-{unix_s(self.start_step(window))}"

    def markets(self, window: int) -> list[tuple[str, str, FeeSchedule]]:
        """Return the one market of a window."""
        start, end = self.start_step(window), self.end_step(window)
        question = (
            f"Simulated {self._asset.upper()}: up from {hour_text(start)} to {hour_text(end)} UTC?"
        )
        return [(self.slug(window), question, CRYPTO_FEES)]

    def fair_ticks(self, window: int, step: int) -> int:
        """Return the chance that the pair ends where it is or higher, given the time left."""
        start = self.start_step(window)
        moved = math.log(self._walk.price(step) / self._walk.price(start))
        left = max(0.0, 1 - (step - start) / WINDOW_STEPS)
        spread = MOVE_SPREAD * math.sqrt(left + LEFT_LEAST)
        return round(ONE_TICKS * (1 + math.erf(moved / (spread * math.sqrt(2)))) / 2)

    def payouts(self, window: int) -> list[Payouts]:
        """Return the outcome; a tie counts as up."""
        start, end = self.start_step(window), self.end_step(window)
        up = self._walk.price(end) >= self._walk.price(start)
        return [YES_WINS if up else NO_WINS]
