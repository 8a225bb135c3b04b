"""Web push: the one door to pywebpush; an optional extra.

An alert goes to a browser's push service, encrypted for that browser and signed with a key of this
data folder (VAPID, RFC 8292; body aes128gcm, RFC 8291). The address of a subscription is given by
a page, so it must be https at a public host, and the connection itself is checked once more.
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import msgspec

from papertape.clock import NS_PER_S, Clock
from papertape.errors import ConfigError, InvalidInputError, WorldError
from papertape.services.apprise_channel import is_public, public_only
from papertape.services.notification_service import NotDeliveredError, Waiting

NAME = "push"
INSTALL = 'pip install "papertape[push]"'
KEY_FILE = "push_key.pem"
KEY_CHARS_MAX = 2_000  # of the file; a P-256 key has 241
ENDPOINT_CHARS_MAX = 1_000  # services give 150 to 400
TITLE_CHARS_MAX = 120  # with the message under the 3,993 bytes that fit into one record
MESSAGE_CHARS_MAX = 500
TTL_S = 86_400  # how long a service keeps it for a browser that is off
SIGNED_S = 12 * 3_600  # how long the signature holds; services take 24 hours at most
TIMEOUT_S = 10.0  # of each step of a connection
CONTACT = "mailto:papertape@example.com"  # services want one; a data folder has no operator to name
URGENCY = {"info": "low", "warning": "normal", "error": "high"}  # low may wait for a charger
LOCAL_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
ENDPOINT = re.compile(r'(https?)://([a-z0-9.-]{1,253})(?::([0-9]{1,5}))?/[!-"$-~]*', re.ASCII)


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A browser's address and its keys, base64url: p256dh of 65 bytes, auth of 16."""

    endpoint: str
    p256dh: str
    auth: str


class Subscriptions(Protocol):
    """Where subscriptions are kept."""

    def subscription(self, addressee: str) -> Subscription | None:
        """Return what is kept under an id."""
        ...

    def forget(self, addressee: str) -> bool:
        """Remove it; False if there was none."""
        ...

    def count(self) -> int:
        """Return how many browsers are subscribed."""
        ...


def installed() -> bool:
    """Return whether the extra `papertape[push]` is there."""
    return find_spec("pywebpush") is not None


def checked(given: Subscription, *, allow_local: bool) -> Subscription:
    """Return the subscription if something can be sent to it.

    Raises InvalidInputError naming the field. Needs the extra.
    """
    _address(given.endpoint, allow_local)
    _decoded("keys.p256dh", given.p256dh, 65)
    _decoded("keys.auth", given.auth, 16)
    from py_vapid import Vapid02  # noqa: PLC0415  comes with pywebpush

    try:
        Vapid02.from_raw_public(given.p256dh.encode("ascii"))
    except ValueError:
        raise InvalidInputError("keys.p256dh", given.p256dh, "a point of P-256") from None
    return given


class PushKey:
    """The key pair that alerts are signed with: made at first use, read by its owner only."""

    def __init__(self, data_dir: Path) -> None:
        """Keep it in this folder."""
        self._path = data_dir / KEY_FILE
        self._lock = threading.Lock()
        self._pair: Any = None

    def public(self) -> str:
        """Return the public key as browsers take it: the point in base64url.

        Raises ConfigError or WorldError if the file cannot be used.
        """
        point = self._vapid().public_key.public_numbers()
        raw = b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")

    def signed(self, audience: str, until_s: int) -> str:
        """Return the Authorization header for a push service until then (Unix seconds)."""
        claims = {"aud": audience, "exp": until_s, "sub": CONTACT}
        return str(self._vapid().sign(claims)["Authorization"])

    def _vapid(self) -> Any:
        with self._lock:
            if self._pair is None:
                self._pair = self._read_or_make()
            return self._pair

    def _read_or_make(self) -> Any:
        from py_vapid import Vapid02  # noqa: PLC0415  comes with pywebpush

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return self._read(Vapid02)
        except OSError as error:
            raise WorldError(f"{self._path}: cannot be written: {error.strerror}") from error
        made = Vapid02()
        made.generate_keys()
        with os.fdopen(handle, "wb") as file:
            file.write(made.private_pem())
        return made

    def _read(self, kind: Any) -> Any:
        try:
            mode = self._path.stat().st_mode
            pem = self._path.read_bytes()[:KEY_CHARS_MAX]
        except OSError as error:
            raise WorldError(f"{self._path}: cannot be read: {error.strerror}") from error
        if os.name == "posix" and mode & 0o077:
            raise ConfigError(f"{self._path}: others can read it; run: chmod 600 {self._path}")
        try:
            return kind.from_pem(pem)
        except ValueError as error:
            raise ConfigError(
                f"{self._path}: holds no key; delete it and a new one is made, "
                "then switch push on again in each browser"
            ) from error


