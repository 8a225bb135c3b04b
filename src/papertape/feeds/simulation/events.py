"""Markets on events over hours, moved by news; now and then one resolves 50/50."""

from __future__ import annotations

import math
from statistics import NormalDist

from papertape.feeds.simulation.belief import evidence, spread_left
from papertape.feeds.simulation.dice import stream
from papertape.feeds.simulation.grid import (
    EVENT_FEES,
    ONE_TICKS,
    SHARE_LOTS,
    STEPS_PER_HOUR,
    STEPS_PER_S,
)
from papertape.feeds.simulation.quoting import followed, impatience
from papertape.feeds.simulation.series import (
    NO_WINS,
    SPLIT,
    YES_WINS,
    Payouts,
    SingleSeries,
    hour_text,
    unix_s,
)
from papertape.model.instrument import FeeSchedule

RESOLVE_STEPS = 30 * STEPS_PER_S
SPLIT_CHANCE = 0.1  # of markets that resolve 50/50
SPLIT_FROM = 0.93  # of the life: from here on the price of such a market goes to a half
PUSH_PAUSE_S = (20, 120)
SLEW_TICKS = 200  # a second: news takes a while to arrive
PATHS_KEPT_MAX = 2  # windows in memory: the current one and the one that is resolving


class EventSeries(SingleSeries):
    """One question at a time; its windows are some hours long."""

    calm_half_ticks = 25
    trades_per_mille = 180
    levels = 8

    def __init__(self, seed: int, name: str, question: str, *, hours: int, offset_s: int) -> None:
        """Ask `question` (with the end time put in for {end}) in windows of `hours`."""
        super().__init__(
            seed,
            name,
            period_steps=hours * STEPS_PER_HOUR,
            offset_steps=offset_s * STEPS_PER_S,
            resolve_steps=RESOLVE_STEPS,
            every_steps=STEPS_PER_S,
            median_lots=420 * SHARE_LOTS,
        )
        self._question = question
        self._paths: dict[int, list[int]] = {}

    def slug(self, window: int) -> str:
        """Return the slug of the window's market."""
        return f"{self.name}-{unix_s(self.start_step(window))}"

    def markets(self, window: int) -> list[tuple[str, str, FeeSchedule]]:
        """Return the one market of a window."""
        end = hour_text(self.end_step(window))
        return [(self.slug(window), "Simulated: " + self._question.format(end=end), EVENT_FEES)]

    def fair_ticks(self, window: int, step: int) -> int:
        """Return the price of YES at a step of the window."""
        return self._path(window)[(step - self.start_step(window)) // STEPS_PER_S]

    def payouts(self, window: int) -> list[Payouts]:
        """Return what the end of the path says, or 50/50."""
        if self._is_split(window):
            return [SPLIT]
        return [YES_WINS if self._path(window)[-1] >= ONE_TICKS // 2 else NO_WINS]

    def _is_split(self, window: int) -> bool:
        return stream(self.seed, self.name, "split", window).random() < SPLIT_CHANCE

    def _path(self, window: int) -> list[int]:
        found = self._paths.get(window)
        if found is None:
            if len(self._paths) >= PATHS_KEPT_MAX:
                del self._paths[next(iter(self._paths))]
            found = self._paths[window] = self._make_path(window)
        return found

    def _make_path(self, window: int) -> list[int]:
        """Return the price of YES in ticks for each second of the window, the end included."""
        rng = stream(self.seed, self.name, "path", window)
        seconds = self.period_steps // STEPS_PER_S
        start = NormalDist().inv_cdf(rng.uniform(0.25, 0.75)) * spread_left(seconds, 0)
        path = [
            (1 + math.erf(level / spread_left(seconds, second) / math.sqrt(2))) / 2
            for second, level in enumerate(evidence(rng, seconds, start))
        ]
        if self._is_split(window):
            for second, price in enumerate(path):
                done = max(0.0, second / seconds - SPLIT_FROM) / (1 - SPLIT_FROM)
                path[second] = price + (0.5 - price) * done
        pushes = impatience(rng, len(path), 1, PUSH_PAUSE_S)
        return followed(path, pushes, SLEW_TICKS)
