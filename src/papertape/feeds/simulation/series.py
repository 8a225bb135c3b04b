"""Markets that follow one another: each window lists, trades, closes and resolves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime

from papertape.feeds.simulation.dice import TABLE_MASK, size_table, uniform_table
from papertape.feeds.simulation.grid import (
    STEP_NS,
    STEPS_PER_S,
    VENUE,
    market_id_of,
    outcome_instrument,
)
from papertape.feeds.simulation.ladder import mirrored_books, quote_around, side
from papertape.model.instrument import FeeSchedule, Side
from papertape.model.market import (
    PAYS_HALF_MICROS,
    PAYS_NOTHING_MICROS,
    PAYS_ONE_MICROS,
    EventGroup,
    Market,
)
from papertape.model.market_data import (
    EventSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
    PrintSeen,
)

Payouts = tuple[int, int]

YES_WINS: Payouts = (PAYS_ONE_MICROS, PAYS_NOTHING_MICROS)
NO_WINS: Payouts = (PAYS_NOTHING_MICROS, PAYS_ONE_MICROS)
SPLIT: Payouts = (PAYS_HALF_MICROS, PAYS_HALF_MICROS)
OUTCOMES = ("YES", "NO")


class Series(ABC):
    """A row of windows of equal length; `window` n runs from start_step(n) to end_step(n).

    All lengths are steps of the simulation. Subclasses say what is listed, quoted and paid.
    """

    def __init__(
        self,
        seed: int,
        name: str,
        *,
        period_steps: int,
        offset_steps: int,
        resolve_steps: int,
        every_steps: int,
        median_lots: int,
    ) -> None:
        """Resolve `resolve_steps` after a window's end; quote every `every_steps`."""
        assert 0 <= resolve_steps < period_steps
        assert period_steps % every_steps == 0 and offset_steps % STEPS_PER_S == 0
        self.seed = seed
        self.name = name
        self.period_steps = period_steps
        self.offset_steps = offset_steps
        self.resolve_steps = resolve_steps
        self.every_steps = every_steps
        self.chance = uniform_table(seed, name)
        self.sizes = size_table(
            seed, name, median_lots=median_lots, spread=0.6, least=median_lots // 4
        )

    def window(self, step: int) -> int:
        """Return the number of the window that a step lies in."""
        return (step - self.offset_steps) // self.period_steps

    def start_step(self, window: int) -> int:
        """Return the first step of a window."""
        return self.offset_steps + window * self.period_steps

    def end_step(self, window: int) -> int:
        """Return the step at which a window ends and the next one starts."""
        return self.start_step(window + 1)

    def resolves_step(self, window: int) -> int:
        """Return the step at which a window's markets pay."""
        return self.end_step(window) + self.resolve_steps

    def listing(self, window: int, ts_ns: int) -> list[MarketData]:
        """Return the news that the window's markets exist."""
        found: list[MarketData] = []
        for slug, question, fees in self.markets(window):
            instruments = tuple(outcome_instrument(slug, outcome, fees) for outcome in OUTCOMES)
            market = Market(
                market_id=market_id_of(slug),
                venue=VENUE,
                question=question,
                outcomes=OUTCOMES,
                symbols=tuple(instrument.symbol for instrument in instruments),
                end_ns=self.end_step(window) * STEP_NS,
                event_id=self.event_id(window),
                mirrored=True,
            )
            found.append(MarketSeen(ts_ns=ts_ns, market=market, instruments=instruments))
        group = self.group(window)
        if group is not None:
            found.append(EventSeen(ts_ns=ts_ns, group=group))
        return found

    def opening(self, window: int, ts_ns: int) -> list[MarketData]:
        """Return the news that the window's markets trade."""
        return [
            MarketStateSeen(ts_ns=ts_ns, market_id=market_id_of(slug), state="trading")
            for slug, _, _ in self.markets(window)
        ]

    def closing(self, window: int, ts_ns: int) -> list[MarketData]:
        """Return the news that trading in the window's markets is over."""
        return [
            MarketStateSeen(ts_ns=ts_ns, market_id=market_id_of(slug), state="closed")
            for slug, _, _ in self.markets(window)
        ]

    def resolution(self, window: int, ts_ns: int) -> list[MarketData]:
        """Return what the window's markets pay."""
        payouts = self.payouts(window)
        return [
            MarketResolvedSeen(ts_ns=ts_ns, market_id=market_id_of(slug), payouts_micros=paid)
            for (slug, _, _), paid in zip(self.markets(window), payouts, strict=True)
        ]

    def event_id(self, window: int) -> str:
        """Return the event that the window's markets belong to, "" for none."""
        return ""

    def group(self, window: int) -> EventGroup | None:
        """Return the window's event, None where markets stand alone."""
        return None

    @abstractmethod
    def markets(self, window: int) -> list[tuple[str, str, FeeSchedule]]:
        """Return slug, question and fees of each market of a window."""

    @abstractmethod
    def payouts(self, window: int) -> list[Payouts]:
        """Return what each market of a window pays, in the order of `markets`."""

    @abstractmethod
    def emit(self, step: int, ts_ns: int, out: list[MarketData]) -> None:
        """Add the books and prints of a step at which this series quotes."""


