"""A negRisk event with four outcomes, and the gaps that open in it now and then."""

from __future__ import annotations

import math
from typing import Literal

from papertape.feeds.simulation.belief import evidence, spread_left
from papertape.feeds.simulation.dice import TABLE_MASK, stream
from papertape.feeds.simulation.grid import (
    CENT_TICKS,
    EVENT_FEES,
    ONE_TICKS,
    SHARE_LOTS,
    STEPS_PER_MINUTE,
    STEPS_PER_S,
    VENUE,
    market_id_of,
)
from papertape.feeds.simulation.ladder import mirrored_books, quote_around, side
from papertape.feeds.simulation.series import (
    NO_WINS,
    YES_WINS,
    Payouts,
    Series,
    hour_text,
    printed,
    unix_s,
)
from papertape.model.instrument import FeeSchedule
from papertape.model.market import EventGroup
from papertape.model.market_data import MarketData

WINDOW_STEPS = 20 * STEPS_PER_MINUTE
RESOLVE_STEPS = 30 * STEPS_PER_S
CALM_HALF_TICKS = 35
TRADES_PER_MILLE = 120
PATHS_KEPT_MAX = 2
GAP_PAUSE_S = (3, 6)  # seconds between two gaps: a newcomer sees the first trade within 20 s
GAP_LENGTH_S = (3, 5)
GAP_EDGE_TICKS = (60, 150)  # what such a gap leaves per share after fees, at least
GAP_TEASE_TICKS = (-190, -110)  # a gap that fees eat: between the two after its last cent
GAP_SHARES = (40, 90)

Direction = Literal["all_yes", "all_no"]
Gap = tuple[Direction, int, int]  # direction, least ticks per share after fees, lots offered


class NegRiskSeries(Series):
    """Windows of twenty minutes; exactly one of the four outcomes pays."""

    def __init__(
        self, seed: int, name: str, title: str, names: tuple[str, ...], *, offset_s: int
    ) -> None:
        """Ask which of `names` wins `title` in each window."""
        super().__init__(
            seed,
            name,
            period_steps=WINDOW_STEPS,
            offset_steps=offset_s * STEPS_PER_S,
            resolve_steps=RESOLVE_STEPS,
            every_steps=STEPS_PER_S,
            median_lots=260 * SHARE_LOTS,
        )
        self._title = title
        self._names = names
        self._paths: dict[int, tuple[list[tuple[int, ...]], dict[int, Gap]]] = {}

    def slug(self, window: int, outcome: str) -> str:
        """Return the slug of one outcome's market."""
        return f"{self.name}-{outcome}-{unix_s(self.start_step(window))}"

    def markets(self, window: int) -> list[tuple[str, str, FeeSchedule]]:
        """Return the four markets of a window."""
        end = hour_text(self.end_step(window))
        return [
            (
                self.slug(window, name),
                f"Simulated: will {name.title()} win {self._title} at {end} UTC?",
                EVENT_FEES,
            )
            for name in self._names
        ]

    def event_id(self, window: int) -> str:
        """Return the id of the window's event."""
        return f"{VENUE}:{self.name}-{unix_s(self.start_step(window))}"

    def group(self, window: int) -> EventGroup:
        """Return the window's event: exhaustive, no placeholders."""
        return EventGroup(
            event_id=self.event_id(window),
            venue=VENUE,
            title=f"Simulated: {self._title} at {hour_text(self.end_step(window))} UTC",
            market_ids=tuple(market_id_of(slug) for slug, _, _ in self.markets(window)),
            neg_risk=True,
        )

    def payouts(self, window: int) -> list[Payouts]:
        """Return what the end of the paths says: the likeliest outcome wins."""
        final = self._path(window)[0][-1]
        winner = final.index(max(final))
        return [YES_WINS if index == winner else NO_WINS for index in range(len(final))]

    def emit(self, step: int, ts_ns: int, out: list[MarketData]) -> None:
        """Add all eight books, so that no leg of the set is older than the others.

        A bid gives way a second before an ask falls to it: as in `SingleSeries`, an old quote of
        one token and a new one of the other never add up to a gain that nobody offered.
        """
        window = self.window(step)
        second = (step - self.start_step(window)) // STEPS_PER_S
        path = self._path(window)[0]
        fair, before = path[second], path[max(0, second - 1)]
        chance = self.chance[(second * 7 + window * 13) & TABLE_MASK]
        quotes, tops = self._quotes(window, second)
        coming, _ = self._quotes(window, second + 1)
        for leg, (best_bid, ask) in enumerate(quotes):
            bid = min(best_bid, coming[leg][1])
            slug = self.slug(window, self._names[leg])
            symbols = (f"{VENUE}:{slug}:YES", f"{VENUE}:{slug}:NO")
            now = step + leg * 1009  # legs draw their sizes from different places of the table
            bids = side(bid, -100, 6 + chance % 4, now, self.sizes, tops[0])
            asks = side(ask, 100, 6 + chance % 4, now, self.sizes, tops[1])
            if (chance * (leg + 3) * 7) % 1000 < TRADES_PER_MILLE:
                rising = fair[leg] >= before[leg]
                trade = printed(symbols[0], ts_ns, rising, chance + leg, bids, asks)
                if trade is not None:
                    out.append(trade)
            out.extend(mirrored_books(symbols, ts_ns, bids, asks))

    def _quotes(self, window: int, second: int) -> tuple[list[tuple[int, int]], tuple[int, int]]:
        """Return best bid and ask of each leg, with any gap in them, and the lots on top."""
        path, gaps = self._path(window)
        fair, before = path[second], path[max(0, second - 1)]
        chance = self.chance[(second * 11 + window * 17) & TABLE_MASK]
        quotes = [
            quote_around(now, max(CALM_HALF_TICKS + (chance * (leg + 1)) % 50, abs(now - then)))
            for leg, (now, then) in enumerate(zip(fair, before, strict=True))
        ]
        gap = gaps.get(second)
        return (quotes, (0, 0)) if gap is None else open_gap(quotes, gap)

    def _path(self, window: int) -> tuple[list[tuple[int, ...]], dict[int, Gap]]:
        found = self._paths.get(window)
        if found is None:
            if len(self._paths) >= PATHS_KEPT_MAX:
                del self._paths[next(iter(self._paths))]
            found = self._make_path(window), self._make_gaps(window)
            self._paths[window] = found
        return found

    def _make_path(self, window: int) -> list[tuple[int, ...]]:
        """Return the four prices of YES in ticks per second; they add up to 1 but for rounding."""
        seconds = self.period_steps // STEPS_PER_S
        paths = []
        for name in self._names:
            rng = stream(self.seed, self.name, name, window)
            start = rng.uniform(-0.5, 0.5) * math.sqrt(seconds)
            paths.append(evidence(rng, seconds, start))
        prices = []
        for second, levels in enumerate(zip(*paths, strict=True)):
            left = spread_left(seconds, second)
            top = max(levels)
            weights = [math.exp(1.2 * (level - top) / left) for level in levels]
            total = sum(weights)
            prices.append(tuple([round(ONE_TICKS * weight / total) for weight in weights]))
        return prices

    def _make_gaps(self, window: int) -> dict[int, Gap]:
        """Return at which seconds of a window which gap is open; every other one fees eat."""
        rng = stream(self.seed, self.name, "gaps", window)
        seconds = self.period_steps // STEPS_PER_S
        gaps: dict[int, Gap] = {}
        second = rng.randrange(2, GAP_PAUSE_S[1])
        real = rng.random() < 0.5
        while second < seconds:
            direction: Direction = "all_yes" if rng.random() < 0.5 else "all_no"
            real = not real
            edge = rng.randrange(*(GAP_EDGE_TICKS if real else GAP_TEASE_TICKS))
            lots = rng.randrange(*GAP_SHARES) * SHARE_LOTS
            length = rng.randrange(*GAP_LENGTH_S)
            for inside in range(second, second + length):
                gaps[inside] = (direction, edge, lots)
            second += length + rng.randrange(*GAP_PAUSE_S)
        return gaps


