"""Carrying out a person's commands between two market records, each of them on the tape."""

from __future__ import annotations

from papertape.errors import nearest_match
from papertape.model.events import (
    CommandTaken,
    EngineState,
    EngineStateChanged,
    Event,
    StrategyState,
    StrategyStateChanged,
)
from papertape.model.money import MICROS, NANOS
from papertape.services.decision import Decision
from papertape.services.door_parts import DoorParts
from papertape.services.trading_loop import TradingLoop
from papertape.strategies.strategy_manager import StrategyManager

ENGINE_AFTER: dict[str, EngineState] = {"pause": "paused", "resume": "trading", "halt": "halted"}


class CommandDesk:
    """Pauses, resumes, halts and closes; a halt also takes back every resting order."""

    def __init__(self, parts: DoorParts, manager: StrategyManager, loop: TradingLoop) -> None:
        """Act on these."""
        self._parts = parts
        self._manager = manager
        self._loop = loop

    def carry_out(self, command_id: str, action: str, target: str, source: str) -> tuple[bool, str]:
        """Carry out one command as one unit on the tape; return (done, what came of it)."""
        scribe = self._parts.scribe
        scribe.commit()
        done, message, events = self._effect(action, target, source)
        for event in events:
            scribe.note(event)
        if done and action == "halt":
            self._parts.engine.cancel_all("trading was halted")
        scribe.note(
            CommandTaken(
                command_id=command_id, action=action, target=target, source=source, outcome=message
            )
        )
        scribe.commit()
        return done, message

    def _effect(self, action: str, target: str, source: str) -> tuple[bool, str, list[Event]]:
        if action == "close":
            return *self._close(target, source), []
        if not target:
            after = ENGINE_AFTER[action]
            if self._parts.view.engine_state == after:
                return True, f"trading is {after} already", []
            changed = EngineStateChanged(state=after, reason=f"{action} by {source}")
            return True, f"trading is {after}", [changed]
        if action == "halt":
            return False, "halt stops all trading and takes no target", []
        refusal = self._manager.refusal(target)
        if refusal:
            return False, refusal, []
        state: StrategyState = "paused" if action == "pause" else "running"
        self._manager.pause(target, state == "paused")
        reason = f"{action} by {source}"
        changed_one = StrategyStateChanged(strategy=target, state=state, reason=reason)
        return True, f"{target} is {state}", [changed_one]

    def _close(self, symbol: str, source: str) -> tuple[bool, str]:
        """Sell a position through the one door; what risk says no to is the answer."""
        held = {one for _, one in self._parts.view.portfolio.accounts.positions}
        if symbol not in held:
            near = nearest_match(symbol, held)
            hint = f"; did you mean {near}?" if near else ""
            return False, f"there is no position in {symbol or 'nothing'}{hint}"
        decisions = self._loop.close_position(symbol, f"closed by {source}")
        said = [self._outcome(decision) for decision in decisions]
        return any(decision.fills for decision in decisions), "; ".join(said)

    def _outcome(self, decision: Decision) -> str:
        if not decision.fills:
            reason = decision.reason or "the book offered nothing at that moment"
            return f"{decision.strategy}: not closed, {reason}"
        instrument = self._parts.view.instruments[decision.fills[0].symbol]
        lots = sum(fill.quantity_lots for fill in decision.fills)
        cash = sum(fill.notional_micros - fill.fee_micros for fill in decision.fills)
        left = decision.fills[-1].remaining_lots
        sold = f"{decision.strategy}: sold {_number(lots * instrument.lot_nanos / NANOS)}"
        rest = f", {_number(left * instrument.lot_nanos / NANOS)} left" if left else ""
        return f"{sold} for {cash / MICROS:,.2f} after fees{rest}"


def _number(value: float) -> str:
    return f"{value:,.5f}".rstrip("0").rstrip(".")
