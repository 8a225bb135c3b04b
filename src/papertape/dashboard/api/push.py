"""Web push: which browsers get alerts while they show no page of ours."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from papertape.dashboard.api.answers import (
    ApiError,
    Query,
    body_object,
    endpoint,
    refuse_unknown,
    success,
)
from papertape.dashboard.push_desk import BROWSERS_MAX
from papertape.dashboard.state import state
from papertape.errors import MISSING, InvalidInputError
from papertape.services.push_channel import (
    ENDPOINT_CHARS_MAX,
    INSTALL,
    Subscription,
    checked,
    installed,
)

api = Blueprint("push", __name__)

LABEL_CHARS_MAX = 80
KEYS = ("p256dh", "auth")
BODY: dict[str, Any] = {
    "type": "object",
    "required": ["endpoint", "keys", "label"],
    "additionalProperties": False,
    "properties": {
        "endpoint": {"type": "string", "maxLength": ENDPOINT_CHARS_MAX},
        "keys": {
            "type": "object",
            "required": list(KEYS),
            "additionalProperties": False,
            "properties": {
                "p256dh": {"type": "string", "minLength": 87, "maxLength": 87},
                "auth": {"type": "string", "minLength": 22, "maxLength": 22},
            },
        },
        "label": {"type": "string", "minLength": 1, "maxLength": LABEL_CHARS_MAX},
    },
}


@endpoint(api, "/api/push", "Browsers that get alerts by web push, and the key to subscribe with",
          always=True)  # fmt: skip
def push(_: Query) -> Response:
    """Return who is subscribed, by name and a digest of the address; the public key is made."""
    here = state()
    there = installed()
    return success({
        "installed": there,
        "install": INSTALL,
        "public_key": here.push.key.public() if there else None,
        "subscriptions": here.push_desk.rows(),
        "limit": BROWSERS_MAX,
    })  # fmt: skip


@endpoint(api, "/api/push", "Subscribe a browser, or renew its keys", method="POST", body=BODY,
          status=201)  # fmt: skip
def subscribe(_: Query) -> Response:
    """Keep a subscription as the browser gave it."""
    form = body_object(("endpoint", "keys", "label"))
    given = Subscription(endpoint=_text(form, "endpoint"), **_keys(form))
    label = _text(form, "label")
    if not 0 < len(label.strip()) <= LABEL_CHARS_MAX or not label.isprintable():
        raise InvalidInputError(
            "label", label[:100], f"a text of 1 to {LABEL_CHARS_MAX} characters"
        )
    here = state()
    if not installed():
        raise ApiError(409, "not_installed", f"web push needs {INSTALL}")
    row = here.push_desk.add(checked(given, allow_local=here.push.allow_local), label)
    if row is None:
        raise ApiError(409, "too_many_browsers", f"{BROWSERS_MAX} browsers are subscribed already")
    return success(row, status=201)


@endpoint(api, "/api/push/<push_id>", "Send nothing more to a browser", method="DELETE")
def unsubscribe(_: Query, push_id: str) -> Response:
    """Forget a subscription."""
    if not state().push_desk.forget(push_id):
        raise ApiError(404, "not_found", "there is no such subscription", "id")
    return success({"id": push_id})


def _keys(form: dict[str, Any]) -> dict[str, str]:
    keys = form.get("keys", MISSING)
    if not isinstance(keys, dict):
        raise InvalidInputError("keys", keys, "an object with p256dh and auth")
    refuse_unknown(keys, KEYS, "keys.")
    return {name: _text(keys, name, "keys.") for name in KEYS}


def _text(form: dict[str, Any], name: str, prefix: str = "") -> str:
    value = form.get(name, MISSING)
    if not isinstance(value, str):
        raise InvalidInputError(prefix + name, value, "a text")
    return value
