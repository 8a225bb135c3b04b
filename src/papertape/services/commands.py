"""Carrying out a person's commands between two market records, each of them on the tape."""

from __future__ import annotations

from papertape.model.events import (
    CommandTaken,
    EngineState,
    EngineStateChanged,
    Event,
    StrategyState,
    StrategyStateChanged,
)
from papertape.services.door_parts import DoorParts
from papertape.strategies.strategy_manager import StrategyManager

ENGINE_AFTER: dict[str, EngineState] = {"pause": "paused", "resume": "trading", "halt": "halted"}


class CommandDesk:
    """Pauses, resumes and halts; a halt also takes back every resting order."""

    def __init__(self, parts: DoorParts, manager: StrategyManager) -> None:
        """Act on these."""
        self._parts = parts
        self._manager = manager

    def carry_out(self, command_id: str, action: str, target: str, source: str) -> tuple[bool, str]:
        """Carry out one command as one unit on the tape; return (done, what came of it)."""
        done, message, events = self._effect(action, target, source)
        scribe = self._parts.scribe
        scribe.commit()
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