def open_gap(
    quotes: list[tuple[int, int]], gap: Gap
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Return quotes with the gap in them, and the lots on top of (bids, asks); 0 leaves them.

    Asks fall (all YES) or bids rise (all NO) cent by cent, leg by leg, until a share of each leg
    leaves `edge` ticks after fees. Where a leg has no room for that, nothing changes.
    """
    direction, edge_ticks, lots = gap
    is_yes = direction == "all_yes"
    prices = [ask if is_yes else bid for bid, ask in quotes]
    if min(prices) < CENT_TICKS or max(prices) > ONE_TICKS - CENT_TICKS:
        return quotes, (0, 0)
    moved = list(prices)
    order = sorted(range(len(moved)), key=lambda leg: -moved[leg])
    turn = stuck = 0
    while _edge_ticks(moved, is_yes) < edge_ticks and stuck < len(order):
        leg = order[turn % len(order)]
        turn += 1
        after = moved[leg] + (-CENT_TICKS if is_yes else CENT_TICKS)
        if 2 * CENT_TICKS <= after <= ONE_TICKS - 2 * CENT_TICKS:
            moved[leg] = after
            stuck = 0
        else:
            stuck += 1
    if stuck:
        return quotes, (0, 0)
    shifted = [
        (bid + new - old, ask + new - old)
        for (bid, ask), new, old in zip(quotes, moved, prices, strict=True)
    ]
    return shifted, ((0, lots) if is_yes else (lots, 0))


def _edge_ticks(prices: list[int], is_yes: bool) -> float:
    """Return what one share of each leg leaves in ticks after fees."""
    rate = EVENT_FEES.taker_ppm / 1_000_000
    fees = sum(rate * price * (ONE_TICKS - price) / ONE_TICKS for price in prices)
    total = sum(prices)
    return (ONE_TICKS - total if is_yes else total - ONE_TICKS) - fees
