"""Round trips: from flat to flat, one strategy, one instrument or one complete set."""

from __future__ import annotations

from typing import Any, NamedTuple

from papertape.model.events import (
    OrderFilled,
    PositionSettled,
    Record,
    SetsConverted,
    SetsMerged,
    SetsSplit,
    SignalRaised,
)

Key = tuple[str, str]


class Trip(NamedTuple):
    """A stretch that ended: what it earned after fees, in what, and since when it was open."""

    strategy: str
    net_micros: int
    symbols: tuple[str, ...]
    opened_ns: int


class RoundTrips:
    """Adds up what each stretch from flat to flat earned after fees.

    Legs that a strategy bought all-or-none are one set: the trip ends when every leg is flat, so a
    complete set that pays 1 counts as one win, not as one win and three losses.
    """

    def __init__(self) -> None:
        """Start flat."""
        self._lots: dict[Key, int] = {}
        self._net: dict[Key, int] = {}
        self._opened_ns: dict[Key, int] = {}
        self._sets: dict[Key, tuple[str, ...]] = {}

    def apply(self, record: Record) -> list[Trip]:
        """Take one record; return the trips that ended with it."""
        event, ts_ns = record.event, record.ts_ns
        if isinstance(event, OrderFilled):
            lots = event.quantity_lots if event.side == "BUY" else -event.quantity_lots
            net = event.realized_micros - event.fee_micros
            return self._move(event.strategy, {event.symbol: (lots, net)}, ts_ns)
        if isinstance(event, PositionSettled):
            move = (-event.quantity_lots, event.realized_micros)
            return self._move(event.strategy, {event.symbol: move}, ts_ns)
        if isinstance(event, SetsMerged | SetsConverted):
            moves = {part.symbol: (part.quantity_lots, 0) for part in event.parts}
            first = event.parts[0].symbol
            moves[first] = (moves[first][0], event.realized_micros)
            return self._move(event.strategy, moves, ts_ns)
        if isinstance(event, SetsSplit):
            moves = {part.symbol: (part.quantity_lots, 0) for part in event.parts}
            return self._move(event.strategy, moves, ts_ns)
        if isinstance(event, SignalRaised) and event.all_or_none and len(event.legs) > 1:
            self._bind(event.strategy, tuple(leg.symbol for leg in event.legs))
        return []

    def _bind(self, strategy: str, symbols: tuple[str, ...]) -> None:
        members = dict.fromkeys(symbols)
        for symbol in symbols:
            members.update(dict.fromkeys(self._sets.get((strategy, symbol), ())))
        joined = tuple(members)
        for symbol in joined:
            self._sets[strategy, symbol] = joined

    def _move(self, strategy: str, moves: dict[str, tuple[int, int]], ts_ns: int) -> list[Trip]:
        for symbol, (lots, net) in moves.items():
            key = (strategy, symbol)
            self._lots[key] = self._lots.get(key, 0) + lots
            self._net[key] = self._net.get(key, 0) + net
            self._opened_ns.setdefault(key, ts_ns)
        ended = []
        for symbol in moves:
            members = self._sets.get((strategy, symbol), (symbol,))
            keys = [(strategy, member) for member in members]
            if (strategy, symbol) not in self._net or any(self._lots.get(key) for key in keys):
                continue
            traded = [key for key in keys if key in self._net]
            net_micros = sum(self._net.pop(key) for key in traded)
            opened_ns = min(self._opened_ns.pop(key) for key in traded)
            ended.append(Trip(strategy, net_micros, tuple(key[1] for key in traded), opened_ns))
            for key in keys:
                self._lots.pop(key, None)
                self._sets.pop(key, None)
        return ended

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {
            "open": [
                [strategy, symbol, lots, self._net[strategy, symbol],
                 self._opened_ns[strategy, symbol]]
                for (strategy, symbol), lots in sorted(self._lots.items())
            ],
            "sets": [
                [strategy, symbol, list(members)]
                for (strategy, symbol), members in sorted(self._sets.items())
            ],
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self._lots = {(row[0], row[1]): row[2] for row in state["open"]}
        self._net = {(row[0], row[1]): row[3] for row in state["open"]}
        self._opened_ns = {(row[0], row[1]): row[4] for row in state["open"]}
        self._sets = {(row[0], row[1]): tuple(row[2]) for row in state["sets"]}
