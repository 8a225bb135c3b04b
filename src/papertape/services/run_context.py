"""RunContext: what strategies may look at, straight from the books and the market watch."""

from __future__ import annotations

from papertape.clock import Clock
from papertape.engine.market_watch import MarketWatch
from papertape.model.market_data import BookSeen
from papertape.model.open_order import OpenOrder
from papertape.services.tape_view import TapeView


class RunContext:
    """Implements strategies.base.StrategyContext."""

    def __init__(self, view: TapeView, watch: MarketWatch, clock: Clock) -> None:
        """Look at these; nothing is copied."""
        self.instruments = view.instruments
        self.markets = view.markets
        self.groups = view.groups
        self._view = view
        self._watch = watch
        self._clock = clock

    def now_ns(self) -> int:
        """Return the run's time."""
        return self._clock.now_ns()

    def book(self, symbol: str) -> BookSeen | None:
        """Return the newest book of an instrument."""
        return self._watch.books.get(symbol)

    def held_lots(self, strategy: str, symbol: str) -> int:
        """Return what a strategy holds."""
        return self._view.portfolio.held_lots(strategy, symbol)

    def tradable(self, symbol: str) -> bool:
        """Return whether the instrument's market trades."""
        market_id = self._view.instruments[symbol].market_id
        return self._view.market_states.get(market_id, "trading") == "trading"

    def open_orders(self, strategy: str) -> list[OpenOrder]:
        """Return a strategy's open orders, oldest first."""
        kept = self._view.orders.open.values()
        return [one for one in kept if one.order.strategy == strategy]
