"""Web push from a rule to the browser's keys: a push service of ours checks and decrypts it."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from tests.dashboard.conftest import PORT, Caller
from tests.dashboard.tapes import Tape

from papertape.clock import NS_PER_S, ManualClock
from papertape.config import Notifications
from papertape.dashboard.app import create_app
from papertape.dashboard.push_desk import BROWSERS_MAX
from papertape.dashboard.settings import DashboardSettings
from papertape.errors import ConfigError, InvalidInputError
from papertape.services.notification_service import RETRY_S, NotDeliveredError, Waiting
from papertape.services.push_channel import (
    MESSAGE_CHARS_MAX,
    TITLE_CHARS_MAX,
    PushChannel,
    PushKey,
    Subscription,
    checked,
    installed,
)

pytestmark = pytest.mark.skipif(not installed(), reason="the extra papertape[push]")

START_NS = 1_760_000_000 * NS_PER_S
RULE = {"kind": "fill", "cooldown_s": 0, "severity": "error", "channels": ["browser", "push"]}


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """The receiving end: keys of its own, and a subscription at a push service."""

    def __init__(self, endpoint: str) -> None:
        from cryptography.hazmat.primitives import serialization as form
        from cryptography.hazmat.primitives.asymmetric import ec

        self.private = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)
        point = self.private.public_key().public_bytes(
            form.Encoding.X962, form.PublicFormat.UncompressedPoint
        )
        self.keys = {"p256dh": text_of(point), "auth": text_of(self.secret)}
        self.endpoint = endpoint

    def form(self, label: str = "Chromium on Linux") -> dict[str, Any]:
        return {"endpoint": self.endpoint, "keys": self.keys, "label": label}

    def subscription(self) -> Subscription:
        return Subscription(endpoint=self.endpoint, **self.keys)

    def read(self, body: bytes) -> dict[str, Any]:
        import http_ece

        plain = http_ece.decrypt(
            body, private_key=self.private, auth_secret=self.secret, version="aes128gcm"
        )
        said: dict[str, Any] = json.loads(plain)
        return said


class Service(BaseHTTPRequestHandler):
    """A push service that answers what the path says, and keeps what it got."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers, body))  # type: ignore[attr-defined]
        status = int(self.path.rpartition("/")[2])
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def service() -> Iterator[Any]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    server.got = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_NS)


@pytest.fixture
def app(data_dir: Path, clock: ManualClock) -> Iterator[Flask]:
    """Return an application that may send to this machine."""
    settings = DashboardSettings(
        data_dir=data_dir, port=PORT, notifications=Notifications(allow_local=True)
    )
    made = create_app(settings, clock=clock)
    yield made
    made.extensions["papertape"].close()


def at(service: HTTPServer, status: int = 201) -> str:
    return f"http://127.0.0.1:{service.server_port}/send/{status}"


def subscribe(page: Caller, browser: Browser) -> dict[str, Any]:
    answer = page.send("POST", "/api/push", browser.form())
    assert answer.status_code == 201, answer.get_data(as_text=True)
    row: dict[str, Any] = answer.get_json()["data"]
    return row


def raise_alert(app: Flask, page: Caller, tape: Tape) -> dict[str, Any]:
    """Make the rule and send its test; return the alert."""
    tape.flush()
    page.data("/api/status")
    assert page.send("POST", "/api/alerts/rules", RULE).status_code == 201
    sent = page.send("POST", "/api/alerts/rules/R1/test", {})
    alert: dict[str, Any] = sent.get_json()["data"]
    app.extensions["papertape"].notifications.deliver_due()
    return alert