class SingleSeries(Series):
    """A series with one market per window, quoted around a fair price."""

    levels = 7
    calm_half_ticks = 30  # half spread around the fair price when nothing moves
    trades_per_mille = 250  # chance of a print with each quote

    @abstractmethod
    def slug(self, window: int) -> str:
        """Return the slug of the window's market."""

    @abstractmethod
    def fair_ticks(self, window: int, step: int) -> int:
        """Return the fair price of YES at a step of the window (start to end, both included)."""

    def emit(self, step: int, ts_ns: int, out: list[MarketData]) -> None:
        """Add YES and NO books that mirror each other, and now and then a print before them.

        The spread covers the move since the last quote: an old quote of one token and a new one of
        the other then never add up to a gain that nobody offered.
        """
        window = self.window(step)
        first = self.start_step(window)
        fair = self.fair_ticks(window, step)
        before = self.fair_ticks(window, max(first, step - self.every_steps))
        move = abs(fair - before)
        chance = self.chance[(step * 7 + window * 13) & TABLE_MASK]
        half = max(self.calm_half_ticks + chance // 25, move - self.calm_half_ticks)
        bid, ask = quote_around(fair, half)
        slug = self.slug(window)
        symbols = (f"{VENUE}:{slug}:YES", f"{VENUE}:{slug}:NO")
        levels = self.levels + chance % 3
        bids = side(bid, -100, levels, step, self.sizes, 0)
        asks = side(ask, 100, levels, step, self.sizes, 0)
        if chance < self.trades_per_mille + 3 * move:
            trade = printed(symbols[0], ts_ns, fair >= before, chance, bids, asks)
            if trade is not None:
                out.append(trade)
        out.extend(mirrored_books(symbols, ts_ns, bids, asks))


def printed(
    symbol: str,
    ts_ns: int,
    rising: bool,
    chance: int,
    bids: tuple[tuple[int, ...], tuple[int, ...]],
    asks: tuple[tuple[int, ...], tuple[int, ...]],
) -> PrintSeen | None:
    """Return a trade of others at the best price, None if that side is empty."""
    buys = (chance * 7) % 10 < (7 if rising else 3)
    prices, lots = asks if buys else bids
    taker: Side = "BUY" if buys else "SELL"
    if not prices:
        return None
    return PrintSeen(
        symbol=symbol,
        ts_ns=ts_ns,
        price_ticks=prices[0],
        quantity_lots=max(500, lots[0] * (chance % 17 + 3) // 20),
        side=taker,
        venue_ts_ns=ts_ns,
    )


def unix_s(step: int) -> int:
    """Return the second of a step since the epoch."""
    return step // STEPS_PER_S


def hour_text(step: int) -> str:
    """Return the time of day of a step, as in a question."""
    return datetime.fromtimestamp(unix_s(step), tz=UTC).strftime("%H:%M:%S").removesuffix(":00")
