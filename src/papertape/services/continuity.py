"""Continuity: which books were not to be trusted, when and why, and what was traded next to it.

Nothing is filled on a doubtful book. What was filled just before one, or just after, rests on
market data that was about to fail or had just been repaired: such fills can be told apart here.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import msgspec

from papertape.clock import NS_PER_MS, NS_PER_S, iso_utc
from papertape.model.events import (
    BookStateChanged,
    Event,
    OrderFilled,
    Record,
    RunStarted,
)
from papertape.model.money import MICROS

NEAR_NS = 5 * NS_PER_S  # before and after a doubtful period: the time that a repair may take
KEPT = 200  # newest periods and fills that are listed; the ledger keeps them all
RECENT_FILLS_MAX = 5_000  # fills of the last NEAR_NS that are looked at when a book fails
REASONS_MAX = 100
ENDED_MAX = 10_000  # instruments whose doubt ended within NEAR_NS; older ones are forgotten


class Open(msgspec.Struct):
    """A book that is not to be trusted now."""

    symbol: str
    state: str
    reason: str
    since_ns: int


class Period(msgspec.Struct):
    """A stretch of time in which a book was not to be trusted; seq: the record that ended it."""

    seq: int
    symbol: str
    reason: str
    from_ns: int
    lasted_ns: int
    repaired: bool


class NearFill(msgspec.Struct):
    """A fill within NEAR_NS of a doubtful period of its instrument."""

    seq: int
    fill_id: str
    symbol: str
    strategy: str
    ts_ns: int
    realized_micros: int
    fee_micros: int
    reason: str


class Continuity:
    """A fold of book states and fills; times are the engine's."""

    takes: ClassVar[frozenset[type[Event]]] = frozenset({BookStateChanged, OrderFilled, RunStarted})

    def __init__(self) -> None:
        """Begin with every book trusted."""
        self._begin()

    def _begin(self) -> None:
        self.open: dict[str, Open] = {}
        self.periods: deque[Period] = deque(maxlen=KEPT)
        self.near: deque[NearFill] = deque(maxlen=KEPT)
        self.counts = [0] * 6
        self.by_reason: dict[str, int] = {}
        self._ended: dict[str, tuple[int, str]] = {}
        self._recent: deque[NearFill] = deque(maxlen=RECENT_FILLS_MAX)

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event = record.event
        if isinstance(event, BookStateChanged):
            self._book(record, event)
        elif isinstance(event, OrderFilled):
            self._fill(record, event)
        elif isinstance(event, RunStarted):
            if event.fresh:
                self._begin()
            for open_ in list(self.open.values()):  # the run before ended while they were doubtful
                self._end(open_, record.seq, open_.since_ns, repaired=False)

    def _book(self, record: Record, event: BookStateChanged) -> None:
        known = self.open.get(event.symbol)
        if event.state == "live":
            if known is not None:
                self._end(known, record.seq, record.ts_ns, repaired=True)
            return
        if known is not None:
            known.state, known.reason = event.state, event.reason or known.reason
            return
        self.open[event.symbol] = Open(event.symbol, event.state, event.reason, record.ts_ns)
        reason = event.reason or event.state
        if reason not in self.by_reason and len(self.by_reason) >= REASONS_MAX:
            reason = "other reasons"
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        self._prune(record.ts_ns)
        kept: deque[NearFill] = deque(maxlen=RECENT_FILLS_MAX)
        for fill in self._recent:
            if fill.symbol == event.symbol:
                fill.reason = event.reason
                self._near(fill)
            else:
                kept.append(fill)
        self._recent = kept

    def _fill(self, record: Record, event: OrderFilled) -> None:
        self._prune(record.ts_ns)
        fill = NearFill(
            record.seq, event.fill_id, event.symbol, event.strategy, record.ts_ns,
            event.realized_micros, event.fee_micros, "",
        )  # fmt: skip
        ended = self._ended.get(event.symbol)
        open_ = self.open.get(event.symbol)
        if open_ is not None:
            fill.reason = open_.reason
        elif ended is not None:
            fill.reason = ended[1]
        else:
            self._recent.append(fill)
            return
        self._near(fill)

    def _near(self, fill: NearFill) -> None:
        self.near.append(fill)
        self.counts[3] += 1
        self.counts[4] += fill.realized_micros
        self.counts[5] += fill.fee_micros

    def _end(self, open_: Open, seq: int, ts_ns: int, *, repaired: bool) -> None:
        lasted_ns = max(0, ts_ns - open_.since_ns)
        self.periods.append(
            Period(seq, open_.symbol, open_.reason, open_.since_ns, lasted_ns, repaired)
        )
        self.counts[0] += 1
        self.counts[1] += lasted_ns
        self.counts[2] = max(self.counts[2], lasted_ns)
        del self.open[open_.symbol]
        self._ended[open_.symbol] = (ts_ns, open_.reason)
        if len(self._ended) > ENDED_MAX:
            del self._ended[next(iter(self._ended))]

    def _prune(self, ts_ns: int) -> None:
        """Forget what lies further back than NEAR_NS."""
        while self._recent and ts_ns - self._recent[0].ts_ns > NEAR_NS:
            self._recent.popleft()
        for symbol in [s for s, (at, _) in self._ended.items() if ts_ns - at > NEAR_NS]:
            del self._ended[symbol]

    def doubt_of(self, symbol: str) -> Open | None:
        """Return why a book is not to be trusted now, None if it is."""
        return self.open.get(symbol)

    def facts(self) -> dict[str, Any]:
        """Return sums, what is open, and the newest periods and fills, newest first."""
        ended, doubted_ns, longest_ns, fills, realized, fees = self.counts
        return {
            "open": [
                {"id": one.symbol, "symbol": one.symbol, "state": one.state, "reason": one.reason,
                 "since": iso_utc(one.since_ns), "since_ts_ns": one.since_ns}
                for one in self.open.values()
            ][:KEPT],
            "open_count": len(self.open),
            "ended": ended,
            "doubted_ms": doubted_ns // NS_PER_MS,
            "longest_ms": longest_ns // NS_PER_MS,
            "by_reason": dict(sorted(self.by_reason.items(), key=lambda item: -item[1])),
            "fills_near": fills,
            "realized_near": realized / MICROS,
            "fees_near": fees / MICROS,
            "periods": [
                {"id": str(one.seq), "symbol": one.symbol, "reason": one.reason,
                 "from": iso_utc(one.from_ns), "from_ts_ns": one.from_ns,
                 "lasted_ms": one.lasted_ns // NS_PER_MS, "repaired": one.repaired}
                for one in reversed(self.periods)
            ],
            "near": [
                {"id": one.fill_id, "seq": one.seq, "symbol": one.symbol,
                 "strategy": one.strategy, "time": iso_utc(one.ts_ns), "reason": one.reason}
                for one in reversed(self.near)
            ],
        }  # fmt: skip

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        plain: dict[str, Any] = msgspec.to_builtins(
            {
                "open": list(self.open.values()),
                "periods": list(self.periods),
                "near": list(self.near),
                "recent": list(self._recent),
            }
        )
        return plain | {
            "counts": list(self.counts),
            "by_reason": self.by_reason,
            "ended": [[symbol, *said] for symbol, said in self._ended.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.open = {one.symbol: one for one in msgspec.convert(state["open"], list[Open])}
        self.periods = deque(msgspec.convert(state["periods"], list[Period]), maxlen=KEPT)
        self.near = deque(msgspec.convert(state["near"], list[NearFill]), maxlen=KEPT)
        recent = msgspec.convert(state["recent"], list[NearFill])
        self._recent = deque(recent, maxlen=RECENT_FILLS_MAX)
        self.counts = list(state["counts"])
        self.by_reason = dict(state["by_reason"])
        self._ended = {symbol: (at_ns, reason) for symbol, at_ns, reason in state["ended"]}
