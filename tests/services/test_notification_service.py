"""Delivery: paced, retried with longer and longer waits, given up where a person can see it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from papertape.clock import NS_PER_S, ManualClock
from papertape.services.apprise_channel import AppriseChannel, installed, is_public, public_only
from papertape.services.notification_service import (
    PER_MINUTE_MAX,
    RETRY_S,
    NotDeliveredError,
    NotificationService,
    Outcome,
    Waiting,
)

START_NS = 1_760_000_000 * NS_PER_S
needs_apprise = pytest.mark.skipif(not installed(), reason="the extra papertape[notify]")


class Box:
    """An outbox in memory."""

    def __init__(self, count: int = 1, channel: str = "chat") -> None:
        self.posts = {
            number: Outcome(state="waiting", attempts=0, due_ns=0, detail="")
            for number in range(count)
        }
        self.channel = channel

    def due(self, now_ns: int, limit: int) -> list[Waiting]:
        return [
            Waiting(number=number, alert_id=f"A{number}", channel=self.channel,
                    attempts=post.attempts, severity="error", title="T", message=str(number))
            for number, post in self.posts.items()
            if post.state == "waiting" and post.due_ns <= now_ns
        ][:limit]  # fmt: skip

    def settle(self, number: int, outcome: Outcome) -> None:
        self.posts[number] = outcome


class Chat:
    """A channel that fails so many times."""

    def __init__(self, failures: int = 0, *, final: bool = False) -> None:
        self.failures = failures
        self.final = final
        self.got: list[str] = []
        self.tried = 0

    def send(self, waiting: Waiting) -> None:
        self.tried += 1
        if self.tried <= self.failures:
            raise NotDeliveredError("busy", final=self.final)
        self.got.append(waiting.message)


def run(box: Box, chat: Chat, seconds: int) -> ManualClock:
    clock = ManualClock(START_NS)
    service = NotificationService(box, {"chat": chat}, clock)
    for second in range(seconds):
        clock.set_ns(START_NS + second * NS_PER_S)
        service.deliver_due()
    return clock


def test_what_fails_is_tried_again_later_and_later() -> None:
    box, chat = Box(), Chat(failures=2)
    run(box, chat, RETRY_S[0] + RETRY_S[1])
    assert chat.tried == 2
    run(box, chat, RETRY_S[0] + RETRY_S[1] + 2)
    assert (chat.got, box.posts[0].state, box.posts[0].attempts) == (["0"], "sent", 3)


def test_what_never_succeeds_becomes_a_dead_letter() -> None:
    box, chat = Box(), Chat(failures=99)
    run(box, chat, sum(RETRY_S) + 10)
    assert (box.posts[0].state, box.posts[0].detail) == ("dead", "busy")
    assert chat.tried == len(RETRY_S) + 1
    box, chat = Box(), Chat(failures=99, final=True)
    run(box, chat, 100)
    assert (box.posts[0].state, chat.tried) == ("dead", 1)


def test_a_channel_is_not_flooded() -> None:
    box, chat = Box(count=PER_MINUTE_MAX * 2 + 5), Chat()
    run(box, chat, 59)
    assert len(chat.got) == PER_MINUTE_MAX
    run(box, chat, 125)
    assert sorted(map(int, chat.got)) == sorted(box.posts)


def test_a_channel_that_is_gone_is_said() -> None:
    box = Box(channel="old")
    run(box, Chat(), 1)
    assert (box.posts[0].state, box.posts[0].detail) == (
        "dead", "no channel of this name is configured",
    )  # fmt: skip


def test_the_thread_delivers_and_ends() -> None:
    box, chat = Box(), Chat()
    service = NotificationService(box, {"chat": chat}, ManualClock(START_NS))
    service.start()
    service.ring()
    deadline = threading.Event()
    for _ in range(100):
        if chat.got:
            break
        deadline.wait(0.05)
    service.stop(5)
    assert chat.got == ["0"]


# --- Apprise ------------------------------------------------------------------------------------


class Hook(BaseHTTPRequestHandler):
    """A webhook that answers what its path says."""

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))  # type: ignore[attr-defined]
        status = int(self.path.rpartition("/")[2] or 200)
        self.send_response(status)
        if status == 307:
            self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.got = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def address(hook: HTTPServer, path: str = "200", host: str = "127.0.0.1") -> str:
    return f"json://user:hunter2secret@{host}:{hook.server_port}/{path}"


def letter(title: str = "T", message: str = "m") -> Waiting:
    return Waiting(number=1, alert_id="A1", channel="hook", attempts=0, severity="error",
                   title=title, message=message)  # fmt: skip


def channel(url: str, *, allow: bool) -> AppriseChannel:
    return AppriseChannel("env:HOOK", allow_local=allow, env={"HOOK": url})


@needs_apprise
def test_apprise_delivers_to_a_webhook(hook: HTTPServer) -> None:
    channel(address(hook), allow=True).send(letter("The bot is dead", "for 5 s"))
    [body] = hook.got  # type: ignore[attr-defined]
    assert (body["title"], body["message"], body["type"]) == (
        "The bot is dead", "for 5 s", "failure",
    )  # fmt: skip


@needs_apprise
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "127.1", "2130706433"])
def test_addresses_inward_are_refused_at_the_connection(hook: HTTPServer, host: str) -> None:
    with pytest.raises(NotDeliveredError) as caught:
        channel(address(hook, host=host), allow=False).send(letter())
    assert "hunter2" not in str(caught.value)
    assert hook.got == []  # type: ignore[attr-defined]


@needs_apprise
def test_what_a_service_answers_is_told_without_its_address(hook: HTTPServer) -> None:
    with pytest.raises(NotDeliveredError, match=r"did not take it \(status 500\)") as caught:
        channel(address(hook, "500"), allow=True).send(letter())
    assert "hunter2" not in str(caught.value)


@needs_apprise
@pytest.mark.parametrize("url", ["nothing://a", "json://", "telegram"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(NotDeliveredError):
        channel(url, allow=True).send(letter())


@needs_apprise
def test_nothing_of_an_address_is_shown_or_logged(
    hook: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    one = channel(address(hook, "500"), allow=True)
    with caplog.at_level("DEBUG"), pytest.raises(NotDeliveredError):
        one.send(letter())
    assert "hunter2" not in caplog.text
    assert one.describe() == {"ready": True, "scheme": "json", "detail": ""}


def test_an_address_is_read_from_a_file_of_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "address"
    path.write_text("tgram://1/secret\n")
    path.chmod(0o644)
    one = AppriseChannel(f"file:{path}", allow_local=False, env={})
    assert "chmod 600" in one.describe()["detail"]
    path.chmod(0o600)
    assert one.describe()["scheme"] == "tgram"
    path.unlink()
    assert one.describe()["ready"] is False
    missing = AppriseChannel("env:NOT_THERE", allow_local=False, env=os.environ)
    assert missing.describe()["detail"] == "the environment variable NOT_THERE is not set"


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("192.168.0.1", False), ("172.16.0.1", False), ("169.254.169.254", False), ("::1", False),
        ("fe80::1%eth0", False), ("fd00::1", False), ("::ffff:10.0.0.1", False), ("0.0.0.0", False),
        ("100.64.0.1", False), ("224.0.0.1", False), ("2002:7f00:1::", False), ("a name", False),
        ("64:ff9b::7f00:1", False),
    ],
)  # fmt: skip
def test_what_is_the_public_internet(host: str, public: bool) -> None:
    assert is_public(host) is public


def test_the_guard_holds_for_its_thread_only() -> None:
    import socket

    with public_only(False) as refused:
        with socket.socket() as inward, pytest.raises(OSError, match="inward"):
            inward.connect(("127.0.0.1", 9))
        assert refused
        outcome: list[str] = []

        def elsewhere() -> None:
            with socket.socket() as free:
                outcome.append(str(free.connect_ex(("127.0.0.1", 9))))

        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
    assert outcome
    with socket.socket() as after:
        after.connect_ex(("127.0.0.1", 9))
