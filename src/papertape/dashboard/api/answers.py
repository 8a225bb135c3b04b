"""How the API answers: one envelope for success, one for errors, and declared parameters.

Every endpoint declares what it takes. From the same declaration come the checks of a request (an
unknown parameter is refused with the nearest known one) and the description in /openapi.json.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request

from papertape.clock import NS_PER_S
from papertape.dashboard import strict_json
from papertape.dashboard.api.shapes import ANYTHING
from papertape.dashboard.state import state
from papertape.errors import InvalidInputError, nearest_match

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
WORD_CHARS_MAX = 200

JSON_TYPE = "application/json; charset=utf-8"
_INTEGER = re.compile(r"[0-9]{1,18}", re.ASCII)


class ApiError(Exception):
    """A request that cannot be answered as asked."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        """Keep what the error answer says."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field


def success(data: Any, status: int = 200, **more: Any) -> Response:
    """Return {"ok": true, "as_of_seq": N, "data": …} with whatever else is given."""
    body = {"ok": True, "as_of_seq": state().follower.view.seq, "data": data, **more}
    return Response(strict_json.dumps(body), status=status, content_type=JSON_TYPE)


def failure(status: int, code: str, message: str, field: str = "", **headers: str) -> Response:
    """Return {"ok": false, "error": {…}}."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    body = strict_json.dumps({"ok": False, "error": error})
    return Response(body, status=status, content_type=JSON_TYPE, headers=headers)


def body_object(known: Iterable[str]) -> dict[str, Any]:
    """Return the JSON object of the request; unknown keys are refused with the nearest one."""
    try:
        value = strict_json.loads(request.get_data(cache=False))
    except strict_json.BadJsonError as error:
        raise ApiError(400, "bad_json", str(error)) from error
    if not isinstance(value, dict):
        raise ApiError(422, "invalid", "the body must be a JSON object")
    refuse_unknown(value, list(known))
    return value


def refuse_unknown(value: Mapping[str, Any], known: Sequence[str], inside: str = "") -> None:
    """Refuse keys that are not known; `inside` comes before their names, such as `keys.`."""
    for key in value:
        if key not in known:
            near = nearest_match(key, known)
            raise InvalidInputError(inside + key, value[key], "a known key", nearest=near)


# --- parameters ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Param:
    """A query parameter: how its text is read and how it is described."""

    name: str
    read: Callable[[str, str], Any]
    schema: Mapping[str, Any]
    default: Any = None
    about: str = ""
    required: bool = False


def integer(name: str, low: int, high: int, default: int | None = None, about: str = "") -> Param:
    """Declare a whole number within bounds."""

    def read(text: str, field: str) -> int:
        if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
            raise InvalidInputError(field, text, f"a whole number from {low} to {high}")
        return int(text)

    return Param(name, read, {"type": "integer", "minimum": low, "maximum": high}, default, about)


def word(name: str, about: str = "", *, required: bool = False) -> Param:
    """Declare a short text; whoever requires it says so when it is missing."""

    def read(text: str, field: str) -> str:
        if not 0 < len(text) <= WORD_CHARS_MAX or not text.isprintable():
            raise InvalidInputError(field, text, f"a text of 1 to {WORD_CHARS_MAX} characters")
        return text

    schema = {"type": "string", "minLength": 1, "maxLength": WORD_CHARS_MAX}
    return Param(name, read, schema, None, about, required)


def choice(name: str, known: Iterable[str], default: str | None = None, about: str = "") -> Param:
    """Declare one of a few words."""
    words = tuple(known)

    def read(text: str, field: str) -> str:
        if text not in words:
            expected = "one of " + ", ".join(words)
            raise InvalidInputError(field, text, expected, nearest=nearest_match(text, words))
        return text

    return Param(name, read, {"type": "string", "enum": list(words)}, default, about)


def moment(name: str, about: str = "") -> Param:
    """Declare a time: ISO 8601 with zone (Z if none is said), or nanoseconds since 1970."""

    def read(text: str, field: str) -> int:
        if _INTEGER.fullmatch(text) or (text.isascii() and text.isdecimal() and len(text) == 19):
            return int(text)
        try:
            found = datetime.fromisoformat(text if len(text) <= 40 else "")
            if found.tzinfo is None:
                found = datetime.fromisoformat(text + "+00:00")
            return int(found.timestamp() * 1_000_000) * (NS_PER_S // 1_000_000)
        except (ValueError, OverflowError) as error:
            expected = "a time such as 2026-01-31T12:00:00Z"
            raise InvalidInputError(field, text, expected) from error

    return Param(name, read, {"type": "string"}, None, about)


LIMIT = integer("limit", 1, LIMIT_MAX, LIMIT_DEFAULT, "how many at most")
CURSOR = integer("cursor", 0, 10**18 - 1, None, "`next_cursor` of the answer before")


def read_query(params: tuple[Param, ...]) -> dict[str, Any]:
    """Return the request's parameters by name, defaults included; anything else is refused."""
    known = {param.name: param for param in params}
    found = {param.name: param.default for param in params}
    for name, texts in request.args.lists():
        if name not in known:
            near = nearest_match(name, known)
            raise InvalidInputError(name, texts[0], "a parameter of this path", nearest=near)
        if len(texts) > 1:
            raise InvalidInputError(name, texts[1], "given once")
        found[name] = known[name].read(texts[0], name)
    return found


# --- endpoints ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Endpoint:
    """A declared endpoint, as /openapi.json describes it."""

    path: str
    method: str
    summary: str
    params: tuple[Param, ...]
    body: Mapping[str, Any] | None
    status: int
    content: tuple[str, ...]
    fails: tuple[int, ...]
    data: Mapping[str, Any]
    enveloped: bool
    also: tuple[int, ...]


ENDPOINTS: list[Endpoint] = []

Query = dict[str, Any]
Handler = Callable[..., Response]


def endpoint(
    blueprint: Blueprint,
    path: str,
    summary: str,
    *,
    method: str = "GET",
    params: tuple[Param, ...] = (),
    body: Mapping[str, Any] | None = None,
    status: int = 200,
    always: bool = False,
    content: tuple[str, ...] = ("application/json",),
    fails: tuple[int, ...] = (),
    data: Mapping[str, Any] = ANYTHING,
    enveloped: bool = True,
    also: tuple[int, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare an endpoint; its function takes the checked query and the parts of the path.

    always: answer also while the tape is still being read for the first time. content: what it
    may answer with. fails: statuses of refusals beyond those that every such endpoint has.
    data: the schema of `data`; an answer that is not enveloped is described by its content only.
    also: further statuses that carry data.
    """

    def declare(handler: Handler) -> Handler:
        ENDPOINTS.append(
            Endpoint(
                path, method, summary, params, body, status, content, fails, data, enveloped, also
            )
        )

        @functools.wraps(handler)
        def view(**parts: str) -> Response:
            query = read_query(params)
            _be_current(always)
            return handler(query, **parts)

        blueprint.add_url_rule(path, handler.__name__, view, methods=[method])
        return handler

    return declare


def _be_current(always: bool) -> None:
    follower = state().follower
    if not follower.driven:
        follower.refresh()
    if always or follower.ready:
        return
    behind = follower.behind()
    raise ApiError(503, "catching_up", f"reading the tape: {behind} records to go")


def page_of(rows: list[Any], limit: int, number: Callable[[Any], int]) -> tuple[list[Any], Any]:
    """Return the first `limit` rows and the cursor behind them; ask for limit + 1 rows."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], number(rows[limit - 1])
