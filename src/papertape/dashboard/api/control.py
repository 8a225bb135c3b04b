"""Commands to the bot, over its local socket; their outcome stands on the tape."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response

from papertape.dashboard.api.answers import (
    WORD_CHARS_MAX,
    ApiError,
    Query,
    body_object,
    endpoint,
    success,
)
from papertape.dashboard.state import state
from papertape.errors import InvalidInputError, PapertapeError, RunningError
from papertape.tape.command_channel import Action, Command, Outcome, send_command

api = Blueprint("control", __name__)

BODY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"target": {"type": "string", "maxLength": WORD_CHARS_MAX}},
}
CLOSE_BODY = BODY | {"required": ["target"]}


@endpoint(api, "/api/control/pause", "Pause trading, or one strategy", method="POST", body=BODY,
          status=202)  # fmt: skip
def pause(_: Query) -> Response:
    """Stop new orders until resumed."""
    return _command("pause")


@endpoint(api, "/api/control/resume", "Resume trading, or one strategy", method="POST", body=BODY,
          status=202)  # fmt: skip
def resume(_: Query) -> Response:
    """Take up trading again."""
    return _command("resume")


@endpoint(api, "/api/control/halt", "Halt all trading and take back resting orders", method="POST",
          body=BODY, status=202)  # fmt: skip
def halt(_: Query) -> Response:
    """Stop everything."""
    return _command("halt")


@endpoint(api, "/api/control/close", "Close a position: the bot sells it at the book it sees",
          method="POST", body=CLOSE_BODY, status=202)  # fmt: skip
def close(_: Query) -> Response:
    """Sell what is held of an instrument; refused with the reason where risk says no."""
    return _command("close", "the symbol of an open position")


def _command(
    action: Action, expected: str = "the name of a strategy, or nothing for all"
) -> Response:
    target = body_object(("target",)).get("target") or ""
    if not isinstance(target, str) or len(target) > WORD_CHARS_MAX:
        raise InvalidInputError("target", target, expected)
    if action == "close" and not target:
        raise InvalidInputError("target", target, expected)
    here = state()
    command = Command(
        command_id=secrets.token_hex(8), action=action, target=target, source="dashboard"
    )

    def ask() -> Outcome | PapertapeError:
        try:
            return send_command(here.settings.data_dir, command)
        except PapertapeError as error:
            return error

    outcome = here.aside(ask)
    if isinstance(outcome, RunningError):
        raise ApiError(409, "not_running", "no bot is running")
    if isinstance(outcome, PapertapeError):
        raise outcome
    if not outcome.ok:
        raise ApiError(409, "refused", outcome.message, "target" if target else "")
    return success({"id": command.command_id, "action": action, "message": outcome.message}, 202)
