"""/openapi.json: every declared endpoint with its parameters, statuses and shapes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from papertape import __version__
from papertape.dashboard import strict_json
from papertape.dashboard.api.answers import ENDPOINTS, JSON_TYPE, Endpoint, Query, endpoint
from papertape.dashboard.api.shapes import ERROR, envelope

api = Blueprint("openapi", __name__)

ABOUT = """Read and steer papertape. Success is {"ok": true, "as_of_seq": N, "data": ...}, trouble
{"ok": false, "error": {"code", "message", "field"?}}. Lists take limit and cursor. What writes
needs `Authorization: Bearer` with the word of `papertape token`, or a page of the dashboard."""
REASONS = {
    400: "The request itself is not right: host, length, JSON",
    401: "The token is wrong",
    403: "Not from a page of the dashboard, and without a token",
    404: "There is no such thing",
    409: "Not possible as things stand",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "A parameter or a field is not right; `field` names it",
    429: "Too many of these are under way",
    503: "Not now: the tape is being read, or a file cannot be",
}
OF_READING = (400, 503)
OF_WRITING = (400, 401, 403, 409, 413, 415, 422, 503)
PART = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9_-]+$"}


@endpoint(api, "/openapi.json", "This description", always=True, enveloped=False)
def openapi(_: Query) -> Response:
    """Return the OpenAPI description of every declared endpoint."""
    return Response(strict_json.dumps(described()), content_type=JSON_TYPE)


def described() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for declared in ENDPOINTS:
        path = declared.path.replace("<", "{").replace(">", "}")
        paths.setdefault(path, {})[declared.method.lower()] = _operation(declared)
    return {
        "openapi": "3.1.0",
        "info": {"title": "papertape", "version": __version__, "description": ABOUT},
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": ERROR},
        },
    }


def statuses(declared: Endpoint) -> list[int]:
    """Return every status of refusal that an endpoint may answer with."""
    found = set(OF_READING if declared.method == "GET" else OF_WRITING) | set(declared.fails)
    found.add(422)  # an unknown parameter is refused everywhere
    if "<" in declared.path:
        found.add(404)
    return sorted(found - {declared.status, *declared.also})


def _operation(declared: Endpoint) -> dict[str, Any]:
    parts = [part[1:-1] for part in declared.path.split("/") if part.startswith("<")]
    parameters: list[dict[str, Any]] = [
        {"name": part, "in": "path", "required": True, "schema": PART} for part in parts
    ]
    for param in declared.params:
        schema = dict(param.schema) | ({} if param.default is None else {"default": param.default})
        parameters.append(
            {"name": param.name, "in": "query", "schema": schema, "description": param.about,
             "required": param.required}
        )  # fmt: skip
    operation: dict[str, Any] = {
        "operationId": f"{declared.method.lower()}_{declared.path.strip('/')}".translate(NAMES),
        "summary": declared.summary,
        "parameters": parameters,
        "responses": {
            str(status): _success(declared) for status in (declared.status, *declared.also)
        }
        | {str(status): _failure(status) for status in statuses(declared)},
    }
    if declared.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": declared.body}},
        }
    if declared.method != "GET":
        operation["security"] = [{"token": []}]
    return operation


NAMES = str.maketrans({"/": "_", "<": "", ">": "", "-": "_", ".": "_"})


def _success(declared: Endpoint) -> dict[str, Any]:
    if declared.content != ("application/json",) or not declared.enveloped:
        kinds: dict[str, Any] = {kind: {} for kind in declared.content}
        return {"description": declared.summary, "content": kinds}
    paged = any(param.name == "cursor" for param in declared.params)
    schema = envelope(declared.data, paged=paged)
    return {
        "description": declared.summary,
        "content": {"application/json": {"schema": schema}},
    }


def _failure(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": REASONS[status],
        "content": {"application/json": {"schema": schema}},
    }