class PushChannel:
    """Every subscribed browser; each is an addressee of its own in the queue (`push:P1`)."""

    def __init__(
        self, subscriptions: Subscriptions, key: PushKey, clock: Clock, *, allow_local: bool
    ) -> None:
        """Send to what is subscribed at that moment."""
        self._subscriptions = subscriptions
        self.key = key
        self._clock = clock
        self.allow_local = allow_local

    def describe(self) -> dict[str, Any]:
        """Return what may be shown: {ready, scheme, detail}."""
        count = self._subscriptions.count()
        if not installed():
            return {"ready": False, "scheme": "", "detail": f"web push needs {INSTALL}"}
        detail = f"browsers subscribed: {count}" if count else "no browser is subscribed"
        return {"ready": count > 0, "scheme": "", "detail": detail}

    def send(self, waiting: Waiting) -> None:
        """Deliver to one browser, or raise NotDeliveredError; one that is gone is forgotten."""
        addressee = waiting.channel.partition(":")[2]
        if not addressee:
            raise NotDeliveredError("no browser is subscribed", final=True)
        if not installed():
            raise NotDeliveredError(f"web push needs {INSTALL}")
        found = self._subscriptions.subscription(addressee)
        if found is None:
            raise NotDeliveredError("this browser is subscribed no more", final=True)
        status = self._post(found, waiting)
        if status in (404, 410):
            self._subscriptions.forget(addressee)
            raise NotDeliveredError("the browser ended its subscription", final=True)
        if not 200 <= status < 300:
            raise NotDeliveredError(f"the push service did not take it (status {status})")

    def _post(self, to: Subscription, waiting: Waiting) -> int:
        """Return the status that the push service answers."""
        from pywebpush import WebPusher  # noqa: PLC0415  an optional extra, and slow to import

        try:
            scheme, host, port = _address(to.endpoint, self.allow_local)
        except InvalidInputError:  # the setting has changed since
            raise NotDeliveredError("refused: its address leads inward", final=True) from None
        keys = {"p256dh": to.p256dh, "auth": to.auth}
        audience = f"{scheme}://{host}" + (f":{port}" if port else "")
        until_s = self._clock.now_ns() // NS_PER_S + SIGNED_S
        headers = {
            "Authorization": self.key.signed(audience, until_s),
            "Urgency": URGENCY.get(waiting.severity, "normal"),
        }
        sender = WebPusher({"endpoint": to.endpoint, "keys": keys})
        refused: list[str] = []
        try:
            with public_only(self.allow_local) as refused:
                answer = sender.send(_payload(waiting), headers, ttl=TTL_S, timeout=TIMEOUT_S)
        except OSError as error:  # of the connection; requests' own are OSErrors too
            if refused:
                raise NotDeliveredError("refused: its address leads inward", final=True) from None
            words = f"the push service cannot be reached ({type(error).__name__})"
            raise NotDeliveredError(words) from None
        return int(answer.status_code)


def _payload(waiting: Waiting) -> bytes:
    said = {
        "title": _cut(waiting.title, TITLE_CHARS_MAX),
        "message": _cut(waiting.message, MESSAGE_CHARS_MAX),
        "level": waiting.severity,
        "url": "/alerts",
        "tag": waiting.alert_id,
    }
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")


def _cut(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"


def _address(endpoint: str, allow_local: bool) -> tuple[str, str, int | None]:
    """Return (scheme, host, port); raise InvalidInputError for one that leads inward."""
    found = ENDPOINT.fullmatch(endpoint) if len(endpoint) <= ENDPOINT_CHARS_MAX else None
    port = int(found[3]) if found and found[3] else None
    if found is None or (port is not None and not 0 < port < 65_536):
        expected = f"an https address of at most {ENDPOINT_CHARS_MAX} characters"
        raise InvalidInputError("endpoint", endpoint[:100], expected)
    scheme, host = found[1], found[2]
    if not allow_local and (scheme != "https" or not _outside(host)):
        expected = "https at a public host (notifications.allow_local allows others)"
        raise InvalidInputError("endpoint", endpoint[:100], expected)
    return scheme, host, port


def _outside(host: str) -> bool:
    last = host.rpartition(".")[2]
    if last[:1].isdigit():  # no domain begins so: an IPv4 address, however it is written
        return is_public(host)
    return "." in host.strip(".") and not host.rstrip(".").endswith(LOCAL_NAMES)


def _decoded(field: str, text: str, size: int) -> bytes:
    """Return the bytes of base64url without padding, in its one canonical form."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != size or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise InvalidInputError(field, text[:100], f"{size} bytes in base64url without padding")
    return raw
