"""Exits: holds every open position against its exit rules when its price moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from papertape.clock import NS_PER_S
from papertape.core.fees import fill_fee_micros
from papertape.engine.exit_manager import ExitRules, Held, Leave, leave, worth_telling
from papertape.engine.market_watch import MarketWatch
from papertape.model.events import ExitMarked
from papertape.model.signal import Leg, Signal
from papertape.services.exit_marks import Mark
from papertape.services.scribe import Scribe
from papertape.services.tape_view import TapeView

AGAIN_NS = NS_PER_S  # after a way out that was not filled whole, before it is tried again


class ExitDesk:
    """Asks the exit manager about what is held, and turns its answers into signals."""

    def __init__(
        self,
        rules: Mapping[str, ExitRules],
        view: TapeView,
        watch: MarketWatch,
        scribe: Scribe,
    ) -> None:
        """Take the rules by strategy; without any, nothing is ever looked at."""
        self._rules = dict(rules)
        self._view = view
        self._watch = watch
        self._scribe = scribe
        self._tried_ns: dict[tuple[str, str], int] = {}

    def look(self, symbol: str, now_ns: int) -> Iterator[tuple[str, Signal]]:
        """Yield (strategy, way out) for each position in an instrument whose rule is met."""
        for strategy, rules in self._rules.items():
            mark = self._view.exits.marks.get((strategy, symbol))
            if mark is None:
                continue
            held = self._held(strategy, symbol, mark)
            if held is None:
                continue
            wanted = leave(rules, held, now_ns)
            if wanted is not None and self._due(strategy, symbol, now_ns):
                self._tell(strategy, symbol, held, wanted)
                leg = Leg(symbol=symbol, side="SELL", quantity_lots=wanted.lots)
                yield strategy, Signal(legs=(leg,), reason=wanted.reason)
            elif worth_telling(rules, mark.best_ppm, held.best_ppm):
                self._tell(strategy, symbol, held, None)

    def _due(self, strategy: str, symbol: str, now_ns: int) -> bool:
        if self._view.engine_state != "trading":
            return False
        market_id = self._view.instruments[symbol].market_id
        if self._view.market_states.get(market_id, "trading") != "trading":
            return False
        key = (strategy, symbol)
        if now_ns - self._tried_ns.get(key, -AGAIN_NS) < AGAIN_NS:
            return False
        self._tried_ns[key] = now_ns
        return True

    def _held(self, strategy: str, symbol: str, mark: Mark) -> Held | None:
        """Return the position at what a sale would bring; None while nobody bids on a live book."""
        position = self._view.portfolio.accounts.positions.get((strategy, symbol))
        ticks = self._watch.mark_ticks(symbol)
        book = self._watch.books.get(symbol)
        if position is None or not ticks or (book is not None and book.state != "live"):
            return None
        instrument = self._view.instruments[symbol]
        lots, cost = position.quantity_lots, position.cost_micros
        worth = self._view.notional(symbol, ticks, lots)
        worth -= fill_fee_micros(instrument, ticks, lots, worth, maker=False)
        market = self._view.markets.get(instrument.market_id)
        edge = mark.edge_micros
        return Held(
            lots=lots,
            largest_lots=mark.largest_lots,
            cost_micros=cost,
            worth_micros=worth,
            opened_ns=position.opened_ts_ns,
            best_ppm=max(mark.best_ppm, (worth - cost) * 1_000_000 // max(cost, 1)),
            ends_ns=None if market is None else market.end_ns,
            edge_micros=None if edge is None else edge * lots // max(mark.edge_lots, 1),
        )

    def _tell(self, strategy: str, symbol: str, held: Held, wanted: Leave | None) -> None:
        self._scribe.note(
            ExitMarked(
                strategy=strategy,
                symbol=symbol,
                rule="" if wanted is None else wanted.rule,
                reason="" if wanted is None else wanted.reason,
                gain_ppm=held.gain_ppm,
                best_ppm=held.best_ppm,
            )
        )