def signature_holds(header: str, public_key: str) -> dict[str, Any]:
    """Check an Authorization header of RFC 8292 by hand; return its claims."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    scheme, _, rest = header.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", public_key)
    signed, _, mark = parts["t"].rpartition(".")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes_of(public_key))
    raw = bytes_of(mark)
    pair = utils.encode_dss_signature(
        int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    )
    key.verify(pair, signed.encode(), ec.ECDSA(hashes.SHA256()))
    head, claims = (json.loads(bytes_of(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    return dict(claims)


def test_an_alert_arrives_signed_and_for_this_browser_only(
    app: Flask, page: Caller, tape: Tape, service: Any, data_dir: Path
) -> None:
    mine, other = Browser(at(service)), Browser(at(service).replace("/send/", "/other/"))
    shown = page.data("/api/push")
    assert (shown["installed"], shown["subscriptions"]) == (True, [])
    assert stat.S_IMODE((data_dir / "push_key.pem").stat().st_mode) == 0o600
    subscribe(page, mine)
    subscribe(page, other)
    alert = raise_alert(app, page, tape)
    assert len(service.got) == 2
    headers, body = service.got[0]
    assert mine.read(body) == {
        "title": alert["title"], "message": alert["message"], "level": "error",
        "url": "/alerts", "tag": alert["id"],
    }  # fmt: skip
    assert other.read(service.got[1][1])["tag"] == alert["id"]
    with pytest.raises(Exception, match=r"[Dd]ecrypt"):
        mine.read(service.got[1][1])
    assert alert["message"].encode() not in body
    assert {name: headers[name] for name in ("Content-Encoding", "TTL", "Urgency")} == {
        "Content-Encoding": "aes128gcm", "TTL": "86400", "Urgency": "high",
    }  # fmt: skip
    claims = signature_holds(headers["Authorization"], shown["public_key"])
    assert claims["aud"] == f"http://127.0.0.1:{service.server_port}"
    assert claims["exp"] == START_NS // NS_PER_S + 12 * 3_600
    assert claims["sub"].startswith("mailto:")
    [row] = page.data("/api/alerts?source=test")
    assert {name: post["state"] for name, post in row["delivered"].items()} == {
        "browser": "sent", "push:P1": "sent", "push:P2": "sent",
    }  # fmt: skip


def test_who_is_gone_is_forgotten_and_who_is_busy_is_tried_again(
    app: Flask, page: Caller, tape: Tape, service: Any, clock: ManualClock
) -> None:
    subscribe(page, Browser(at(service, 410)))
    subscribe(page, Browser(at(service, 500)))
    subscribe(page, Browser(at(service, 429)))
    raise_alert(app, page, tape)
    assert [row["id"] for row in page.data("/api/push")["subscriptions"]] == ["P2", "P3"]
    delivered = page.data("/api/alerts?source=test")[0]["delivered"]
    assert (delivered["push:P1"]["state"], delivered["push:P2"]["state"]) == ("dead", "waiting")
    for wait_s in RETRY_S:
        clock.set_ns(clock.now_ns() + wait_s * NS_PER_S)
        app.extensions["papertape"].notifications.deliver_due()
    letters = {row["channel"]: row for row in page.data("/api/alerts/deliveries")}
    assert letters["push:P1"]["detail"] == "the browser ended its subscription"
    assert letters["push:P2"]["detail"] == "the push service did not take it (status 500)"
    assert letters["push:P3"]["detail"] == "the push service did not take it (status 429)"
    assert (letters["push:P1"]["attempts"], letters["push:P2"]["attempts"]) == (1, 6)
    assert len(service.got) == 1 + 2 * (len(RETRY_S) + 1)


def test_nobody_subscribed_is_said(app: Flask, page: Caller, tape: Tape) -> None:
    raise_alert(app, page, tape)
    [letter] = page.data("/api/alerts/deliveries")
    assert (letter["channel"], letter["detail"]) == ("push", "no browser is subscribed")
    [row] = [one for one in page.data("/api/alerts/channels")["channels"] if one["name"] == "push"]
    assert (row["ready"], row["detail"]) == (False, "no browser is subscribed")


def test_subscriptions_are_few_known_by_address_and_hold_no_secret(
    app: Flask, page: Caller, service: Any
) -> None:
    first = Browser(at(service))
    row = subscribe(page, first)
    again = Browser(first.endpoint)
    assert subscribe(page, again)["id"] == row["id"]  # new keys of the same subscription
    desk = app.extensions["papertape"].push_desk
    assert desk.subscription("P1").auth == again.keys["auth"]
    whole = page.get("/api/push").get_data(as_text=True)
    for secret in (first.endpoint, *again.keys.values()):
        assert secret not in whole
    for number in range(BROWSERS_MAX - 1):
        first.endpoint = at(service) + str(number)
        subscribe(page, first)
    first.endpoint = at(service) + "more"
    answer = page.send("POST", "/api/push", first.form())
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "too_many_browsers")
    assert page.send("DELETE", "/api/push/P1").status_code == 200
    for gone in ("P1", "P999", "P", "x", "1"):
        assert page.send("DELETE", f"/api/push/{gone}").status_code == 404
    assert len(page.data("/api/push")["subscriptions"]) == BROWSERS_MAX - 1
    assert subscribe(page, first)["id"] == f"P{BROWSERS_MAX + 1}"  # a number is never given twice


def test_wrong_subscriptions_are_refused_by_field(page: Caller, service: Any) -> None:
    good = Browser(at(service)).form()
    keys = good["keys"]
    off_curve = text_of(b"\x04" + b"\x01" * 64)
    wrong: list[tuple[object, str]] = [
        ({}, "endpoint"), ({**good, "endpoint": 5}, "endpoint"),
        ({**good, "endpoint": "ftp://a.example/x"}, "endpoint"),
        ({**good, "endpoint": "https://u:p@a.example/x"}, "endpoint"),
        ({**good, "endpoint": "https://a.example"}, "endpoint"),
        ({**good, "endpoint": "https://a.example/\r\nX: y"}, "endpoint"),
        ({**good, "endpoint": "https://a.example:70000/x"}, "endpoint"),
        ({**good, "endpoint": "https://a.example/" + "x" * 1_000}, "endpoint"),
        ({**good, "keys": []}, "keys"), ({**good, "keys": {}}, "keys.p256dh"),
        ({**good, "keys": {**keys, "x": 1}}, "keys.x"),
        ({**good, "keys": {**keys, "auth": 5}}, "keys.auth"),
        ({**good, "keys": {**keys, "auth": keys["auth"] + "=="}}, "keys.auth"),
        ({**good, "keys": {**keys, "auth": "é" * 22}}, "keys.auth"),
        ({**good, "keys": {**keys, "auth": keys["auth"][:-2]}}, "keys.auth"),
        ({**good, "keys": {**keys, "p256dh": keys["auth"]}}, "keys.p256dh"),
        ({**good, "keys": {**keys, "p256dh": off_curve}}, "keys.p256dh"),
        ({**good, "label": " "}, "label"), ({**good, "label": "x" * 81}, "label"),
        ({**good, "label": "a\nb"}, "label"), ({**good, "expirationTime": None}, "expirationTime"),
    ]  # fmt: skip
    for form, field in wrong:
        answer = page.send("POST", "/api/push", form)
        assert answer.status_code == 422, form
        assert answer.get_json()["error"]["field"] == field, form
    assert page.data("/api/push")["subscriptions"] == []


INWARD = (
    "http://push.example.com/x", "https://127.0.0.1/x", "https://localhost/x", "https://10.0.0.1/x",
    "https://127.1/x", "https://2130706433/x", "https://0x7f.1/x", "https://printer/x",
    "https://nas.local/x", "https://a.localhost./x", "https://169.254.169.254/x",
)  # fmt: skip


class One:
    """One subscription, whatever is asked for."""

    def __init__(self, kept: Subscription) -> None:
        self.kept = kept

    def subscription(self, addressee: str) -> Subscription:
        return self.kept

    def forget(self, addressee: str) -> bool:
        raise AssertionError(f"{addressee} is not gone")

    def count(self) -> int:
        return 1


def waiting(**more: Any) -> Waiting:
    return Waiting(
        **{"number": 1, "alert_id": "A1", "channel": "push:P1", "attempts": 0,
           "severity": "info", "title": "T", "message": "m", **more}
    )  # fmt: skip


def test_nothing_leads_inward(
    service: Any, data_dir: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for endpoint in INWARD:
        with pytest.raises(InvalidInputError, match="public host"):
            checked(Browser(endpoint).subscription(), allow_local=False)
    outside = Browser("https://push.example.com/x").subscription()
    assert checked(outside, allow_local=False) == outside
    # a name that resolves inward passes the look at the address; the connection itself is refused
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", service.server_port))],
    )
    channel = PushChannel(One(outside), PushKey(data_dir), clock, allow_local=False)
    with pytest.raises(NotDeliveredError, match="refused") as caught:
        channel.send(waiting())
    assert caught.value.final
    assert service.got == []


def test_long_alerts_fit_and_a_key_that_others_read_is_not_used(
    service: Any, data_dir: Path, clock: ManualClock
) -> None:
    browser = Browser(at(service))
    key = PushKey(data_dir)
    channel = PushChannel(One(browser.subscription()), key, clock, allow_local=True)
    for letter in ("x", "😀", "\x01"):
        channel.send(waiting(title=letter * 300, message=letter * 9_000))
        said = browser.read(service.got[-1][1])
        assert (len(said["title"]), len(said["message"])) == (TITLE_CHARS_MAX, MESSAGE_CHARS_MAX)
        assert len(service.got[-1][1]) <= 4_096
    assert PushKey(data_dir).public() == key.public()
    path = data_dir / "push_key.pem"
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        PushKey(data_dir).public()
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(ConfigError, match="holds no key"):
        PushKey(data_dir).public()


WITHOUT = """
import sys
from pathlib import Path
from papertape.dashboard.app import create_app
from papertape.dashboard.settings import DashboardSettings
app = create_app(DashboardSettings(data_dir=Path(sys.argv[1]), port=5001))
heavy = {"pywebpush", "py_vapid", "http_ece", "cryptography"} & set(sys.modules)
assert not heavy, heavy
sys.modules["pywebpush"] = None  # as if it were not installed
headers = {"Host": "127.0.0.1:5001"}
shown = app.test_client().get("/api/push", headers=headers).get_json()["data"]
assert (shown["installed"], shown["public_key"]) == (False, None), shown
assert shown["install"] == 'pip install "papertape[push]"'
rows = app.test_client().get("/api/alerts/channels", headers=headers).get_json()["data"]["channels"]
[push] = [row for row in rows if row["name"] == "push"]
assert shown["install"] in push["detail"], push
assert not (Path(sys.argv[1]) / "push_key.pem").exists()
app.extensions["papertape"].close()
"""


def test_without_the_extra_everything_else_goes_and_the_command_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
