"""A strategy that decides on whole columns of closed bars, and is traded bar by bar like any other.

class Cross(VectorStrategy):
    name = "cross"

    def signals(self, frame):
        fast, slow = (pl.col("close").ewm_mean(span=n, adjust=False) for n in (10, 30))
        return frame.select(target_lots=pl.when(fast > slow).then(100_000).otherwise(0))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from papertape.errors import InvalidInputError
from papertape.model.instrument import Instrument, Side
from papertape.model.market_data import BarSeen
from papertape.model.signal import Leg, Signal
from papertape.strategies.base import Strategy

KEEP = -1


class VectorStrategy(Strategy):
    """Override `signals`; it runs in backtests, where the bars are known as a whole.

    What it decides on a bar is traded after that bar has closed: at the next one, as every order
    on bars. A row may only use what is known when its bar closes; `--check-lookahead` proves it.
    """

    def signals(self, frame: Any) -> Any:
        """Return a Polars frame with the column `target_lots`: lots to hold, null for no wish.

        frame: one instrument's closed bars as a Polars frame: ts_ns (the close), symbol, open,
        high, low, close, volume as floats, and open_ticks to close_ticks and volume_lots exact.
        """
        raise NotImplementedError

    def decide(
        self, times: Mapping[str, Sequence[int]], targets: Mapping[str, Sequence[int]]
    ) -> None:
        """Take what `signals` answered, by symbol and bar; done by whoever runs the backtest."""
        self._times, self._targets = times, targets
        self._row = dict.fromkeys(times, 0)
        self._aim = dict.fromkeys(times, 0)

    def wants(self, instrument: Instrument) -> bool:
        """Return whether anything was decided about the instrument."""
        return instrument.symbol in self._decided()

    def on_bar(self, bar: BarSeen) -> Signal | None:
        """Trade what is missing to the bar's target, when that changes."""
        symbol = bar.symbol
        row = self._row[symbol]
        if self._times[symbol][row] != bar.ts_ns:
            raise InvalidInputError(
                f"{symbol}, bar {row}", bar.ts_ns, "the bar that was decided on"
            )
        self._row[symbol] = row + 1
        target = self._targets[symbol][row]
        if target in {KEEP, self._aim[symbol]}:
            return None
        self._aim[symbol] = target
        missing = target - self.held_lots(symbol)
        if not missing:
            return None
        side: Side = "BUY" if missing > 0 else "SELL"
        return Signal(legs=(Leg(symbol=symbol, side=side, quantity_lots=abs(missing)),))

    def _decided(self) -> Mapping[str, Sequence[int]]:
        try:
            return self._targets
        except AttributeError:
            expected = "a backtest: a vectorised strategy needs all bars before it begins"
            raise InvalidInputError("strategy", self.name, expected) from None
