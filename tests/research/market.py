"""Recorded data and strategies for the tests of backtests."""

from __future__ import annotations

import contextlib
import math
import random
import time
from pathlib import Path

from papertape import Leg, Param, Signal, Strategy
from papertape.model.market_data import BarSeen
from papertape.strategies.base import Answer

START_MS = 1_735_689_600_000  # 2025-01-01T00:00Z, the open of the first bar
EAGER: dict[str, float] = {"warm_s": 0, "rest_s": 0}  # of shipped strategies: trade at once
HEADER = "timestamp_ms,open,high,low,close,volume"


def write_bars(path: Path, rows: list[tuple[float, float, float, float, float]]) -> Path:
    """Write one-minute candles as CSV."""
    lines = [HEADER]
    for minute, row in enumerate(rows):
        lines.append(",".join([str(START_MS + 60_000 * minute), *(f"{x:.2f}" for x in row)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def wavy_bars(path: Path, count: int = 3_000, seed: int = 5) -> Path:
    """Write a price that swings by several percent, with noise."""
    chance = random.Random(seed)
    rows = []
    close = 100.0
    for minute in range(count):
        begin = close
        close = round(100 + 5 * math.sin(minute / 40) + chance.gauss(0, 0.25), 2)
        high, low = max(begin, close) + 0.1, min(begin, close) - 0.1
        rows.append((begin, high, low, close, 500.0))
    return write_bars(path, rows)


class Swing(Strategy):
    """Buys when a bar closes below, sells when one closes above."""

    name = "swing"
    params = (
        Param("low", float, 97.0, 1, 1_000, "USD", "bought below"),
        Param("high", float, 103.0, 1, 1_000, "USD", "sold above"),
    )
    low: float
    high: float

    def on_bar(self, bar: BarSeen) -> Answer:
        held = self.held_lots(bar.symbol)
        close = bar.close_ticks / 100
        if not held and close < self.low:
            leg = Leg(symbol=bar.symbol, side="BUY", quantity="3")
            return Signal(legs=(leg,), reason="low", confidence_pct=70)
        if held and close > self.high:
            return Signal(legs=(Leg(symbol=bar.symbol, side="SELL", quantity_lots=held),))
        return None


class Timed(Strategy):
    """Buys one at the close of bar 2, sells it at the close of bar 5."""

    name = "timed"

    def on_start(self) -> None:
        self.bar = -1

    def on_bar(self, bar: BarSeen) -> Answer:
        self.bar += 1
        side = {2: "BUY", 5: "SELL"}.get(self.bar)
        if side is None:
            return None
        leg = Leg(symbol=bar.symbol, side="BUY" if side == "BUY" else "SELL", quantity="1")
        return Signal(legs=(leg,), confidence_pct=80 if side == "BUY" else None)


class Fails(Swing):
    """Raises at its 2,000th bar."""

    name = "fails"

    def on_start(self) -> None:
        self.bars = 0

    def on_bar(self, bar: BarSeen) -> Answer:
        self.bars += 1
        if self.bars == 2_000:
            raise ValueError("no more")
        return super().on_bar(bar)


class Hangs(Strategy):
    """Never answers, and swallows whatever is raised inside it."""

    name = "hangs"

    def on_bar(self, bar: BarSeen) -> Answer:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.001)


class Remembers(Strategy):
    """Knows the prices of an earlier run: what a look-ahead through a module looks like."""

    name = "remembers"
    seen: list[int] = []  # noqa: RUF012  shared by all instances on purpose

    def on_start(self) -> None:
        self.at = -1
        self.known = list(self.seen)
        self.seen.clear()

    def on_bar(self, bar: BarSeen) -> Answer:
        self.at += 1
        self.seen.append(bar.close_ticks)
        later = self.known[self.at + 5] if self.at + 5 < len(self.known) else bar.close_ticks
        held = self.held_lots(bar.symbol)
        if later > bar.close_ticks + 50 and not held:
            return Signal(legs=(Leg(symbol=bar.symbol, side="BUY", quantity="1"),))
        if later < bar.close_ticks - 50 and held:
            return Signal(legs=(Leg(symbol=bar.symbol, side="SELL", quantity_lots=held),))
        return None
