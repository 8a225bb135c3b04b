"""Notifications: a message to the open pages and to the log, each with its own result."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, Response

from papertape.clock import iso_utc
from papertape.dashboard.api.answers import Query, body_object, endpoint, success
from papertape.dashboard.state import state
from papertape.errors import MISSING, InvalidInputError, nearest_match

api = Blueprint("notifications", __name__)
log = structlog.get_logger("papertape.dashboard")

MESSAGE_CHARS_MAX = 1_000
TITLE_CHARS_MAX = 200
LEVELS = ("info", "success", "warning", "error")
CHANNELS = ("browser", "log")
BODY: dict[str, Any] = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "maxLength": MESSAGE_CHARS_MAX},
        "title": {"type": "string", "maxLength": TITLE_CHARS_MAX},
        "level": {"type": "string", "enum": list(LEVELS)},
        "channels": {"type": "array", "items": {"type": "string", "enum": list(CHANNELS)}},
    },
}


@endpoint(api, "/api/notifications/send", "Show a message", method="POST", body=BODY, status=202)
def send(_: Query) -> Response:
    """Send to every channel asked for; one that fails does not stop the others."""
    form = body_object(("message", "title", "level", "channels"))
    here = state()
    now_ns = here.clock.now_ns()
    note = {
        "id": f"N{here.count('notifications')}",
        "message": _text(form, "message", MESSAGE_CHARS_MAX),
        "title": _text(form, "title", TITLE_CHARS_MAX) if form.get("title") else "",
        "level": _word("level", form.get("level") or "info", LEVELS),
        "time": iso_utc(now_ns),
        "ts_ns": now_ns,
    }
    results = [_deliver(channel, note) for channel in _channels(form.get("channels"))]
    return success({"id": note["id"], "results": results}, status=202)


def _deliver(channel: str, note: dict[str, Any]) -> dict[str, Any]:
    if channel == "log":
        log.info("notification", id=note["id"], level_asked=note["level"], text=note["message"])
        return {"channel": channel, "ok": True, "detail": "written to the log"}
    line = state().line
    if line is None:
        return {"channel": channel, "ok": False, "detail": "no live line in this process"}
    line.socketio.emit("notification", note)
    pages = len(line.clients)
    return {"channel": channel, "ok": True, "detail": f"shown on {pages} open pages"}


def _channels(value: object) -> list[str]:
    if value is None:
        return ["browser"]
    if not isinstance(value, list) or not 0 < len(value) <= len(CHANNELS):
        raise InvalidInputError("channels", value, "a list of " + " and ".join(CHANNELS))
    return list(dict.fromkeys(_word("channels", channel, CHANNELS) for channel in value))


def _word(field: str, value: object, known: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in known:
        return value
    near = nearest_match(value, known) if isinstance(value, str) else ""
    raise InvalidInputError(field, value, "one of " + ", ".join(known), nearest=near)


def _text(form: dict[str, Any], field: str, chars_max: int) -> str:
    value = form.get(field, MISSING)
    good = isinstance(value, str) and value.strip() and len(value) <= chars_max
    if not good or "\0" in str(value):
        raise InvalidInputError(field, value, f"a text of 1 to {chars_max} characters")
    return str(value)
