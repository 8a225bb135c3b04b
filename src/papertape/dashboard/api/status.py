"""Status, health, and what the API says of itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from papertape import __version__
from papertape.clock import NS_PER_S
from papertape.dashboard import picture, strict_json
from papertape.dashboard.api.answers import (
    ENDPOINTS,
    JSON_TYPE,
    Endpoint,
    Query,
    endpoint,
    success,
)
from papertape.dashboard.state import state

api = Blueprint("status", __name__)

LOOP_SILENT_NS = 5 * NS_PER_S  # the loop looks four times a second


@endpoint(api, "/api/status", "Mode, bot, engine, feed, and how far the tape was read", always=True)
def status(_: Query) -> Response:
    """Return the status as pages get it."""
    return success(current_status())


def current_status() -> dict[str, Any]:
    """Return the status, with the live line's words if there is one."""
    here = state()
    if here.line is not None:
        return here.line.status()
    return picture.status(here.follower) | {"lines": {}, "version": __version__, "sockets": 0}


@endpoint(api, "/api/health", "200 if bot and dashboard do what they should, else 503", always=True)
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


@endpoint(api, "/api/csrf", "The page's token, for a page that outlived a restart", always=True)
def csrf(_: Query) -> Response:
    """Return the token that writing requests of our own pages carry; other sites cannot read it."""
    return success({"token": state().csrf.text})


@endpoint(api, "/openapi.json", "This description", always=True)
def openapi(_: Query) -> Response:
    """Return the OpenAPI description of every declared endpoint."""
    paths: dict[str, dict[str, Any]] = {}
    for declared in ENDPOINTS:
        path = declared.path.replace("<", "{").replace(">", "}")
        paths.setdefault(path, {})[declared.method.lower()] = _operation(declared)
    described = {
        "openapi": "3.1.0",
        "info": {"title": "papertape", "version": __version__},
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
    return Response(strict_json.dumps(described), content_type=JSON_TYPE)


def _operation(declared: Endpoint) -> dict[str, Any]:
    parts = [part[1:-1] for part in declared.path.split("/") if part.startswith("<")]
    parameters: list[dict[str, Any]] = [
        {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
        for part in parts
    ]
    for param in declared.params:
        schema = dict(param.schema) | ({} if param.default is None else {"default": param.default})
        parameters.append(
            {"name": param.name, "in": "query", "schema": schema, "description": param.about}
        )
    operation: dict[str, Any] = {
        "summary": declared.summary,
        "parameters": parameters,
        "responses": {
            str(declared.status): {"description": "ok, as_of_seq and data"},
            "4XX": {"description": "ok false, error {code, message, field?}"},
        },
    }
    if declared.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": declared.body}},
        }
    if declared.method != "GET":
        operation["security"] = [{"token": []}]
    return operation
