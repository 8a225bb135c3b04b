"""A simulated crypto pair: books, prints and one-minute bars along a walk."""

from __future__ import annotations

from papertape.feeds.simulation.dice import TABLE_MASK, size_table, stream, uniform_table
from papertape.feeds.simulation.grid import (
    NS_PER_MINUTE,
    STEP_NS,
    STEPS_PER_MINUTE,
    pair_instrument,
)
from papertape.feeds.simulation.walks import Walk
from papertape.model.instrument import Instrument, Side
from papertape.model.market_data import BarSeen, BookSeen, MarketData, PrintSeen

LEVELS = 8
SHAPES = 64
TICKS_PER_UNIT = 100  # ticks of 0.01
HALF_SPREAD = 0.00003  # of the price: 0.3 basis points when nothing happens


class Pair:
    """One pair: `emit` says its book (and print), `bar` the minute that just closed."""

    def __init__(self, seed: int, name: str, walk: Walk, *, median_lots: int) -> None:
        """Quote around `walk`; `name` is the pair, such as BTC/USDT."""
        self.instrument: Instrument = pair_instrument(name)
        self.walk = walk
        self._symbol = self.instrument.symbol
        self._chance = uniform_table(seed, name)
        self._sizes = size_table(
            seed, name, median_lots=median_lots * 6, spread=0.7, least=median_lots
        )
        self._shapes = self._make_shapes(seed, name, walk.base)

    @staticmethod
    def _make_shapes(seed: int, name: str, price: float) -> list[list[int]]:
        """Return ways in which levels lie behind the best one, as distances in ticks."""
        rng = stream(seed, "shapes", name)
        shapes = []
        for _ in range(SHAPES):
            distance, shape = 0, [0]
            for _ in range(LEVELS - 1):
                distance += max(1, int(price * TICKS_PER_UNIT * rng.uniform(0.00002, 0.0002)))
                shape.append(distance)
            shapes.append(shape)
        return shapes

    def _best(self, step: int) -> tuple[int, int]:
        """Return best bid and ask in ticks; the spread widens with the last move."""
        price = self.walk.price(step)
        move = abs(price - self.walk.price(step - 1))
        chance = self._chance[step & TABLE_MASK]
        half = price * HALF_SPREAD * (1 + chance / 400) + move / 4
        bid_ticks = int((price - half) * TICKS_PER_UNIT)
        ask_ticks = int((price + half) * TICKS_PER_UNIT) + 1
        return bid_ticks, ask_ticks

    def _trade(self, step: int) -> tuple[int, int, Side] | None:
        """Return price, lots and taker side of the trade at a step, None without one."""
        lots = self.walk.lots(step)
        if not lots:
            return None
        bid_ticks, ask_ticks = self._best(step)
        rising = self.walk.price(step) >= self.walk.price(step - STEPS_PER_MINUTE // 12)
        buys = self._chance[(step * 3) & TABLE_MASK] < (620 if rising else 380)
        return (ask_ticks, lots, "BUY") if buys else (bid_ticks, lots, "SELL")

    def emit(self, step: int, ts_ns: int, out: list[MarketData]) -> None:
        """Add the trade of this step, if any, and the book after it."""
        trade = self._trade(step)
        if trade is not None:
            price_ticks, lots, side = trade
            out.append(
                PrintSeen(
                    symbol=self._symbol,
                    ts_ns=ts_ns,
                    price_ticks=price_ticks,
                    quantity_lots=lots,
                    side=side,
                    venue_ts_ns=ts_ns,
                )
            )
        bid_ticks, ask_ticks = self._best(step)
        turn = step >> 2
        bids = self._shapes[(turn * 5) % SHAPES]
        asks = self._shapes[(turn * 7 + 3) % SHAPES]
        at = (turn * 37) & (TABLE_MASK >> 1)
        out.append(
            BookSeen(
                symbol=self._symbol,
                ts_ns=ts_ns,
                bid_ticks=tuple([bid_ticks - distance for distance in bids]),
                bid_lots=tuple(self._sizes[at : at + LEVELS]),
                ask_ticks=tuple([ask_ticks + distance for distance in asks]),
                ask_lots=tuple(self._sizes[at + LEVELS : at + 2 * LEVELS]),
                venue_ts_ns=ts_ns,
            )
        )

    def bar(self, end_step: int) -> BarSeen | None:
        """Return the minute of trades before `end_step`, None if nothing traded in it."""
        trades = [
            trade
            for step in range(end_step - STEPS_PER_MINUTE, end_step)
            if (trade := self._trade(step)) is not None
        ]
        if not trades:
            return None
        prices = [trade[0] for trade in trades]
        return BarSeen(
            symbol=self._symbol,
            ts_ns=end_step * STEP_NS,
            interval_ns=NS_PER_MINUTE,
            open_ticks=prices[0],
            high_ticks=max(prices),
            low_ticks=min(prices),
            close_ticks=prices[-1],
            volume_lots=sum(trade[1] for trade in trades),
            venue_ts_ns=end_step * STEP_NS,
        )
