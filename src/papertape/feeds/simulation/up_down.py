"""Five-minute markets on a simulated pair: up or down, as on Polymarket."""

from __future__ import annotations

import math

from papertape.feeds.simulation.dice import stream
from papertape.feeds.simulation.grid import (
    CRYPTO_FEES,
    SHARE_LOTS,
    STEPS_PER_MINUTE,
    STEPS_PER_S,
)
from papertape.feeds.simulation.quoting import followed, impatience
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
QUOTE_STEPS = 2  # a quote every half second …
SLEW_TICKS = 120  # … that moves by 1.2 cents at most
PUSH_PAUSE_S = (8, 40)
PATHS_KEPT_MAX = 2  # windows in memory: the current one and the one before
LEFT_LEAST = 0.0006  # of a window: keeps the last quote finite


class UpDown(SingleSeries):
    """YES pays if the pair ends its five minutes at or above where it began."""

    def __init__(
        self, seed: int, asset: str, walk: Walk, *, offset_s: int, impatient: bool
    ) -> None:
        """Follow `walk`; windows start `offset_s` seconds after each multiple of five minutes.

        impatient: orders push the quotes aside now and then, and they come back.
        """
        super().__init__(
            seed,
            f"{asset}-updown-5m",
            period_steps=WINDOW_STEPS,
            offset_steps=offset_s * STEPS_PER_S,
            resolve_steps=RESOLVE_STEPS,
            every_steps=QUOTE_STEPS,
            median_lots=160 * SHARE_LOTS,
        )
        self._asset = asset
        self._impatient = impatient
        self._walk = walk
        self._paths: dict[int, list[int]] = {}

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
        """Return the price of YES: the chance of up, followed by quotes."""
        return self._path(window)[(step - self.start_step(window)) // QUOTE_STEPS]

    def _path(self, window: int) -> list[int]:
        found = self._paths.get(window)
        if found is None:
            if len(self._paths) >= PATHS_KEPT_MAX:
                del self._paths[next(iter(self._paths))]
            found = self._paths[window] = self._make_path(window)
        return found

    def _make_path(self, window: int) -> list[int]:
        """Return the price of YES in ticks at each quote of the window, the end included."""
        start = self.start_step(window)
        first = self._walk.price(start)
        worth = []
        for passed in range(0, WINDOW_STEPS + 1, QUOTE_STEPS):
            moved = math.log(self._walk.price(start + passed) / first)
            spread = MOVE_SPREAD * math.sqrt(1 - passed / WINDOW_STEPS + LEFT_LEAST)
            worth.append((1 + math.erf(moved / (spread * math.sqrt(2)))) / 2)
        pushes = [0.0] * len(worth)
        if self._impatient:
            rng = stream(self.seed, self.name, "quotes", window)
            pushes = impatience(rng, len(worth), STEPS_PER_S // QUOTE_STEPS, PUSH_PAUSE_S)
        return followed(worth, pushes, SLEW_TICKS)

    def payouts(self, window: int) -> list[Payouts]:
        """Return the outcome; a tie counts as up."""
        start, end = self.start_step(window), self.end_step(window)
        up = self._walk.price(end) >= self._walk.price(start)
        return [YES_WINS if up else NO_WINS]
