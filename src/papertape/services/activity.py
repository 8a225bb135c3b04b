"""Activity: the newest signals, refusals, skipped opportunities and alerts, with their counts."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from papertape.clock import iso_utc
from papertape.model.events import (
    AlertRaised,
    CommandTaken,
    DataAlarm,
    EngineStateChanged,
    Event,
    OpportunitySkipped,
    OrderClosed,
    OrderSubmitted,
    Record,
    RunStarted,
    SignalRaised,
    SignalRefused,
    StrategyStateChanged,
)

KEPT = 200  # newest of each list; the ledger keeps them all


class Activity:
    """What happened besides trades; newest first when read."""

    takes: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            SignalRaised,
            SignalRefused,
            OpportunitySkipped,
            OrderSubmitted,
            RunStarted,
            AlertRaised,
            DataAlarm,
            StrategyStateChanged,
            EngineStateChanged,
            CommandTaken,
            OrderClosed,
        }
    )

    def __init__(self) -> None:
        """Start empty."""
        self._begin()

    def _begin(self) -> None:
        self.signals_count = self.orders_count = self.skipped_count = 0
        self.refusals_by_reason: dict[str, int] = {}
        self.skips_by_test: dict[str, int] = {}
        self._signals: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._skipped: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._alerts: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def apply(self, record: Record) -> None:
        """Take one record of the tape."""
        event = record.event
        if isinstance(event, SignalRaised):
            self.signals_count += 1
            self._signals.append(_raised(record, event))
        elif isinstance(event, SignalRefused):
            self.signals_count += 1
            count = self.refusals_by_reason.get(event.code, 0)
            self.refusals_by_reason[event.code] = count + 1
            self._signals.append(_refused(record, event))
        elif isinstance(event, OpportunitySkipped):
            self.skipped_count += 1
            self.skips_by_test[event.test] = self.skips_by_test.get(event.test, 0) + 1
            self._skipped.append(_stamped(record, _fields(event)))
        elif isinstance(event, OrderSubmitted):
            self.orders_count += 1
        elif isinstance(event, RunStarted):
            if event.fresh:
                self._begin()
        else:
            self._alert(record)

    def _alert(self, record: Record) -> None:
        event = record.event
        if isinstance(event, AlertRaised):
            self._note(record, event.severity, event.title, event.message, event.about)
        elif isinstance(event, DataAlarm):
            title = f"Data alarm: {event.test}"
            self._note(record, "warning", title, event.reason, " ".join(event.symbols))
        elif isinstance(event, StrategyStateChanged) and event.state == "disabled":
            title = f"{event.strategy} was disabled"
            self._note(record, "error", title, event.reason, event.strategy)
        elif isinstance(event, EngineStateChanged) and event.state == "halted":
            self._note(record, "error", "Trading halted", event.reason, "engine")
        elif isinstance(event, CommandTaken):
            title = f"{event.action} {event.target}".strip()
            self._note(record, "info", title, event.outcome, event.source)
        elif isinstance(event, OrderClosed) and event.state == "rejected":
            self._note(record, "warning", "Order rejected", event.reason, event.symbol)

    def _note(self, record: Record, severity: str, title: str, message: str, about: str) -> None:
        row = {"severity": severity, "title": title, "message": message, "about": about}
        self._alerts.append(_stamped(record, row))

    @property
    def refused_count(self) -> int:
        """Return how many signals were refused."""
        return sum(self.refusals_by_reason.values())

    @property
    def recent_signals(self) -> list[dict[str, Any]]:
        """Return the newest signals, raised and refused, newest first."""
        return list(reversed(self._signals))

    @property
    def skipped(self) -> list[dict[str, Any]]:
        """Return the newest opportunities that were seen and not taken, newest first."""
        return list(reversed(self._skipped))

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """Return the newest alerts, newest first."""
        return list(reversed(self._alerts))

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON-able values."""
        return {
            "counts": [self.signals_count, self.orders_count, self.skipped_count],
            "refusals": list(self.refusals_by_reason.items()),
            "skips": list(self.skips_by_test.items()),
            "signals": list(self._signals),
            "skipped": list(self._skipped),
            "alerts": list(self._alerts),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `snapshot` returned."""
        self.signals_count, self.orders_count, self.skipped_count = state["counts"]
        self.refusals_by_reason = dict(state["refusals"])
        self.skips_by_test = dict(state["skips"])
        self._signals = deque(state["signals"], maxlen=KEPT)
        self._skipped = deque(state["skipped"], maxlen=KEPT)
        self._alerts = deque(state["alerts"], maxlen=KEPT)


def _stamped(record: Record, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(record.seq),
        "seq": record.seq,
        "ts_ns": record.ts_ns,
        "time": iso_utc(record.ts_ns),
        **row,
    }


def _fields(event: OpportunitySkipped) -> dict[str, Any]:
    return {
        "strategy": event.strategy,
        "symbols": list(event.symbols),
        "test": event.test,
        "figure": event.figure,
        "reason": event.reason,
    }


def _raised(record: Record, event: SignalRaised) -> dict[str, Any]:
    row = {
        "signal_id": event.signal_id,
        "strategy": event.strategy,
        "state": "raised",
        "symbols": [leg.symbol for leg in event.legs],
        "reason": event.reason,
    }
    return _stamped(record, row)


def _refused(record: Record, event: SignalRefused) -> dict[str, Any]:
    row = {
        "signal_id": event.signal_id,
        "strategy": event.strategy,
        "state": "refused",
        "symbols": [event.symbol] if event.symbol else [],
        "reason": event.reason,
        "code": event.code,
    }
    return _stamped(record, row)
