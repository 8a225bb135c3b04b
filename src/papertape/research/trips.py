"""Round trips as a backtest reports them: from flat to flat, with when, how long and how sure."""

from __future__ import annotations

from array import array

import msgspec

from papertape.model.events import (
    Event,
    OrderFilled,
    PositionSettled,
    SetsConverted,
    SetsMerged,
    SetsSplit,
    SignalRaised,
)

Key = tuple[str, str]

STATED_MAX = 10_000  # signals whose confidence waits for a first fill; older ones are forgotten


class _Open(msgspec.Struct):
    """A stretch that has not ended: what is held and what it has earned so far."""

    opened_ns: int
    lots: int = 0
    net_micros: int = 0
    confidence_pct: int | None = None


class Trips:
    """Adds up what each stretch from flat to flat earned after fees (the rule of `RoundTrips`).

    Legs that were bought all-or-none are one set: its trip ends when every leg is flat. Kept in
    columns, 24 bytes per trip, so that a million of them are no burden.
    """

    def __init__(self) -> None:
        """Start flat."""
        self.net_micros = array("q")
        self.opened_ns = array("q")
        self.closed_ns = array("q")
        self.stated: list[float] = []
        self.happened: list[bool] = []
        self._open: dict[Key, _Open] = {}
        self._sets: dict[Key, tuple[str, ...]] = {}
        self._confidence: dict[str, int] = {}

    def apply(self, event: Event, ts_ns: int) -> None:
        """Take one event of the tape."""
        if isinstance(event, OrderFilled):
            lots = event.quantity_lots if event.side == "BUY" else -event.quantity_lots
            sure = self._confidence.get(event.signal_id)
            net = event.realized_micros - event.fee_micros
            self._move(event.strategy, {event.symbol: (lots, net)}, ts_ns, sure)
        elif isinstance(event, PositionSettled):
            move = (-event.quantity_lots, event.realized_micros)
            self._move(event.strategy, {event.symbol: move}, ts_ns)
        elif isinstance(event, SetsMerged | SetsConverted):
            moves = {part.symbol: (part.quantity_lots, 0) for part in event.parts}
            first = event.parts[0].symbol
            moves[first] = (moves[first][0], event.realized_micros)
            self._move(event.strategy, moves, ts_ns)
        elif isinstance(event, SetsSplit):
            moves = {part.symbol: (part.quantity_lots, 0) for part in event.parts}
            self._move(event.strategy, moves, ts_ns)
        elif isinstance(event, SignalRaised):
            self._raised(event)

    @property
    def holding(self) -> bool:
        """Return whether anything is held."""
        return bool(self._open)

    def _raised(self, event: SignalRaised) -> None:
        if event.confidence_pct is not None:
            if len(self._confidence) >= STATED_MAX:
                del self._confidence[next(iter(self._confidence))]
            self._confidence[event.signal_id] = event.confidence_pct
        if event.all_or_none and len(event.legs) > 1:
            members = dict.fromkeys(leg.symbol for leg in event.legs)
            for symbol in tuple(members):
                members.update(dict.fromkeys(self._sets.get((event.strategy, symbol), ())))
            for symbol in members:
                self._sets[event.strategy, symbol] = tuple(members)

    def _move(
        self,
        strategy: str,
        moves: dict[str, tuple[int, int]],
        ts_ns: int,
        confidence_pct: int | None = None,
    ) -> None:
        for symbol, (lots, net) in moves.items():
            key = (strategy, symbol)
            kept = self._open.get(key)
            if kept is None:
                kept = self._open[key] = _Open(ts_ns, confidence_pct=confidence_pct)
            kept.lots += lots
            kept.net_micros += net
        for symbol in moves:
            members = self._sets.get((strategy, symbol), (symbol,))
            keys = [(strategy, member) for member in members]
            if (strategy, symbol) not in self._open:
                continue
            legs = [self._open[key] for key in keys if key in self._open]
            if any(leg.lots for leg in legs):
                continue
            self._end(legs, ts_ns)
            for key in keys:
                self._open.pop(key, None)
                self._sets.pop(key, None)

    def _end(self, legs: list[_Open], ts_ns: int) -> None:
        net = sum(leg.net_micros for leg in legs)
        self.net_micros.append(net)
        self.opened_ns.append(min(leg.opened_ns for leg in legs))
        self.closed_ns.append(ts_ns)
        stated = next((leg.confidence_pct for leg in legs if leg.confidence_pct is not None), None)
        if stated is not None:
            self.stated.append(stated / 100)
            self.happened.append(net > 0)
