"""The trade journal: what a person thought, kept on the desk."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response

from papertape.dashboard import strict_json
from papertape.dashboard.api import shapes
from papertape.dashboard.api.answers import (
    CURSOR,
    JSON_TYPE,
    LIMIT,
    ApiError,
    Query,
    body_object,
    endpoint,
    page_of,
    success,
    word,
)
from papertape.dashboard.desk import EditedError, cursor_of
from papertape.dashboard.state import state
from papertape.errors import MISSING, InvalidInputError

api = Blueprint("journal", __name__)

TEXT_CHARS_MAX = 4_000
NOTES_CHARS_MAX = 20_000
NAME_CHARS_MAX = 200
VERSION = re.compile(r"[0-9]{1,20}", re.ASCII)
TAGS_MAX = 20
TAG_CHARS_MAX = 40
TEXTS = {
    "entry_reason": TEXT_CHARS_MAX,
    "exit_reason": TEXT_CHARS_MAX,
    "lessons_learned": TEXT_CHARS_MAX,
    "notes": NOTES_CHARS_MAX,
    "trade_id": NAME_CHARS_MAX,
    "symbol": NAME_CHARS_MAX,
    "strategy": NAME_CHARS_MAX,
}
LEVELS = {"confidence_level": 10, "rating": 5}
REQUIRED = ("entry_reason", "confidence_level")
KEYS = (*TEXTS, *LEVELS, "tags")
BODY: dict[str, Any] = {
    "type": "object",
    "required": list(REQUIRED),
    "additionalProperties": False,
    "properties": {
        **{name: {"type": "string", "maxLength": size} for name, size in TEXTS.items()},
        **{name: {"type": "integer", "minimum": 1, "maximum": top} for name, top in LEVELS.items()},
        "tags": {
            "type": "array",
            "maxItems": TAGS_MAX,
            "items": {"type": "string", "maxLength": TAG_CHARS_MAX},
        },
    },
}
VERSION_SCHEMA = {"type": "string", "pattern": "^[0-9]{1,20}$"}
CHANGES = {
    **BODY,
    "required": [],
    "properties": {**BODY["properties"], "version": VERSION_SCHEMA},
}


@endpoint(api, "/api/journal/entry", "Write an entry", method="POST", body=BODY, status=201)
def add(_: Query) -> Response:
    """Keep an entry and return it."""
    form = body_object(KEYS)
    for name in REQUIRED:
        if form.get(name) is None:
            raise InvalidInputError(name, MISSING, _expected(name))
    return success(state().desk.add(checked(form)), status=201)


@endpoint(api, "/api/journal/entry/<entry_id>", "Change an entry", method="PATCH", body=CHANGES)
def change(_: Query, entry_id: str) -> Response:
    """Replace the fields given; null empties an optional one.

    `version` is that of the entry as it was read; an entry that says another by now stays as it
    is, and the answer is 409 with it as `entry`.
    """
    form = body_object((*KEYS, "version"))
    version = version_of(form)
    for name in REQUIRED:
        if name in form and form[name] is None:
            raise InvalidInputError(name, None, _expected(name))
    try:
        entry = state().desk.change(entry_id, checked(form), version=version)
    except EditedError as error:
        return edited(error)
    if entry is None:
        raise ApiError(404, "not_found", "there is no such entry", "id")
    return success(entry)


@endpoint(api, "/api/journal/entry/<entry_id>", "Delete an entry", method="DELETE")
def remove(_: Query, entry_id: str) -> Response:
    """Delete an entry."""
    if not state().desk.remove(entry_id):
        raise ApiError(404, "not_found", "there is no such entry", "id")
    return success({"id": entry_id})


@endpoint(
    api,
    "/api/journal/entries",
    "Entries, newest first",
    params=(
        word("q", "words anywhere in the texts"),
        word("tag"),
        word("strategy"),
        word("trade_id"),
        word("symbol"),
        LIMIT,
        CURSOR,
    ),
    always=True,
    data=shapes.listed(),
)
def entries(query: Query) -> Response:
    """Return a page of entries."""
    wanted = {name: query[name] for name in ("q", "tag", "strategy", "trade_id", "symbol")}
    found = state().desk.entries(limit=query["limit"] + 1, before=query["cursor"], **wanted)
    page, behind = page_of(found, query["limit"], cursor_of)
    return success(page, next_cursor=behind)


def _expected(name: str) -> str:
    if name in LEVELS:
        return f"a whole number from 1 to {LEVELS[name]}"
    return f"a text of 1 to {TEXTS[name]} characters"


def version_of(form: dict[str, Any]) -> str | None:
    """Take the version out of a form; None if it says none."""
    version = form.pop("version", None)
    if version is not None and not (isinstance(version, str) and VERSION.fullmatch(version)):
        raise InvalidInputError("version", version, "the `version` of the entry as it was read")
    return version


def edited(error: EditedError) -> Response:
    """Return 409 with the entry as it is now, so that both can be shown."""
    said = {"code": "edited", "message": str(error), "entry": error.entry}
    body = strict_json.dumps({"ok": False, "error": said})
    return Response(body, status=409, content_type=JSON_TYPE)


def checked(form: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a form, each within its bounds."""
    return {name: _value(name, value) for name, value in form.items()}


def _value(name: str, value: object) -> object:
    if name == "tags":
        return [] if value is None else _tags(value)
    if value is None:
        return None
    if name in LEVELS:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LEVELS[name]:
            raise InvalidInputError(name, value, _expected(name))
        return value
    return _text(name, value, TEXTS[name])


def _text(name: str, value: object, chars_max: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > chars_max or "\0" in value:
        raise InvalidInputError(name, value, f"a text of 1 to {chars_max} characters")
    return value


def _tags(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > TAGS_MAX:
        raise InvalidInputError("tags", value, f"a list of at most {TAGS_MAX} words")
    return list(dict.fromkeys(_text("tags", tag, TAG_CHARS_MAX) for tag in value))
