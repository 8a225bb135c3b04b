"""ExitMarks: what exit rules must remember of a position, as a fold of the tape."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from papertape.model.events import (
    Event,
    ExitMarked,
    OrderFilled,
    PositionSettled,
    Record,
    RunStarted,
    SetsConverted,
    SetsMerged,
    SetsSplit,
    SignalRaised,
)

Key = tuple[str, str]
"""(strategy, symbol)"""


class Mark(msgspec.Struct):
    """Of one open position: its largest size, its best gain, and the edge of its newest entry."""

    lots: int = 0
    largest_lots: int = 0
    best_ppm: int = 0
    edge_micros: int | None = None
    edge_lots: int = 0


class ExitMarks:
    """One mark for each open position; a position that is flat leaves nothing behind."""

    takes: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            ExitMarked, OrderFilled, PositionSettled, RunStarted, SetsConverted, SetsMerged,
            SetsSplit, SignalRaised,
        }
    )  # fmt: skip

    def __init__(self) -> None:
        """Start without positions."""
        self.marks: dict[Key, Mark] = {}
        self._edges: dict[Key, tuple[int, int]] = {}

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event = record.event
        if isinstance(event, OrderFilled):
            lots = event.quantity_lots if event.side == "BUY" else -event.quantity_lots
            self._move(event.strategy, event.symbol, lots)
        elif isinstance(event, PositionSettled):
            self._move(event.strategy, event.symbol, -event.quantity_lots)
        elif isinstance(event, SetsMerged | SetsConverted | SetsSplit):
            for part in event.parts:
                self._move(event.strategy, part.symbol, part.quantity_lots)
        elif isinstance(event, SignalRaised):
            self._expect(event)
        elif isinstance(event, ExitMarked):
            mark = self.marks.get((event.strategy, event.symbol))
            if mark is not None:
                mark.best_ppm = max(mark.best_ppm, event.best_ppm)
        elif isinstance(event, RunStarted) and event.fresh:
            self.marks.clear()
            self._edges.clear()

    def _move(self, strategy: str, symbol: str, lots: int) -> None:
        key = (strategy, symbol)
        mark = self.marks.get(key)
        if mark is None:
            mark = self.marks[key] = Mark()
            mark.edge_micros, mark.edge_lots = self._edges.get(key, (None, 0))
        mark.lots += lots
        mark.largest_lots = max(mark.largest_lots, mark.lots)
        if mark.lots <= 0:
            del self.marks[key]
            self._edges.pop(key, None)

    def _expect(self, event: SignalRaised) -> None:
        """Remember the edge of an entry of one leg; of sets the edge is not one token's."""
        leg = event.legs[0]
        if len(event.legs) > 1 or leg.side != "BUY":
            return
        key = (event.strategy, leg.symbol)
        if event.expected_edge_micros is None:
            self._edges.pop(key, None)
        else:
            self._edges[key] = (event.expected_edge_micros, leg.quantity_lots)

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {
            "marks": [[*key, msgspec.to_builtins(mark)] for key, mark in self.marks.items()],
            "edges": [[*key, *edge] for key, edge in self._edges.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        rows = state["marks"]
        self.marks = {(row[0], row[1]): msgspec.convert(row[2], Mark) for row in rows}
        self._edges = {(row[0], row[1]): (row[2], row[3]) for row in state["edges"]}
