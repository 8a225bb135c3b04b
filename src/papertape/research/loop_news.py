"""What the loop is told of instruments, markets and the feed, when its data comes to it."""

from __future__ import annotations

from collections.abc import Sequence

from papertape.core.loop import LoopContext
from papertape.core.loop_columns import HALTED, OVER, TRADING
from papertape.core.loop_run import Loop
from papertape.model.instrument import Instrument
from papertape.model.market import Market
from papertape.model.market_data import (
    EventSeen,
    FeedStateSeen,
    InstrumentSeen,
    MarketData,
    MarketResolvedSeen,
    MarketSeen,
    MarketStateSeen,
)


class LoopNews:
    """Tells one run its news (implements `core.loop.NewsTeller`), as `TradingLoop` takes them."""

    def __init__(self, items: Sequence[MarketData]) -> None:
        """Take the news by number; instruments in them bear the fees of this run."""
        self._items = items
        self._states: dict[str, str] = {}
        self._silent: set[str] = set()

    def attach(self, loop: Loop) -> LoopContext:
        """Begin with nothing listed."""
        self._loop = loop
        self._by_market: dict[str, list[int]] = {}
        for slot in loop.slots:
            self._by_market.setdefault(slot.instrument.market_id, []).append(slot.index)
        self._context = LoopContext(loop)
        self._context.instruments.clear()
        return self._context

    def tell(self, number: int) -> None:
        """Tell one piece."""
        item = self._items[number]
        if isinstance(item, InstrumentSeen):
            self._list(item.instrument)
        elif isinstance(item, MarketSeen):
            for instrument in item.instruments:
                self._list(instrument)
            self._context.markets[item.market.market_id] = item.market
            self._states.setdefault(item.market.market_id, "trading")
        elif isinstance(item, EventSeen):
            self._context.groups[item.group.event_id] = item.group
        elif isinstance(item, MarketStateSeen):
            self._state(item)
        elif isinstance(item, MarketResolvedSeen):
            self._resolved(item)
        elif isinstance(item, FeedStateSeen):
            (self._silent.discard if item.state == "live" else self._silent.add)(item.source)
            self._loop.engine.alive = not self._silent

    def _list(self, instrument: Instrument) -> None:
        self._context.instruments[instrument.symbol] = instrument
        self._loop.list_anew(self._loop.by_symbol[instrument.symbol].index, instrument)

    def _state(self, item: MarketStateSeen) -> None:
        before = self._states.get(item.market_id)
        if before in {item.state, "resolved"}:
            return
        self._states[item.market_id] = item.state
        state = TRADING if item.state == "trading" else HALTED
        if item.state in {"closed", "resolved"}:
            state = OVER
        self._loop.set_state(self._by_market.get(item.market_id, []), state)

    def _resolved(self, item: MarketResolvedSeen) -> None:
        market = self._context.markets.get(item.market_id)
        if market is None or self._states.get(item.market_id) == "resolved":
            return
        payouts = item.payouts_micros
        if payouts is not None and len(payouts) != len(market.symbols):
            return
        self._states[item.market_id] = "resolved"
        self._loop.resolve(
            self._indices(market), list(payouts or (0,) * len(market.symbols)), payouts is None
        )

    def _indices(self, market: Market) -> list[int]:
        return [self._loop.by_symbol[symbol].index for symbol in market.symbols]
