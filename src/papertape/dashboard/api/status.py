"""Status, health, and what the API says of itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from papertape import __version__
from papertape.clock import NS_PER_S
from papertape.dashboard import picture
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import Query, endpoint, success
from papertape.dashboard.state import state

api = Blueprint("status", __name__)

LOOP_SILENT_NS = 5 * NS_PER_S  # the loop looks four times a second


@endpoint(
    api,
    "/api/status",
    "Mode, bot, engine, feed, and how far the tape was read",
    always=True,
    data=shapes.OBJECT,
)
def status(_: Query) -> Response:
    """Return the status as pages get it."""
    return success(current_status())


def current_status() -> dict[str, Any]:
    """Return the status, with the live line's words if there is one."""
    here = state()
    if here.line is not None:
        return here.line.status()
    return picture.status(here.follower) | {"lines": {}, "version": __version__, "sockets": 0}


@endpoint(
    api,
    "/api/health",
    "200 if bot and dashboard do what they should, else 503",
    always=True,
    also=(503,),
)
def health(_: Query) -> Response:
    """Return every check by name; a bot that was stopped, or never started, is no fault."""
    follower = state().follower
    looked_ns = follower.now_ns() - follower.looked_ns
    bot = picture.bot(follower)["state"]
    checks = {
        "ledger": follower.problem or "ok",
        "tape_read": "ok" if follower.ready else "catching up",
        "loop": "ok" if not follower.driven or looked_ns < LOOP_SILENT_NS else "silent",
        "bot": "no sign of life" if bot == "silent" else "ok",
    }
    healthy = all(value == "ok" for value in checks.values())
    data = {"healthy": healthy, "checks": checks, "bot": bot, "version": __version__}
    return success(data, status=200 if healthy else 503)


@endpoint(
    api,
    "/api/csrf",
    "The page's token, for a page that outlived a restart",
    always=True,
    data=shapes.row_of("token:string"),
)
def csrf(_: Query) -> Response:
    """Return the token that writing requests of our own pages carry; other sites cannot read it."""
    return success({"token": state().csrf.text})
